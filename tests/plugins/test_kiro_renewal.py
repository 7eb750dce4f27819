"""Refreshing kiro's accounts: what is renewed, what passes, and what only a person can mend."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from switchgear import Account, AuthFileError, LoginRequired, UpstreamError, default_verdict
from switchgear.testing import Exchange, LoopbackServer
from switchgear.types import Kind
from switchgear_kiro import refreshing
from switchgear_kiro.account import ACCESS_TOKEN, REFRESH_TOKEN, Credential
from switchgear_kiro.fake.people import SHARED_ARN
from switchgear_kiro.refreshing import refreshed
from switchgear_kiro.tokens import DEFAULT_LIFETIME_S
from tests.plugins.kiro_desk import Desk, any_port, desk

AWS = ["builder-id", "idc", "idc-code"]
RENEWED = ["portal", "social", *AWS]


@pytest.fixture(autouse=True)
def _any_port(monkeypatch: pytest.MonkeyPatch) -> None:
    any_port(monkeypatch)


def is_final(error: UpstreamError) -> bool:
    return isinstance(error, LoginRequired)


# -- it works ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", RENEWED)
async def test_a_new_token_is_saved_and_the_old_one_is_spent(tmp_path: Path, method: str) -> None:
    async with desk(tmp_path) as here:
        old = replace(await here.sign_in("ada", method), priority=7)
        here.fake.people.expire()
        fresh = await here.refresh(old)
        before, after = Credential.of(old), Credential.of(fresh)
        assert (fresh.id, fresh.label, fresh.priority) == (old.id, old.label, 7)
        assert after.access_token != before.access_token
        assert after.refresh_token != before.refresh_token
        assert here.fake.people.bearer(after.access_token) is not None
        assert here.credentials() == [after]
        same = ("profile_arn", "email", "client_id", "registration_expires_at", "sso_region", "scopes", "flow", "idp")
        assert [getattr(after, name) for name in same] == [getattr(before, name) for name in same]
        assert fresh.expires_at == pytest.approx(time.time() + 3600, abs=30)
        with pytest.raises(LoginRequired):
            await refreshed(here.settings, before, here.client)


@pytest.mark.parametrize("method", ["portal", "builder-id"])
async def test_an_answer_without_a_refresh_token_keeps_the_old_one(tmp_path: Path, method: str) -> None:
    async with desk(tmp_path) as here:
        old = await here.sign_in("ada", method)
        here.fake.omit_token()
        fresh = await here.refresh(old)
        assert fresh.secrets[REFRESH_TOKEN] == old.secrets[REFRESH_TOKEN]
        assert fresh.secrets[ACCESS_TOKEN] != old.secrets[ACCESS_TOKEN]
        await here.refresh(fresh)


async def test_an_answer_without_an_arn_keeps_the_old_one(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        old = await here.sign_in()
        answer = {"accessToken": "aoa-new", "refreshToken": "", "profileArn": "", "expiresIn": 60}
        here.fake.social.refreshes.append((200, answer))
        found = Credential.of(await here.refresh(old))
        assert (found.profile_arn, found.refresh_token) == (SHARED_ARN, Credential.of(old).refresh_token)


@pytest.mark.parametrize(("lifetime_s", "silent"), [(60.0, False), (28_800.0, False), (1.0, True)])
async def test_how_long_a_token_lives_is_what_the_answer_says(tmp_path: Path, lifetime_s: float, silent: bool) -> None:
    async with desk(tmp_path) as here:
        old = await here.sign_in("ada", "builder-id")
        here.fake.oidc.lifetime_s, here.fake.oidc.omits_lifetime = lifetime_s, silent
        fresh = await here.refresh(old)
        expected_s = DEFAULT_LIFETIME_S if silent else lifetime_s
        assert fresh.expires_at == pytest.approx(time.time() + expected_s, abs=10)
        assert fresh.refresh_at == pytest.approx(time.time() + expected_s - 600, abs=10)


class WatchfulStore:
    """A store that notes what had been called at each save, and may be full."""

    def __init__(self, here: Desk, *, full: bool = False) -> None:
        self._here = here
        self._full = full
        self.saves: list[list[str]] = []

    def load(self) -> list[Account]:
        return self._here.store.load()

    async def save(self, account: Account) -> None:
        self.saves.append([one.path for one in self._here.server.requests])
        if self._full:
            raise AuthFileError("no room")
        await self._here.store.save(account)

    async def remove(self, account: Account) -> None:
        await self._here.store.remove(account)


async def test_a_new_token_is_saved_before_anything_is_asked_with_it(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.tell_who_it_is(False)
        old = await here.sign_in("ada", "builder-id")
        here.tell_who_it_is(True)
        here.server.requests.clear()
        store = WatchfulStore(here)
        await here.refresh(old, store)
        token, usage = "/oidc/us-east-1/token", "/management/us-east-1/"
        assert store.saves == [[token], [token, usage]]


async def test_a_token_that_cannot_be_saved_is_told(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        old = await here.sign_in()
        with pytest.raises(AuthFileError):
            await here.refresh(old, WatchfulStore(here, full=True))


@pytest.mark.parametrize("suspended", [False, True], ids=["not told", "suspended"])
async def test_a_refresh_is_none_the_worse_for_an_identity_that_stays_unknown(tmp_path: Path, suspended: bool) -> None:
    async with desk(tmp_path) as here:
        here.tell_who_it_is(False)
        old = await here.sign_in()
        here.fake.people.user("ada", "Google").suspended = suspended
        fresh = await here.refresh(old)
        assert (fresh.id, Credential.of(fresh).is_pending) == (old.id, True)
        assert here.credentials() == [Credential.of(fresh)]


# -- SSO-OIDC's refusals -------------------------------------------------------------------------------------

FINAL = [
    pytest.param("invalid_grant", "refresh token is spent", id="invalid_grant"),
    pytest.param("expired_token", "refresh token is spent", id="expired_token"),
    pytest.param("access_denied", "refresh token is spent", id="access_denied"),
    pytest.param("invalid_request", "refresh token is spent", id="invalid_request"),
    pytest.param("unauthorized_client", "client registration of this sign-in has ended", id="unauthorized_client"),
    pytest.param("invalid_client", "client registration of this sign-in has ended", id="invalid_client"),
]


@pytest.mark.parametrize("by_header", [False, True], ids=["by code", "by exception"])
@pytest.mark.parametrize(("fault", "words"), FINAL)
async def test_what_only_a_new_sign_in_mends(tmp_path: Path, fault: str, words: str, by_header: bool) -> None:
    async with desk(tmp_path) as here:
        old = await here.sign_in("ada", "builder-id")
        here.fake.oidc.refusals.names_by_header = by_header
        here.fake.oidc.refusals.script("refresh", fault)
        with pytest.raises(LoginRequired, match=f"{words}.*switchgear login"):
            await here.refresh(old)
        assert here.fake.refreshes == 1
        assert here.credentials() == [Credential.of(old)]


PASSING = [
    pytest.param("slow_down", id="throttled"),
    pytest.param("429", id="429"),
    pytest.param("408", id="408"),
    pytest.param("server_error", id="500"),
    pytest.param("503", id="503"),
    pytest.param("html", id="a page"),
    pytest.param("cut", id="no answer"),
]


@pytest.mark.parametrize("fault", PASSING)
async def test_what_passes_is_never_death(tmp_path: Path, fault: str) -> None:
    """However often; and it is never taken for the fault of the client that was about to be served."""
    async with desk(tmp_path) as here:
        old = await here.sign_in("ada", "builder-id")
        here.fake.oidc.refusals.script("refresh", *[fault] * 5)
        for _ in range(5):
            with pytest.raises(UpstreamError) as caught:
                await here.refresh(old)
            assert not is_final(caught.value)
            assert default_verdict(caught.value.failure).kind not in {Kind.INVALID_REQUEST, Kind.TOKEN_EXPIRED}
        assert here.credentials() == [Credential.of(old)]
        assert (await here.refresh(old)).id == old.id


@pytest.mark.parametrize("method", ["builder-id", "portal"])
async def test_a_400_that_nobody_knows_passes_twice(tmp_path: Path, method: str) -> None:
    async with desk(tmp_path) as here:
        old = await here.sign_in("ada", method)
        here.fake.oidc.refusals.script("refresh", *["invalid_scope"] * 5)
        here.fake.social.refreshes.extend([(400, {"message": "ValidationException of the fake"})] * 5)
        found = []
        for _ in range(5):
            with pytest.raises(UpstreamError, match=r"ValidationException|InvalidScope") as caught:
                await here.refresh(old)
            found.append(is_final(caught.value))
        assert found == [False, False, True, False, False]


async def test_a_400_that_nobody_knows_is_forgotten_with_the_next_success(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        old = await here.sign_in("ada", "builder-id")
        for _ in range(2):
            here.fake.oidc.refusals.script("refresh", "invalid_scope", "invalid_scope")
            for _ in range(2):
                with pytest.raises(UpstreamError) as caught:
                    await here.refresh(old)
                assert not is_final(caught.value)
            here.fake.omit_token()  # the same refresh token goes on
            old = await here.refresh(old)


# -- another program was faster ------------------------------------------------------------------------------


@pytest.mark.parametrize("spent_says", ["invalid_grant", "invalid_request"])
async def test_a_spent_token_is_looked_up_again_once(tmp_path: Path, spent_says: str) -> None:
    async with desk(tmp_path) as here:
        here.fake.oidc.spent_says = spent_says
        old = await here.sign_in("ada", "builder-id")
        newer = await here.refresh(old)
        fresh = await here.refresh(old)  # the file holds another token by now
        assert here.fake.refreshes == 3
        assert fresh.secrets[REFRESH_TOKEN] not in {old.secrets[REFRESH_TOKEN], newer.secrets[REFRESH_TOKEN]}
        here.fake.people.revoke()
        with pytest.raises(LoginRequired):
            await here.refresh(old)
        assert here.fake.refreshes == 5


async def test_an_account_that_is_gone_from_the_store_is_not_looked_up_for_ever(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        old = await here.sign_in("ada", "builder-id")
        await here.store.remove(old)
        here.fake.people.revoke()
        with pytest.raises(LoginRequired):
            await here.refresh(old)
        assert here.fake.refreshes == 1


# -- regions and registrations -------------------------------------------------------------------------------


async def test_another_region_is_asked_where_the_answer_names_one(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.fake.oidc.tells_region = True
        old = await here.sign_in("ada", "builder-id")
        strayed = replace(Credential.of(old), sso_region="eu-west-1").applied_to(old)
        assert Credential.of(await here.refresh(strayed)).sso_region == "us-east-1"
        assert here.server.hits("/oidc/eu-west-1/token") == 1


async def test_regions_that_name_each_other_are_not_asked_for_ever(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.fake.oidc.tells_region = True
        old = await here.sign_in("ada", "builder-id")
        here.fake.oidc.refusals.script("refresh", "region:eu-west-1")
        with pytest.raises(LoginRequired, match="spent"):
            await here.refresh(old)
        assert here.server.hits("/oidc/eu-west-1/token") == 1


@pytest.mark.parametrize("method", ["builder-id", "social"])
async def test_what_is_no_region_goes_into_no_host_name(tmp_path: Path, method: str) -> None:
    async with desk(tmp_path) as here:
        known = Credential.of(await here.sign_in("ada", method))
        here.server.requests.clear()
        strange = replace(known, sso_region="evil.example/x", auth_region="evil.example/x")
        with pytest.raises(LoginRequired, match="no AWS region"):
            await refreshed(here.settings, strange, here.client)
        assert not here.server.requests


async def test_a_registration_that_has_ended_ends_the_sign_in(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        old = await here.sign_in("ada", "idc")
        here.fake.oidc.expire_registrations()
        with pytest.raises(LoginRequired, match="client registration of this sign-in has ended"):
            await here.refresh(old)


async def test_a_token_is_not_renewed_with_another_registration(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        old = Credential.of(await here.sign_in("ada", "builder-id"))
        other = Credential.of(await here.sign_in("ben", "idc-code"))
        mixed = replace(old, client_id=other.client_id, client_secret=other.client_secret)
        with pytest.raises(LoginRequired):
            await refreshed(here.settings, mixed, here.client)
        unregistered = replace(old, client_secret="")
        with pytest.raises(LoginRequired, match="registration that this sign-in is bound to is not known"):
            await refreshed(here.settings, unregistered, here.client)


# -- social accounts -----------------------------------------------------------------------------------------

SOCIAL = [
    pytest.param((401, {"message": "Bad credentials"}), True, 1, id="bad credentials"),
    pytest.param((400, {"message": "Invalid refresh token provided"}), True, 1, id="invalid refresh token"),
    pytest.param((400, {"message": "x", "error": "invalid_grant"}), True, 1, id="invalid_grant"),
    pytest.param((403, ""), True, 2, id="403 without a word, twice"),
    pytest.param((401, "<html>"), True, 2, id="401 with a page, twice"),
    pytest.param((401, {"message": "come back later"}), False, 1, id="401 that says something else"),
    pytest.param((429, {"message": "slow"}), False, 1, id="429"),
    pytest.param((408, {}), False, 1, id="408"),
    pytest.param((502, "<html>"), False, 1, id="502"),
    pytest.param((200, {"refreshToken": "aor"}), False, 1, id="200 without a token"),
]


@pytest.mark.parametrize(("answer", "final", "asked"), SOCIAL)
async def test_refusals_of_social_tokens(
    tmp_path: Path, answer: tuple[int, dict[str, Any] | str], final: bool, asked: int
) -> None:
    async with desk(tmp_path) as here:
        old = await here.sign_in()
        here.fake.social.refreshes.extend([answer] * asked)
        with pytest.raises(UpstreamError) as caught:
            await here.refresh(old)
        assert (is_final(caught.value), here.fake.refreshes) == (final, asked)
        assert here.credentials() == [Credential.of(old)]


async def test_a_401_without_a_word_may_be_an_accident(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        old = await here.sign_in()
        here.fake.social.refreshes.append((401, ""))
        assert (await here.refresh(old)).secrets != old.secrets


# -- keys, and a company's own identity provider ---------------------------------------------------------------


async def test_a_key_is_not_renewed(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        account = await here.sign_in("ada", "api-key")
        here.server.requests.clear()
        with pytest.raises(LoginRequired, match="a key is not renewed"):
            await here.refresh(account)
        assert not here.server.requests


def company(token_endpoint: str, issuer_url: str) -> Credential:
    return Credential(
        "external-idp",
        access_token="old-access",
        refresh_token="old-refresh",
        client_id="client",
        scopes="openid offline_access",
        token_endpoint=token_endpoint,
        issuer_url=issuer_url,
    )


@pytest.mark.parametrize(
    ("token_endpoint", "issuer_url"),
    [
        pytest.param("http://idp.example/token", "https://idp.example", id="not https"),
        pytest.param("https://evil.example/token", "https://idp.example", id="another host"),
        pytest.param("", "https://idp.example", id="none"),
    ],
)
async def test_a_token_goes_to_the_issuers_own_host_only(tmp_path: Path, token_endpoint: str, issuer_url: str) -> None:
    async with desk(tmp_path) as here:
        with pytest.raises(LoginRequired):
            await refreshed(here.settings, company(token_endpoint, issuer_url), here.client)


COMPANY = [
    pytest.param(200, '{"access_token": "new", "expires_in": 60}', "renewed", id="renewed"),
    pytest.param(400, '{"error": "invalid_grant"}', "final", id="invalid_grant"),
    pytest.param(401, '{"error": "invalid_client"}', "final", id="invalid_client"),
    pytest.param(400, '{"error": "invalid_request"}', "passes", id="a 400 that may pass"),
    pytest.param(503, "", "passes", id="503"),
]


@pytest.mark.parametrize(("status", "body", "expected"), COMPANY)
async def test_a_company_is_asked_by_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, body: str, expected: str
) -> None:
    async def answer(exchange: Exchange) -> None:
        await exchange.respond(status, body)

    # Nothing on loopback has a certificate of an issuer's, so the check of the address is out of the way.
    monkeypatch.setattr(refreshing, "check_endpoint", lambda endpoint, issuer: None)
    async with desk(tmp_path) as here, LoopbackServer(answer) as idp:
        old = company(f"{idp.url}/token", "https://idp.example")
        if expected == "renewed":
            fresh = await refreshed(here.settings, old, here.client)
            assert (fresh.access_token, fresh.refresh_token) == ("new", "old-refresh")
        else:
            with pytest.raises(UpstreamError) as caught:
                await refreshed(here.settings, old, here.client)
            assert is_final(caught.value) is (expected == "final")
        form = "grant_type=refresh_token&client_id=client&refresh_token=old-refresh&scope=openid+offline_access"
        assert [one.body.decode() for one in idp.requests] == [form]
