"""Taking in the files of other programs, with the identity that signing in would give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from switchgear import Account, LoginFailed
from switchgear_iflow.accounts import local_time
from switchgear_iflow.plugin import import_account
from tests.plugins.iflow_service import service

TOKENS = {"access_token": "at-import-1", "refresh_token": "rt-import-1", "token_type": "bearer", "scope": "read"}
CLIPROXYAPI = {"type": "iflow", **TOKENS, "expired": "2026-03-01T12:30:00+08:00", "api_key": "sk-import-1"}
COOKIE = {"type": "iflow", "cookie": "BXAuth=s1;", "api_key": "sk-import-2", "email": "key of ada"}
VENDOR = {**TOKENS, "expiry_date": 1_772_339_400_000, "apiKey": "sk-import-3", "userId": "u-1001", "userName": "Ada"}
SECRETS = {"api-key": "sk-import-1", "access-token": "at-import-1", "refresh-token": "rt-import-1"}


def taken(source: str, document: dict[str, Any]) -> Account:
    account = import_account(source, document)
    assert account is not None
    assert account.max_concurrency == 1
    return account


@pytest.mark.parametrize(
    ("fields", "account_id"),
    [
        pytest.param({"user_id": "u-1001", "email": "a@x.cn"}, "user:u-1001", id="by user id"),
        pytest.param({"email": "A@x.cn"}, "email:a@x.cn", id="by address"),
        pytest.param({"phone": "138****0001"}, "phone:138xxxx0001", id="by phone"),
    ],
)
def test_cliproxyapis_tokens(fields: dict[str, str], account_id: str) -> None:
    account = taken("cliproxyapi", {**CLIPROXYAPI, **fields})
    assert account.id == account_id
    assert {name: secret.reveal() for name, secret in account.secrets.items()} == SECRETS
    assert (account.expires_at, account.refresh_at) == (1_772_339_400.0, 1_772_339_400.0 - 86_400)
    assert account.details["scope"] == "read"


def test_the_vendors_tokens() -> None:
    account = taken("cliproxyapi", VENDOR)
    assert (account.id, account.expires_at) == ("user:u-1001", 1_772_339_400.0)
    assert account.details["user-name"] == "Ada"


def test_without_a_date_they_are_refreshed_first() -> None:
    account = taken("cliproxyapi", {**CLIPROXYAPI, "expired": "soon", "user_id": "u"})
    assert (account.expires_at, account.refresh_at) == (0.0, 0.0)


def test_cliproxyapis_cookie() -> None:
    account = taken("cliproxyapi", {**COOKIE, "expired": "2026-03-01 12:30"})
    assert (account.id, account.details["key-name"]) == ("name:key of ada", "key of ada")
    assert account.secrets["cookie"].reveal() == "BXAuth=s1;"
    assert account.expires_at == local_time("2026-03-01 12:30")


def test_a_bare_key() -> None:
    account = taken("cliproxyapi", {"type": "iflow", "api_key": "sk-import-4"})
    assert (account.id[:4], account.expires_at) == ("key:", None)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        pytest.param({"type": "iflow", **TOKENS}, "no api_key", id="no key"),
        pytest.param({**CLIPROXYAPI}, "whose account", id="nobody's"),
        pytest.param({**CLIPROXYAPI, "access_token": "", "email": "a@x"}, "no access_token", id="no access token"),
        pytest.param({**COOKIE, "email": ""}, "no email", id="a cookie without the key's name"),
    ],
)
def test_files_that_do_not_suffice(document: dict[str, Any], message: str) -> None:
    with pytest.raises(LoginFailed, match=message):
        import_account("cliproxyapi", document)


@pytest.mark.parametrize(
    ("source", "document"),
    [
        pytest.param("cliproxyapi", {"type": "other", "api_key": "k"}, id="another provider's"),
        pytest.param("cliproxyapi", {"api_key": "k", **TOKENS}, id="no type"),
        pytest.param("somebody", CLIPROXYAPI, id="another program's"),
        pytest.param("cliproxyapi", {**VENDOR, "type": "other"}, id="like the vendor's, of another type"),
    ],
)
def test_files_that_are_not_iflows(source: str, document: dict[str, Any]) -> None:
    assert import_account(source, document) is None


@pytest.mark.parametrize("method", ["oauth", "cookie", "api-key"])
async def test_the_same_id_as_signing_in(tmp_path: Path, method: str) -> None:
    async with service(tmp_path) as iflow:
        account = await iflow.sign_in("ada", method)
        kept = {name.replace("-", "_"): secret.reveal() for name, secret in account.secrets.items()}
        person = {"oauth": {"user_id": "u-1001"}, "cookie": {"email": "key of ada"}, "api-key": {}}[method]
        assert taken("cliproxyapi", {"type": "iflow", **kept, **person}).id == account.id


async def test_signing_in_updates_what_was_imported_by_address_alone(tmp_path: Path) -> None:
    async with service(tmp_path) as iflow:
        iflow.fake.people.keys_rotate = False
        key = iflow.fake.people.pasted_key("ada")
        imported = taken("cliproxyapi", {**CLIPROXYAPI, "api_key": key, "email": "office@example.com"})
        await iflow.store.save(imported)
        assert (await iflow.sign_in("ada")).id == imported.id
        assert len(iflow.store.load()) == 1
