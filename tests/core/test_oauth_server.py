"""The fake OAuth server: a client that keeps to the rules gets its tokens, one that does not is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from switchgear import LoginFailed, LoginRequired, Secret, Timeouts, UpstreamError
from switchgear.oauth import Pkce, TokenEndpoint, Tokens, authorization_url, new_pkce
from switchgear.testing import LoopbackServer, OAuthServer, Person
from switchgear.testing.exchange import Exchange
from switchgear.testing.oauth_tokens import Fault
from switchgear.upstream import UpstreamClient, UpstreamClients, tls_context

REDIRECT = "http://127.0.0.1:9/callback"


@dataclass
class Client:
    """Core's own client of the server, and a bare one that may break the rules."""

    oauth: OAuthServer
    upstream: UpstreamClient
    bare: httpx2.AsyncClient

    @property
    def endpoint(self) -> TokenEndpoint:
        secret = None if self.oauth.client_secret is None else Secret(self.oauth.client_secret)
        return TokenEndpoint(f"{self.oauth.server.url}/token", "fake-client", secret)

    async def code(
        self, pkce: Pkce, person: str = "ada", answer: str = "yes", changes: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """What the browser brings back; a status where it brings nothing."""
        url = authorization_url(
            f"{self.oauth.server.url}/authorize", "fake-client", REDIRECT, state="the-state", pkce=pkce
        )
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        query |= changes or {}
        response = await self.bare.post("/authorize", params=query, data={"person": person, "answer": answer})
        if response.status_code != 302:
            return {"status": str(response.status_code), "problem": response.text}
        back = urlsplit(response.headers["location"])
        return {name: values[0] for name, values in parse_qs(back.query).items()}

    async def tokens(self, person: str = "ada") -> Tokens:
        pkce = new_pkce()
        code = await self.code(pkce, person=person)
        return await self.endpoint.exchange(self.upstream, code["code"], REDIRECT, pkce)

    async def token(self, **form: str) -> tuple[int, dict[str, Any]]:
        response = await self.bare.post("/token", data={"client_id": "fake-client", **form})
        return response.status_code, response.json()

    async def who(self, tokens: Tokens) -> httpx2.Response:
        headers = {"authorization": f"Bearer {tokens.access_token.reveal()}"}
        return await self.bare.get("/userinfo", headers=headers)


@asynccontextmanager
async def serving(**settings: Any) -> AsyncIterator[Client]:
    clients = UpstreamClients()
    async with OAuthServer(**settings) as oauth:
        async with httpx2.AsyncClient(base_url=oauth.server.url, trust_env=False, verify=tls_context()) as bare:
            yield Client(oauth, clients.through(None), bare)
        await clients.aclose()


# -- in the browser ----------------------------------------------------------------------------------------


async def test_a_browser_sign_in_gives_the_persons_tokens() -> None:
    async with serving() as client:
        pkce = new_pkce()
        back = await client.code(pkce, person="ben")
        assert (back["state"], back["iss"]) == ("the-state", client.oauth.server.url)
        tokens = await client.endpoint.exchange(client.upstream, back["code"], REDIRECT, pkce)
        claims = (await client.who(tokens)).json()
        assert (claims["sub"], claims["email"]) == ("user-0002", "team@example.com")
        assert tokens.refresh_token is not None
        handed_out = {back["code"], pkce.verifier.reveal(), tokens.access_token.reveal(), tokens.refresh_token.reveal()}
        assert handed_out <= client.oauth.secrets()


async def test_people_may_share_an_email_but_never_an_id() -> None:
    async with serving() as client:
        people = client.oauth.people.values()
        assert len({person["email"] for person in people}) == 1
        assert len({person["sub"] for person in people}) == len(client.oauth.people)


async def test_whoever_says_no_brings_back_an_error() -> None:
    async with serving() as client:
        back = await client.code(new_pkce(), answer="no")
        assert (back["error"], back["state"]) == ("access_denied", "the-state")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"client_id": "somebody"}, id="another client"),
        pytest.param({"response_type": "token"}, id="the implicit flow"),
        pytest.param({"redirect_uri": "https://elsewhere.example/"}, id="a redirect off this machine"),
        pytest.param({"state": ""}, id="no state"),
        pytest.param({"code_challenge_method": "plain"}, id="a plain challenge"),
        pytest.param({"code_challenge": "short"}, id="no digest for a challenge"),
    ],
)
async def test_a_bad_authorisation_is_not_sent_back(changes: dict[str, str]) -> None:
    async with serving() as client:
        assert (await client.code(new_pkce(), changes=changes))["status"] == "400"


