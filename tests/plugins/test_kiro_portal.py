"""Kiro's portal: what the browser comes back with, from where, to which port, and without a browser here."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from switchgear import LoginFailed, UpstreamError
from switchgear.testing import LoopbackServer
from switchgear.testing.person import PASTE_BACK, Person
from switchgear.upstream import tls_context
from switchgear_kiro import portal
from switchgear_kiro.account import Credential
from switchgear_kiro.aws_sign_in import BUILDER_ID_START_URL
from switchgear_kiro.fake.people import ORGANISATION_URL
from tests.plugins.kiro_desk import Desk, any_port, desk


@pytest.fixture(autouse=True)
def _any_port(monkeypatch: pytest.MonkeyPatch) -> None:
    any_port(monkeypatch)


OPTIONS = [
    pytest.param("google", ("social", "Google", ""), id="google"),
    pytest.param("github", ("social", "Github", ""), id="github"),
    pytest.param("builderid", ("builder-id", "BuilderId", BUILDER_ID_START_URL), id="builder id"),
    pytest.param("awsidc", ("idc", "Enterprise", ORGANISATION_URL), id="organisation"),
    pytest.param("internal", ("idc", "Internal", ORGANISATION_URL), id="vendor's staff"),
]


@pytest.mark.parametrize("path", ["/oauth/callback", "/signin/callback"])
@pytest.mark.parametrize(("option", "expected"), OPTIONS)
async def test_every_option_comes_back_on_either_path(
    tmp_path: Path, option: str, expected: tuple[str, str, str], path: str
) -> None:
    async with desk(tmp_path) as here:
        here.fake.portal.option, here.fake.portal.path = option, path
        found = Credential.of(await here.sign_in())
        assert (found.method, found.idp, found.start_url) == expected
        if expected[0] == "social":
            [sent] = here.bodies("/oauth/token")
            assert urlsplit(sent["redirect_uri"])[2:4] == (path, f"login_option={option}")


async def test_the_page_is_asked_for_as_it_wants_to_be(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        person = here.person()
        await here.play(person)
        query = {name: value[0] for name, value in parse_qs(urlsplit(person.steps[0].text).query).items()}
        assert query.keys() == {"state", "code_challenge", "code_challenge_method", "redirect_uri", "redirect_from"}
        assert urlsplit(query["redirect_uri"])[1:3] == (f"localhost:{urlsplit(query['redirect_uri']).port}", "")
        [sent] = here.bodies("/oauth/token")
        assert sent.keys() == {"code", "code_verifier", "redirect_uri"}


async def test_a_builder_id_reply_that_says_nothing_more_is_enough(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.fake.portal.option, here.fake.portal.sends = "builderid", {"issuer_url": "", "idc_region": ""}
        assert Credential.of(await here.sign_in()).sso_region == "us-east-1"


FAILING = [
    pytest.param("awsidc", {"idc_region": ""}, "does not say where", id="an organisation without a region"),
    pytest.param("awsidc", {"issuer_url": ""}, "does not say where", id="an organisation without a start URL"),
    pytest.param("awsidc", {"idc_region": "evil.example/x"}, "no AWS region", id="a region that is none"),
    pytest.param("awsidc", {"issuer_url": "http://plain.example"}, "no start URL", id="a start URL that is not https"),
    pytest.param("builderid", {"idc_region": "evil.example#"}, "no AWS region", id="builder id with a strange region"),
    pytest.param("external_idp", {}, "method import", id="a company's own identity provider"),
    pytest.param("smoke-signals", {}, "not known here .'smoke-signals'", id="an unknown option"),
    pytest.param("google", {"code": ""}, "without a code", id="no code"),
    pytest.param("google", {"error": "access_denied", "error_description": "not you"}, "not you", id="refused"),
    pytest.param("google", {"error": "redirect_mismatch"}, "does not send the browser back to this port", id="port"),
    pytest.param("google", {"code": "made-up"}, "Invalid code", id="a code of nobody's"),
]  # fmt: skip


@pytest.mark.parametrize(("option", "sends", "words"), FAILING)
async def test_what_comes_back_wrong_signs_nobody_in(
    tmp_path: Path, option: str, sends: dict[str, str], words: str
) -> None:
    async with desk(tmp_path) as here:
        here.fake.portal.option, here.fake.portal.sends = option, sends
        with pytest.raises(LoginFailed, match=words):
            await here.sign_in()
        assert here.stored() == []
        assert here.server.hits("/oidc/us-east-1/client/register") == 0


async def test_new_people_may_not_be_taken(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.fake.social.newcomers.add("ada")
        with pytest.raises(LoginFailed, match="New signups are temporarily paused"):
            await here.sign_in()
        await here.sign_in("ben")
        assert len(here.stored()) == 1


async def test_an_exchange_that_fails_is_no_refusal(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.fake.social.exchanges.append((500, {"message": "Internal server error"}))
        with pytest.raises(UpstreamError, match="Internal server error"):
            await here.sign_in()
        assert here.server.hits("/auth/us-east-1/oauth/token") == 1  # the code is burnt: nothing to try again with


# -- without a browser here ----------------------------------------------------------------------------------


class Elsewhere(Person):
    """Has the browser on another machine, and pastes where it ended."""

    def __init__(self, here: Desk) -> None:
        super().__init__("portal")
        self._here = here
        self.address = asyncio.get_running_loop().create_future()

    async def show(self, url: str, code: str | None = None) -> None:
        await super().show(url, code)
        async with httpx2.AsyncClient(trust_env=False, verify=tls_context()) as browser:
            page = await browser.get(url, headers={"x-person": "ada"})
        self.address.set_result(page.headers["location"])

    async def ask(self, question: str, *, secret: bool = False) -> str:
        assert question.startswith(PASTE_BACK)
        assert secret
        return str(await self.address)


@pytest.mark.parametrize("path", ["/oauth/callback", "/signin/callback"])
async def test_the_final_address_may_be_pasted(tmp_path: Path, path: str) -> None:
    async with desk(tmp_path) as here:
        here.fake.portal.path = path
        await here.play(Elsewhere(here))
        [sent] = here.bodies("/oauth/token")
        assert urlsplit(sent["redirect_uri"]).path == path
        assert len(here.stored()) == 1


# -- ports ---------------------------------------------------------------------------------------------------


def test_only_the_ports_that_the_service_knows_are_listened_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert portal.PORTS == (3128, 4649, 6588, 8008, 9091, 49153, 50153, 51153, 52153, 53153)


async def test_a_port_that_is_taken_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(tmp_path) as here, LoopbackServer(lambda exchange: exchange.respond(200)) as other:
        monkeypatch.setattr(portal, "PORTS", (other.port, 0))
        await here.sign_in()
        monkeypatch.setattr(portal, "PORTS", (other.port,))
        with pytest.raises(LoginFailed, match=f"cannot listen on 127.0.0.1:{other.port}"):
            await here.sign_in()


async def test_several_sign_ins_run_side_by_side(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await asyncio.gather(*(here.sign_in(who) for who in ("ada", "ben", "cyd")))
        assert len(here.stored()) == 3
