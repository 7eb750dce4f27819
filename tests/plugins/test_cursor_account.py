"""Whose a Cursor credential is, what is kept of it, and what a token says of itself."""

from __future__ import annotations

import base64
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from switchgear import Account, Secret
from switchgear_cursor.account import SESSION_AHEAD_S, UNKNOWN_LIFE_S, Credential
from switchgear_cursor.claims import Claims, claims_of
from switchgear_cursor.fake.people import jwt
from switchgear_cursor.settings import CursorSettings
from tests.stores import store

ADA, BEN = "google-oauth2|user_01ADA", "google-oauth2|user_01BEN"
NOW = 1_800_000_000.0


def session(subject: str = ADA, expires_at: float = NOW + 1000, **more: object) -> Credential:
    return Credential("session").with_access(jwt({"sub": subject, "exp": expires_at, **more}), NOW)


# -- claims --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "claims"),
    [
        pytest.param(jwt({"sub": ADA, "exp": 1_900_000_000}), Claims(ADA, 1_900_000_000.0), id="as captured"),
        pytest.param(jwt({"sub": f" {ADA} ", "exp": 1.5e9}), Claims(ADA, 1.5e9), id="blanks and a decimal expiry"),
        pytest.param(jwt({}), Claims(), id="neither"),
        pytest.param(jwt({"sub": 7, "exp": True}), Claims(), id="of the wrong type"),
        pytest.param(jwt({"exp": 1_900_000_000_000}), Claims(), id="an expiry in milliseconds is none"),
        pytest.param(jwt({"exp": -5}), Claims(), id="an expiry before time began"),
        pytest.param("", Claims(), id="nothing"),
        pytest.param("a.b", Claims(), id="two parts"),
        pytest.param("a.!!!.c", Claims(), id="no base64"),
        pytest.param("a." + base64.urlsafe_b64encode(b"\xff\xfe").decode() + ".c", Claims(), id="no JSON"),
        pytest.param("a." + base64.urlsafe_b64encode(b"[1]").decode() + ".c", Claims(), id="no object"),
        pytest.param("a.\u00e9\u00e9.c", Claims(), id="no ASCII"),
    ],
)
def test_a_token_says_whose_it_is_and_until_when(token: str, claims: Claims) -> None:
    assert claims_of(token) == claims


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=200))
def test_no_text_breaks_the_reading_of_claims(text: str) -> None:
    assert claims_of(text) == claims_of(text)


# -- who it is -----------------------------------------------------------------------------------------------


def test_a_key_and_a_session_of_one_person_are_one_account() -> None:
    key = Credential("api-key", api_key="crsr_1").with_access(jwt({"sub": ADA}), NOW)
    assert key.account().id == session().account().id == f"user:{ADA}"


def test_the_token_is_no_part_of_the_identity() -> None:
    assert session(jti="1").account().id == session(jti="2").account().id


def test_members_of_one_team_are_two_accounts(tmp_path: Path) -> None:
    files = store(tmp_path, "cursor")
    accounts = [session(subject).account() for subject in (ADA, BEN)]
    assert len({files.path(account.id) for account in accounts}) == 2
    assert len({account.label for account in accounts}) == 2


def test_a_key_whose_token_names_nobody_is_known_by_its_digest() -> None:
    one, other = (Credential("api-key", api_key=f"crsr_{number}").account().id for number in (1, 2))
    assert one != other
    assert one.startswith("key:")
    assert "crsr_" not in one


def test_a_session_that_names_nobody_is_no_account() -> None:
    with pytest.raises(ValueError, match="whose it is"):
        Credential("session").with_access(jwt({}), NOW).account()


def test_the_first_subject_stays() -> None:
    assert session().with_access(jwt({"sub": BEN}), NOW).subject == ADA


# -- what is kept --------------------------------------------------------------------------------------------


def test_a_key_is_renewed_just_ahead_and_a_session_a_day_ahead() -> None:
    key = Credential("api-key", api_key="crsr_1", key_expires_at=NOW + 9e6).with_access(jwt({"exp": NOW + 3600}), NOW)
    account = key.account()
    assert (account.expires_at, account.refresh_at, account.login_expires_at) == (NOW + 3600, None, NOW + 9e6)
    account = session(expires_at=NOW + 5e6).account()
    times = (account.expires_at, account.refresh_at, account.login_expires_at)
    assert times == (NOW + 5e6, NOW + 5e6 - SESSION_AHEAD_S, NOW + 5e6)


def test_a_token_that_does_not_say_is_good_for_an_hour() -> None:
    assert Credential("session", subject=ADA).with_access("opaque", NOW).expires_at == NOW + UNKNOWN_LIFE_S


def test_a_key_that_was_not_exchanged_has_expired() -> None:
    account = Credential("api-key", api_key="crsr_1").account()
    assert account.expires_at is not None
    assert account.expires_at < time.time()


CREDENTIALS = st.builds(
    Credential,
    st.just("api-key"),
    access_token=st.text(max_size=10),
    api_key=st.text(min_size=1, max_size=10),
    subject=st.text(max_size=10),
    email=st.text(max_size=10),
    expires_at=st.floats(0, 1e10),
    key_expires_at=st.none() | st.integers(1, 10**10).map(float),
    in_configuration=st.booleans(),
) | st.builds(
    Credential,
    st.just("session"),
    access_token=st.text(max_size=10),
    refresh_token=st.text(max_size=10),
    subject=st.text(min_size=1, max_size=10),
    email=st.text(max_size=10),
    expires_at=st.floats(0, 1e10),
)


@settings(max_examples=50, deadline=None)
@given(CREDENTIALS)
def test_an_account_carries_all_of_a_credential(credential: Credential) -> None:
    account = credential.account()
    found = Credential.of(account)
    assert (found.account_id, found.label) == (account.id, account.label)
    again = found.account()
    assert again == account
    for name in ("kind", "access_token", "refresh_token", "api_key", "subject", "email", "expires_at"):
        assert getattr(found, name) == getattr(credential, name)
    assert (found.key_expires_at, found.in_configuration) == (credential.key_expires_at, credential.in_configuration)


def test_what_the_operator_decided_stays() -> None:
    account = session().applied_to(Account("user:x", "office", disabled=True, priority=3, proxy_url=Secret("http://p")))
    assert (account.id, account.label, account.disabled, account.priority) == ("user:x", "office", True, 3)
    assert account.proxy_url is not None


def test_an_account_whose_details_were_damaged_is_still_one() -> None:
    account = Account("user:x", secrets={"api_key": Secret("crsr_1")}, details={"key_expires_at": "soon"})
    assert Credential.of(account).key_expires_at is None


def test_nothing_secret_is_shown() -> None:
    credential = Credential("api-key", "access-1234", "refresh-1234", "crsr_1234")
    shown = repr(credential) + repr(credential.account())
    assert not [text for text in ("access-1234", "refresh-1234", "crsr_1234") if text in shown]


# -- settings ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"client-type": "ide"}, id="a kind of client that nobody serves"),
        pytest.param({"client-version": "cli 1\r\nx: y"}, id="a version that is no header"),
        pytest.param({"key-days": 0}, id="a key for no day"),
        pytest.param({"endpoints": {"agent": "agent.test"}}, id="a host that is no URL"),
        pytest.param({"endpoints": {"dashboard": "https://x.test"}}, id="a host that nothing is asked at"),
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CursorSettings.model_validate(wrong)
