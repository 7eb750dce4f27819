"""What both servers make of an application's answer: framing, headers, and answers that are none."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from switchgear.server.serving import Choice
from tests.core.servers import LAST, Answer, App, Client, Message, Receive, Scope, Send, answer, both, request, served

START: Message = {"type": "http.response.start", "status": 200, "headers": []}


def body(data: bytes = b"", *, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": more}


def start(*headers: tuple[bytes, bytes], status: int = 200) -> Message:
    return {"type": "http.response.start", "status": status, "headers": headers}


def length(size: int) -> tuple[bytes, bytes]:
    return (b"content-length", b"%d" % size)


def saying(*messages: Message) -> App:
    """An application that sends these, except to ``/last``."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/last":
            await answer(send, b"last")
        elif scope["type"] == "http":
            for message in messages:
                await send(message)

    return app


async def got(choice: Choice, *messages: Message, method: str = "GET") -> tuple[Answer, bytes]:
    """The answer, and what is said after it to another request on the same connection."""
    async with served(saying(*messages), choice) as server:
        async with Client.to(server) as client:
            client.send(request(method=method))
            first = await client.answer(method)
            client.send(LAST)
            return first, await client.rest()


@both
@pytest.mark.parametrize(
    ("messages", "size", "data"),
    [
        pytest.param([start(length(2)), body(b"ab")], b"2", b"ab", id="its length is known"),
        pytest.param([start(length(2)), body(b"a", more=True), body(b"b")], b"2", b"ab", id="its length is kept"),
        pytest.param([start(), body(b"a", more=True), body(b"", more=True), body(b"b")], None, b"ab", id="in chunks"),
        pytest.param([start(), body(b"ab", more=True), body()], None, b"ab", id="in chunks, the end by itself"),
        pytest.param([start(length(0)), body()], b"0", b"", id="empty"),
        pytest.param(
            [start((b"Transfer-Encoding", b"chunked")), body(b"a", more=True), body(b"b")],
            None,
            b"ab",
            id="asks for it",
        ),
    ],
)
async def test_an_answer_is_framed_and_another_can_follow(
    messages: list[Message], size: bytes | None, data: bytes, choice: Choice
) -> None:
    first, rest = await got(choice, *messages)
    assert (first.status, first.body, first.header(b"content-length")) == (200, data, size)
    assert first.header(b"transfer-encoding") == (b"chunked" if size is None else None)
    assert first.header(b"connection") is None
    assert rest.endswith(b"last")


@both
@pytest.mark.parametrize(
    ("method", "message"),
    [
        pytest.param("HEAD", start(length(2)), id="to HEAD"),
        pytest.param("GET", start(status=204), id="204"),
        pytest.param("GET", start(length(2), status=304), id="304"),
    ],
)
async def test_some_answers_have_no_body(method: str, message: Message, choice: Choice) -> None:
    first, rest = await got(choice, message, body(b"ab"), method=method)
    assert (first.status, first.body) == (message["status"], b"")
    assert first.header(b"content-length") == (b"2" if message["headers"] else None)
    assert first.header(b"transfer-encoding") is None
    assert rest.startswith(b"HTTP/1.1 200 ")
    assert rest.endswith(b"last")


async def test_204_has_no_length_whatever_is_said() -> None:
    first, _ = await got("fast", start(length(0), status=204), body())
    assert first.header(b"content-length") is None


async def test_what_comes_in_one_piece_needs_no_chunks() -> None:
    first, _ = await got("fast", start(), body(b"ab"))
    assert (first.header(b"content-length"), first.header(b"transfer-encoding")) == (b"2", None)


@both
async def test_what_the_application_says_of_the_connection_is_done(choice: Choice) -> None:
    first, rest = await got(choice, start((b"Connection", b"Close"), length(0)), body())
    assert (first.header(b"connection") or b"").lower() == b"close"
    assert rest == b""


@both
async def test_a_date_is_given_unless_there_is_one(choice: Choice) -> None:
    first, _ = await got(choice, start(length(0)), body())
    date = first.header(b"date")
    assert date is not None
    assert abs(parsedate_to_datetime(date.decode()).timestamp() - time.time()) < 5


async def test_a_date_is_not_given_twice() -> None:
    first, _ = await got("fast", start((b"Date", b"today"), length(0)), body())
    assert [value for name, value in first.headers if name == b"date"] == [b"today"]