async def test_a_code_is_good_once_and_costs_its_tokens_the_second_time() -> None:
    async with serving() as client:
        pkce = new_pkce()
        code = (await client.code(pkce))["code"]
        tokens = await client.endpoint.exchange(client.upstream, code, REDIRECT, pkce)
        with pytest.raises(LoginFailed, match="used before"):
            await client.endpoint.exchange(client.upstream, code, REDIRECT, pkce)
        assert (await client.who(tokens)).status_code == 401


@pytest.mark.parametrize(
    ("form", "description"),
    [
        pytest.param({"code": "made-up"}, "unknown code", id="a made-up code"),
        pytest.param({"redirect_uri": "http://127.0.0.1:10/callback"}, "another redirect_uri", id="another redirect"),
        pytest.param({"code_verifier": new_pkce().verifier.reveal()}, "does not fit", id="somebody else's verifier"),
        pytest.param({"code_verifier": ""}, "does not fit", id="no verifier"),
    ],
)
async def test_a_code_is_traded_only_with_what_it_was_made_for(form: dict[str, str], description: str) -> None:
    async with serving() as client:
        pkce = new_pkce()
        right = {
            "grant_type": "authorization_code",
            "code": (await client.code(pkce))["code"],
            "redirect_uri": REDIRECT,
            "code_verifier": pkce.verifier.reveal(),
        }
        status, answer = await client.token(**{**right, **form})
        assert (status, answer["error"]) == (400, "invalid_grant")
        assert description in answer["error_description"]
        assert (await client.token(**right))[0] == 200


async def test_a_client_with_a_secret_has_to_say_it() -> None:
    async with serving(client_secret="a-client-secret") as client:
        assert (await client.token(grant_type="refresh_token", refresh_token="x"))[1] == {"error": "invalid_client"}
        assert (await client.tokens()).access_token
        assert "a-client-secret" in client.oauth.secrets()


# -- on another device -------------------------------------------------------------------------------------


async def test_a_device_is_confirmed_in_the_browser() -> None:
    async with serving() as client:
        device = await client.endpoint.start_device(client.upstream, f"{client.oauth.server.url}/device_authorization")
        polling = asyncio.create_task(client.endpoint.poll_device(client.upstream, device))
        await client.oauth.server.wait_for(lambda: client.oauth.polls >= 2)  # pending so far
        await client.oauth.visit(device.verification_uri, device.user_code.lower(), "ada")
        assert (await client.who(await polling)).json()["sub"] == "user-0001"
        assert device.device_code.reveal() in client.oauth.secrets()


async def test_a_device_may_be_refused() -> None:
    async with serving() as client:
        device = await client.endpoint.start_device(client.upstream, f"{client.oauth.server.url}/device_authorization")
        await client.oauth.visit(device.verification_uri, device.user_code, "ada", confirms=False)
        with pytest.raises(LoginFailed, match="access_denied"):
            await client.endpoint.poll_device(client.upstream, device)


async def test_whoever_polls_too_often_has_to_slow_down() -> None:
    async with serving(interval_s=5) as client:
        started = (await client.bare.post("/device_authorization", data={"client_id": "fake-client"})).json()
        grant = "urn:ietf:params:oauth:grant-type:device_code"
        poll = {"grant_type": grant, "device_code": started["device_code"]}
        assert (await client.token(**poll))[1] == {"error": "authorization_pending"}
        assert (await client.token(**poll))[1] == {"error": "slow_down"}


@pytest.mark.parametrize(
    ("faults", "problem"),
    [
        pytest.param(["authorization_pending", "expired_token"], "expired_token", id="expired"),
        pytest.param(["access_denied"], "access_denied", id="denied"),
    ],
)
async def test_polls_follow_a_script(faults: list[Fault], problem: str) -> None:
    async with serving() as client:
        client.oauth.script("poll", *faults)
        device = await client.endpoint.start_device(client.upstream, f"{client.oauth.server.url}/device_authorization")
        with pytest.raises(LoginFailed, match=problem):
            await client.endpoint.poll_device(client.upstream, device)
        assert client.oauth.polls == len(faults)


# -- refresh -----------------------------------------------------------------------------------------------


async def test_a_refresh_rotates() -> None:
    async with serving() as client:
        first = await client.tokens()
        second = await client.endpoint.refresh(client.upstream, refresh_token(first))
        assert refresh_token(second) != refresh_token(first)
        assert (await client.who(second)).status_code == 200
        assert client.oauth.refreshes == 1


async def test_a_spent_refresh_token_costs_the_whole_family() -> None:
    async with serving() as client:
        first, other = await client.tokens("ada"), await client.tokens("ben")
        second = await client.endpoint.refresh(client.upstream, refresh_token(first))
        with pytest.raises(LoginRequired):
            await client.endpoint.refresh(client.upstream, refresh_token(first))
        with pytest.raises(LoginRequired):
            await client.endpoint.refresh(client.upstream, refresh_token(second))
        assert (await client.who(second)).status_code == 401
        assert (await client.who(other)).status_code == 200


