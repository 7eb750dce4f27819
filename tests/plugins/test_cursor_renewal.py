"""New access tokens for cursor accounts: of keys, of sessions that can be renewed, and of those that cannot."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from pathlib import Path

import pytest

from switchgear import Account, LoginRequired, UpstreamError
from switchgear_cursor import calls, loading
from switchgear_cursor.account import ACCESS_TOKEN, REFRESH_TOKEN, Credential
from switchgear_cursor.fake.refusals import REGION, SUSPENDED, Refusal
from tests.plugins.cursor_desk import Desk, desk


@pytest.fixture(autouse=True)
def _soon_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "FIRST_PAUSE_S", 0.0)


def ending(account: Account, left_s: float) -> Account:
    """The session as it is so long before its end."""
    credential = replace(Credential.of(account), expires_at=float(int(time.time() + left_s)))
    return credential.applied_to(account)


def is_good(here: Desk, account: Account) -> bool:
    return here.people.bearer(f"Bearer {account.secrets[ACCESS_TOKEN].reveal()}") is not None


# -- keys ----------------------------------------------------------------------------------------------------


async def test_a_key_is_exchanged_again_and_saved(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        account = await here.sign_in()
        here.people.expire()
        assert not is_good(here, account)
        fresh = await here.refresh(account)
        assert is_good(here, fresh)
        assert here.stored() == [Credential.of(fresh)]
        assert fresh.login_expires_at == account.login_expires_at


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_busy_service_is_asked_again(tmp_path: Path, status: int) -> None:
    code = {429: "resource_exhausted", 500: "internal", 503: "unavailable"}[status]
    async with desk(tmp_path) as here:
        account = await here.sign_in()
        here.login.exchange_refusals = [Refusal(code)] * 3
        before = here.login.refreshes
        assert is_good(here, await here.refresh(account))
        assert here.login.refreshes - before == 4


async def test_a_service_that_stays_busy_costs_nothing_but_time(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        account = await here.sign_in()
        here.login.exchange_refusals = [Refusal("unavailable")] * 4
        with pytest.raises(UpstreamError) as caught:
            await here.refresh(account)
        assert not isinstance(caught.value, LoginRequired)
        assert here.stored() == [Credential.of(account)]


@pytest.mark.parametrize(
    "refusal", [Refusal("unauthenticated", "BAD_USER_API_KEY"), SUSPENDED], ids=["withdrawn", "an account that is shut"]
)
async def test_a_key_that_is_refused_needs_a_person_and_is_asked_once(tmp_path: Path, refusal: Refusal) -> None:
    async with desk(tmp_path) as here:
        account = await here.sign_in()
        here.login.exchange_refusals = [refusal]
        before = here.login.refreshes
        with pytest.raises(LoginRequired, match="sign in again"):
            await here.refresh(account)
        assert here.login.refreshes - before == 1


async def test_a_revoked_key_needs_a_person(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        account = await here.sign_in()
        here.people.revoke()
        with pytest.raises(LoginRequired, match="Invalid User API Key"):
            await here.refresh(account)


async def test_a_region_that_is_refused_is_no_reason_to_sign_in(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        account = await here.sign_in()
        here.login.exchange_refusals = [REGION]
        with pytest.raises(UpstreamError, match="region") as caught:
            await here.refresh(account)
        assert not isinstance(caught.value, LoginRequired)


async def test_keys_of_the_configuration_are_exchanged_and_not_written(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.configure(**{"api-keys": [here.people.api_key(who) for who in ("ada", "ben", "ada")]})
        accounts = await loading.accounts(here.settings, here.store)
        assert len({account.id for account in accounts}) == len(accounts) == 2
        assert not [account for account in accounts if ACCESS_TOKEN in account.secrets]
        fresh = await here.refresh(accounts[0])
        assert is_good(here, fresh)
        assert fresh.id == accounts[0].id
        assert here.stored() == []
        assert is_good(here, await here.refresh(fresh))
        assert here.stored() == []


async def test_a_key_that_was_signed_in_with_too_is_one_account(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        signed_in = await here.sign_in(method="api-key")
        here.configure(**{"api-keys": [here.people.api_key(who) for who in ("ada", "ben")]})
        accounts = await loading.accounts(here.settings, here.store)
        assert accounts[1:] == [signed_in]
        assert [Credential.of(one).api_key for one in accounts[:1]] == [here.people.api_key("ben")]


# -- sessions ------------------------------------------------------------------------------------------------


async def test_a_session_is_renewed_where_the_ide_does_it(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        account = ending(await here.sign_in(method="browser-session"), 3600)
        fresh = await here.refresh(account)
        assert is_good(here, fresh)
        assert fresh.secrets[REFRESH_TOKEN] != account.secrets[REFRESH_TOKEN]
        assert fresh.login_expires_at == pytest.approx(time.time() + 60 * 86_400, abs=60)
        assert here.server.hits("/auth/exchange_user_api_key") == 0


async def test_a_session_is_exchanged_where_the_ide_is_refused(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.login.renews_sessions, here.login.exchanges_sessions = False, True
        account = ending(await here.sign_in(method="browser-session"), 3600)
        assert is_good(here, await here.refresh(account))
        assert here.server.hits("/oauth/token") == here.server.hits("/auth/exchange_user_api_key") == 1


@pytest.mark.parametrize("renews", [True, False], ids=["renewed", "exchanged"])
async def test_the_old_refresh_token_stays_where_none_comes(tmp_path: Path, renews: bool) -> None:
    async with desk(tmp_path) as here:
        here.login.renews_sessions, here.login.exchanges_sessions = renews, True
        account = await here.sign_in(method="browser-session")
        here.login.omits_refresh_token = True
        fresh = await here.refresh(ending(account, 3600))
        assert fresh.secrets[REFRESH_TOKEN] == account.secrets[REFRESH_TOKEN]
        assert fresh.secrets[ACCESS_TOKEN] != account.secrets[ACCESS_TOKEN]


async def test_a_session_that_nobody_renews_serves_until_its_end(tmp_path: Path) -> None:
    """It is good for an hour still: a refresh that fails ahead of that must not cost it."""
    async with desk(tmp_path) as here:
        here.login.renews_sessions = False
        account = ending(await here.sign_in(method="browser-session"), 3600)
        kept = await here.refresh(account)
        assert (kept.secrets, kept.expires_at) == (account.secrets, account.expires_at)
        assert (kept.refresh_at, kept.login_expires_at) == (math.inf, account.expires_at)
        assert here.store.load() == [kept]
        with pytest.raises(LoginRequired, match="session has ended"):
            await here.refresh(kept)  # no refresh ahead comes any more, so the service has refused the token


@pytest.mark.parametrize(
    "left_s",
    [
        pytest.param(30 * 86_400, id="refused long before its end"),
        pytest.param(5, id="at its end"),
        pytest.param(-60, id="after its end"),
    ],
)
async def test_a_session_that_is_over_needs_a_person(tmp_path: Path, left_s: float) -> None:
    async with desk(tmp_path) as here:
        account = ending(await here.sign_in(method="browser-session"), left_s)
        here.people.revoke()
        with pytest.raises(LoginRequired, match="sign in again"):
            await here.refresh(account)


async def test_a_service_that_logs_out_is_believed(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        account = await here.sign_in(method="browser-session")
        here.login.logs_out = here.login.exchanges_sessions = True
        with pytest.raises(LoginRequired, match="session has ended"):
            await here.refresh(account)
        assert here.server.hits("/auth/exchange_user_api_key") == 0
