"""Mending an upstream's answer on its way: for plugins whose upstream nearly speaks a dialect.

An :class:`AnswerEditor` sees each JSON object of an answer, whole or streamed, and gives back what should have come.
What it leaves alone passes on byte for byte.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, NoReturn

import msgspec

from switchgear.errors import UpstreamError
from switchgear.sse import EventSplitter, event_data
from switchgear.types import Failure, Reply

MAX_WHOLE_BYTES = 64 * 1024 * 1024
MAX_FAILURE_BYTES = 64 * 1024
EVENT_STREAM = "text/event-stream"
WHOLE = ("application/json", "text/html")

Json = dict[str, Any]


class AnswerEditor:
    """Mends one answer; make one for each. Extend it, and override what the upstream needs.

    Attributes:
        headers: of the answer, names in lower case; set before the first call.
    """

    headers: Mapping[str, str] = {}

    def whole(self, answer: Json) -> Json:
        """A whole answer. Give it back, changed in place or anew."""
        return answer

    def event(self, event: Json) -> Iterable[Json] | None:
        """One event of a stream: the objects to send in its place; ``None`` to pass it on as it came."""
        return None

    def end(self) -> Iterable[Json]:
        """The stream is over (its ``[DONE]``, or the end of the body): what was held back until now."""
        return ()

    def refuse(self, error: Mapping[str, Any]) -> NoReturn:
        """The object is an error behind a status of 200: fail the call, so that ``classify_error`` sees it."""
        body = msgspec.json.encode(error)[:MAX_FAILURE_BYTES]
        raise UpstreamError(Failure("in_band", 200, self.headers, body))


def edited(reply: Reply, editor: AnswerEditor) -> Reply:
    """``reply`` with its body mended; one with an error status is given back as it is."""
    if reply.status >= 300:
        return reply
    editor.headers = reply.headers
    headers = {name: value for name, value in reply.headers.items() if name != "content-length"}
    if headers.get("content-type", "").lower().startswith(WHOLE):
        return Reply(reply.status, headers, _whole(reply.body, editor), reply.aclose)
    return Reply(reply.status, {**headers, "content-type": EVENT_STREAM}, _stream(reply.body, editor), reply.aclose)


async def _whole(body: AsyncIterator[bytes], editor: AnswerEditor) -> AsyncIterator[bytes]:
    parts, size = [], 0
    async for part in body:
        parts.append(part)
        size += len(part)
        if size > MAX_WHOLE_BYTES:
            raise UpstreamError(Failure("protocol", message=f"the answer exceeds {MAX_WHOLE_BYTES} bytes"))
    raw = b"".join(parts)
    answer = _object(raw)
    yield raw if answer is None else msgspec.json.encode(editor.whole(answer))


async def _stream(body: AsyncIterator[bytes], editor: AnswerEditor) -> AsyncIterator[bytes]:
    splitter = EventSplitter()
    ended = False
    try:
        async for chunk in body:
            out = bytearray()
            for raw in splitter.feed(chunk)[1]:
                if not ended and event_data(raw) == b"[DONE]":
                    ended = True
                    out += b"".join(_event(b"", held) for held in editor.end())
                out += _edit(raw, editor)
            if out:
                yield bytes(out)
    except ValueError as error:  # an event without end
        raise UpstreamError(Failure("protocol", message=str(error))) from None
    rest = splitter.rest()
    out = bytearray(_edit(rest, editor) if rest.strip() else b"")
    if not ended:
        out += b"".join(_event(b"", held) for held in editor.end())
    if out:
        yield bytes(out)


def _edit(raw: bytes, editor: AnswerEditor) -> bytes:
    raw = raw.lstrip(b"\r\n")  # the end of a line end that came in two pieces
    data = event_data(raw)
    event = None if data is None else _object(data)
    instead = None if event is None else editor.event(event)
    if instead is None:
        return raw + b"\n\n" if raw else b""
    return b"".join(_event(raw, one) for one in instead)


def _event(raw: bytes, event: Json) -> bytes:
    """One event; with the line that names it, where the upstream writes one."""
    kind = event.get("type")
    name = f"event: {kind}\n".encode() if isinstance(kind, str) and raw.lstrip().startswith(b"event:") else b""
    return name + b"data: " + msgspec.json.encode(event) + b"\n\n"


def _object(data: bytes) -> Json | None:
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
