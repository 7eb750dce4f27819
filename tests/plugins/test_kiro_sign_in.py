"""Signing in to kiro: each method, whose account it becomes, and every way it can fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from switchgear import LoginCancelled, LoginFailed
from switchgear_kiro.account import ACCESS_TOKEN, API_KEY, REFRESH_TOKEN, Credential
from switchgear_kiro.aws_sign_in import BUILDER_ID_START_URL
from switchgear_kiro.fake.people import (
    ORGANISATION_ARN,
    ORGANISATION_URL,
    OTHER_ORGANISATION_ARN,
    OTHER_ORGANISATION_URL,
    SHARED_ARN,
)
from tests.plugins.kiro_desk import any_port, desk, moving_clock

OTHER = {"start URL": OTHER_ORGANISATION_URL, "region": "eu-west-1"}


@pytest.fixture(autouse=True)
def _any_port(monkeypatch: pytest.MonkeyPatch) -> None:
    any_port(monkeypatch)


# -- it works ------------------------------------------------------------------------------------------------

METHODS = [
    pytest.param("portal", "social", "Google", "", SHARED_ARN, id="portal"),
    pytest.param("social", "social", "Google", "", SHARED_ARN, id="social device"),
    pytest.param("builder-id", "builder-id", "BuilderId", BUILDER_ID_START_URL, "", id="builder id"),
    pytest.param("idc", "idc", "Enterprise", ORGANISATION_URL, ORGANISATION_ARN, id="organisation, device"),
    pytest.param("idc-code", "idc", "Enterprise", ORGANISATION_URL, ORGANISATION_ARN, id="organisation, browser"),
]


@pytest.mark.parametrize(("method", "kind", "idp", "start_url", "arn"), METHODS)
async def test_an_account_is_signed_in_and_again(
    tmp_path: Path, method: str, kind: str, idp: str, start_url: str, arn: str
) -> None:
    async with desk(tmp_path) as here:
        account = await here.sign_in("ada", method)
        found = Credential.of(account)
        user = here.fake.people.user("ada", start_url or idp)
        assert (found.method, found.idp, found.start_url, found.profile_arn) == (kind, idp, start_url, arn)
        assert (account.id, found.user_id, found.email) == (f"user:{user.user_id}", user.user_id, user.email)
        assert here.fake.people.bearer(found.access_token) is user
        assert here.credentials() == [found]
        bound = method not in {"portal", "social"}
        assert bool(found.client_id and found.client_secret and found.registration_expires_at) is bound
        assert account.login_expires_at == found.registration_expires_at
        again = await here.sign_in("ada", method)
        assert again.id == account.id
        assert again.secrets[ACCESS_TOKEN] != account.secrets[ACCESS_TOKEN]
        assert here.credentials() == [Credential.of(again)]


async def test_six_accounts_again_and_again(tmp_path: Path) -> None:
    """Two people at three directories: what they share (ARN, start URL, e-mail, registration) makes nobody the same."""
    async with desk(tmp_path) as here:
        for _ in range(2):
            for method in ("portal", "builder-id", "idc"):
                for who in ("ada", "ben"):
                    await here.sign_in(who, method)
        stored = here.stored()
        assert len({account.id for account in stored}) == len({here.store.path(one.id) for one in stored}) == 6
        assert len({account.secrets[REFRESH_TOKEN].reveal() for account in stored}) == 6
        assert {Credential.of(account).email for account in stored} == {"team@example.test"}


async def test_one_email_in_two_organisations_is_two_accounts(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        one = Credential.of(await here.sign_in("ada", "idc"))
        other = Credential.of(await here.sign_in("ada", "idc", typed=OTHER))
        assert (one.email, one.sso_region) == (other.email, "us-east-1")
        assert (other.sso_region, other.api_region) == ("eu-west-1", "eu-central-1")
        assert other.profile_arn == OTHER_ORGANISATION_ARN
        assert len(here.stored()) == 2


async def test_the_account_is_called_what_the_operator_says_and_stays_so(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        person = here.person("ada", "builder-id")
        person.label = " office "
        assert (await here.play(person)).label == "office"
        assert (await here.sign_in("ada", "builder-id")).label == "office"


# -- the person says no, or nothing --------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["portal", "builder-id", "idc", "idc-code", "social"])
async def test_declined_in_the_browser(tmp_path: Path, method: str) -> None:
    async with desk(tmp_path) as here:
        with pytest.raises(LoginFailed, match="declined"):
            await here.sign_in("ada", method, confirms=False)
        assert here.stored() == []


@pytest.mark.parametrize("method", ["builder-id", "idc", "social"])
async def test_a_code_that_nobody_confirms_expires(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    async with desk(tmp_path) as here:
        clock = moving_clock(monkeypatch, here)
        for pairings in (here.fake.oidc.pairings, here.fake.social.pairings):
            pairings.lifetime_s = 30.0
        person = here.person("ada", method)
        person.visit = None
        with pytest.raises(LoginFailed, match="expired before it was confirmed"):
            await here.play(person)
        assert clock.slept == [5.0] * 5
        assert here.stored() == []


async def test_giving_up(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        person = here.person("ada", "idc")
        person.cancel_at = 1
        with pytest.raises(LoginCancelled):
            await here.play(person)
        assert here.stored() == []


# -- the pace of polling -------------------------------------------------------------------------------------


async def test_aws_is_polled_at_its_pace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(tmp_path) as here:
        clock = moving_clock(monkeypatch, here)
        here.fake.oidc.refusals.script("poll", "authorization_pending", "slow_down", "429", "server_error")
        await here.sign_in("ada", "builder-id")
        assert clock.slept[:4] == [5.0, 5.0, 10.0, 20.0]  # five seconds more for good, and pauses that double


async def test_social_is_polled_at_its_pace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(tmp_path) as here:
        clock = moving_clock(monkeypatch, here)
        here.fake.social.says_status = True
        pending, slower = {"status": "authorization_pending"}, {"status": "slow_down"}
        here.fake.social.polls.extend([(200, pending), (200, slower), (503, "busy")])
        await here.sign_in("ada", "social")
        assert clock.slept[:3] == [5.0, 5.0, 10.0]


# -- identity ------------------------------------------------------------------------------------------------


async def test_an_identity_that_is_found_out_later_changes_no_id(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.tell_who_it_is(False)
        pending = await here.sign_in("ada", "portal")
        assert pending.id.startswith("pending:")
        here.tell_who_it_is(True)
        fresh = await here.refresh(pending)
        assert (fresh.id, Credential.of(fresh).is_pending) == (pending.id, False)
        assert (await here.sign_in("ada", "portal")).id == pending.id
        assert (await here.sign_in("ben", "portal")).id != pending.id
        assert len(here.stored()) == 2


async def test_a_pending_account_is_asked_who_it_is_when_somebody_signs_in(tmp_path: Path) -> None:
    """So that who is imported, and signs in before the first refresh, is not there twice."""
    async with desk(tmp_path) as here:
        here.tell_who_it_is(False)
        pending = await here.sign_in("ada", "portal")
        here.tell_who_it_is(True)
        assert (await here.sign_in("ben", "portal")).id != pending.id
        assert (await here.sign_in("ada", "builder-id")).id != pending.id
        assert (await here.sign_in("ada", "portal")).id == pending.id
        assert len(here.stored()) == 3


async def test_two_accounts_that_turn_out_to_be_one_person_become_one(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.tell_who_it_is(False)
        pending = await here.sign_in("ada", "portal")
        here.tell_who_it_is(True)
        here.fake.people.expire()
        named = await here.sign_in("ada", "portal")
        assert named.id != pending.id  # nobody can know yet
        await here.refresh(pending)
        again = await here.sign_in("ada", "portal")
        assert again.id == named.id
        assert [account.id for account in here.stored()] == [named.id]


async def test_a_suspended_account_is_not_saved(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.fake.people.user("ada", BUILDER_ID_START_URL).suspended = True
        with pytest.raises(LoginFailed, match="only its owner can settle that"):
            await here.sign_in("ada", "builder-id")
        assert here.stored() == []


# -- the auth service of social accounts ---------------------------------------------------------------------


async def test_github(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        account = await here.sign_in("ada", "social", typed={"Which account": "GitHub"})
        assert Credential.of(account).idp == "Github"
        assert here.bodies("/oauth/device/authorization") == [{"clientId": "kiro-cli", "loginProvider": "Github"}]


async def test_whose_browser_it_is_is_said_before_the_code_is_shown(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        person = here.person("ada", "social")
        await here.play(person)
        steps = [(step.kind, step.text) for step in person.steps]
        warned = next(place for place, (_, text) in enumerate(steps) if "private window" in text)
        assert warned < next(place for place, (kind, _) in enumerate(steps) if kind == "show")


ENDED = [
    pytest.param("expired_token", "expired before it was confirmed", id="expired"),
    pytest.param("access_denied", "declined in the browser", id="declined"),
    pytest.param("invalid_token", "ended the sign-in .invalid_token", id="invalid"),
    pytest.param("moon_phase", "ended the sign-in .moon_phase", id="unknown"),
]


@pytest.mark.parametrize(("status", "words"), ENDED)
async def test_every_other_status_of_a_social_poll_is_the_end(tmp_path: Path, status: str, words: str) -> None:
    async with desk(tmp_path) as here:
        here.fake.social.polls.append((200, {"status": status}))
        with pytest.raises(LoginFailed, match=words):
            await here.sign_in("ada", "social")
        assert here.stored() == []


# -- keys ----------------------------------------------------------------------------------------------------


async def test_a_key_is_its_own_account(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        account = await here.sign_in("ada", "api-key")
        assert account.secrets[API_KEY].reveal() == here.fake.people.api_key("ada")
        assert (account.expires_at, REFRESH_TOKEN in account.secrets) == (None, False)
        assert (await here.sign_in("ada", "api-key")).id == account.id
        assert (await here.sign_in("ben", "api-key")).id != account.id
        assert len(here.stored()) == 2


@pytest.mark.parametrize("typed", ["sk-1234567890", "ksk_with space", "ksk_\u00e9", "aoa1234"])
async def test_what_is_no_key_is_not_saved(tmp_path: Path, typed: str) -> None:
    async with desk(tmp_path) as here:
        with pytest.raises(LoginFailed, match="no Kiro API key"):
            await here.sign_in("ada", "api-key", typed={"API key": typed})
        assert here.stored() == []


# -- secrets -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["portal", "builder-id", "idc", "idc-code", "social", "api-key"])
async def test_no_secret_is_in_the_dialog_or_readable_in_the_file(tmp_path: Path, method: str) -> None:
    async with desk(tmp_path) as here:
        person = here.person("ada", method)
        account = await here.play(person)
        said = "\n".join(f"{step.text} {step.code} {step.choices}" for step in person.steps)
        kept = here.store.path(account.id).read_text()
        assert not [secret for secret in here.fake.people.given if secret in said or secret in kept]
