"""Level 3, besides: a turn with a tool, its call to the client and its result to the upstream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

import httpx2

from switchgear.testing.contract.base import NotApplicable, check, expect
from switchgear.testing.contract.bench import Bench
from switchgear.testing.contract.benched import BenchedContract
from switchgear.testing.contract.clients import CHAT, CLIENTS, MESSAGES, RESPONSES, Answered, ClientDialect, Json
from switchgear.testing.contract.fake import FakeToolCall

TOOL = "mcp__weather_station__current_conditions_at_a_place_on_this_day_x"
"""As long as OpenAI allows (64); an upstream that allows less has to be told another name."""
QUESTION = "Use the tool: how warm is it in Ghent?"
RESULT = "nineteen-degrees-and-a-light-breeze"
SCHEMA: Json = {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]}
DESCRIPTION = "The weather at a place."


@dataclass(frozen=True, slots=True)
class Called:
    """A tool call, as the client got it. ``arguments`` is a JSON text."""

    id: str
    name: str
    arguments: str


UNCALLED = Called("call_1a2b3c4d5e6f", TOOL, json.dumps({"place": "Ghent"}))
"""What an earlier answer called, where the fake's model calls nothing by itself."""


class ToolChecks(BenchedContract):
    """Level 3: tools."""

    @check(3)
    async def test_a_tool_call_reaches_the_client(self) -> None:
        """A tool that the model calls is called by the client's own name for it, with an id and JSON arguments."""
        async with self.bench() as bench:
            await bench.accounts()
            called = False
            for dialect, stream, where in _ways():
                calls = await _call(bench, dialect, stream=stream)
                called |= bool(calls)
                expect(calls or not isinstance(bench.fake, FakeToolCall), f"{where}: the client got no tool call")
                for call in calls:
                    expect(call.name == TOOL, f"{where}: it offered {TOOL}, and is to call {call.name}")
                    expect(call.id, f"{where}: the call has no id")
                    expect(_is_object(call.arguments), f"{where}: the arguments are {call.arguments[:80]!r}")
            if not called:
                raise NotApplicable("the fake's model calls no tool: it has no call_tool()")

    @check(3)
    async def test_a_tools_result_reaches_the_upstream(self) -> None:
        """A tool's result goes to the upstream with the call it belongs to, and is answered."""
        async with self.bench() as bench:
            await bench.accounts()
            for dialect, stream, where in _ways():
                calls = await _call(bench, dialect, stream=stream)
                sent: list[bytes] = []
                bench.gateway.traffic.answer = lambda request, sent=sent: _note(request, sent)
                got = await replace(dialect, fields=_second(dialect, calls[0] if calls else UNCALLED)).ask(
                    bench.gateway.client, bench.model, stream=stream
                )
                bench.gateway.traffic.answer = None
                expect(got.ok, f"{where}: the client got {got}")
                expect(got.text, f"{where}: the answer to the result holds no text")
                told = RESULT in got.text or any(RESULT.encode() in body for body in sent)
                expect(told, f"{where}: the result is in no request to the upstream")


def _ways() -> Iterator[tuple[ClientDialect, bool, str]]:
    for dialect in CLIENTS:
        for stream in (False, True):
            yield dialect, stream, f"{dialect.name}, {'streamed' if stream else 'whole'}"


async def _call(bench: Bench, dialect: ClientDialect, *, stream: bool) -> list[Called]:
    """Have a tool called; empty where the model would rather talk."""
    if isinstance(bench.fake, FakeToolCall):
        bench.fake.call_tool()
    got = await replace(dialect, fields=_first(dialect)).ask(bench.gateway.client, bench.model, stream=stream)
    expect(got.ok, f"{dialect.name}: with a tool to call the client got {got}")
    return _calls_in(dialect, got)


def _note(request: httpx2.Request, sent: list[bytes]) -> None:
    sent.append(request.content)


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


# -- what a client of each dialect writes ------------------------------------------------------------------


def _first(dialect: ClientDialect) -> Json:
    asked = {"role": "user", "content": QUESTION}
    described = {"name": TOOL, "description": DESCRIPTION}
    if dialect is CHAT:
        tool: Json = {"type": "function", "function": {**described, "parameters": SCHEMA}}
        return {"messages": [asked], "max_tokens": 64, "tools": [tool]}
    if dialect is MESSAGES:
        return {"messages": [asked], "max_tokens": 64, "tools": [{**described, "input_schema": SCHEMA}]}
    tool = {"type": "function", **described, "parameters": SCHEMA}
    return {"input": [asked], "max_output_tokens": 64, "tools": [tool]}


def _second(dialect: ClientDialect, call: Called) -> Json:
    """The question again, the call, and its result."""
    body = _first(dialect)
    function = {"name": call.name, "arguments": call.arguments}
    if dialect is CHAT:
        called: Json = {"id": call.id, "type": "function", "function": function}
        body["messages"] += [
            {"role": "assistant", "content": None, "tool_calls": [called]},
            {"role": "tool", "tool_call_id": call.id, "content": RESULT},
        ]
    elif dialect is MESSAGES:
        called = {"type": "tool_use", "id": call.id, "name": call.name, "input": json.loads(call.arguments)}
        result = {"type": "tool_result", "tool_use_id": call.id, "content": RESULT}
        body["messages"] += [{"role": "assistant", "content": [called]}, {"role": "user", "content": [result]}]
    else:
        body["input"] += [
            {"type": "function_call", "call_id": call.id, **function},
            {"type": "function_call_output", "call_id": call.id, "output": RESULT},
        ]
    return body


# -- what it reads -----------------------------------------------------------------------------------------


def _calls_in(dialect: ClientDialect, got: Answered) -> list[Called]:
    read = {CHAT.name: _chat_calls, MESSAGES.name: _messages_calls, RESPONSES.name: _responses_calls}[dialect.name]
    return read(got.objects)


def _chat_calls(objects: list[Json]) -> list[Called]:
    found: dict[int, Called] = {}
    for choice in (choice for one in objects for choice in one.get("choices") or []):
        for position, call in enumerate((choice.get("message") or choice.get("delta") or {}).get("tool_calls") or []):
            index, function = call.get("index", position), call.get("function") or {}
            before = found.get(index, Called("", "", ""))
            found[index] = Called(
                call.get("id") or before.id,
                function.get("name") or before.name,
                before.arguments + (function.get("arguments") or ""),
            )
    return list(found.values())


def _messages_calls(objects: list[Json]) -> list[Called]:
    found: dict[int, Called] = {}
    for one in objects:
        index = one.get("index", -1)
        for position, block in enumerate(one.get("content") or []):
            if block.get("type") == "tool_use":
                found[position] = Called(block.get("id", ""), block.get("name", ""), json.dumps(block.get("input")))
        if one.get("type") == "content_block_start" and one["content_block"].get("type") == "tool_use":
            found[index] = Called(one["content_block"].get("id", ""), one["content_block"].get("name", ""), "")
        if one.get("type") == "content_block_delta" and index in found:
            more = one["delta"].get("partial_json") or ""
            found[index] = replace(found[index], arguments=found[index].arguments + more)
    return list(found.values())


def _responses_calls(objects: list[Json]) -> list[Called]:
    items = [item for one in objects for item in one.get("output") or []]
    items += [one["item"] for one in objects if one.get("type") == "response.output_item.done"]
    return [
        Called(item.get("call_id", ""), item.get("name", ""), item.get("arguments", ""))
        for item in items
        if item.get("type") == "function_call"
    ]
