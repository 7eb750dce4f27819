"""Every way a chat was seen to go, well or badly, by name."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from switchgear_kiro.fake.asked import THOUGHT, Said, words
from switchgear_kiro.fake.frames import call, error, event, exception, opening, output, tail, text
from switchgear_kiro.fake.refusals import TOLD
from switchgear_kiro.fake.streams import Behaviour, Turn, plain, refusing, saying, streaming

Json = dict[str, Any]

HELLO = Said(words("Hello from Kiro"))
LOOK = Said(["Let me ", "look."], calls=[("read_file", {"path": "a.txt"})])
READ = {"toolUseId": "tooluse_A", "name": "read_file"}


def _with(before: Iterable[bytes] = (), said: Said = HELLO, after: Iterable[bytes] = ()) -> Behaviour:
    """A healthy stream with frames in front of everything, or behind the output."""
    return streaming(
        lambda turn: [
            *before,
            *opening(turn.generation),
            *output(said, turn.number),
            *after,
            *tail(said, turn.generation),
        ]
    )


GOOD: Mapping[str, Behaviour] = {
    "text": saying(HELLO),
    "text with token counts": saying(
        replace(
            HELLO, tokens={"uncachedInputTokens": 10, "cacheReadInputTokens": 5, "outputTokens": 7, "totalTokens": 22}
        )
    ),
    "equal deltas": saying(Said(["ha", "ha", "ha"])),
    "multibyte text": saying(Said(["h\u00e9l", "l\u00f6 \u2603 \U0001f600"])),
    "reasoning": saying(replace(HELLO, reasoning=THOUGHT, signature="*")),
    "redacted reasoning": saying(replace(HELLO, redacted="*")),
    "one tool": saying(LOOK),
    "tool without arguments": saying(Said(calls=[("list_files", [])])),
    "two tools": saying(Said(calls=[("read_file", {"path": "a"}), ("read_file", {"path": 'b \u2603 "c"'})])),
    "object input": _with(
        said=replace(HELLO, text=(), stop_reason="TOOL_USE"),
        after=[
            event("toolUseEvent", {**READ, "input": {"path": "a.txt"}}),
            event("toolUseEvent", {**READ, "stop": True}),
        ],
    ),
    "tool in one frame": _with(
        said=replace(HELLO, text=(), stop_reason="TOOL_USE"),
        after=[event("toolUseEvent", {**READ, "input": '{"path": "a.txt"}', "stop": True})],
    ),
    "tool with end turn": saying(replace(LOOK, stop_reason="END_TURN")),
    "unknown event": _with(after=[event("sparkleEvent", {"sparkles": 7})]),
    "initial response": _with([event("initial-response", {"conversationId": "c1"})]),
    "wrapped payload": _with(
        said=replace(HELLO, text=()),
        after=[event("assistantResponseEvent", {"assistantResponseEvent": {"content": "Hi"}})],
    ),
    "no metadata": streaming(
        lambda turn: [*output(HELLO, turn.number), *tail(replace(HELLO, stop_reason=""), turn.generation)]
    ),
    "no tail": streaming(lambda turn: output(HELLO, turn.number)),
    "end inside a tool": streaming(
        lambda turn: [
            text("Let me look."),
            event("toolUseEvent", READ),
            event("toolUseEvent", {**READ, "input": '{"pa'}),
        ]
    ),
} | {
    f"stop {reason}": saying(replace(HELLO, stop_reason=reason))
    for reason in (
        "END_TURN",
        "TOOL_USE",
        "MAX_TOKENS",
        "CONTENT_FILTERED",
        "MODEL_CONTEXT_WINDOW_EXCEEDED",
        "PAUSE_TURN",
        "UNKNOWN",
        "SOMETHING_NEW",
    )
}
"""By name: whatever is missing in them, the client gets an answer."""


# -- errors inside a 200 -----------------------------------------------------------------------------------------


def _payload(name: str, message: str, reason: str | None = None, **more: Any) -> Json:
    said: Json = {"message": message, "__type": f"com.amazon.kiro.runtimeservice#{name}", **more}
    return {**said, "reason": reason} if reason else said


EXCEPTIONS: Mapping[str, bytes] = {
    "throttling": exception(
        "throttlingError",
        _payload("ThrottlingException", "slow down", "USER_REQUEST_RATE_EXCEEDED", retryAfterMilliseconds=30_000),
    ),
    "quota": exception("throttlingError", _payload("ThrottlingException", "No more.", "MONTHLY_REQUEST_COUNT")),
    "validation": exception("validationError", _payload("ValidationError", "Input is too long.", "PROMPT_TOO_LONG")),
    "signature": exception("validationError", _payload("ValidationError", "Bad.", "THINKING_SIGNATURE_INVALID")),
    "unavailable": exception(
        "serviceUnavailableError",
        _payload("ServiceUnavailableException", "Not now.", "MODEL_TEMPORARILY_UNAVAILABLE"),
    ),
    "internal": exception("error", _payload("InternalServerException", "Encountered an unexpected error.")),
    "unknown": exception("sparkleError", {"message": "Sparkles."}),
    "old name": exception("ThrottlingException", {"message": "Too many requests, please wait before trying again."}),
    "unmodelled": error("InternalFailure", "Something broke."),
    "error event": event("error", {"__type": "InternalServerException", "message": "Something broke."}),
    "invalid state": event("invalidStateEvent", {"reason": "INVALID_TASK_ASSIST_PLAN", "message": "No."}),
}


# -- streams that broke ------------------------------------------------------------------------------------------


def _damaged(place: int) -> Behaviour:
    """A frame with one bit turned over at this place, counted from its end where negative."""

    def frames(turn: Turn) -> Iterable[bytes]:
        good, bad = text("Hello"), bytearray(text(" there"))
        bad[place] ^= 1
        return [good, bytes(bad), *tail(HELLO, turn.generation)]

    return streaming(frames)


async def _cut(turn: Turn) -> None:
    await turn.start()
    await turn.send(*opening(turn.generation), text("Hello"))
    turn.exchange.cut()


async def _cut_before(turn: Turn) -> None:
    turn.exchange.cut()


async def _html(turn: Turn) -> None:
    await turn.exchange.respond(200, "<html><body>Sign in to the network</body></html>", content_type="text/html")


async def _never_starts(turn: Turn) -> None:
    await turn.exchange.closed.wait()


async def _slow(turn: Turn) -> None:
    await turn.start()
    await turn.send(*opening(turn.generation), text("Hello"))
    await turn.exchange.closed.wait()


BROKEN: Mapping[str, Behaviour] = {
    "corrupt prelude": _damaged(8),
    "corrupt message": _damaged(-6),
    "oversize": streaming(lambda turn: [text("Hello"), struct.pack(">II", 64 * 1024 * 1024, 0) + bytes(8)]),
    "half a frame": streaming(lambda turn: [text("Hello"), text(" there")[:-5]]),
    "half a tool call": streaming(lambda turn: [*list(call("tooluse_A", "read_file", {"path": "a"}))[:3], b"\0\0"]),
    "in_band": streaming(lambda turn: [EXCEPTIONS["internal"]]),
    "in_band_stream": streaming(lambda turn: [EXCEPTIONS["unavailable"]]),
    "cut": _cut,
    "cut_before": _cut_before,
    "html": _html,
    "empty": streaming(lambda turn: []),
    "never_starts": _never_starts,
    "slow": _slow,
}
"""By name: in the end the client is told that it failed. Those without spaces are the conformance kit's."""


def _holding(*frames: bytes) -> Behaviour:
    return streaming(lambda turn: frames)


SCENARIOS: Mapping[str, Behaviour] = {
    "plain": plain,
    **GOOD,
    **BROKEN,
    **{name: refusing(refusal) for name, refusal in TOLD.items()},
    **{f"exception first: {name}": _holding(frame) for name, frame in EXCEPTIONS.items()},
    **{f"exception after text: {name}": _holding(text("Hello"), frame) for name, frame in EXCEPTIONS.items()},
}
"""Everything the fake's runtime can do, by name."""
