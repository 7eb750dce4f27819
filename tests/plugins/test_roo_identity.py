"""Who an account is: its id and name, what tokens say, and other programs' files."""

from __future__ import annotations

import math
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from switchgear import LoginFailed, Secret
from switchgear.authfile import authfile_name
from switchgear_roo import plugin
from switchgear_roo.claims import Claims, read_claims
from switchgear_roo.identity import account_id, token_account
from switchgear_roo.settings import OWN_APP, OWN_AUTH, OWN_PROVIDER, Settings
from tests.plugins.roo_service import jwt, secrets_of

LATER = int(time.time()) + 86_400
IDS = st.text(min_size=1, max_size=20)

# -- ids and names -----------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(IDS, st.text(max_size=20)), min_size=2, max_size=2, unique=True))
def test_no_two_share_an_id_or_a_file(pairs: list[tuple[str, str]]) -> None:
    one, other = (account_id(user, org) for user, org in pairs)
    assert one != other
    assert authfile_name("roo", one).casefold() != authfile_name("roo", other).casefold()


def test_a_user_id_cannot_pose_as_one_with_an_organisation() -> None:
    assert account_id("user_1:org_9", "") != account_id("user_1", "org_9")


def test_a_name_is_fit_for_logs_and_headers() -> None:
    token = Secret(jwt(exp=LATER, r={"u": "user_1", "o": "org_9"}))
    account = token_account("cli", token, email="ada@x.test", organization_name="Ädas\r\nLäden")
    assert account.label == "ada@x.test--das-L-den"
    assert account.label.isascii()


# -- claims ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "claims"),
    [
        pytest.param(
            jwt(iss="rcc", sub="s", exp=LATER, v=1, r={"u": "user_1", "o": "org_9", "t": "auth"}),
            Claims(LATER, "user_1", "org_9", "auth"),
            id="a person's",
        ),
        pytest.param(jwt(exp=LATER, r={"u": "user_1", "t": "cj"}), Claims(LATER, "user_1", "", "cj"), id="a job's"),
        pytest.param(jwt(exp=LATER), Claims(LATER), id="Clerk's"),
        pytest.param(jwt(exp="soon", r=[1]), Claims(), id="odd types"),
        pytest.param(jwt(exp=True, r={"u": 7}), Claims(), id="odder types"),
        pytest.param(jwt(exp=1e300), Claims(), id="an end beyond all time"),
        pytest.param("sk-1234", None, id="a key"),
        pytest.param("a.b.c", None, id="three parts"),
        pytest.param("a..c", None, id="an empty part"),
        pytest.param("", None, id="nothing"),
        pytest.param("a.WzFd.c", None, id="a list"),
    ],
)
def test_what_a_token_says(token: str, claims: Claims | None) -> None:
    assert read_claims(token) == claims


@settings(max_examples=60, deadline=None)
@given(
    st.text(max_size=60) | st.builds("{}.{}.{}".format, st.text(max_size=9), st.text(max_size=30), st.text(max_size=9))
)
def test_reading_a_token_never_raises(token: str) -> None:
    found = read_claims(token)
    assert found is None or found.expires_at is None or found.expires_at > 0


# -- other programs' files ---------------------------------------------------------------------------------------

CLERK: dict[str, Any] = {
    "type": "roo",
    "flow": "clerk",
    "client_token": "client-token-1",
    "session_id": "sess_1",
    "organization_id": None,
    "user_id": "user_1",
    "email": "ada@x.test",
    "org_id": "",
    "org_name": "",
    "last_refresh": "2026-05-01T00:00:00Z",
}
CLI: dict[str, Any] = {
    "type": "roo",
    "flow": "cli",
    "token": jwt(exp=LATER, r={"u": "user_1", "o": "org_9", "t": "auth"}),
    "expired": "2026-08-01T00:00:00Z",
    "user_id": "user_1",
    "email": "ada@x.test",
    "org_id": "org_9",
    "org_name": "acme",
}


@pytest.mark.parametrize(
    ("change", "id_", "organization", "label"),
    [
        pytest.param({}, "user_1", "", "ada@x.test-personal", id="personal, null"),
        pytest.param({"organization_id": ""}, "user_1", "", "ada@x.test-personal", id="personal, empty"),
        pytest.param(
            {"organization_id": "org_9", "org_name": "acme"}, "user_1:org_9", "org_9", "ada@x.test-acme", id="of one"
        ),
        pytest.param({"organization_id": ...}, "user_1", None, "ada@x.test-personal", id="an old file"),
        pytest.param(
            {"organization_id": ..., "org_id": "org_9"},
            "user_1:org_9",
            None,
            "ada@x.test-org_9",
            id="an old file of one",
        ),
        pytest.param({"flow": ..., "email": ""}, "user_1", "", "user_1-personal", id="without a flow"),
    ],
)
def test_a_session_is_imported(change: dict[str, Any], id_: str, organization: str | None, label: str) -> None:
    document = {name: value for name, value in {**CLERK, **change}.items() if value is not ...}
    account = plugin.import_account("cliproxyapi", document)
    assert account is not None
    assert (account.id, account.label) == (id_, label)
    assert account.details.get("organization-id") == organization
    assert (account.details["flow"], account.details["session-id"]) == ("clerk", "sess_1")
    assert secrets_of(account) == {"clerk-token": "client-token-1"}
    assert (account.expires_at, account.refresh_at) == (0.0, math.inf)


