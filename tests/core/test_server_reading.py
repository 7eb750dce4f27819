"""What both servers read as a request, and what they refuse: framing that two parsers could read differently."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from switchgear.server.serving import Choice
from tests.core.servers import LAST, Client, Echo, both, request, said, served, statuses

HEAD = b" HTTP/1.1\r\nhost: x\r\n"
GET = b"GET /a" + HEAD
POST = b"POST /a" + HEAD
CHUNKED = POST + b"transfer-encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"
SMUGGLED = b"GET /smuggled" + HEAD + b"\r\n"
TAKEN = [200, 200]
"""The request was answered, and the one after it."""


class Row(NamedTuple):
    """What comes, and the statuses that are answered. Another request follows it, which is answered if the connection lives.

    ``stock`` is hypercorn's answer where it differs, ``why`` the reason that it may.
    """

    id: str
    data: bytes
    fast: list[int]
    seen: str = ""
    stock: list[int] | None = None
    why: str = ""


LAX = "h11 reads it as one would expect, and no proxy that is in use reads it otherwise"
ROWS = [
    # -- two lengths
    Row("a length and chunks", POST + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n" + END, [400]),
    Row("chunks and a length", POST + b"transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n" + END, [400]),
    Row(
        "a request hidden behind chunks",
        POST + b"content-length: %d\r\ntransfer-encoding: chunked\r\n\r\n" % (5 + len(SMUGGLED)) + END + SMUGGLED,
        [400],
    ),
    Row("two different lengths", POST + b"content-length: 2\r\ncontent-length: 3\r\n\r\nabc", [400]),
    Row("a length twice", POST + b"content-length: 2\r\ncontent-length: 2\r\n\r\nab", [400], "POST /a ab", TAKEN, LAX),
    Row("a length twice in one", POST + b"content-length: 2, 2\r\n\r\nab", [400], "POST /a ab", TAKEN, LAX),
    Row("a signed length", POST + b"content-length: +2\r\n\r\nab", [400]),
    Row("a negative length", POST + b"content-length: -2\r\n\r\nab", [400]),
    Row("a hexadecimal length", POST + b"content-length: 0x2\r\n\r\nab", [400]),
    Row("an empty length", POST + b"content-length:\r\n\r\nab", [400]),
    Row("a length without end", POST + b"content-length: 99999999999999999999999\r\n\r\nab", [400]),
    # -- chunks
    Row("chunks in order", CHUNKED + b"2\r\nab\r\n1;name=value\r\nc\r\n" + END, TAKEN, "POST /a abc"),
    Row("a trailer", CHUNKED + b"2\r\nab\r\n0\r\nauthorization: Bearer x\r\n\r\n", TAKEN, "POST /a ab"),
    Row("a chunk's size is a word", CHUNKED + b"zz\r\nab\r\n" + END, [400]),
    Row("a chunk's size is negative", CHUNKED + b"-2\r\nab\r\n" + END, [400]),
    Row("a chunk's size has a prefix", CHUNKED + b"0x2\r\nab\r\n" + END, [400]),
    Row("a chunk's size has a space", CHUNKED + b"2 \r\nab\r\n" + END, [400], "POST /a ab", TAKEN, LAX),
    Row("a chunk's size ends in LF", CHUNKED + b"2\nab\n0\n\n", [400]),
    Row("a chunk is longer than its size", CHUNKED + b"2\r\nabc\r\n" + END, [400]),
    # -- codings
    Row("a coding that is not chunked", POST + b"transfer-encoding: gzip\r\n\r\n", [501]),
    Row("chunks are not the last coding", POST + b"transfer-encoding: chunked, gzip\r\n\r\n" + END, [400], "", [501]),
    Row("chunks are not the only coding", POST + b"transfer-encoding: gzip, chunked\r\n\r\n" + END, [501]),
    Row(
        "chunks are the coding twice",
        POST + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n" + END,
        [400],
        "",
        [501],
    ),
    Row("nearly chunked", POST + b"transfer-encoding: xchunked\r\n\r\n" + END, [501]),
    Row("chunked with a tab before it", POST + b"transfer-encoding: \x0bchunked\r\n\r\n" + END, [400]),
    Row("Chunked", POST + b"Transfer-Encoding: Chunked \r\n\r\n2\r\nab\r\n" + END, TAKEN, "POST /a ab"),
    Row("chunks in HTTP/1.0", b"POST /a HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n" + END, [400]),
    # -- lines
    Row("a folded header", GET + b"a: b\r\n c\r\n\r\n", [400], "GET /a", TAKEN, "h11 unfolds it"),
    Row("a folded first header", b"GET /a HTTP/1.1\r\n host: x\r\n\r\n", [400]),
    Row("LF alone", b"GET /a HTTP/1.1\nhost: x\n\n", [400], "GET /a", TAKEN, LAX),
    Row("LF alone in a header", GET + b"a: b\nc: d\r\n\r\n", [400], "GET /a", TAKEN, LAX),
    Row("CR alone", GET + b"a: b\rc: d\r\n\r\n", [400]),
    Row("a space before the colon", b"GET /a HTTP/1.1\r\nhost : x\r\n\r\n", [400]),
    Row("a space in a name", GET + b"a b: c\r\n\r\n", [400]),
    Row("no name", GET + b": c\r\n\r\n", [400]),
    Row("NUL in a value", GET + b"a: b\0c\r\n\r\n", [400]),
    Row("a control character in a value", GET + b"a: b\1c\r\n\r\n", [400], "GET /a", TAKEN, "no one acts on it"),
    Row("empty lines before it", b"\r\n\r\n" + GET + b"\r\n", TAKEN, "GET /a", [400], "old clients sent them"),
    # -- the request line
    Row("no host", b"GET /a HTTP/1.1\r\n\r\n", [400]),
    Row("two hosts", GET + b"host: y\r\n\r\n", [400]),
    Row("a target that is not ASCII", b"GET /\xff" + HEAD + b"\r\n", [400]),
    Row(
        "two spaces", b"GET  /a" + HEAD + b"\r\n", TAKEN, "GET /a", [400], "a line that is read leniently harms nobody"
    ),
    Row("a method in small letters", b"get /a" + HEAD + b"\r\n", [400], "GET /a", TAKEN, "hypercorn makes it GET"),
    Row("a method of nobody's", b"BREW /a" + HEAD + b"\r\n", [400], "BREW /a", TAKEN, "the application says no"),
    Row("HTTP/1.2", b"GET /a HTTP/1.2\r\nhost: x\r\n\r\n", [400], "GET /a", TAKEN, "h11 takes it for HTTP/1.1"),
    Row("HTTP/2.0", b"GET /a HTTP/2.0\r\nhost: x\r\n\r\n", [505], "GET /a", TAKEN, "h11 takes it for HTTP/1.1"),
    Row("HTTP/0.9", b"GET /a\r\n\r\n", [505], "", [400]),
    Row("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", [400]),
    Row("absolute form", b"GET http://y/a?b=c" + HEAD + b"\r\n", TAKEN, "GET /a"),
    Row("absolute form without a path", b"GET HTTP://y?b=c" + HEAD + b"\r\n", TAKEN, "GET /"),
    Row("asterisk form", b"OPTIONS *" + HEAD + b"\r\n", TAKEN, "OPTIONS *"),
    Row("authority form", b"CONNECT a:1" + HEAD + b"\r\n", [501]),
    Row("escapes", b"GET /a%20b%2fc" + HEAD + b"\r\n", TAKEN, "GET /a b/c"),
    # -- an upgrade to what nobody speaks
    Row("an upgrade", GET + b"connection: upgrade\r\nupgrade: foo\r\n\r\n", TAKEN, "GET /a"),
    Row(
        "an upgrade with a body",
        POST + b"connection: upgrade\r\nupgrade: foo\r\ncontent-length: 2\r\n\r\nab",
        TAKEN,
        "POST /a ab",
    ),
]


@both
@pytest.mark.parametrize("row", ROWS, ids=[row.id for row in ROWS])
async def test_a_request_is_read_in_one_way_or_refused(row: Row, choice: Choice) -> None:
    expected = row.fast if choice == "fast" or row.stock is None else row.stock
    app = Echo()
    async with served(app, choice) as server:
        assert statuses(await said(server, row.data + LAST)) == expected
    whole = [each for each in app.seen if not each.endswith(" cut")]
    assert whole == ([row.seen, "GET /last"] if expected == TAKEN else [])


REFUSED = [row for row in ROWS if row.fast != TAKEN and row.stock is None]


@both
@pytest.mark.parametrize("row", REFUSED, ids=[row.id for row in REFUSED])
async def test_what_is_wrong_later_does_not_harm_the_answer_before_it(row: Row, choice: Choice) -> None:
    app = Echo()
    async with served(app, choice) as server:
        async with Client.to(server) as client:
            client.send(request("/first"))
            first = await client.answer()
            client.send(row.data + LAST)
            assert (first.status, first.body) == (200, b"GET /first")
            assert statuses(await client.rest()) == row.fast


async def test_the_head_waits_for_the_answers_before_it() -> None:
    app = Echo()
    async with served(app) as server:
        got = await said(server, request("/1") + request("/2", b"two") + b"GET /3 HTTP/1.1\r\nhost : x\r\n\r\n" + LAST)
    assert statuses(got) == [200, 200, 400]
    assert app.seen == ["GET /1", "POST /2 two"]


@both
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(GET + b"a: " + b"b" * 300_000, id="a header without end"),
        pytest.param(b"GET /" + b"a" * 300_000, id="a target without end"),
        pytest.param(GET + b"a: b\r\n" * 60_000, id="headers without end"),
        pytest.param(CHUNKED + b"2;" + b"a" * 300_000, id="a chunk's extension without end"),
        pytest.param(CHUNKED + b"2\r\nab\r\n0\r\na: " + b"b" * 300_000, id="a trailer without end"),
    ],
)
async def test_what_goes_on_for_ever_is_refused(data: bytes, choice: Choice) -> None:
    async with served(Echo(), choice) as server:
        assert statuses(await said(server, data)) == [431]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(GET + b"a: " + b"b" * 65_600 + b"\r\n\r\n", id="a header"),
        pytest.param(b"GET /" + b"a" * 65_600 + HEAD + b"\r\n", id="a target"),
        pytest.param(GET + b"a: b\r\n" * 11_000 + b"\r\n", id="many headers"),
        pytest.param(
            POST + b"a: " + b"b" * 65_600 + b"\r\ncontent-length: 9999\r\n\r\n" + b"b" * 9999, id="with a body"
        ),
    ],
)
async def test_a_head_that_is_too_long_is_refused_though_it_ends(data: bytes) -> None:
    app = Echo()
    async with served(app) as server:
        assert statuses(await said(server, data)) == [431]
    assert app.seen == []


async def test_a_head_may_be_long_and_its_body_longer() -> None:
    app = Echo()
    async with served(app) as server:
        async with Client.to(server) as client:
            client.send(request("/a", b"b" * 1_000_000, "c: " + "d" * 60_000))
            assert len((await client.answer()).body) == len("POST /a ") + 1_000_000


@both
async def test_a_trailer_is_no_header(choice: Choice) -> None:
    app = Echo()
    async with served(app, choice) as server:
        async with Client.to(server) as client:
            client.send(CHUNKED + b"2\r\nab\r\n0\r\nauthorization: Bearer x\r\nhost: y\r\n\r\n")
            await client.answer()
    assert app.scopes[0]["headers"] == [(b"host", b"x"), (b"transfer-encoding", b"chunked")]


@both
async def test_what_the_application_is_told(choice: Choice) -> None:
    app = Echo()
    async with served(app, choice) as server:
        async with Client.to(server) as client:
            client.send(request("/a%20b?c=%20d", b"e", "X-Empty:", "x-Many:  f \t", "x-many: g"))
            await client.answer()
            address = client.writer.get_extra_info("sockname")
    scope = app.scopes[0]
    assert scope.pop("extensions").keys() <= {"switchgear.disconnected"}
    assert {**scope, "headers": [*scope["headers"]]} == {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.1"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/a b",
        "raw_path": b"/a%20b",
        "query_string": b"c=%20d",
        "root_path": "",
        "headers": [
            (b"host", b"x"),
            (b"x-empty", b""),
            (b"x-many", b"f"),
            (b"x-many", b"g"),
            (b"content-length", b"1"),
        ],
        "client": address,
        "server": ("127.0.0.1", server.port),
        "state": {},
    }
