"""What a client of each dialect asks, and what it makes of the answer; apart from core's codecs, to hold them to it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2

from switchgear.sse import EventSplitter, event_data
from switchgear.types import Dialect

QUESTION = "Say hello."

Json = dict[str, Any]


@dataclass(slots=True)
class Answered:
    """What a client got.

    Attributes:
        status: the HTTP status; ``None`` where the connection broke before one.
        headers: names in lower case.
        body: as it came.
        text: what the model said.
        said: whether there was any output: text, reasoning or a tool call.
        finished: the dialect's own proper end came.
        failed: an error object or event came.
        tokens: input and output, as far as they were counted; ``None`` where nothing was.
        broken: the connection broke off.
    """

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    text: str = ""
    said: bool = False
    finished: bool = False
    failed: bool = False
    tokens: tuple[int, int] | None = None
    broken: bool = False

    @property
    def objects(self) -> list[Json]:
        """The JSON objects of it: a whole answer is one, of a stream each event's data."""
        if not self.headers.get("content-type", "").startswith("text/event-stream"):
            answer = _object(self.body)
            return [] if answer is None else [answer]
        splitter = EventSplitter()
        raw = [*splitter.feed(self.body)[1], splitter.rest()]
        datas = [data for event in raw if event.strip() and (data := event_data(event)) is not None]
        return [found for data in datas if (found := _object(data)) is not None]

    @property
    def ok(self) -> bool:
        """Whether it is a good answer, to its end."""
        return self.status == 200 and self.said and self.finished and not self.failed and not self.broken

    def __str__(self) -> str:
        if self.ok:
            return "a good answer"
        facts = [
            f"HTTP {self.status}" if self.status is not None else "no answer",
            "an error" if self.failed else "",
            "" if self.said or self.status != 200 else "no output",
            "a proper end" if self.finished else "no end" if self.said else "",
            "the connection broke" if self.broken else "",
        ]
        said = f": {self.body[:200].decode(errors='replace')}" if self.failed and not self.said else ""
        return ", ".join(fact for fact in facts if fact) + said


@dataclass(frozen=True, slots=True)
class ClientDialect:
    """One kind of client: where it asks, its body, and how it reads a whole answer and one event of a stream."""

    name: Dialect
    path: str
    fields: Json
    read_whole: Callable[[Json, Answered], None]
    read_event: Callable[[Json, Answered], None]

    async def ask(self, client: httpx2.AsyncClient, model: str, *, stream: bool = False) -> Answered:
        """Ask one question, and read the answer to its end, however it ends."""
        got = Answered()
        try:
            async with self.asked(client, model, stream=stream) as response:
                got.status, got.headers = response.status_code, dict(response.headers.items())
                parts = [part async for part in _parts(response, got)]
                got.body = b"".join(parts)
        except httpx2.TransportError:
            got.broken = True
        for found in got.objects:
            if got.headers.get("content-type", "").startswith("text/event-stream"):
                self.read_event(found, got)
            elif got.status != 200 or found.get("error"):
                got.failed = bool(found.get("error"))
            else:
                self.read_whole(found, got)
        got.said = bool(got.text) or got.said
        return got

    @asynccontextmanager
    async def asked(self, client: httpx2.AsyncClient, model: str, *, stream: bool) -> AsyncIterator[httpx2.Response]:
        """Ask one question; the answer is open as long as the block lasts."""
        body = {"model": model, "stream": stream, **self.fields}
        async with client.stream("POST", self.path, json=body) as response:
            yield response


async def _parts(response: httpx2.Response, got: Answered) -> AsyncIterator[bytes]:
    try:
        async for part in response.aiter_raw():
            yield part
    except httpx2.TransportError:
        got.broken = True


def _object(data: bytes) -> Json | None:
    try:
        value = json.loads(data)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _tokens(usage: object, names: tuple[str, str], got: Answered) -> None:
    if isinstance(usage, dict):
        numbers = [usage.get(name) for name in names]
        before = got.tokens or (0, 0)
        counted = [
            number if isinstance(number, int) and number else old for number, old in zip(numbers, before, strict=True)
        ]
        got.tokens = (counted[0], counted[1])