@pytest.mark.parametrize("status", [200, 299, 404, 599, 999])
async def test_any_status_can_be_said(status: int) -> None:
    first, _ = await got("fast", start(length(0), status=status), body())
    assert first.status == status


BROKEN: list[Any] = [
    pytest.param([], id="nothing"),
    pytest.param([start((b"x", b"a\r\nset-cookie: b"))], id="a header with a line break"),
    pytest.param([start((b"x", b"a\rb"))], id="a header with CR"),
    pytest.param([start((b"x", b"a\nb"))], id="a header with LF"),
    pytest.param([start((b"x", b"a\0b"))], id="a header with NUL"),
    pytest.param([start((b"x\r\ny", b"a"))], id="a name with a line break"),
    pytest.param([start((b"x y", b"a"))], id="a name with a space"),
    pytest.param([start((b"x:", b"a"))], id="a name with a colon"),
    pytest.param([start((b"", b"a"))], id="no name"),
    pytest.param([start((b"content-length", b"two"))], id="a length that is no number"),
    pytest.param([start(status=101)], id="a status that is no answer's"),
    pytest.param([{"type": "http.response.push"}], id="what it does not know"),
    pytest.param([body(b"a")], id="a body without a start"),
]


async def failing(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        raise ValueError("out of order")


@pytest.mark.parametrize("messages", BROKEN)
async def test_what_cannot_be_said_is_a_500(messages: list[Message], log_output: pytest.CaptureFixture[str]) -> None:
    first, rest = await got("fast", *messages, body(b"more"))
    assert (first.status, first.header(b"content-length"), first.header(b"connection")) == (500, b"0", b"close")
    assert rest == b""
    assert '"event": "application_failed"' in log_output.readouterr().err


@both
async def test_an_application_that_fails_is_a_500(choice: Choice, log_output: pytest.CaptureFixture[str]) -> None:
    async with served(failing, choice) as server:
        async with Client.to(server) as client:
            client.send(request())
            assert (await client.answer()).status == 500
            assert await client.rest() == b""
    assert "out of order" in log_output.readouterr().err


async def test_an_application_that_says_nothing_is_a_500() -> None:
    first, _ = await got("fast")
    assert first.status == 500


async def test_one_that_fails_after_its_head_but_before_its_body_is_a_500_too() -> None:
    first, _ = await got("fast", start(length(2)), start())
    assert first.status == 500


@both
@pytest.mark.parametrize(
    "messages",
    [
        pytest.param([start(), body(b"ab", more=True)], id="ends in the middle"),
        pytest.param([start(), body(b"ab", more=True), {"type": "nothing"}], id="fails in the middle"),
        pytest.param([start(length(3)), body(b"ab", more=True), body(b"cd")], id="longer than it said"),
        pytest.param([start(length(3)), body(b"ab")], id="shorter than it said"),
    ],
)
async def test_an_answer_that_breaks_off_can_be_told(messages: list[Message], choice: Choice) -> None:
    async with served(saying(*messages), choice) as server:
        async with Client.to(server) as client:
            client.send(request())
            said = await client.rest()
    assert said.startswith(b"HTTP/1.1 200 ")
    assert said.count(b"HTTP/1.1") == 1
    assert b"ab" in said
    assert b"cd" not in said
    assert not said.endswith(b"0\r\n\r\n")


async def test_after_its_end_an_answer_cannot_go_on() -> None:
    errors: list[Exception] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send)
        for message in (start(), body()):
            try:
                await send(message)
            except RuntimeError as error:
                errors.append(error)

    async with served(app) as server:
        async with Client.to(server) as client:
            client.send(request() + LAST)
            assert (await client.answer()).body == b"ok"
            assert (await client.answer()).body == b"ok"
    assert len(errors) == 4


async def test_head_and_body_leave_together(monkeypatch: pytest.MonkeyPatch) -> None:
    from switchgear.server.connection import Connection

    written: list[int] = []
    made = Connection.connection_made

    def counted(self: Connection, transport: Any) -> None:
        made(self, transport)
        write = self.write

        def note(data: bytes) -> None:
            written.append(len(data))
            write(data)

        self.write = note

    monkeypatch.setattr(Connection, "connection_made", counted)
    await got("fast", start(), body(b"a", more=True), body(b"b"))
    assert len(written) == 3, "the head with the first part, the last with the end, and the answer to the other request"
