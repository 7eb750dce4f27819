"""Signing in to cursor: each method, whose account it becomes, and every way it can fail."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from switchgear import LoginCancelled, LoginFailed, UpstreamError
from switchgear.testing import FakeClock
from switchgear_cursor import calls, deep_link
from switchgear_cursor.account import ACCESS_TOKEN, Credential
from switchgear_cursor.fake.people import EMAIL, jwt
from switchgear_cursor.fake.refusals import REGION, Refusal
from tests.plugins.cursor_desk import desk


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """Polls go by a clock that passes at once."""
    made = FakeClock()
    monkeypatch.setattr(deep_link, "sleep", made.sleep)
    return made


@pytest.fixture(autouse=True)
def _soon_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "FIRST_PAUSE_S", 0.0)


# -- it works ------------------------------------------------------------------------------------------------


async def test_a_browser_makes_a_key_and_nothing_of_its_session_is_kept(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        account = await here.sign_in()
        found = Credential.of(account)
        user = here.people.user("ada")
        assert (found.kind, found.subject, found.email) == ("api-key", user.subject, EMAIL)
        assert here.people.key_owner(found.api_key) is user
        assert (found.refresh_token, here.people.keys[found.api_key].name) == ("", "Switchgear")
        grant = here.people.bearer(f"Bearer {found.access_token}")
        assert grant is not None
        assert grant.kind == "access"
        assert found.key_expires_at is not None
        assert found.key_expires_at == pytest.approx(time.time() + 90 * 86_400, abs=60)
        assert (account.login_expires_at, account.details["method"]) == (found.key_expires_at, "api-key")
        assert here.stored() == [found]


async def test_a_browser_session_is_kept_where_that_is_wanted(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        account = await here.sign_in(method="browser-session")
        found = Credential.of(account)
        assert (found.kind, found.api_key, found.access_token) == ("session", "", found.refresh_token)
        assert account.expires_at == pytest.approx(time.time() + 60 * 86_400, abs=60)
        assert here.people.keys == {}


async def test_a_pasted_key_is_exchanged(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        found = Credential.of(await here.sign_in(method="api-key"))
        assert (found.api_key, found.subject) == (here.people.api_key("ada"), here.people.user("ada").subject)
        assert (found.key_expires_at, here.login.refreshes) == (None, 1)


@pytest.mark.parametrize("again", ["browser", "browser-session", "api-key"])
async def test_two_people_of_one_team_sign_in_twice_and_are_two_accounts(tmp_path: Path, again: str) -> None:
    async with desk(tmp_path) as here:
        first = [await here.sign_in(who) for who in ("ada", "ben")]
        second = [await here.sign_in(who, again) for who in ("ada", "ben")]
        assert [one.id for one in first] == [one.id for one in second]
        assert [one.label for one in first] == [one.label for one in second]
        assert len(here.stored()) == len({here.store.path(one.id) for one in first}) == 2
        for old, new in zip(first, second, strict=True):
            assert old.secrets[ACCESS_TOKEN] != new.secrets[ACCESS_TOKEN]
        assert {one.email for one in here.stored()} == {EMAIL}


async def test_the_account_is_called_what_the_operator_says_and_stays_so(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        person = here.person()
        person.label = " office "
        assert (await here.play(person)).label == "office"
        assert (await here.sign_in()).label == "office"


async def test_a_session_stays_where_a_team_forbids_keys_and_the_person_is_told(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.people.user("ada").may_make_keys = False
        person = here.person()
        found = Credential.of(await here.play(person))
        assert found.kind == "session"
        told = " ".join(step.text for step in person.steps)
        assert "Your team does not allow user API keys" in told
        assert "60 days" in told


async def test_a_session_stays_where_the_key_is_not_taken(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.login.exchange_refusals = [Refusal("unauthenticated", "BAD_USER_API_KEY")]
        assert Credential.of(await here.sign_in()).kind == "session"


async def test_an_account_without_an_email_address_is_one(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.services.dashboard.refusals["GetMe"] = [Refusal("internal")]
        assert Credential.of(await here.sign_in()).email == ""


async def test_a_key_lasts_as_long_as_the_operator_says(tmp_path: Path) -> None:
    async with desk(tmp_path, **{"key-days": 7}) as here:
        account = await here.sign_in()
        assert account.login_expires_at == pytest.approx(time.time() + 7 * 86_400, abs=60)


# -- the poll ------------------------------------------------------------------------------------------------


async def test_polls_grow_apart_and_keep_the_verifier_out_of_addresses(tmp_path: Path, clock: FakeClock) -> None:
    async with desk(tmp_path, **{"least-poll-seconds": 1.0}) as here:
        here.login.scripts = [(404, "Not found")] * 20
        await here.sign_in()
        assert here.login.polls[:20] == [("POST", 404)] * 20
        assert clock.slept[:3] == pytest.approx([1.0, 1.2, 1.44])
        assert clock.slept[-1] == 10.0
        verifiers = {body["verifier"] for body in here.bodies("/auth/poll")}
        assert not [one for one in here.server.requests for verifier in verifiers if verifier in one.target]


async def test_a_server_that_does_not_know_the_post_is_asked_by_get(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.login.knows_post = False
        await here.sign_in()
        verbs = [verb for verb, _ in here.login.polls]
        assert verbs[0] == "POST"
        assert set(verbs[1:]) == {"GET"}


async def test_pending_is_a_status_whatever_it_says(tmp_path: Path, clock: FakeClock) -> None:
    async with desk(tmp_path) as here:
        here.login.scripts = [(404, '{"error": "pending"}'), (404, "")]
        await here.sign_in()
        assert len(here.login.polls) >= 3


async def test_a_busy_server_is_asked_again(tmp_path: Path, clock: FakeClock) -> None:
    async with desk(tmp_path) as here:
        here.login.scripts = [(429, ""), (503, ""), (500, ""), (429, ""), (502, ""), (502, "")]
        await here.sign_in()


async def test_a_server_that_fails_three_times_ends_it(tmp_path: Path, clock: FakeClock) -> None:
    async with desk(tmp_path) as here:
        here.login.scripts = [(503, "")] * 3
        with pytest.raises(UpstreamError):
            await here.sign_in()
        assert here.stored() == []


async def test_nobody_waits_for_ever(tmp_path: Path, clock: FakeClock) -> None:
    async with desk(tmp_path, **{"least-poll-seconds": 1.0}) as here:
        person = here.person()
        person.visit = None
        with pytest.raises(LoginFailed, match="in time"):
            await here.play(person)
        assert len(here.login.polls) == deep_link.MOST_POLLS
        assert 20 * 60 < sum(clock.slept) < 25 * 60


@pytest.mark.parametrize("status", [400, 401, 403, 410])
async def test_a_refusal_ends_it_with_its_words(tmp_path: Path, status: int) -> None:
    async with desk(tmp_path) as here:
        here.login.scripts = [(status, '{"error": "Sign-in is restricted by policy"}')]
        with pytest.raises(LoginFailed, match="restricted by policy"):
            await here.sign_in()
        assert here.stored() == []


async def test_a_person_who_refuses_ends_it(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        with pytest.raises(LoginFailed, match="refused"):
            await here.sign_in(confirms=False)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("{}", id="without a token"),
        pytest.param("<html>", id="a page"),
        pytest.param('{"accessToken": 7}', id="a token that is none"),
    ],
)
async def test_a_confirmation_without_a_token_is_a_failure(tmp_path: Path, body: str) -> None:
    async with desk(tmp_path) as here:
        here.login.scripts = [(200, body)]
        with pytest.raises(UpstreamError, match="no token"):
            await here.sign_in()


async def test_a_redirect_is_not_followed(tmp_path: Path, clock: FakeClock) -> None:
    async with desk(tmp_path) as here:
        here.login.scripts = [(302, "")] * 3
        with pytest.raises(UpstreamError, match="redirect"):
            await here.sign_in()


async def test_a_session_of_nobody_is_not_kept(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.login.scripts = [(200, f'{{"accessToken": "{jwt({})}"}}')]
        with pytest.raises(LoginFailed, match="does not say whose"):
            await here.sign_in(method="browser-session")
        assert here.stored() == []


# -- keys ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed",
    [
        pytest.param("sk-1234", id="another vendor's"),
        pytest.param("crsr_12 34", id="two words"),
        pytest.param("crsr_12\u00e9", id="no ASCII"),
    ],
)
async def test_what_is_no_key_is_not_sent(tmp_path: Path, typed: str) -> None:
    async with desk(tmp_path) as here:
        with pytest.raises(LoginFailed, match="no Cursor API key"):
            await here.sign_in(method="api-key", typed=typed)
        assert list(here.server.requests) == []


async def test_a_key_that_is_not_taken_is_not_kept(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        with pytest.raises(LoginFailed, match="Invalid User API Key"):
            await here.sign_in(method="api-key", typed="crsr_unknown")
        assert here.stored() == []


async def test_a_region_that_is_refused_says_nothing_of_the_key(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.login.exchange_refusals = [REGION]
        with pytest.raises(UpstreamError, match="region"):
            await here.sign_in(method="api-key")


@pytest.mark.parametrize("method", ["browser", "browser-session", "api-key"])
async def test_giving_up_saves_nothing(tmp_path: Path, method: str) -> None:
    async with desk(tmp_path) as here:
        person = here.person(method=method)
        person.cancel_at = 1
        if method == "api-key":
            with pytest.raises(LoginCancelled):
                await here.play(person)
        else:
            person.visit = None
            with pytest.raises(asyncio.CancelledError):
                await here.play(person)
        assert here.stored() == []


async def test_nothing_secret_is_said(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        said = ""
        for method in ("browser", "browser-session", "api-key"):
            person = here.person(method=method)
            await here.play(person)
            said += " ".join(step.text for step in person.steps)
        assert here.people.given
        assert [secret for secret in here.people.given if secret in said] == []
