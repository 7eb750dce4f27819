"""The fake upstream's quirks of framing and timing by magic model id: a good answer, in odd bytes or at odd times.

Each stands for something that a real upstream was seen to do (survey of autumn 2026).
"""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import replace

from switchgear.testing.openai_turn import Behaviour, Turn, plain

# -- framing -----------------------------------------------------------------------------------------------


def _wire(turn: Turn) -> bytes:
    """The whole plain stream as bytes."""
    return turn.form.prelude + b"".join(map(turn.form.frame, turn.chunks())) + turn.form.terminator


def _data(turn: Turn) -> bytes:
    """The plain answer as bytes, streamed or whole."""
    return _wire(turn) if turn.stream else json.dumps(turn.form.whole(turn.answer), ensure_ascii=False).encode()


def _framed(*, size: int = 0, crlf: bool = False, head: bytes = b"", comments: bool = False) -> Behaviour:
    """The plain stream with other bytes around its events, or cut into parts of ``size`` bytes."""

    async def behave(turn: Turn) -> None:
        if not turn.stream:
            return await plain(turn)
        data = head + _wire(turn)
        if comments:
            data = re.sub(
                rb"(?m)^(event: .+\n)?data: {", rb": OPENROUTER PROCESSING\n\n: keep-alive\nid: 7\n\g<0>", data
            )
        if crlf:
            data = data.replace(b"\n", b"\r\n")
        await turn.exchange.start(200, {"content-type": "text/event-stream"})
        for start in range(0, len(data), size or len(data)):
            await turn.exchange.send(data[start : start + (size or len(data))])
        return await turn.exchange.end()

    return behave


async def _split_utf8(turn: Turn) -> None:
    """Every character of several bytes is split over two parts."""
    if not turn.stream:
        return await plain(turn)
    turn.answer = replace(turn.answer, text=f"Grüße, 世界 🌍! {turn.answer.text}", tool_calls=())
    data = _wire(turn)
    cuts = [0, *(i for i in range(1, len(data)) if data[i - 1] >= 0xC0), len(data)]
    await turn.exchange.start(200, {"content-type": "text/event-stream"})
    for start, end in itertools.pairwise(cuts):
        await turn.exchange.send(data[start:end])
    return await turn.exchange.end()


async def _json_instead(turn: Turn) -> None:
    await turn.json(turn.form.whole(turn.answer))


# -- timing ------------------------------------------------------------------------------------------------


async def _slow(turn: Turn) -> None:
    await turn.exchange.pause(turn.timings.slow_s)
    await plain(turn)


async def _slow_keepalive(turn: Turn) -> None:
    """Comments or pings, or blank lines before a JSON body, while the model thinks (DeepSeek, OpenRouter)."""
    await turn.exchange.start(200, {"content-type": "text/event-stream" if turn.stream else "application/json"})
    for _ in range(5):
        await turn.exchange.send(turn.form.keepalive if turn.stream else b"\n")
        await turn.exchange.pause(turn.timings.pause_s)
    await turn.exchange.send(_data(turn))
    await turn.exchange.end()


async def _trickle(turn: Turn) -> None:
    await turn.exchange.start(200, {"content-type": "text/event-stream" if turn.stream else "application/json"})
    data = _data(turn)
    for start in range(len(data)):
        await turn.exchange.send(data[start : start + 1])
        await turn.exchange.pause(turn.timings.trickle_s)
    await turn.exchange.end()


FRAMING_QUIRKS: dict[str, Behaviour] = {
    "split-utf8": _split_utf8,
    "split-every-byte": _framed(size=1),
    "crlf": _framed(crlf=True),
    "bom": _framed(head=b"\xef\xbb\xbf"),
    "comments": _framed(comments=True),
    "json-instead-of-sse": _json_instead,
    "slow": _slow,
    "slow-keepalive": _slow_keepalive,
    "trickle": _trickle,
}
