"""What an upstream may answer: good in any pieces, or an error that says what was wrong with it (U8, S1)."""

from __future__ import annotations

import asyncio
import itertools

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear import UpstreamError
from switchgear.transport.answer import DRY_LIMIT_BYTES, Answer
from switchgear.upstream import UpstreamClient
from tests.core.raw_upstream import SHORT, Ask, by_library, by_reply, pool, post, raw_upstream

both_ways = pytest.mark.parametrize(
    "ask", [pytest.param(by_library, id="through the library's interface"), pytest.param(by_reply, id="as a reply")]
)

CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
KEPT = [
    pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", 200, {}, b"ok", id="a length"),
    pytest.param(CHUNKED + b"2\r\nok\r\n3\r\n, s\r\n1\r\no\r\n0\r\n\r\n", 200, {}, b"ok, so", id="chunks"),
    pytest.param(CHUNKED + b"2;a=b\r\nok\r\n0;c\r\n\r\n", 200, {}, b"ok", id="chunks with extensions"),
    pytest.param(CHUNKED + b"2  \r\nok\r\n0\r\n\r\n", 200, {}, b"ok", id="chunks with blanks behind their sizes"),
    pytest.param(CHUNKED + b"2\r\nok\r\n0\r\nx-sum: 1\r\ny: 2\r\n\r\n", 200, {}, b"ok", id="chunks and trailers"),
    pytest.param(CHUNKED + b"0\r\n\r\n", 200, {}, b"", id="no chunk"),
    pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", 204, {}, b"", id="204"),
    pytest.param(b"HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n", 304, {}, b"", id="304 with a length"),
    pytest.param(b"HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n", 200, {}, b"", id="no reason"),
    pytest.param(b"HTTP/1.1 529 Sleepy\r\ncontent-length: 1\r\n\r\n!", 529, {}, b"!", id="an unknown status"),
    pytest.param(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nx: 1\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
        200,
        {},
        b"ok",
        id="interim answers first",
    ),
    pytest.param(b"HTTP/1.1 200 OK\ncontent-length: 2\nx: 1\n\nok", 200, {"x": "1"}, b"ok", id="bare line feeds"),
    pytest.param(
        b"HTTP/1.1 200 OK\r\nx: a\r\n \t b\r\ncontent-length: 2\r\n\r\nok", 200, {"x": "a \t b"}, b"ok", id="a folded line"
    ),
    pytest.param(
        b"HTTP/1.1 200 OK\r\nX-A:  1 \r\nx-a: 2\r\nContent-Length:2\r\n\r\nok", 200, {"x-a": "1, 2"}, b"ok", id="one name twice"
    ),
    pytest.param(
        "HTTP/1.1 200 OK\r\nx: grüß\r\ncontent-length: 2\r\n\r\nok".encode(), 200, {"x": "grüß"}, b"ok", id="UTF-8"
    ),
    pytest.param(
        "HTTP/1.1 200 OK\r\nx: grüß\r\ncontent-length: 2\r\n\r\nok".encode("latin-1"), 200, {"x": "grüß"}, b"ok", id="Latin-1"
    ),
    pytest.param(
        b"HTTP/1.1 200 OK\r\nupgrade: h2\r\nconnection: upgrade, keep-alive\r\ncontent-length: 2\r\n\r\nok",
        200,
        {},
        b"ok",
        id="an upgrade that is offered",
    ),
    pytest.param(
        b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nok", 200, {}, b"ok", id="1.0, kept alive"
    ),
    pytest.param(b"\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", 200, {}, b"ok", id="an empty line first"),
]  # fmt: skip
CLOSED = [
    pytest.param(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok", b"ok", id="it says close"),
    pytest.param(b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok", b"ok", id="1.0"),
    pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok?", b"ok", id="bytes behind the answer"),
    pytest.param(
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil",
        b"ok",
        id="a second answer behind it",
    ),
    pytest.param(
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nx", b"ok", id="half a second one behind it"
    ),
]
AT_THE_END = [
    pytest.param(b"HTTP/1.1 200 OK\r\n\r\nall of it", b"all of it", id="no length"),
    pytest.param(b"HTTP/1.0 200 OK\r\n\r\n", b"", id="nothing"),
    pytest.param(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nx", b"x", id="close"),
]
HUGE = b"a" * (DRY_LIMIT_BYTES + 1)
BROKEN = [
    pytest.param(b"", id="nothing at all"),
    pytest.param(b"HTTP/1.1 2", id="half a status line"),
    pytest.param(b"HTTP/1.1 200 OK\r\ncontent-le", id="half a head"),
    pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n", id="only an interim answer"),
    pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", id="half a body"),
    pytest.param(CHUNKED + b"9\r\nhalf", id="half a chunk"),
    pytest.param(CHUNKED + b"4\r\nhalf\r\n", id="no last chunk"),
    pytest.param(CHUNKED + b"4\r\nhalf\r\n0\r\n", id="no end of the trailers"),
    pytest.param(b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nx", id="an encoding without chunks"),
]
MALFORMED = [
    pytest.param(b"<html>\r\n\r\n", id="a page without a head"),
    pytest.param(b"\x16\x03\x01\x00\x05", id="TLS where none is expected"),
    pytest.param(b"HTTP/1.1 000 ?\r\ncontent-length: 0\r\n\r\n", id="status 000"),
    pytest.param(b"HTTP/1.1 99 ?\r\ncontent-length: 0\r\n\r\n", id="status 99"),
    pytest.param(b"HTTP/1.1 1000 ?\r\ncontent-length: 0\r\n\r\n", id="status 1000"),
    pytest.param(b"HTTP/1.1 101 Switch\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nx", id="101"),
    pytest.param(b"HTTP/1.1 101 Switch\r\n\r\nx", id="101 without an upgrade"),
    pytest.param(b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", id="a line without a colon"),
    pytest.param(b"HTTP/1.1 200 OK\r\nx : 1\r\n\r\n", id="a blank before the colon"),
    pytest.param(b"HTTP/1.1 200 OK\r\nx: a\0b\r\n\r\n", id="a null byte"),
    pytest.param(b"HTTP/1.1 200 OK\r\nx: a\rb\r\n\r\n", id="a lonely carriage return"),
    pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", id="a length below zero"),
    pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n", id="a length beyond all"),
    pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab", id="two lengths"),
    pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", id="a length and chunks"),
    pytest.param(CHUNKED + b"xyz\r\n", id="a chunk size that is none"),
    pytest.param(CHUNKED + b"fffffffffffffffff\r\n", id="a chunk size beyond all"),
    pytest.param(CHUNKED + b"2\r\nokay\r\n", id="a chunk longer than it says"),
    pytest.param(b"HTTP/1.1 200 OK\r\nx: " + HUGE, id="a head without end"),
    pytest.param(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 20_000 + b"\r\n", id="a head of many lines"),
    pytest.param(b"HTTP/1.1 100 Go\r\n\r\n" * 6_000, id="interim answers without end"),
    pytest.param(CHUNKED + b"1;" + HUGE, id="a chunk extension without end"),
    pytest.param(CHUNKED + b"0\r\nx: " + HUGE, id="trailers without end"),
]  # fmt: skip


@both_ways
@pytest.mark.parametrize(("wire", "status", "headers", "body"), KEPT)
async def test_a_whole_answer_and_its_connection_is_used_again(
    ask: Ask, wire: bytes, status: int, headers: dict[str, str], body: bytes
) -> None:
    async with raw_upstream(wire) as upstream, pool() as transport:
        for _ in range(2):
            heard = await ask(transport, post(upstream.url), SHORT)
            assert (heard.status, heard.body) == (status, body)
            assert headers.items() <= heard.headers.items()
        assert upstream.made == 1


@both_ways
@pytest.mark.parametrize(("wire", "body"), CLOSED)
async def test_a_whole_answer_after_which_the_connection_is_closed(ask: Ask, wire: bytes, body: bytes) -> None:
    async with raw_upstream(wire) as upstream, pool() as transport:
        heard = await ask(transport, post(upstream.url), SHORT)
        assert (heard.status, heard.body) == (200, body)
        await upstream.until(lambda: upstream.open == 0)


@both_ways
@pytest.mark.parametrize(("wire", "body"), AT_THE_END)
async def test_a_body_that_ends_with_its_connection(ask: Ask, wire: bytes, body: bytes) -> None:
    async with raw_upstream(wire, after="close") as upstream, pool() as transport:
        assert (await ask(transport, post(upstream.url), SHORT)).body == body


@both_ways
@pytest.mark.parametrize(
    ("wire"),
    [b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", CHUNKED, KEPT[0].values[0]],
    ids=["length", "chunks", "a body"],
)
async def test_there_is_no_body_behind_a_head_request(ask: Ask, wire: bytes) -> None:
    async with raw_upstream(wire) as upstream, pool() as transport:
        heard = await ask(transport, httpx2.Request("HEAD", upstream.url), SHORT)
        assert (heard.status, heard.body) == (200, b"")


FAULTS = [*(pytest.param(*p.values, "close", id=p.id) for p in BROKEN), *(pytest.param(*p.values, "stay", id=p.id) for p in MALFORMED)]  # fmt: skip


@pytest.mark.parametrize(("wire", "after"), FAULTS)
async def test_a_broken_answer_is_an_error_and_its_connection_is_closed(wire: bytes, after: str) -> None:
    async with raw_upstream(wire, after=after) as upstream, pool() as transport:  # type: ignore[arg-type]
        with pytest.raises(httpx2.RemoteProtocolError):
            await by_library(transport, post(upstream.url), SHORT)
        with pytest.raises(UpstreamError) as caught:
            await by_reply(transport, post(upstream.url), SHORT)
        assert caught.value.failure.cause == "connection"
        assert "the upstream broke the connection" in str(caught.value)
        assert upstream.made == 2


async def test_what_came_before_a_reset_is_given() -> None:
    async with raw_upstream(CHUNKED + b"4\r\nhalf\r\n", after="reset") as upstream, pool() as transport:
        reply = await UpstreamClient(transport).reply(post(upstream.url), SHORT)
        assert await anext(reply.body) == b"half"
        for _ in range(2):
            with pytest.raises(UpstreamError, match="broke the connection while the answer was on its way"):
                await anext(reply.body)
        await reply.aclose()


# -- without a socket --------------------------------------------------------------------------------------


class NoLine:
    """A connection that does nothing."""

    def pause(self) -> None: ...

    def read_on(self) -> None: ...

    def abandon(self) -> None: ...

    def watch(self, deadline: float) -> None: ...


def hear(wire: bytes, cuts: list[int], *, closed: bool) -> tuple[int, list[tuple[bytes, bytes]], bytes, bool, bool]:
    """All that is known of an answer that comes in pieces."""
    loop = asyncio.new_event_loop()
    try:
        answer = Answer(NoLine(), loop, {})
        for start, end in itertools.pairwise([0, *sorted(cuts), len(wire)]):
            answer.feed(wire[start:end])
        if closed and not answer.complete:
            answer.end()
        whole, failed = answer.complete, answer.error is not None

        async def read() -> bytes:
            got = b""
            try:
                async for part in answer:
                    got += part
            except httpx2.TransportError:
                pass
            return got

        body = loop.run_until_complete(read()) if whole or failed else b""
        return answer.status, answer.headers, body, whole, answer.reusable
    finally:
        loop.close()


ALL = [p for p in (*KEPT, *CLOSED, *AT_THE_END, *BROKEN, *MALFORMED) if len(str(p.values[0])) < 5_000]


WIRES = [bytes(p.values[0]) for p in ALL]  # type: ignore[call-overload]  # the first of each row


@pytest.mark.parametrize("wire", WIRES, ids=[str(p.id) for p in ALL])
def test_cut_at_every_byte_it_is_the_same_answer(wire: bytes) -> None:
    whole = hear(wire, [], closed=True)
    split = hear(wire, list(range(1, len(wire))), closed=True)
    # Whether a connection can be used again depends on what has come by then; what comes later closes it.
    assert split[:4] == whole[:4]


@settings(max_examples=60)
@given(st.data())
def test_any_pieces_give_the_same_answer(data: st.DataObject) -> None:
    parts = data.draw(st.lists(st.binary(min_size=1, max_size=40), max_size=6))
    body = b"".join(parts)
    framing = data.draw(st.sampled_from(["length", "chunks", "end"]))
    fields = b"".join(b"x-%d: %b\r\n" % (n, b"v" * n) for n in range(data.draw(st.integers(0, 5))))
    wire = b"HTTP/1.1 200 OK\r\n" + fields
    if framing == "length":
        wire += b"content-length: %d\r\n\r\n" % len(body) + body
    elif framing == "chunks":
        wire += b"transfer-encoding: chunked\r\n\r\n" + b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in parts)
        wire += b"0\r\n\r\n"
    else:
        wire += b"\r\n" + body
    cuts = data.draw(st.lists(st.integers(0, len(wire)), max_size=12))
    heard = hear(wire, cuts, closed=True)
    assert heard == hear(wire, [], closed=True)
    assert heard[2:] == (body, True, framing != "end")


@settings(max_examples=150)
@given(st.data())
def test_damage_gives_an_answer_or_an_error_and_nothing_else(data: st.DataObject) -> None:
    wire = bytearray(data.draw(st.sampled_from(WIRES)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(wire)))
        wire[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    cuts = data.draw(st.lists(st.integers(0, len(wire)), max_size=4))
    hear(bytes(wire), cuts, closed=True)
