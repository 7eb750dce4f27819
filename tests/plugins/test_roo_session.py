"""Session tokens of a minute: minted when needed, never saved; and what a refresh says of the other flows."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from switchgear import Account, LoginRequired, UpstreamError
from switchgear_roo import plugin
from switchgear_roo.fake.people import expiry_of
from tests.plugins.roo_service import jwt, roo, secrets_of, static_account


async def test_a_session_token_is_minted_and_not_saved(tmp_path: Path) -> None:
    async with roo(tmp_path) as service:
        account = await service.sign_in()
        file = service.store.path(account.id).read_bytes()
        fresh = await service.refresh(account)
        token = fresh.secrets["session-token"].reveal()
        assert service.fake.people.bearer(token) == "ada"
        assert fresh.expires_at == expiry_of(token)
        assert fresh.refresh_at == math.inf  # never ahead of need
        assert replace(fresh, secrets=account.secrets, expires_at=0.0) == account
        assert service.store.path(account.id).read_bytes() == file
        assert (await service.answer(fresh))[0] == 200


async def test_each_refresh_brings_another_token(tmp_path: Path) -> None:
    async with roo(tmp_path) as service:
        first = await service.refresh(await service.sign_in())
        second = await service.refresh(first)
        assert first.secrets["session-token"] != second.secrets["session-token"]
        assert service.fake.refreshes == 2


@pytest.mark.parametrize(
    ("details", "sent"),
    [
        pytest.param({"organization-id": "org_acme"}, "org_acme", id="an organisation"),
        pytest.param({"organization-id": ""}, "", id="personal, said as an empty field"),
        pytest.param({}, None, id="an old file that does not say"),
    ],
)
async def test_the_organisation_is_asked_for_as_it_was_stored(
    tmp_path: Path, details: dict[str, str], sent: str | None
) -> None:
    async with roo(tmp_path) as service:
        service.fake.people.people["ada"].organizations = {"org_acme": "acme"}
        account = await service.sign_in()
        kept = {name: value for name, value in account.details.items() if name != "organization-id"}
        await service.refresh(replace(account, details={**kept, **details}))
        [session] = service.fake.people.sessions.values()
        assert session.minted == [sent]


async def test_a_client_token_that_comes_anew_is_saved_first(tmp_path: Path) -> None:
    async with roo(tmp_path) as service:
        account = await service.sign_in()
        service.fake.rotates = True
        fresh = await service.refresh(account)
        [session] = service.fake.people.sessions.values()
        assert fresh.secrets["clerk-token"].reveal() == session.client_token != account.secrets["clerk-token"].reveal()
        [saved] = service.store.load()
        assert secrets_of(saved) == {"clerk-token": session.client_token}
        assert (saved.expires_at, saved.refresh_at) == (0.0, math.inf)
        await service.refresh(saved)


@pytest.mark.parametrize("status", [401, 404])
async def test_a_session_that_is_over_needs_the_operator(tmp_path: Path, status: int) -> None:
    async with roo(tmp_path) as service:
        account = await service.sign_in()
        service.fake.script("tokens", status, {"errors": [{"code": "gone", "message": "No session"}]})
        with pytest.raises(LoginRequired, match=r"session has ended; sign in again .*\(No session\)"):
            await service.refresh(account)
        assert len(service.store.load()) == 1


async def test_a_revoked_session(tmp_path: Path) -> None:
    async with roo(tmp_path) as service:
        account = await service.sign_in()
        service.fake.revoke()
        with pytest.raises(LoginRequired):
            await service.refresh(account)


@pytest.mark.parametrize(
    ("status", "body", "cause"),
    [
        pytest.param(429, {"errors": []}, "status", id="too often"),
        pytest.param(500, b"", "status", id="a failure"),
        pytest.param(403, {"errors": [{"message": "No"}]}, "protocol", id="a refusal that does not end the session"),
        pytest.param(302, b"", "protocol", id="a redirect"),
        pytest.param(400, b"", "protocol", id="a request it does not understand"),
        pytest.param(200, b"<html>", "protocol", id="a page"),
        pytest.param(200, {}, "protocol", id="no token"),
        pytest.param(200, {"jwt": "opaque"}, "protocol", id="a token without claims"),
        pytest.param(200, {"jwt": jwt(sub="x")}, "protocol", id="a token without an end"),
    ],
)
async def test_anything_else_passes(tmp_path: Path, status: int, body: object, cause: str) -> None:
    async with roo(tmp_path) as service:
        account = await service.sign_in()
        service.fake.script("tokens", status, body)
        with pytest.raises(UpstreamError) as caught:
            await service.refresh(account)
        assert not isinstance(caught.value, LoginRequired)
        assert caught.value.failure.cause == cause
        verdict = plugin.classify_error(service.provider, caught.value.failure)
        assert verdict.kind not in {"invalid_request", "forbidden", "token_expired"}  # none of the client's doing
        await service.refresh(account)


@pytest.mark.parametrize(
    ("token", "said"),
    [
        pytest.param("opaque-key-123", "was refused", id="a key"),
        pytest.param(jwt(exp=4e9, r={"u": "user_1"}), "was refused", id="a token that should be good"),
        pytest.param(jwt(exp=1, r={"u": "user_1"}), "has expired", id="a token that has expired"),
    ],
)
@pytest.mark.parametrize("flow", ["cli", "static"])
async def test_the_other_flows_have_nothing_to_refresh(tmp_path: Path, flow: str, token: str, said: str) -> None:
    expires_at = 1.0 if said == "has expired" else None
    account = replace(static_account(token), details={"flow": flow}, expires_at=expires_at)
    async with roo(tmp_path) as service:
        with pytest.raises(LoginRequired, match=said):
            await service.refresh(account)
        assert service.fake.server.requests == type(service.fake.server.requests)()


@pytest.mark.parametrize(
    ("left_s", "minted"),
    [pytest.param(60, 0, id="a minute"), pytest.param(5, 1, id="five seconds"), pytest.param(-1, 1, id="none")],
)
async def test_a_list_is_not_asked_for_with_a_token_about_to_expire(tmp_path: Path, left_s: float, minted: int) -> None:
    async with roo(tmp_path) as service:
        fresh = replace(await service.refresh(await service.sign_in()), expires_at=time.time() + left_s)
        await plugin.list_models(service.provider, fresh, service.client)
        assert service.fake.refreshes == 1 + minted


async def test_a_token_is_sent_whatever_this_machines_clock_says_of_it(tmp_path: Path) -> None:
    """Core has just had it minted; with a clock that is ahead it looks old at once."""
    async with roo(tmp_path) as service:
        fresh = replace(await service.refresh(await service.sign_in()), expires_at=time.time() - 120)
        assert (await service.answer(fresh))[0] == 200


async def test_without_a_token_nothing_is_sent(tmp_path: Path) -> None:
    async with roo(tmp_path) as service:
        account = await service.sign_in()
        with pytest.raises(UpstreamError) as caught:
            await service.forward(account)
        assert plugin.classify_error(service.provider, caught.value.failure).kind == "token_expired"
        assert service.fake.server.hits("/proxy/v1/chat/completions") == 0


Call = Callable[..., object]


@pytest.mark.parametrize("hook", [plugin.list_models, plugin.read_quota], ids=["models", "quota"])
async def test_lists_and_quotas_mint_for_themselves(tmp_path: Path, hook: Call) -> None:
    async with roo(tmp_path) as service:
        account = await service.sign_in()
        assert await hook(service.provider, account, service.client)  # type: ignore[misc]  # a coroutine
        assert service.fake.refreshes == 1
        fresh = await service.refresh(account)
        assert await hook(service.provider, fresh, service.client)  # type: ignore[misc]  # a coroutine
        assert service.fake.refreshes == 2


async def test_who_is_loaded(tmp_path: Path) -> None:
    key = "roo-static-key-of-ada-90f2c1"
    same = jwt(exp=4e9, r={"u": "user_ada"})
    async with roo(tmp_path, api_keys=[key, same]) as service:
        await service.sign_in("clerk", "ada")
        ben = await service.sign_in("clerk", "ben")
        accounts: list[Account] = await plugin.load_accounts(service.provider, service.store)
        flows = [(account.id, account.details["flow"]) for account in accounts]
        assert flows == [(accounts[0].id, "static"), ("user_ada", "static"), (ben.id, "clerk")]
        assert accounts[0].id.startswith("key-")
        assert key not in repr(accounts)