# -- chat completions --------------------------------------------------------------------------------------


def _chat_whole(answer: Json, got: Answered) -> None:
    for choice in answer.get("choices") or []:
        message = choice.get("message") or {}
        got.text += message.get("content") or ""
        got.said |= bool(message.get("tool_calls"))
        got.finished |= choice.get("finish_reason") is not None
    _tokens(answer.get("usage"), ("prompt_tokens", "completion_tokens"), got)


def _chat_event(event: Json, got: Answered) -> None:
    got.failed |= bool(event.get("error"))
    for choice in event.get("choices") or []:
        delta = choice.get("delta") or {}
        got.text += delta.get("content") or ""
        got.said |= bool(delta.get("tool_calls") or delta.get("reasoning_content"))
        got.finished |= choice.get("finish_reason") is not None
    _tokens(event.get("usage"), ("prompt_tokens", "completion_tokens"), got)


# -- messages ----------------------------------------------------------------------------------------------


def _messages_tokens(usage: object, got: Answered) -> None:
    """There what was read from a cache, or written to it, is no part of the input."""
    if isinstance(usage, dict) and isinstance(usage.get("input_tokens"), int):
        cached = (usage.get(f"cache_{way}_input_tokens") or 0 for way in ("read", "creation"))
        usage = {**usage, "input_tokens": usage["input_tokens"] + sum(cached)}
    _tokens(usage, ("input_tokens", "output_tokens"), got)


def _messages_whole(answer: Json, got: Answered) -> None:
    for block in answer.get("content") or []:
        got.text += block.get("text") or ""
        got.said |= block.get("type") != "text"
    got.finished = answer.get("stop_reason") is not None
    _messages_tokens(answer.get("usage"), got)


def _messages_event(event: Json, got: Answered) -> None:
    match event.get("type"):
        case "error":
            got.failed = True
        case "message_start":
            _messages_tokens((event.get("message") or {}).get("usage"), got)
        case "content_block_start":
            got.said |= (event.get("content_block") or {}).get("type") not in {None, "text"}
        case "content_block_delta":
            got.text += (event.get("delta") or {}).get("text") or ""
        case "message_delta":
            got.finished |= (event.get("delta") or {}).get("stop_reason") is not None
            _messages_tokens(event.get("usage"), got)
        case "message_stop":
            got.finished = True


# -- responses ---------------------------------------------------------------------------------------------


def _responses_whole(answer: Json, got: Answered) -> None:
    for item in answer.get("output") or []:
        got.said |= item.get("type") != "message"
        for part in item.get("content") or []:
            got.text += part.get("text") or ""
    got.finished = answer.get("status") in {"completed", "incomplete"}
    _tokens(answer.get("usage"), ("input_tokens", "output_tokens"), got)


def _responses_event(event: Json, got: Answered) -> None:
    match event.get("type"):
        case "error" | "response.failed":
            got.failed = True
        case "response.output_text.delta":
            got.text += event.get("delta") or ""
        case "response.output_item.added":
            got.said |= (event.get("item") or {}).get("type") != "message"
        case "response.completed" | "response.incomplete":
            got.finished = True
            _tokens((event.get("response") or {}).get("usage"), ("input_tokens", "output_tokens"), got)


_MESSAGES: Json = {"messages": [{"role": "user", "content": QUESTION}], "max_tokens": 64}

CHAT = ClientDialect("openai-chat", "/v1/chat/completions", _MESSAGES, _chat_whole, _chat_event)
MESSAGES = ClientDialect("anthropic-messages", "/v1/messages", _MESSAGES, _messages_whole, _messages_event)
RESPONSES = ClientDialect(
    "openai-responses",
    "/v1/responses",
    {"input": QUESTION, "max_output_tokens": 64},
    _responses_whole,
    _responses_event,
)
CLIENTS = (CHAT, MESSAGES, RESPONSES)
"""The dialects whose clients every provider has to serve."""
