"""The parts of sign-in flows: PKCE, the loopback callback, device polling, the token endpoint."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from switchgear import Failure, LoginCancelled, LoginFailed, LoginRequired, Secret, UpstreamError
from switchgear.oauth import (
    CallbackListener,
    DeviceCode,
    TokenEndpoint,
    Wait,
    authorization_url,
    new_pkce,
    new_state,
    poll_device,
)
from switchgear.testing import Exchange, LoopbackServer
from switchgear.upstream import UpstreamClients, tls_context
from tests.core.people import Person

STATE = "0123456789abcdef"

# -- PKCE (RFC 7636) ---------------------------------------------------------------------------------------


def test_every_verifier_is_new_long_and_unreserved() -> None:
    made = [new_pkce() for _ in range(50)]
    assert len({pkce.verifier.reveal() for pkce in made}) == 50
    for pkce in made:
        assert re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", pkce.verifier.reveal())
        assert pkce.challenge == create_s256_code_challenge(pkce.verifier.reveal())
        assert "=" not in pkce.challenge
        assert pkce.verifier.reveal() not in repr(pkce)
    assert len({new_state() for _ in range(50)}) == 50


def test_the_address_to_open_holds_what_the_server_needs_and_no_verifier() -> None:
    pkce = new_pkce()
    url = authorization_url(
        "https://id.acme.example/authorize?tenant=a",
        "client",
        "http://127.0.0.1:1/cb",
        state=STATE,
        pkce=pkce,
        prompt="x",
    )
    query = {name: value[0] for name, value in parse_qs(urlsplit(url).query).items()}
    assert query == {
        "tenant": "a",
        "response_type": "code",
        "client_id": "client",
        "redirect_uri": "http://127.0.0.1:1/cb",
        "state": STATE,
        "code_challenge": pkce.challenge,
        "code_challenge_method": "S256",
        "prompt": "x",
    }


# -- the loopback callback (RFC 8252) ----------------------------------------------------------------------


async def browse(url: str, method: str = "GET", **headers: str) -> httpx2.Response:
    async with httpx2.AsyncClient(trust_env=False, verify=tls_context()) as client:
        return await client.request(method, url, headers=headers)


async def test_the_browser_comes_back_once() -> None:
    async with CallbackListener(STATE, path="/auth/back") as listener:
        waiting = asyncio.create_task(listener.wait(Person()))
        page = await browse(f"{listener.redirect_uri}?code=a%2Bb+c&state={STATE}")
        assert await waiting == {"code": "a+b+c", "state": STATE}
        assert (page.status_code, "Signed in" in page.text) == (200, True)
        assert page.headers["content-security-policy"] == "default-src 'none'"
        assert page.headers["cache-control"] == "no-store"
        again = await browse(f"{listener.redirect_uri}?code=other&state={STATE}")
        assert again.status_code == 410
    with pytest.raises(httpx2.ConnectError):
        await browse(listener.redirect_uri)


REFUSED = [
    pytest.param("/back?code=x&state=wrong", "GET", {}, 400, id="wrong state"),
    pytest.param("/back?code=x", "GET", {}, 400, id="no state"),
    pytest.param("/back?error=access_denied&state=wrong", "GET", {}, 400, id="an error of somebody else's"),
    pytest.param(f"/back?code=x&state={STATE}", "POST", {}, 405, id="POST"),
    pytest.param(f"/other?code=x&state={STATE}", "GET", {}, 404, id="another path"),
    pytest.param(f"/back/?code=x&state={STATE}", "GET", {}, 404, id="nearly the path"),
    pytest.param(f"/back?code=x&state={STATE}", "GET", {"host": "evil.example"}, 400, id="another host"),
    pytest.param(f"/back?code=x&state={STATE}", "GET", {"host": "127.0.0.1"}, 400, id="a host without the port"),
    pytest.param(f"/back?code=<script>&state=<script>{STATE}", "GET", {}, 400, id="script"),
]


@pytest.mark.parametrize(("target", "method", "headers", "status"), REFUSED)
async def test_whatever_else_comes_is_refused_and_the_wait_goes_on(
    target: str, method: str, headers: dict[str, str], status: int
) -> None:
    async with CallbackListener(STATE, path="/back") as listener:
        waiting = asyncio.create_task(listener.wait(Person()))
        root = listener.redirect_uri.removesuffix("/back")
        page = await browse(root + target, method, **headers)
        assert page.status_code == status
        assert "script" not in page.text
        assert not waiting.done()
        assert (await browse(f"{listener.redirect_uri}?code=right&state={STATE}")).status_code == 200
        assert (await waiting)["code"] == "right"


async def test_garbage_and_a_silent_connection_harm_nobody() -> None:
    async with CallbackListener(STATE) as listener:
        waiting = asyncio.create_task(listener.wait(Person()))
        port = urlsplit(listener.redirect_uri).port
        _, silent = await asyncio.open_connection("127.0.0.1", port)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\x16\x03\x01 hello\r\n\r\n")
        assert await reader.read() == b""
        await browse(f"{listener.redirect_uri}?code=right&state={STATE}")
        assert (await waiting)["code"] == "right"
        writer.close()
    silent.close()


async def test_a_refusal_of_the_provider_ends_the_wait() -> None:
    async with CallbackListener(STATE) as listener:
        waiting = asyncio.create_task(listener.wait(Person()))
        page = await browse(f"{listener.redirect_uri}?error=access_denied&error_description=not+you&state={STATE}")
        assert "terminal says more" in page.text
        with pytest.raises(LoginFailed, match=r"refused the sign-in \(access_denied: not you\)"):
            await waiting


@pytest.mark.parametrize(("issuer", "ok"), [("https://id.acme.example", True), ("https://evil.example", False)])
async def test_an_answer_of_another_issuer_is_not_used(issuer: str, ok: bool) -> None:
    async with CallbackListener(STATE, issuer="https://id.acme.example") as listener:
        waiting = asyncio.create_task(listener.wait(Person()))
        await browse(f"{listener.redirect_uri}?code=x&iss={issuer}&state={STATE}")
        if ok:
            assert (await waiting)["code"] == "x"
        else:
            with pytest.raises(LoginFailed, match="another issuer"):
                await waiting


async def test_the_browser_may_be_sent_on() -> None:
    async with CallbackListener(STATE, host="localhost", landing=lambda got: f"https://acme.example/{len(got)}") as one:
        assert one.redirect_uri.startswith("http://localhost:")
        waiting = asyncio.create_task(one.wait(Person()))
        page = await browse(f"{one.redirect_uri.replace('localhost', '127.0.0.1')}?code=x&state={STATE}")
        assert (page.status_code, page.headers["location"]) == (302, "https://acme.example/2")
        await waiting


async def test_nobody_comes() -> None:
    async with CallbackListener(STATE) as listener:
        with pytest.raises(LoginFailed, match="nobody came back from the browser"):
            await listener.wait(Person(), limit_s=0.01)


async def test_a_port_that_is_taken_is_named() -> None:
    async with LoopbackServer(lambda exchange: exchange.respond(200)) as other:
        with pytest.raises(LoginFailed, match=f"cannot listen on 127.0.0.1:{other.port}"):
            async with CallbackListener(STATE, port=other.port):
                pass


async def test_of_several_ports_the_first_that_is_free_is_taken() -> None:
    async with LoopbackServer(lambda exchange: exchange.respond(200)) as other:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        async with CallbackListener(STATE, port=(other.port, port)) as listener:
            assert urlsplit(listener.redirect_uri).port == port
            with pytest.raises(LoginFailed, match=f"any of the ports {other.port}, {port} of 127.0.0.1"):
                async with CallbackListener(STATE, port=(other.port, port)):
                    pass


@pytest.mark.parametrize("path", ["/back", "/other/way"])
async def test_the_browser_may_come_to_any_of_several_paths(path: str) -> None:
    async with CallbackListener(STATE, path=("/back", "/other/way"), page="Go on there.") as listener:
        assert listener.redirect_uri == f"{listener.origin}/back"
        waiting = asyncio.create_task(listener.wait(Person()))
        assert (await browse(f"{listener.origin}/third?code=x&state={STATE}")).status_code == 404
        assert "Go on there." in (await browse(f"{listener.origin}{path}?code=x&state={STATE}")).text
        await waiting
        assert listener.came_to == path


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


IPV6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")


@pytest.mark.parametrize("address", ["127.0.0.1", pytest.param("[::1]", marks=IPV6)])
async def test_localhost_is_either_of_two_addresses(address: str) -> None:
    async with CallbackListener(STATE, host="localhost") as listener:
        waiting = asyncio.create_task(listener.wait(Person()))
        here = listener.redirect_uri.replace("localhost", address)
        host = urlsplit(listener.redirect_uri).netloc
        assert (await browse(f"{here}?code=x&state={STATE}", host=host)).status_code == 200
        await waiting
    with pytest.raises(httpx2.ConnectError):
        await browse(here)


@IPV6
async def test_a_port_that_is_taken_on_one_of_the_two_is_taken() -> None:
    """A browser would go there as well as here."""
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as other:
        port = other.getsockname()[1]
        with pytest.raises(LoginFailed, match=f"cannot listen on 127.0.0.1:{port}"):
            async with CallbackListener(STATE, host="localhost", port=port):
                pass
        async with CallbackListener(STATE, port=port) as alone:  # nobody is told localhost here
            assert urlsplit(alone.redirect_uri).port == port


PASTED = [
    pytest.param(f"http://127.0.0.1:9/callback?code=x&state={STATE}", {"code": "x"}, id="the whole address"),
    pytest.param(f"  https://acme.example/shown?state={STATE}&code=x \n", {"code": "x"}, id="a page's, with blanks"),
    pytest.param("bare-code_1", {"code": "bare-code_1"}, id="the code alone"),
]


@pytest.mark.parametrize(("text", "found"), PASTED)
async def test_without_a_browser_here_the_address_is_pasted(text: str, found: dict[str, str]) -> None:
    person = Person("http://127.0.0.1:9/callback?code=y&state=other", text)
    async with CallbackListener(STATE, takes_code=True) as listener:
        assert await listener.wait(person) == {**found, "state": STATE}
        assert listener.came_to == (urlsplit(text.strip()).path if "://" in text else "")
    assert len(person.heard) == 1
    assert "not the address of this sign-in" in person.heard[0]


async def test_a_bare_code_counts_only_where_the_provider_shows_one() -> None:
    async with CallbackListener(STATE) as listener:
        with pytest.raises(LoginFailed, match="nobody came back"):
            await listener.wait(Person("bare-code"), limit_s=0.05)


async def test_giving_up_ends_the_wait_and_closes_the_listener() -> None:
    async with CallbackListener(STATE) as listener:
        with pytest.raises(LoginCancelled):
            await listener.wait(Person(None))
    with pytest.raises(httpx2.ConnectError):
        await browse(listener.redirect_uri)


# -- device polling (RFC 8628) -----------------------------------------------------------------------------


class Clock:
    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def _lost() -> UpstreamError:
    return UpstreamError(Failure("connection", message="lost"))


POLLS = [
    pytest.param(["done"], [5], id="at once"),
    pytest.param([Wait.PENDING, Wait.PENDING, "done"], [5, 5, 5], id="pending"),
    pytest.param([Wait.SLOW_DOWN, Wait.PENDING, Wait.SLOW_DOWN, "done"], [5, 10, 10, 15], id="slower for ever"),
    pytest.param([_lost(), _lost(), Wait.PENDING, "done"], [5, 10, 20, 5], id="the network comes back"),
    pytest.param([Wait.SLOW_DOWN, *[_lost()] * 5, "done"], [5, 10, 20, 40, 60, 60, 60], id="pauses have an end"),
    pytest.param([UpstreamError(Failure("status", 503)), UpstreamError(Failure("status", 429)), "done"], [5, 10, 20], id="a busy server"),
]  # fmt: skip


@pytest.mark.parametrize(("answers", "pauses"), POLLS)
async def test_a8_a_device_is_polled_at_the_servers_pace(answers: list[Any], pauses: list[float]) -> None:
    clock = Clock()

    async def poll() -> Any:
        answer = answers.pop(0)
        if isinstance(answer, UpstreamError):
            raise answer
        return answer

    found = await poll_device(poll, expires_in_s=900, sleep=clock.sleep, monotonic=lambda: clock.now)
    assert (found, clock.pauses, answers) == ("done", pauses, [])


async def test_a8_polling_stops_when_the_code_expires() -> None:
    clock = Clock()

    async def poll() -> Wait:
        return Wait.PENDING

    with pytest.raises(LoginFailed, match="expired before it was confirmed"):
        await poll_device(poll, expires_in_s=60, interval_s=7, sleep=clock.sleep, monotonic=lambda: clock.now)
    assert clock.pauses == [7] * 8


async def test_a8_a_refusal_ends_the_polling() -> None:
    async def poll() -> Wait:
        raise UpstreamError(Failure("status", 403))

    with pytest.raises(UpstreamError):
        await poll_device(poll, expires_in_s=60, interval_s=0.001)


# -- the token endpoint (RFC 6749) -------------------------------------------------------------------------


class Endpoint:
    """A token endpoint that answers what it is told to."""

    def __init__(self, *answers: tuple[int, Any]) -> None:
        self.answers = list(answers)
        self.forms: list[dict[str, str]] = []
        self.server = LoopbackServer(self._answer)

    async def _answer(self, exchange: Exchange) -> None:
        assert exchange.headers["content-type"] == "application/x-www-form-urlencoded"
        self.forms.append({name: value[0] for name, value in parse_qs(exchange.body.decode()).items()})
        status, body = self.answers.pop(0)
        headers = {"location": "https://elsewhere.example/"} if status in {301, 307} else {}
        await exchange.respond(status, body if isinstance(body, str | bytes) else json.dumps(body), headers)


async def tried(endpoint: Endpoint, call: Callable[[TokenEndpoint, Any], Any], secret: Secret | None = None) -> Any:
    clients = UpstreamClients()
    async with endpoint.server as server:
        try:
            return await call(TokenEndpoint(f"{server.url}/token", "client-1", secret), clients.through(None))
        finally:
            await clients.aclose()


TOKENS = {"access_token": "access-1", "refresh_token": "refresh-1", "expires_in": 3600, "scope": "all"}


async def test_a_code_is_traded_with_its_verifier() -> None:
    pkce, endpoint = new_pkce(), Endpoint((200, TOKENS))
    tokens = await tried(endpoint, lambda e, c: e.exchange(c, "code-1", "http://127.0.0.1:1/cb", pkce), Secret("s-1"))
    assert endpoint.forms == [
        {
            "grant_type": "authorization_code",
            "code": "code-1",
            "redirect_uri": "http://127.0.0.1:1/cb",
            "code_verifier": pkce.verifier.reveal(),
            "client_id": "client-1",
            "client_secret": "s-1",
        }
    ]
    assert (tokens.access_token.reveal(), tokens.refresh_token.reveal()) == ("access-1", "refresh-1")
    assert tokens.raw["scope"] == "all"
    assert "access-1" not in repr(tokens)


REFRESHES = [
    pytest.param((200, TOKENS), ("access-1", "refresh-1"), id="rotated"),
    pytest.param((200, {"access_token": "a"}), ("a", "old"), id="the old one stays"),
    pytest.param((200, {"access_token": "a", "refresh_token": ""}), ("a", "old"), id="an empty one is none"),
    pytest.param((400, {"error": "invalid_grant"}), LoginRequired, id="spent"),
    pytest.param((401, {"error": "refresh_token_reused"}), LoginRequired, id="used twice"),
    pytest.param((400, {"error": "temporarily_unavailable"}), UpstreamError, id="another error"),
    pytest.param((429, {"detail": "slow down"}), UpstreamError, id="an error without a name"),
    pytest.param((500, "<html>"), UpstreamError, id="a page"),
    pytest.param((200, "<html>"), UpstreamError, id="a page as success"),
    pytest.param((200, {"ok": True}), UpstreamError, id="no token"),
    pytest.param((200, {"access_token": 5}), UpstreamError, id="a token that is no text"),
    pytest.param((200, {**TOKENS, "expires_in": "soon"}), UpstreamError, id="an odd lifetime"),
    pytest.param((307, ""), UpstreamError, id="a redirect"),
]


@pytest.mark.parametrize(("answer", "found"), REFRESHES)
async def test_a3_what_a_refresh_can_answer(answer: tuple[int, Any], found: Any) -> None:
    endpoint = Endpoint(answer)

    async def refresh(server: TokenEndpoint, client: Any) -> Any:
        return await server.refresh(client, Secret("old"))

    if isinstance(found, tuple):
        tokens = await tried(endpoint, refresh)
        assert (tokens.access_token.reveal(), tokens.refresh_token.reveal()) == found
    else:
        with pytest.raises(UpstreamError) as caught:
            await tried(endpoint, refresh)
        assert type(caught.value) is found
    assert endpoint.forms == [{"grant_type": "refresh_token", "refresh_token": "old", "client_id": "client-1"}]


async def test_a_device_flow_from_the_code_to_the_tokens() -> None:
    device = {"device_code": "dev-1", "user_code": "AB-CD", "verification_uri": "https://acme.example/device"}
    endpoint = Endpoint(
        (200, {**device, "expires_in": 60, "interval": 0.001}),
        (400, {"error": "authorization_pending"}),
        (200, TOKENS),
    )

    async def sign_in(server: TokenEndpoint, client: Any) -> Any:
        code = await server.start_device(client, f"{endpoint.server.url}/device", "all")
        assert (code.user_code, code.verification_uri) == ("AB-CD", "https://acme.example/device")
        return await server.poll_device(client, code)

    assert (await tried(endpoint, sign_in)).access_token.reveal() == "access-1"
    grant = "urn:ietf:params:oauth:grant-type:device_code"
    assert endpoint.forms[0] == {"client_id": "client-1", "scope": "all"}
    assert endpoint.forms[1] == {"grant_type": grant, "device_code": "dev-1", "client_id": "client-1"}


@pytest.mark.parametrize("error", ["access_denied", "expired_token", "invalid_grant"])
async def test_a8_a_device_that_was_refused(error: str) -> None:
    code = DeviceCode(Secret("dev-1"), "AB-CD", "https://acme.example", 60, 0.001)
    with pytest.raises(LoginFailed, match=rf"refused the sign-in \({error}: no"):
        await tried(Endpoint((400, {"error": error, "error_description": "no"})), lambda e, c: e.poll_device(c, code))


async def test_a_device_authorisation_that_lacks_a_field() -> None:
    endpoint = Endpoint((200, {"device_code": "x"}))
    with pytest.raises(UpstreamError, match="lacks a field"):
        await tried(endpoint, lambda e, c: e.start_device(c, f"{endpoint.server.url}/device"))
