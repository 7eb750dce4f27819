"""Every way in which the fake's runtime answers, and what the plugin makes of it, on both generations of hosts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from switchgear import Failure, Kind, Reasoning, UpstreamError, Usage
from switchgear_kiro.errors import verdict
from switchgear_kiro.fake.asked import THOUGHT
from switchgear_kiro.fake.refusals import TOLD
from switchgear_kiro.fake.scenarios import BROKEN, EXCEPTIONS, GOOD
from switchgear_kiro.variants import ChatVariant
from tests.plugins.kiro_service import (
    LIST_FILES,
    READ_FILE,
    Line,
    calls_of,
    finish_of,
    line,
    reasoning_of,
    said,
    text_of,
)

HELLO = "Hello from Kiro"
READ = [("read_file", {"path": "a.txt"})]
GEN3: ChatVariant = "runtime-json"
GEN2: ChatVariant = "q-rest"

Answer = tuple[str, list[tuple[str, Any]], str]

ANSWERS: dict[str, Answer] = {
    "text": (HELLO, [], "stop"),
    "text with token counts": (HELLO, [], "stop"),
    "equal deltas": ("hahaha", [], "stop"),
    "multibyte text": ("héllö \u2603 \U0001f600", [], "stop"),
    "reasoning": (HELLO, [], "stop"),
    "redacted reasoning": (HELLO, [], "stop"),
    "one tool": ("Let me look.", READ, "tool_calls"),
    "tool without arguments": ("", [("list_files", {})], "tool_calls"),
    "two tools": ("", [("read_file", {"path": "a"}), ("read_file", {"path": 'b \u2603 "c"'})], "tool_calls"),
    "object input": ("", READ, "tool_calls"),
    "tool in one frame": ("", READ, "tool_calls"),
    "tool with end turn": ("Let me look.", READ, "tool_calls"),
    "unknown event": (HELLO, [], "stop"),
    "initial response": (HELLO, [], "stop"),
    "wrapped payload": ("Hi", [], "stop"),
    "no metadata": (HELLO, [], "length"),
    "no tail": (HELLO, [], "length"),
    "end inside a tool": ("Let me look.", [], "length"),
    "stop END_TURN": (HELLO, [], "stop"),
    "stop TOOL_USE": (HELLO, [], "length"),
    "stop MAX_TOKENS": (HELLO, [], "length"),
    "stop CONTENT_FILTERED": (HELLO, [], "content_filter"),
    "stop MODEL_CONTEXT_WINDOW_EXCEEDED": (HELLO, [], "length"),
    "stop PAUSE_TURN": (HELLO, [], "stop"),
    "stop UNKNOWN": (HELLO, [], "stop"),
    "stop SOMETHING_NEW": (HELLO, [], "stop"),
}
"""Text, calls and finish on generation 3."""
STOPPED: dict[str, Answer] = {name: (HELLO, [], "stop") for name in GOOD if name.startswith("stop ")}
ON_GENERATION_2: dict[str, Answer] = {**ANSWERS, **STOPPED, "no metadata": (HELLO, [], "stop")}
"""Streams have no stop reason there, and what else comes at their end proves them whole."""


def on(variant: ChatVariant) -> dict[str, Any]:
    return {"calls": {"social": {"chat": [variant]}}}


def test_every_good_scenario_has_a_row() -> None:
    assert sorted(ANSWERS) == sorted(GOOD)


@pytest.mark.parametrize("chopped", [False, True], ids=["frame by frame", "in tiny pieces"])
@pytest.mark.parametrize(("variant", "answers"), [(GEN3, ANSWERS), (GEN2, ON_GENERATION_2)], ids=[GEN3, GEN2])
async def test_good_streams(variant: ChatVariant, answers: dict[str, Answer], chopped: bool) -> None:
    async with line(**on(variant)) as here:
        here.fake.runtime.chopped = chopped
        account = here.account()
        for name, expected in answers.items():
            here.fake.runtime.script(name)
            events = await here.events(said("Hello", READ_FILE, LIST_FILES), account)
            assert (text_of(events), calls_of(events), finish_of(events)) == expected, name
        assert not here.refused


async def test_reasoning_and_its_signature() -> None:
    async with line() as here:
        account = here.account()
        here.fake.runtime.script("reasoning", "redacted reasoning")
        text, signature = reasoning_of(await here.events(account=account))
        assert text == THOUGHT
        assert signature in here.fake.runtime.signatures
        redacted = [event for event in await here.events(account=account) if isinstance(event, Reasoning)]
        assert [(event.text, event.redacted) for event in redacted] == [("", True)]
        assert redacted[0].signature in here.fake.runtime.signatures


async def test_tokens_are_counted_by_the_service_or_by_the_context() -> None:
    async with line() as here:
        account = here.account()
        await here.models(account)
        here.fake.runtime.script("text with token counts", "text")
        counted, estimated = [await here.events(account=account) for _ in range(2)]
        assert _usage(counted) == Usage(15, 7, cache_read_tokens=5)
        usage = _usage(estimated)  # 1.25 % of 200,000 tokens, the answer's own share among them
        assert (usage.input_tokens or 0) + (usage.output_tokens or 0) == 2500


def _usage(events: Sequence[object]) -> Usage:
    return [event for event in events if isinstance(event, Usage)][-1]


BROKEN_KINDS = {
    "corrupt prelude": "protocol",
    "corrupt message": "protocol",
    "oversize": "protocol",
    "half a frame": "connection",
    "half a tool call": "connection",
    "in_band": "in_band",
    "in_band_stream": "in_band",
    "cut": "connection",
    "cut_before": "connection",
    "html": "protocol",
    "empty": "protocol",
    "never_starts": "timeout",
    "slow": "timeout",
}


def test_every_broken_scenario_has_a_row() -> None:
    assert sorted(BROKEN_KINDS) == sorted(BROKEN)


@pytest.mark.parametrize("variant", [GEN3, GEN2])
async def test_broken_streams(variant: ChatVariant) -> None:
    async with line(**on(variant)) as here:
        account = here.account()
        for name, cause in BROKEN_KINDS.items():
            here.fake.runtime.script(*[name] * (3 if name == "empty" else 1))
            assert (await _failure(here, account, patient=cause != "timeout")).cause == cause, name


async def _failure(here: Line, account: Any, *, patient: bool = True) -> Failure:
    with pytest.raises(UpstreamError) as raised:
        await here.events(account=account, limit_s=5.0 if patient else 0.05)
    return raised.value.failure


EXCEPTION_KINDS = {
    "throttling": Kind.RATE_LIMITED,
    "quota": Kind.QUOTA_EXHAUSTED,
    "validation": Kind.CONTEXT_TOO_LONG,
    "signature": Kind.INVALID_REQUEST,
    "unavailable": Kind.OVERLOADED,
    "internal": Kind.SERVER_ERROR,
    "unknown": Kind.SERVER_ERROR,
    "old name": Kind.RATE_LIMITED,
    "unmodelled": Kind.SERVER_ERROR,
    "error event": Kind.SERVER_ERROR,
    "invalid state": Kind.SERVER_ERROR,
}


def test_every_exception_has_a_row() -> None:
    assert sorted(EXCEPTION_KINDS) == sorted(EXCEPTIONS)


@pytest.mark.parametrize("when", ["first", "after text"])
async def test_exceptions_inside_a_200(when: str) -> None:
    async with line() as here:
        account = here.account()
        for name, kind in EXCEPTION_KINDS.items():
            here.fake.runtime.script(f"exception {when}: {name}")
            failure = await _failure(here, account)
            assert failure.cause == "in_band", name
            found = verdict(failure)
            assert found is not None, name
            assert found.kind == kind, name


TOLD_KINDS = {
    "suspended": Kind.SUSPENDED,
    "suspended in words": Kind.SUSPENDED,
    "suspended in older words": Kind.SUSPENDED,
    "forbidden": Kind.FORBIDDEN,
    "not authorized": Kind.FORBIDDEN,
    "bad token": Kind.TOKEN_EXPIRED,
    "expired token": Kind.TOKEN_EXPIRED,
    "rate_limited": Kind.RATE_LIMITED,
    "rate limited in words": Kind.RATE_LIMITED,
    "credits too fast": Kind.RATE_LIMITED,
    "daily": Kind.QUOTA_EXHAUSTED,
    "quota_exhausted": Kind.QUOTA_EXHAUSTED,
    "quota of another kind": Kind.QUOTA_EXHAUSTED,
    "overage": Kind.QUOTA_EXHAUSTED,
    "conversation full": Kind.INVALID_REQUEST,
    "model_not_found": Kind.MODEL_NOT_FOUND,
    "overloaded": Kind.OVERLOADED,
    "model unavailable": Kind.OVERLOADED,
    "server_error": Kind.SERVER_ERROR,
    "invalid_request": Kind.INVALID_REQUEST,
    "body invalid": Kind.INVALID_REQUEST,
    "context_too_long": Kind.CONTEXT_TOO_LONG,
    "prompt too long": Kind.CONTEXT_TOO_LONG,
    "bad signature": Kind.INVALID_REQUEST,
    "bad conversation": Kind.INVALID_REQUEST,
    "arn missing": Kind.PROTOCOL,
    "unknown operation": Kind.PROTOCOL,
}


def test_every_refusal_has_a_row() -> None:
    assert sorted(TOLD_KINDS) == sorted(TOLD)


@pytest.mark.parametrize("variant", [GEN3, GEN2])
@pytest.mark.parametrize("name", TOLD_KINDS)
async def test_refusals(name: str, variant: ChatVariant) -> None:
    async with line(**on(variant)) as here:
        account = here.account()
        here.fake.runtime.script(name, name)
        assert (await here.failed(account=account)).kind == TOLD_KINDS[name]