@pytest.mark.parametrize(
    ("document", "id_", "label"),
    [
        pytest.param(CLI, "user_1:org_9", "ada@x.test-acme", id="of the command line"),
        pytest.param({"type": "roo", "token": CLI["token"]}, "user_1:org_9", "user_1-org_9", id="the token alone"),
        pytest.param(
            {"type": "roo", "flow": "static", "token": "key-1"},
            f"key-{Secret('key-1').fingerprint()}",
            f"key-{Secret('key-1').fingerprint()}",
            id="a key",
        ),
        pytest.param(
            {"type": "roo", "token": "key-1"},
            f"key-{Secret('key-1').fingerprint()}",
            f"key-{Secret('key-1').fingerprint()}",
            id="a key alone",
        ),
    ],
)
def test_a_token_is_imported(document: dict[str, Any], id_: str, label: str) -> None:
    account = plugin.import_account("cliproxyapi", document)
    assert account is not None
    assert (account.id, account.label) == (id_, label)
    assert secrets_of(account) == {"token": document["token"]}


@pytest.mark.parametrize(
    "document", [{}, {"type": "kiro"}, {"type": None, **{k: v for k, v in CLI.items() if k != "type"}}]
)
def test_another_providers_file_is_not_ours(document: dict[str, Any]) -> None:
    assert plugin.import_account("cliproxyapi", document) is None


@pytest.mark.parametrize(
    ("document", "said"),
    [
        pytest.param({**CLERK, "client_token": ""}, "lacks client_token", id="no client token"),
        pytest.param({**CLERK, "session_id": None}, "lacks session_id", id="no session"),
        pytest.param({**CLERK, "user_id": 7, "session_id": ""}, "lacks session_id, user_id", id="no user"),
        pytest.param({**CLERK, "session_id": "../x"}, "session_id is none", id="a session that leaves its path"),
        pytest.param({**CLERK, "client_token": "a\nb"}, "no header can carry", id="a token of two lines"),
        pytest.param({**CLI, "token": None}, "token is empty", id="no token"),
        pytest.param({**CLI, "token": "opaque"}, "names no user", id="a token without claims"),
        pytest.param({**CLI, "token": jwt(exp=1, r={"u": "user_1"})}, "has expired", id="a token that has expired"),
        pytest.param({**CLI, "flow": "magic"}, "'magic' is none of", id="an unknown flow"),
    ],
)
def test_a_file_that_does_not_suffice_names_what_is_missing(document: dict[str, Any], said: str) -> None:
    with pytest.raises(LoginFailed, match=said) as caught:
        plugin.import_account("cliproxyapi", document)
    assert "client-token-1" not in str(caught.value)


# -- settings ----------------------------------------------------------------------------------------------------


def test_the_hosts_are_the_services_own_until_told_otherwise() -> None:
    own = Settings.model_validate({})
    assert (own.endpoints.auth, own.endpoints.app, own.endpoints.provider) == (OWN_AUTH, OWN_APP, OWN_PROVIDER)
    assert own.endpoints.are_own
    assert own.endpoints.provider_v1 == "https://api.roocode.com/proxy/v1"
    assert not Settings.model_validate({"endpoints": {"provider": "http://127.0.0.1:1"}}).endpoints.are_own


@pytest.mark.parametrize("url", ["http://h/x/v1", "http://h/x/v1/", "http://h/x"])
def test_v1_is_appended_once(url: str) -> None:
    assert Settings.model_validate({"endpoints": {"provider": url}}).endpoints.provider_v1 == "http://h/x/v1"


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param({"endpoints": {"clerk": "https://x"}}, id="an unknown host"),
        pytest.param({"endpoints": {"app": "roocode.com"}}, id="no URL"),
        pytest.param({"api-keys": [""]}, id="an empty key"),
        pytest.param({"api-keys": ["a b"]}, id="a key of two words"),
        pytest.param({"api-keys": ["key-1", "key-1"]}, id="a key twice"),
        pytest.param({"api-keys": "key-1"}, id="keys that are no list"),
    ],
)
def test_a_wrong_entry_is_refused(entry: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(entry)


def test_keys_are_resolved_and_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROO_TEST_KEY", "key-of-the-environment")
    entry = Settings.model_validate({"api-keys": ["env:ROO_TEST_KEY"]})
    assert entry.api_keys[0].reveal() == "key-of-the-environment"
    assert "key-of-the-environment" not in repr((entry, entry.key_accounts()))
