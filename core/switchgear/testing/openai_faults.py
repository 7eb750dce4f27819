"""The fake upstream's faults by magic model id: errors, broken answers, broken connections.

The ids and shapes follow the survey of real upstreams of autumn 2026. Each does its thing in the form of the endpoint
that is asked.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from dataclasses import replace

from switchgear.testing.answer import Json
from switchgear.testing.error_faults import REFUSALS
from switchgear.testing.openai_form import ChatForm
from switchgear.testing.openai_turn import EVENT_STREAM, Behaviour, Turn, plain

_MARK = "@@"
_GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"
_BLOCK_BYTES = 1024 * 1024

# -- errors inside a stream --------------------------------------------------------------------------------


async def _instream_first(turn: Turn) -> None:
    """Before any output: OpenAI, vLLM and SGLang then say nothing else; the others have opened the stream."""
    await _stream_error(turn, () if isinstance(turn.form, ChatForm) else turn.form.opening(turn.answer))


async def _instream_mid(turn: Turn) -> None:
    await _stream_error(turn, turn.beginning(2))


async def _stream_error(turn: Turn, before: Iterable[Json]) -> None:
    """These events, the form's failure, and the end of the stream."""
    if not turn.stream:
        await turn.json(turn.form.failed(turn.answer))
        return
    await turn.start()
    await turn.send(*before)
    await turn.exchange.send(turn.form.failure(turn.answer))
    await turn.exchange.end()


async def _error_event(turn: Turn) -> None:
    """``event: error`` after some output."""
    if not turn.stream:
        await turn.json(turn.form.failed(turn.answer))
        return
    await turn.start()
    await turn.send(*turn.beginning(2))
    await turn.exchange.send(turn.form.error_event())
    await turn.exchange.end()


async def _abort(turn: Turn) -> None:
    """Some output, then an end that says ``abort`` (vLLM, SGLang)."""
    pieces = turn.answer.pieces[:2]
    turn.answer = replace(turn.answer, text="".join(pieces), split=tuple(pieces), ended_by="abort")
    await plain(turn)


# -- broken connections and bodies -------------------------------------------------------------------------


async def _cut(turn: Turn) -> None:
    """Some output, then a TCP reset."""
    if turn.stream:
        await turn.start()
        await turn.send(*turn.beginning(2))
    else:
        data = json.dumps(turn.form.whole(turn.answer)).encode()
        head = {"content-type": "application/json", "content-length": str(len(data))}
        await turn.exchange.start(200, head)
        await turn.exchange.send(data[: len(data) // 2])
    turn.exchange.cut()


async def _cut_before(turn: Turn) -> None:
    """A TCP reset instead of an answer."""
    turn.exchange.cut()


async def _empty(turn: Turn) -> None:
    """Status 200 and no output at all (LM Studio, when the prompt exceeds the loaded context)."""
    turn.answer = replace(turn.answer, text="", split=(), tool_calls=(), reasoning="")
    if not isinstance(turn.form, ChatForm):
        await plain(turn)
    elif turn.stream:
        await turn.start()
        await turn.end()
    else:
        await turn.json({**turn.form.whole(turn.answer), "choices": []})


async def _empty_body(turn: Turn) -> None:
    await turn.exchange.respond(
        200, b"", content_type=EVENT_STREAM["content-type"] if turn.stream else "application/json"
    )


async def _huge_body(turn: Turn) -> None:
    """One text without end, as fast as the client reads."""
    turn.answer = replace(turn.answer, text=_MARK, split=(), tool_calls=(), reasoning="")
    *before, huge = turn.beginning(1) if turn.stream else [turn.form.whole(turn.answer)]
    data = turn.form.frame(huge) if turn.stream else json.dumps(huge).encode()
    head, _, tail = data.partition(_MARK.encode())
    await turn.exchange.start(200, EVENT_STREAM if turn.stream else {"content-type": "application/json"})
    await turn.send(*before)
    await turn.exchange.send(head)
    block = b"a" * 65_536
    for _ in range(turn.timings.big_bytes // len(block)):
        await turn.exchange.send(block)
    await turn.exchange.send(tail)
    await turn.exchange.end()


async def _gzip_bomb(turn: Turn) -> None:
    """``big_bytes`` of spaces, packed a thousandfold; the trailer is missing, for whoever gets that far."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = packer.compress(b" " * _BLOCK_BYTES) + packer.flush(zlib.Z_FULL_FLUSH)
    kind = EVENT_STREAM["content-type"] if turn.stream else "application/json"
    await turn.exchange.start(200, {"content-type": kind, "content-encoding": "gzip"})
    await turn.exchange.send(_GZIP_HEAD)
    for _ in range(turn.timings.big_bytes // _BLOCK_BYTES):
        await turn.exchange.send(block)
    await turn.exchange.end()


async def _no_http(turn: Turn) -> None:
    await turn.exchange.send_raw(b"SSH-2.0-Fake\r\n\r\n")


# -- broken timing -----------------------------------------------------------------------------------------


async def _never_starts(turn: Turn) -> None:
    await turn.exchange.closed.wait()


async def _idle(turn: Turn) -> None:
    """Some output, then silence."""
    if turn.stream:
        await turn.start()
        await turn.send(*turn.beginning(2))
    else:
        await turn.exchange.start(200, {"content-type": "application/json"})
        await turn.exchange.send(json.dumps(turn.form.whole(turn.answer)).encode()[:20])
    await turn.exchange.closed.wait()


async def _never_ends(turn: Turn) -> None:
    """Output for ever; blanks before a JSON body that never comes."""
    turn.answer = replace(turn.answer, text="and so on ", split=("and so on ",), tool_calls=(), reasoning="")
    *before, again = turn.beginning(1)
    if turn.stream:
        await turn.start()
        await turn.send(*before)
    else:
        await turn.exchange.start(200, {"content-type": "application/json"})
    while True:
        await turn.exchange.send(turn.form.frame(again) if turn.stream else b" ")
        await turn.exchange.pause(turn.timings.pause_s)


FAULTS: dict[str, Behaviour] = {
    **REFUSALS,
    "err-instream-first": _instream_first,
    "err-instream-mid": _instream_mid,
    "err-event": _error_event,
    "abort": _abort,
    "cut": _cut,
    "cut-before": _cut_before,
    "empty": _empty,
    "empty-body": _empty_body,
    "huge-body": _huge_body,
    "gzip-bomb": _gzip_bomb,
    "no-http": _no_http,
    "never-starts": _never_starts,
    "idle": _idle,
    "never-ends": _never_ends,
}
