"""The kit's parts that a plugin's own tests may use too: the clock, the scanner, the person, the watches."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import socket
import time
from collections.abc import Callable
from urllib.parse import quote

import httpx2
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from switchgear import LoginCancelled, UpstreamError
from switchgear.testing import FakeClock, Http2Exchange, Http2Server, LeakScanner, LoopbackServer, Person
from switchgear.testing.exchange import Exchange
from switchgear.testing.logbook import Logbook
from switchgear.testing.loopwatch import LoopWatch
from switchgear.testing.traffic import Traffic, gateway_task
from switchgear.upstream import UpstreamClients

SECRET = "s3cret/with+odd=chars~"

# -- the clock ---------------------------------------------------------------------------------------------


async def test_sleep_passes_the_time_at_once() -> None:
    clock = FakeClock(wall_s=1000)
    started = time.monotonic()
    await clock.sleep(3600)
    assert (clock.wall(), clock.monotonic(), clock.slept) == (4600, 3600, [3600])
    assert time.monotonic() - started < 1


def test_a_wall_clock_that_is_set_leaves_the_other_alone() -> None:
    clock = FakeClock(wall_s=1000)
    clock.jump(-86_400)
    assert (clock.wall(), clock.monotonic()) == (1000 - 86_400, 0)
    with pytest.raises(ValueError, match="does not go back"):
        clock.advance(-1)


# -- the scanner -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"key={SECRET};", id="as it is"),
        pytest.param(f"?key={quote(SECRET, safe='')}", id="percent-encoded"),
        pytest.param(json.dumps({"key": SECRET}), id="in JSON"),
        pytest.param(base64.b64encode(f"a:{SECRET}".encode()).decode(), id="in Basic credentials"),
        pytest.param(base64.b64encode(f"user:{SECRET}x".encode()).decode(), id="in Base64 elsewhere"),
    ],
)
def test_a_secret_is_found_in_other_clothes(text: str) -> None:
    scanner = LeakScanner()
    scanner.take("a place", text)
    scanner.know([SECRET])
    (leak,) = scanner.leaks()
    assert leak.where == "a place"
    assert SECRET not in str(leak)
    assert quote(SECRET, safe="") not in str(leak)


@given(st.binary(max_size=12), st.binary(min_size=12, max_size=40), st.binary(max_size=12))
def test_base64_is_seen_through_wherever_it_begins(before: bytes, secret: bytes, after: bytes) -> None:
    text = secret.hex()
    scanner = LeakScanner([text])
    scanner.take("a place", base64.b64encode(before + text.encode() + after))
    assert len(scanner.leaks()) == 1


def test_only_what_is_asked_for_is_told() -> None:
    scanner = LeakScanner([SECRET, "short"])
    scanner.take("the log", SECRET)
    scanner.take("the file", "nothing here, in short")
    assert [leak.where for leak in scanner.leaks("the log")] == ["the log"]
    assert scanner.leaks("the file") == []


# -- the person --------------------------------------------------------------------------------------------


async def test_a_person_plays_the_dialog() -> None:
    seen: list[tuple[str, str | None]] = []

    async def visit(url: str, code: str | None) -> None:
        seen.append((url, code))

    answers = {"Which?": "two", "Name": "Ada"}
    async with Person("device", visit, answers.__getitem__) as person:
        await person.show("http://127.0.0.1/", "AB-CD")
        assert await person.ask("Name") == "Ada"
        assert await person.choose("Which?", ["one", "two"]) == 1
        await person.progress("waiting")
    assert seen == [("http://127.0.0.1/", "AB-CD")]
    assert [step.kind for step in person.steps] == ["show", "ask", "choose", "progress"]


async def test_a_question_is_cancelled_at_its_step() -> None:
    async with Person("device", answer=lambda question: "yes", cancel_at=2) as person:
        await person.show("http://127.0.0.1/")
        with pytest.raises(LoginCancelled):
            await person.ask("Sure?")
    assert person.gave_up


async def test_anything_else_is_cancelled_as_by_ctrl_c() -> None:
    person = Person("device", cancel_at=1)

    async def sign_in() -> None:
        await person.show("http://127.0.0.1/")

    signing_in = asyncio.create_task(sign_in())
    await asyncio.wait({signing_in})
    assert signing_in.cancelled()


async def test_a_browser_that_fails_is_not_overlooked() -> None:
    async def visit(url: str, code: str | None) -> None:
        raise ConnectionError("the fake is broken")

    with pytest.raises(ConnectionError, match="the fake is broken"):
        async with Person("browser", visit) as person:
            await person.show("http://127.0.0.1/")


# -- the watches -------------------------------------------------------------------------------------------


async def hello(exchange: Exchange) -> None:
    await exchange.respond(200, b"hello")


async def test_cores_client_is_told_from_a_connection_past_it() -> None:
    traffic = Traffic()
    clients = UpstreamClients(traffic.transport)

    async def plugin(url: str) -> None:
        await clients.through(None).fetch(httpx2.Request("GET", url + "/good"))
        async with httpx2.AsyncClient(trust_env=False) as own:
            await own.get(url + "/stray")

    async with LoopbackServer(hello) as server:
        with traffic.watched():
            await gateway_task(plugin(server.url))
            async with httpx2.AsyncClient(trust_env=False) as kits:
                await kits.get(server.url + "/of-the-test-itself")
        await clients.aclose()
    assert [call.place for call in traffic.calls] == [f"GET {server.url}/good"]
    assert traffic.strays == [f"127.0.0.1:{server.port}"]


async def test_full_duplex_calls_are_watched_as_well() -> None:
    traffic = Traffic()
    clients = UpstreamClients(traffic.transport, traffic.duplexes)

    async def answer(exchange: Http2Exchange) -> None:
        await exchange.respond(200)

    async def plugin(url: str) -> int:
        call = await clients.through(None).duplex(httpx2.Request("POST", url))
        try:
            await call.answered()
            return call.status
        finally:
            await call.aclose()

    async with Http2Server(answer) as server:
        with traffic.watched():
            assert await gateway_task(plugin(server.url + "/good")) == 200
            with pytest.raises(UpstreamError, match="does not leave this machine"):
                await gateway_task(plugin("https://acme.example/"))
            for instead in (httpx2.Response(503), httpx2.ConnectError("refused")):
                traffic.answer = _giving(instead)
                with pytest.raises(UpstreamError):
                    await gateway_task(plugin(server.url + "/instead"))
        await clients.aclose()
    paths = [f"{server.url}/good", "https://acme.example/", *[f"{server.url}/instead"] * 2]
    assert [call.place for call in traffic.calls] == [f"POST {path}" for path in paths]
    assert (traffic.foreign, traffic.strays, server.hits("/instead")) == (["acme.example"], [], 0)


def _giving(instead: httpx2.Response | Exception) -> Callable[[httpx2.Request], httpx2.Response | None]:
    def answer(request: httpx2.Request) -> httpx2.Response | None:
        if isinstance(instead, Exception):
            raise instead
        return instead

    return answer


async def test_nothing_leaves_this_machine() -> None:
    traffic = Traffic()
    clients = UpstreamClients(traffic.transport)

    async def plugin() -> None:
        with pytest.raises(Exception, match="does not leave this machine"):
            await clients.through(None).fetch(httpx2.Request("GET", "https://acme.example/"))
        with socket.socket() as own, pytest.raises(ConnectionRefusedError):
            own.connect(("192.0.2.1", 443))

    with traffic.watched():
        await gateway_task(plugin())
    await clients.aclose()
    assert traffic.foreign == ["acme.example"]
    assert traffic.strays == ["192.0.2.1:443"]


async def test_code_that_holds_the_loop_is_named() -> None:
    watch = LoopWatch([__file__])
    async with watch.watching():
        await asyncio.sleep(0)
        time.sleep(0.8)
    assert len(watch.held) == 1
    assert "test_code_that_holds_the_loop_is_named" in watch.held[0]


async def test_code_of_others_is_not_blamed() -> None:
    watch = LoopWatch(["/somewhere/else/"])
    async with watch.watching():
        await asyncio.sleep(0)
        time.sleep(0.8)
    assert watch.held == []


def test_the_logbook_keeps_every_line_unmasked(capfd: pytest.CaptureFixture[str]) -> None:
    before = structlog.get_config()
    book = Logbook()
    with book.open():
        structlog.get_logger("acme").debug("seen", token=SECRET)
        logging.getLogger("acme").error("said %s", SECRET)
    # A library's record comes a second time where it is forwarded to our own logging.
    assert {line["event"] for line in book.lines} == {"seen", f"said {SECRET}"}
    assert f"token={SECRET}" in book.texts()[0]
    assert structlog.get_config() == before
    assert SECRET not in capfd.readouterr().out
