"""Refreshing iflow's accounts: what is renewed, what passes, and what only the operator can mend."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from switchgear import Account, AuthFileError, LoginRequired, Secret, UpstreamError
from switchgear_iflow import service as service_calls
from switchgear_iflow.accounts import ACCESS_TOKEN, API_KEY, REFRESH_TOKEN, key_account
from tests.plugins.iflow_service import Service, service


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_calls, "PAUSES_S", (0.0, 0.0, 0.0))


def stored(iflow: Service) -> Account:
    [account] = iflow.store.load()
    return account


@pytest.mark.parametrize("method", ["oauth", "oauth-code", "cookie"])
async def test_the_new_key_is_saved_and_serves(tmp_path: Path, method: str) -> None:
    async with service(tmp_path) as iflow:
        old = await iflow.sign_in("ada", method, label="office")
        iflow.fake.expire()
        fresh = await iflow.refresh(old)
        assert stored(iflow) == fresh
        assert (fresh.id, fresh.label, fresh.max_concurrency) == (old.id, "office", 1)
        assert fresh.secrets[API_KEY] != old.secrets[API_KEY]
        assert (await iflow.said(fresh))["object"] == "chat.completion"
        assert iflow.fake.refreshes == 1


async def test_an_answer_without_a_refresh_token_keeps_the_old_one(tmp_path: Path) -> None:
    async with service(tmp_path) as iflow:
        old = await iflow.sign_in()
        iflow.fake.fail("refresh_omits_token")
        fresh = await iflow.refresh(old)
        assert fresh.secrets[REFRESH_TOKEN] == old.secrets[REFRESH_TOKEN]
        assert fresh.secrets[ACCESS_TOKEN] != old.secrets[ACCESS_TOKEN]
        await iflow.refresh(fresh)


class CountingStore:
    """A store that notes how many calls the fake had seen at each save, and may fail."""

    def __init__(self, iflow: Service, fails: bool = False) -> None:
        self._iflow = iflow
        self._fails = fails
        self.saves: list[tuple[str, ...]] = []

    def load(self) -> list[Account]:
        return self._iflow.store.load()

    async def save(self, account: Account) -> None:
        self.saves.append(tuple(one.path for one in self._iflow.fake.server.requests))
        if self._fails:
            raise AuthFileError("no room")
        await self._iflow.store.save(account)

    async def remove(self, account: Account) -> None:
        await self._iflow.store.remove(account)


async def test_rotated_tokens_are_saved_before_anything_else_is_asked(tmp_path: Path) -> None:
    async with service(tmp_path) as iflow:
        old = await iflow.sign_in()
        iflow.fake.server.requests.clear()
        store = CountingStore(iflow)
        await iflow.refresh(old, store)
        assert store.saves == [("/oauth/token",), ("/oauth/token", "/api/oauth/getUserInfo")]


async def test_tokens_that_cannot_be_saved_are_told(tmp_path: Path) -> None:
    async with service(tmp_path) as iflow:
        old = await iflow.sign_in()
        with pytest.raises(AuthFileError):
            await iflow.refresh(old, CountingStore(iflow, fails=True))


@pytest.mark.parametrize("statuses", [[503] * 4, [0]], ids=["unavailable", "without a key"])
async def test_without_user_info_the_old_key_stays_and_it_is_tried_soon(
    tmp_path: Path, statuses: Sequence[int]
) -> None:
    async with service(tmp_path) as iflow:
        old = await iflow.sign_in()
        iflow.fake.people.next_user_info.extend(statuses)
        fresh = await iflow.refresh(old)
        assert fresh.secrets[API_KEY] == old.secrets[API_KEY]
        assert fresh.secrets[REFRESH_TOKEN] != old.secrets[REFRESH_TOKEN]
        assert fresh.refresh_at == pytest.approx(time.time() + 600, abs=30)
        assert stored(iflow).secrets == fresh.secrets
        again = await iflow.refresh(fresh)
        assert again.secrets[API_KEY] != old.secrets[API_KEY]
        assert again.expires_at is not None
        assert again.refresh_at == again.expires_at - 86_400


async def test_a_new_token_that_is_refused_needs_a_sign_in(tmp_path: Path) -> None:
    async with service(tmp_path) as iflow:
        old = await iflow.sign_in()
        iflow.fake.people.next_user_info.append(401)
        with pytest.raises(LoginRequired):
            await iflow.refresh(old)
        kept = stored(iflow)  # the token was rotated, and nothing is to be tried again soon
        assert kept.secrets[REFRESH_TOKEN] != old.secrets[REFRESH_TOKEN]
        assert kept.expires_at is not None
        assert kept.refresh_at == kept.expires_at - 86_400


# -- what passes, and what does not --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "terminal", "status"),
    [
        pytest.param("busy", False, 503, id="busy in the body"),
        pytest.param("busy-429", False, 429, id="429 in the body"),
        pytest.param("no-token", False, 200, id="200 without a token"),
        pytest.param("refused", True, 200, id="refused in the body"),
        pytest.param("refresh_unavailable", False, 503, id="503"),
        pytest.param("invalid-client", False, 401, id="wrong client secret: the token is as good as ever"),
        pytest.param("unauthorized", False, 401, id="401 that says nothing"),
    ],
)
async def test_refusals_of_tokens(tmp_path: Path, fault: str, terminal: bool, status: int) -> None:
    async with service(tmp_path) as iflow:
        old = await iflow.sign_in()
        iflow.fake.people.next_refresh.append(fault)
        with pytest.raises(UpstreamError) as caught:
            await iflow.refresh(old)
        assert isinstance(caught.value, LoginRequired) is terminal
        assert caught.value.failure.status == status
        assert stored(iflow).secrets == old.secrets
        assert iflow.fake.refreshes == 1
        if not terminal:
            assert (await iflow.refresh(old)).id == old.id


async def test_after_the_end_it_is_tried_once(tmp_path: Path) -> None:
    async with service(tmp_path) as iflow:
        old = replace(await iflow.sign_in(), expires_at=time.time() - 60)
        iflow.fake.people.next_refresh.append("no-token")
        with pytest.raises(LoginRequired):
            await iflow.refresh(old)
        assert (await iflow.refresh(old)).expires_at is not None
        iflow.fake.people.next_refresh.append("busy")
        with pytest.raises(UpstreamError) as caught:
            await iflow.refresh(old)
        assert not isinstance(caught.value, LoginRequired)


@pytest.mark.parametrize("method", ["oauth", "cookie"])
async def test_revoked(tmp_path: Path, method: str) -> None:
    async with service(tmp_path) as iflow:
        old = await iflow.sign_in("ada", method)
        iflow.fake.revoke()
        with pytest.raises(LoginRequired):
            await iflow.refresh(old)
        assert stored(iflow).secrets == old.secrets


@pytest.mark.parametrize(
    ("fault", "terminal"),
    [
        pytest.param("html", True, id="a sign-in page"),
        pytest.param("redirect", True, id="sent to the sign-in page"),
        pytest.param("refused", True, id="success: false"),
        pytest.param("busy", False, id="busy"),
        pytest.param("unavailable", False, id="503"),
    ],
)
async def test_refusals_of_sessions(tmp_path: Path, fault: str, terminal: bool) -> None:
    async with service(tmp_path) as iflow:
        old = await iflow.sign_in("ada", "cookie")
        iflow.fake.key_page.next_answers.append(fault)
        with pytest.raises(UpstreamError) as caught:
            await iflow.refresh(old)
        assert isinstance(caught.value, LoginRequired) is terminal
        assert stored(iflow).secrets == old.secrets


async def test_a_pasted_key_is_not_refreshed(tmp_path: Path) -> None:
    async with service(tmp_path) as iflow:
        with pytest.raises(LoginRequired, match="seven days"):
            await iflow.refresh(key_account(Secret("sk-pasted-and-over")))
        assert list(iflow.fake.server.requests) == []


async def test_without_the_client_secret_the_token_is_not_given_up(tmp_path: Path) -> None:
    async with service(tmp_path) as iflow:
        old = await iflow.sign_in()
    async with service(tmp_path, client_secret=None) as iflow:
        with pytest.raises(UpstreamError, match="client-secret") as caught:
            await iflow.refresh(old)
        assert not isinstance(caught.value, LoginRequired)
