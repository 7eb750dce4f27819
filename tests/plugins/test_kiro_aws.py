"""Signing in to kiro with AWS: what it refuses, where it has to be asked, as which client, and for which profile."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from switchgear import Account, LoginFailed, UpstreamError
from switchgear_kiro.account import Credential
from switchgear_kiro.fake.people import ORGANISATION_URL, OTHER_ORGANISATION_ARN, OTHER_ORGANISATION_URL
from switchgear_kiro.oidc import error_of
from switchgear_kiro.registration import LEAST_LEFT_S
from tests.plugins.kiro_desk import desk

OTHER = {"start URL": OTHER_ORGANISATION_URL, "region": "eu-west-1"}

# -- what AWS refuses ----------------------------------------------------------------------------------------

REFUSED = [
    pytest.param("register", "invalid_scope", "invalid_scope", id="registration"),
    pytest.param("device", "invalid_request", "check the start URL and the region", id="unknown directory"),
    pytest.param("poll", "access_denied", "declined in the browser", id="declined"),
    pytest.param("poll", "expired_token", "expired before it was confirmed", id="expired"),
    pytest.param("poll", "invalid_grant", "invalid_grant", id="code is unusable"),
]


@pytest.mark.parametrize("by_header", [False, True], ids=["by code", "by exception"])
@pytest.mark.parametrize(("step", "fault", "words"), REFUSED)
async def test_refusals_of_aws_are_told(tmp_path: Path, step: str, fault: str, words: str, by_header: bool) -> None:
    async with desk(tmp_path) as here:
        here.fake.oidc.refusals.script(step, fault)
        here.fake.oidc.refusals.names_by_header = by_header
        with pytest.raises(LoginFailed, match=words):
            await here.sign_in("ada", "idc")
        assert here.stored() == []


FAILURES = [
    pytest.param("html", "lacks a field|holds no", id="a page"),
    pytest.param("307", "answers with a redirect", id="a redirect"),
    pytest.param("429", "HTTP 429", id="busy"),
    pytest.param("503", "HTTP 503", id="away"),
    pytest.param("cut", "broke the connection", id="no answer"),
]


@pytest.mark.parametrize(("fault", "words"), FAILURES)
@pytest.mark.parametrize("step", ["register", "device", "code"])
async def test_failures_of_aws_are_no_refusals(tmp_path: Path, step: str, fault: str, words: str) -> None:
    async with desk(tmp_path) as here:
        here.fake.oidc.refusals.script(step, fault)
        with pytest.raises(UpstreamError, match=words):
            await here.sign_in("ada", "idc-code" if step == "code" else "idc")
        assert here.stored() == []


NAMED = [
    pytest.param({"x-amzn-errortype": "InvalidGrantException"}, {}, "invalid_grant", id="header"),
    pytest.param({"x-amzn-errortype": "SlowDownException:http://x"}, {}, "slow_down", id="header with an address"),
    pytest.param({}, {"__type": "com.amazonaws.oidc#InvalidRequestRegionException"}, "invalid_request", id="type"),
    pytest.param({"x-amzn-errortype": "XException"}, {"error": "invalid_client"}, "invalid_client", id="code first"),
    pytest.param({}, {}, "", id="nothing"),
]


@pytest.mark.parametrize(("headers", "body", "error"), NAMED)
def test_an_error_has_one_name(headers: dict[str, str], body: dict[str, str], error: str) -> None:
    assert error_of(httpx2.Response(400, headers=headers, json=body)) == error


@pytest.mark.parametrize("method", ["idc", "idc-code"])
async def test_a_directory_in_another_region_is_asked_there(tmp_path: Path, method: str) -> None:
    async with desk(tmp_path) as here:
        here.fake.oidc.tells_region = True
        account = await here.sign_in("ada", method, typed={"start URL": OTHER_ORGANISATION_URL})
        assert Credential.of(account).sso_region == "eu-west-1"
        assert here.server.hits("/oidc/eu-west-1/token") >= 1


async def test_a_directory_that_no_region_knows_ends_the_sign_in(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.fake.oidc.refusals.script("device", "region:eu-west-1", "region:eu-north-1")
        with pytest.raises(LoginFailed, match="check the start URL and the region"):
            await here.sign_in("ada", "idc")
        assert here.server.hits("/oidc/eu-north-1/client/register") == 0


INPUTS = [
    pytest.param({"start URL": "http://d-1234567890.awsapps.com/start"}, "no start URL", id="not https"),
    pytest.param({"start URL": "d-1234567890"}, "no start URL", id="a bare name"),
    pytest.param({"start URL": "https://me@evil.example/start"}, "no start URL", id="a user in it"),
    pytest.param({"region": "evil.example/x"}, "no AWS region", id="a host as a region"),
]


@pytest.mark.parametrize(("typed", "words"), INPUTS)
async def test_what_cannot_be_a_directory_is_not_asked(tmp_path: Path, typed: dict[str, str], words: str) -> None:
    async with desk(tmp_path) as here:
        with pytest.raises(LoginFailed, match=words):
            await here.sign_in("ada", "idc", typed=typed)
        assert not here.server.requests


async def test_a_start_url_is_kept_in_one_form(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        typed = {"start URL": f" {ORGANISATION_URL.replace('awsapps', 'AWSapps')}/#/ ", "region": " US-East-1 "}
        assert Credential.of(await here.sign_in("ada", "idc", typed=typed)).start_url == ORGANISATION_URL


# -- registrations -------------------------------------------------------------------------------------------


async def test_a_registration_is_used_again_for_the_same_purpose_only(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        ada = Credential.of(await here.sign_in("ada", "builder-id"))
        ben = Credential.of(await here.sign_in("ben", "builder-id"))
        assert here.server.hits("/oidc/us-east-1/client/register") == 1
        assert ben.client_id == ada.client_id
        await here.sign_in("ada", "idc")  # another directory of the same region
        assert here.server.hits("/oidc/us-east-1/client/register") == 1
        await here.sign_in("ada", "idc-code")  # another flow
        await here.sign_in("ada", "idc-code")
        assert here.server.hits("/oidc/us-east-1/client/register") == 2
        await here.sign_in("ada", "idc", typed=OTHER)  # another region
        assert here.server.hits("/oidc/eu-west-1/client/register") == 1
        asked = here.bodies("/client/register")
        assert {body["clientName"] for body in asked} == {"Switchgear"}
        assert {len(body["scopes"]) for body in asked} == {5}


@pytest.mark.parametrize("left_s", [-1.0, LEAST_LEFT_S - 60.0], ids=["ended", "ends too soon"])
async def test_a_registration_that_ends_is_replaced_before_anybody_confirms(tmp_path: Path, left_s: float) -> None:
    """StartDeviceAuthorization would take an expired one, and the token call refuse it after the person confirmed."""
    async with desk(tmp_path) as here:
        old = await here.sign_in("ada", "builder-id")
        credential = Credential.of(old)
        client = here.fake.oidc.clients[credential.client_id]
        client.expires_at -= 90 * 86_400.0 - left_s
        await here.store.save(_ending(old, client.expires_at))
        fresh = await here.sign_in("ada", "builder-id")
        assert Credential.of(fresh).client_id != credential.client_id
        shown = here.bodies("/device_authorization")
        assert [body["clientId"] for body in shown] == [credential.client_id, Credential.of(fresh).client_id]


def _ending(account: Account, expires_at: float) -> Account:
    details = {**account.details, "registration_expires_at": str(int(expires_at))}
    return Account(account.id, account.label, account.secrets, details, account.expires_at)


@pytest.mark.parametrize("fault", ["invalid_client", "unauthorized_client"])
async def test_a_stored_registration_that_is_refused_is_replaced_once(tmp_path: Path, fault: str) -> None:
    async with desk(tmp_path) as here:
        old = Credential.of(await here.sign_in("ada", "builder-id"))
        here.fake.oidc.refusals.script("device", fault)
        fresh = Credential.of(await here.sign_in("ada", "builder-id"))
        assert fresh.client_id != old.client_id
        here.fake.oidc.refusals.script("device", fault, fault)
        with pytest.raises(LoginFailed, match=fault):
            await here.sign_in("ada", "builder-id")


# -- profiles ------------------------------------------------------------------------------------------------


async def test_of_several_profiles_the_person_chooses(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        user = here.fake.people.user("ada", ORGANISATION_URL)
        user.profiles[OTHER_ORGANISATION_ARN] = "Europe"
        account = await here.sign_in("ada", "idc", typed={"profiles": "2"})
        found = Credential.of(account)
        assert (found.profile_arn, found.api_region) == (OTHER_ORGANISATION_ARN, "eu-central-1")
        assert found.sso_region == "us-east-1"


async def test_without_a_profile_there_is_nothing_to_sign_in_to(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.fake.people.user("ada", ORGANISATION_URL).profiles.clear()
        with pytest.raises(LoginFailed, match="no Kiro subscription"):
            await here.sign_in("ada", "idc")
        assert here.stored() == []