async def test_a_server_need_not_rotate() -> None:
    async with serving(rotates=False) as client:
        first = await client.tokens()
        second = await client.endpoint.refresh(client.upstream, refresh_token(first))
        assert refresh_token(second) == refresh_token(first)


async def test_an_answer_may_omit_the_refresh_token() -> None:
    async with serving() as client:
        first = await client.tokens()
        client.oauth.script("refresh", "omit")
        second = await client.endpoint.refresh(client.upstream, refresh_token(first))
        assert "refresh_token" not in second.raw
        assert (await client.endpoint.refresh(client.upstream, refresh_token(first))).access_token


async def test_expired_and_revoked_are_two_things() -> None:
    async with serving() as client:
        tokens = await client.tokens()
        client.oauth.revoke()
        assert (await client.who(tokens)).status_code == 200
        client.oauth.expire()
        assert (await client.who(tokens)).status_code == 401
        with pytest.raises(LoginRequired):
            await client.endpoint.refresh(client.upstream, refresh_token(tokens))


@pytest.mark.parametrize(
    ("fault", "is_spent"),
    [
        pytest.param("unavailable", False, id="a 503"),
        pytest.param("cut", False, id="a reset"),
        pytest.param("page", False, id="a web page"),
        pytest.param("invalid_grant", False, id="an error that was only scripted"),
        pytest.param("cut_after", True, id="a reset after the rotation"),
    ],
)
async def test_a_refresh_goes_wrong_as_scripted(fault: Fault, is_spent: bool) -> None:
    async with serving() as client:
        tokens = await client.tokens()
        client.oauth.script("refresh", fault)
        with pytest.raises(UpstreamError):
            await client.endpoint.refresh(client.upstream, refresh_token(tokens))
        if is_spent:
            with pytest.raises(LoginRequired):
                await client.endpoint.refresh(client.upstream, refresh_token(tokens))
        else:
            assert (await client.endpoint.refresh(client.upstream, refresh_token(tokens))).access_token


@pytest.mark.parametrize(
    ("fault", "is_spent"), [pytest.param("silent", False, id="before"), pytest.param("silent_after", True, id="after")]
)
async def test_no_answer_comes_before_or_after_the_rotation(fault: Fault, is_spent: bool) -> None:
    async with serving() as client:
        token = refresh_token(await client.tokens())
        client.oauth.script("refresh", fault)
        form = {"grant_type": "refresh_token", "client_id": "fake-client", "refresh_token": token.reveal()}
        request = httpx2.Request("POST", f"{client.oauth.server.url}/token", data=form)
        with pytest.raises(UpstreamError, match="nothing in time"):
            await client.upstream.fetch(request, Timeouts(first_byte_s=0.1))
        status, _ = await client.token(**form)
        assert status == (400 if is_spent else 200)


async def test_a_sign_in_can_fail_at_its_beginning_and_at_its_end() -> None:
    async with serving() as client:
        client.oauth.script("device", "unavailable")
        with pytest.raises(UpstreamError, match="HTTP 503"):
            await client.endpoint.start_device(client.upstream, f"{client.oauth.server.url}/device_authorization")
        client.oauth.script("code", "unavailable")
        with pytest.raises(UpstreamError, match="HTTP 503"):
            await client.tokens()


# -- as a part of another fake -----------------------------------------------------------------------------


async def test_it_can_be_a_part_of_another_server() -> None:
    async def answer(exchange: Exchange) -> None:
        if not await oauth.answer(exchange):
            who = oauth.person_of(exchange)
            await exchange.respond(200 if who else 401, f"chat of {who}")

    async with (
        LoopbackServer(answer) as server,
        httpx2.AsyncClient(base_url=server.url, trust_env=False, verify=tls_context()) as bare,
    ):
        oauth = OAuthServer(server=server)
        clients = UpstreamClients()
        client = Client(oauth, clients.through(None), bare)
        tokens = await client.tokens()
        headers = {"authorization": f"Bearer {tokens.access_token.reveal()}"}
        assert (await bare.get("/chat", headers=headers)).text == "chat of ada"
        assert (await bare.get("/chat")).status_code == 401
        await clients.aclose()


async def test_a_person_signs_in_with_it() -> None:
    async with serving() as client:

        async def visit(url: str, code: str | None) -> None:
            await client.oauth.visit(url, code, "ben")

        device = await client.endpoint.start_device(client.upstream, f"{client.oauth.server.url}/device_authorization")
        async with Person("device", visit) as person:
            await person.show(device.verification_uri, device.user_code)
            tokens = await client.endpoint.poll_device(client.upstream, device)
        assert (await client.who(tokens)).json()["name"] == "Ben"


def refresh_token(tokens: Tokens) -> Secret:
    assert tokens.refresh_token is not None
    return tokens.refresh_token
