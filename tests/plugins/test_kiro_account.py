"""Whose account a credential is, and that nothing of it is lost or shown on its way through a file."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear import Account, Secret, redact
from switchgear_kiro.account import METHODS, PENDING, REFRESH_AHEAD_S, Credential, known_as, twins_of

ORGANISATION, OTHER = "https://d-1234567890.awsapps.com/start", "https://other.awsapps.com/start"
ARN = "arn:aws:codewhisperer:us-east-1:699475941385:profile/EHGA3GRVQMUK"
MAIL = "team@example.test"
TEXT_FIELDS = [
    field.name
    for field in fields(Credential)
    if field.init and field.name not in {"method", "expires_at", "registration_expires_at", "account_id", "label"}
]
TEXTS = st.text(max_size=20)
MOMENTS = st.none() | st.integers(0, 4_000_000_000).map(float)


@given(st.sampled_from(METHODS), st.fixed_dictionaries(dict.fromkeys(TEXT_FIELDS, TEXTS)), MOMENTS, MOMENTS)
@settings(max_examples=50)
def test_everything_survives_the_file(
    method: str, texts: dict[str, str], expires_at: float | None, registration_expires_at: float | None
) -> None:
    credential = Credential(
        method,  # type: ignore[arg-type] # one of METHODS
        expires_at=expires_at,
        registration_expires_at=registration_expires_at,
        account_id="user:1",
        label="office",
        **texts,
    )
    account = credential.account()
    assert Credential.of(account) == credential
    assert account.login_expires_at == registration_expires_at
    assert account.refresh_at == (None if expires_at is None else expires_at - REFRESH_AHEAD_S)


def test_no_secret_is_shown() -> None:
    credential = Credential("idc", access_token="aoa-0123456", refresh_token="aor-0123456", client_secret="cs-0123456")
    assert "0123456" not in repr(credential)
    assert "0123456" not in redact("they said aoa-0123456, aor-0123456 and cs-0123456")
    account = credential.account()
    assert "0123456" not in repr(dict(account.details))


def test_what_the_operator_decided_stays() -> None:
    account = Account("user:1", "office", priority=3, weight=2, disabled=True, proxy_url=Secret("http://proxy:1"))
    fresh = replace(Credential.of(account), access_token="new").applied_to(account)
    assert (fresh.id, fresh.label, fresh.priority, fresh.weight, fresh.disabled, fresh.proxy_url) == (
        "user:1",
        "office",
        3,
        2,
        True,
        account.proxy_url,
    )


IDS = [
    pytest.param(Credential("social", user_id="u1", profile_arn=ARN), "user:u1", id="the user id"),
    pytest.param(
        Credential("idc", start_url=ORGANISATION, email="Team@Example.test"),
        f"idc:{ORGANISATION}:{MAIL}",
        id="directory and e-mail",
    ),
    pytest.param(Credential("idc", start_url=OTHER, email=MAIL), f"idc:{OTHER}:{MAIL}", id="the same e-mail elsewhere"),
    pytest.param(
        Credential("api-key", access_token="ksk_1", user_id="u1"),
        f"key:{Secret('ksk_1').fingerprint()}",
        id="a key, whoever's it is",
    ),
]


@pytest.mark.parametrize(("credential", "expected"), IDS)
def test_an_account_is(credential: Credential, expected: str) -> None:
    assert credential.account().id == expected


def test_nobody_is_never_anybody() -> None:
    """Neither the ARN nor the registration nor the start URL tells two people apart."""
    unknown = Credential("social", profile_arn=ARN, start_url=ORGANISATION, client_id="client")
    assert unknown.is_pending
    ids = {unknown.account().id for _ in range(20)}
    assert len(ids) == 20
    assert all(one.startswith(PENDING) for one in ids)


KNOWN = [
    pytest.param(
        Credential("social", user_id="u1"), Credential("social", user_id="u1", account_id="pending:1"), True,
        id="the same user, pending at first",
    ),
    pytest.param(
        Credential("builder-id", user_id="u1"), Credential("social", user_id="u1", account_id="user:u1"), True,
        id="the same user by another way",
    ),
    pytest.param(
        Credential("social", user_id="u2", profile_arn=ARN),
        Credential("social", user_id="u1", profile_arn=ARN, account_id="user:u1"),
        False,
        id="two users of one ARN",
    ),
    pytest.param(
        Credential("idc", start_url=OTHER, email=MAIL),
        Credential("idc", start_url=ORGANISATION, email=MAIL, account_id=f"idc:{ORGANISATION}:{MAIL}"),
        False,
        id="one e-mail in two organisations",
    ),
    pytest.param(
        Credential("social"), Credential("social", account_id="pending:1"), False, id="two of whom nothing is known"
    ),
    pytest.param(
        Credential("api-key", access_token="ksk_1", user_id="u1"),
        Credential("social", user_id="u1", account_id="user:u1"),
        False,
        id="a key beside the sign-in of its owner",
    ),
    pytest.param(
        Credential("social", user_id="u1"),
        Credential("api-key", access_token="ksk_1", user_id="u1", account_id="key:1"),
        False,
        id="a sign-in beside the key of its owner",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("credential", "stored", "same"), KNOWN)
def test_who_is_known_already(credential: Credential, stored: Credential, same: bool) -> None:
    found = known_as(credential, [Account("user:somebody-else"), replace(stored, label="office").account()])
    assert (found.account_id == stored.account_id) is same
    assert (found.label == "office") is same


def test_an_account_with_a_name_comes_before_a_pending_one_which_is_its_twin() -> None:
    pending = Credential("social", user_id="u1", account_id="pending:1").account()
    named = Credential("social", user_id="u1", account_id="user:u1", email=MAIL).account()
    found = known_as(Credential("social", user_id="u1"), [pending, named])
    assert (found.account_id, found.email) == ("user:u1", MAIL)
    assert twins_of(found.account(), [pending, named]) == [pending]
