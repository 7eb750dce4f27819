"""However a connection's bytes are cut, the same requests are read from them, and answered the same."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear.server.requests import Requests
from tests.fuzz.server import outcome

TOKENS = st.text("abcXYZ012-_.~%20", min_size=1, max_size=8).map(lambda text: text.replace("%", ""))
BODIES = st.binary(max_size=40) | st.just(b"GET / HTTP/1.1\r\nhost: y\r\n\r\n") | st.just(b"0\r\n\r\n")


@st.composite
def request_bytes(draw: st.DrawFn) -> tuple[bytes, bytes, bytes]:
    """A request; its target and its body."""
    target = b"/" + draw(TOKENS).encode()
    fields = draw(st.lists(st.tuples(TOKENS.map(lambda token: "x-" + token), TOKENS), max_size=3))
    head = b"".join(f"{name}:{value}\r\n".encode() for name, value in fields)
    body = draw(BODIES)
    if not draw(st.booleans()):
        framed = b"content-length: %d\r\n\r\n" % len(body) + body
    else:
        cuts = sorted(draw(st.lists(st.integers(0, len(body)), max_size=3)))
        parts = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts if part)
        framed = b"transfer-encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
    return b"POST %b HTTP/1.1\r\nhost: x\r\n%b%b" % (target, head, framed), target, body


class Taken:
    """Takes requests, and remembers them."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []

    def request(self, scope: dict[str, Any], *, keep_alive: bool, expects: bool) -> None:
        self.requests.append({**scope, "keep_alive": keep_alive, "expects": expects, "body": b"", "complete": False})

    def body(self, data: bytes) -> None:
        self.requests[-1]["body"] += data

    def complete(self) -> None:
        self.requests[-1]["complete"] = True


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({min(cut, len(data)) for cut in cuts})
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True) if a != b]


def read(parts: list[bytes]) -> list[dict[str, Any]]:
    taken = Taken()
    requests = Requests(taken, {"type": "http"})
    for part in parts:
        requests.feed(part)
    return taken.requests


@settings(max_examples=150, deadline=None)
@given(st.lists(request_bytes(), min_size=1, max_size=4), st.lists(st.integers(0, 400), max_size=12))
def test_requests_are_read_as_they_were_sent(sent: list[tuple[bytes, bytes, bytes]], cuts: list[int]) -> None:
    data = b"".join(each[0] for each in sent)
    got = read(pieces(data, cuts))
    assert got == read([data])
    assert got == read([bytes([byte]) for byte in data])
    assert [(each["raw_path"], each["body"], each["complete"]) for each in got] == [
        (target, body, True) for _, target, body in sent
    ]


@settings(max_examples=40, deadline=None)
@given(st.lists(request_bytes(), min_size=1, max_size=4), st.lists(st.integers(0, 400), max_size=12))
async def test_they_are_answered_in_their_order(sent: list[tuple[bytes, bytes, bytes]], cuts: list[int]) -> None:
    data = b"".join(each[0] for each in sent)
    got = await outcome(pieces(data, cuts))
    assert got == await outcome([data])
    answers = [b"POST %b %b" % (target, body) for _, target, body in sent]
    assert re.findall(rb"HTTP/1.1 (\d+)", got.written)[: len(sent)] == [b"200"] * len(sent)
    framed = b"".join(
        b"transfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(each), each) for each in answers
    )
    assert got.written.replace(b"HTTP/1.1 200 OK\r\n", b"") == framed
