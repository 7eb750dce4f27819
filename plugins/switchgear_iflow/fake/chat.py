"""The inference service of the fake: signed requests, and answers with every habit that iFlow's were seen to have.

Shapes: the vendor's client 0.5, cacaview/iflow2api and KooshaPari/cliproxyapi-plusplus, read 2026-11.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from switchgear.testing import Exchange
from switchgear_iflow.fake.people import FakePeople

SKEW_MS = 300_000
"""How far a timestamp may be off: a choice of this fake, the real one's is not known."""
SERVED = frozenset({"glm-4.6", "kimi-k2", "qwen3-max", "qwen3-vl-plus", "deepseek-v3.2", "iflow-rome-30ba3b"})
CLI_ONLY = frozenset({"glm-5", "glm-4.7", "kimi-k2.5", "minimax-m2.5"})
TEXT = ("Hello ", "from ", "iFlow.")
THOUGHT = ("Let me ", "think.")
TRACE = {"eagleeye-traceid": "0a1b2c3d4e5f"}

Json = dict[str, Any]


class FakeChat:
    """Answers chats.

    Attributes:
        served: ids that every key may use; others are unknown, but for ``cli_only``.
        cli_only: ids that are answered with a 406.
        habits: how answers look: ``json-for-stream``, ``octet-stream``, ``wrapped``, ``no-space``, ``reasoning``,
            ``signature``, ``no-usage``, ``cached``, ``tools``, ``no-events``, ``text-in-message``, ``text-in-body``,
            ``number-codes``.
        listed: what ``/v1/models`` answers: a status and a body.
        in_flight: how many chats of each key are under way; there may be one.
        gate: chats wait for it; set at first.
        bodies: the bodies of the chats that were let in, oldest first.
    """

    def __init__(self, people: FakePeople) -> None:
        self._people = people
        self.served = set(SERVED)
        self.cli_only = set(CLI_ONLY)
        self.habits: set[str] = set()
        self.listed: tuple[int, str] = (404, "<html>not found</html>")
        self.bodies: list[Json] = []
        self.in_flight: Counter[str] = Counter()
        self.gate = asyncio.Event()
        self.gate.set()

    # -- the services ---------------------------------------------------------------------------------------

    async def answer(self, exchange: Exchange) -> None:
        """Check one chat, and answer it."""
        key = _key(exchange)
        refusal = self._refusal(exchange, key)
        if refusal is not None:
            await self.tell(exchange, *refusal)
            return
        body = json.loads(exchange.body)
        self.bodies.append(body)
        self.in_flight[key] += 1
        try:
            await self.gate.wait()
            if body.get("stream"):
                await self._stream(exchange, body)
            else:
                await self._whole(exchange, body)
        finally:
            self.in_flight[key] -= 1

    async def list_models(self, exchange: Exchange) -> None:
        """Answer the question for the list, which is signed as well."""
        refusal = self._refusal_of_key(exchange, _key(exchange))
        if refusal is not None:
            await self.tell(exchange, *refusal)
            return
        status, body = self.listed
        await exchange.respond(status, body)

    async def tell(self, exchange: Exchange, status: int, code: str, words: str) -> None:
        """An error in iFlow's envelope; without a code it has no body."""
        if not code:
            await exchange.respond(status, b"", TRACE)
            return
        said: str | int = int(code) if "number-codes" in self.habits else code
        body: Json = {"status": said, "msg": words, "body": None}
        if "text-in-message" in self.habits:
            body = {"error_code": said, "message": words}
        elif "text-in-body" in self.habits:
            body = {"status": said, "msg": None, "body": words}
        await exchange.respond(status, json.dumps(body, ensure_ascii=False), TRACE)

    async def break_off(self, exchange: Exchange, fault: str) -> None:
        """Fail a chat in a way that nobody tells."""
        match fault:
            case "html":
                await exchange.respond(200, "<html><body>Welcome</body></html>", content_type="text/html")
            case "empty":
                await exchange.respond(200, b"")
            case "cut_before":
                exchange.cut()
            case "never_starts":
                await exchange.closed.wait()
            case "in_band_stream":
                error = {"status": "514", "msg": "Model error", "body": None}
                await exchange.respond(200, f"data: {json.dumps(error)}\n\n", content_type="text/event-stream")
            case _:
                await exchange.start(200, {"content-type": "text/event-stream"})
                await exchange.send(_event(_chunk({"role": "assistant", "content": "Hello "})))
                if fault == "slow":
                    await exchange.closed.wait()
                else:
                    exchange.cut()

    # -- what is refused ------------------------------------------------------------------------------------

    def _refusal(self, exchange: Exchange, key: str) -> tuple[int, str, str] | None:
        by_key = self._refusal_of_key(exchange, key)
        if by_key is not None:
            return by_key
        body = json.loads(exchange.body)
        model = body.get("model")
        if model in self.cli_only:
            return 406, "", ""
        if model not in self.served:
            return 200, "435", "Model not support"
        if self.in_flight[key]:
            return 200, "449", "You exceeded your current rate limit"
        problem = next(_problems(body), None)
        return None if problem is None else (400, "400", problem)

    def _refusal_of_key(self, exchange: Exchange, key: str) -> tuple[int, str, str] | None:
        headers = exchange.headers
        timestamp, session = headers.get("x-iflow-timestamp", ""), headers.get("session-id")
        message = f"{headers.get('user-agent', '')}:{session}:{timestamp}"
        expected = hmac.new(key.encode(), message.encode(), hashlib.sha256).hexdigest()
        skew_ms = abs(time.time() * 1000 - int(timestamp)) if timestamp.isdigit() else None
        if session is None or headers.get("x-iflow-signature") != expected or skew_ms is None or skew_ms > SKEW_MS:
            return 401, "401", "Signature verification failed"
        if key in self._people.blocked:
            return 200, "438", "Access to the current AK has been blocked due to unauthorized requests"
        if self._people.is_expired(key):
            return 200, "439", "Your API Token has expired."
        if key not in self._people.api_keys:
            return 200, "434", "Invalid apiKey provided."
        return None

    # -- what is answered -----------------------------------------------------------------------------------

    async def _whole(self, exchange: Exchange, body: Json) -> None:
        message: Json = {"role": "assistant", "content": "".join(TEXT)}
        if "reasoning" in self.habits:
            message["reasoning_content"] = "".join(THOUGHT)
        if "signature" in self.habits:
            message["signature"] = "signed-thought"
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        answer: Json = {"id": "c1", "object": "chat.completion", "created": 1, "model": body["model"]}
        answer |= {"choices": [choice], **({} if "no-usage" in self.habits else {"usage": self._usage()})}
        if "wrapped" in self.habits:
            answer = {"success": True, "data": answer}
        await exchange.respond(200, json.dumps(answer), TRACE)

    async def _stream(self, exchange: Exchange, body: Json) -> None:
        if "json-for-stream" in self.habits:
            await self._whole(exchange, body)
            return
        kind = "application/octet-stream" if "octet-stream" in self.habits else "text/event-stream"
        await exchange.start(200, {"content-type": kind, **TRACE})
        chunks = () if "no-events" in self.habits else self._chunks()
        for chunk in chunks:
            wrapped = {"success": True, "data": chunk} if "wrapped" in self.habits else chunk
            await exchange.send(_event(wrapped, space="no-space" not in self.habits))
        if "no-events" not in self.habits:
            await exchange.send(b"data:[DONE]\n\n" if "no-space" in self.habits else b"data: [DONE]\n\n")

    def _chunks(self) -> Iterator[Json]:
        yield _chunk({"role": "assistant", "content": None})
        if "reasoning" in self.habits:
            for thought in THOUGHT:
                yield _chunk({"reasoning_content": thought})
        if "signature" in self.habits:
            yield _chunk({"signature": "signed-thought"})
        if "tools" in self.habits:
            yield _call(0, "call_a", "weather", '{"city":')
            yield _call(0, None, None, '"Oslo"}')
            yield _call(0, "call_b", "time", "{}")
            yield _chunk({}, "tool_calls")
        else:
            for piece in TEXT:
                yield _chunk({"content": piece})
            yield _chunk({}, "stop")
        if "no-usage" not in self.habits:
            yield {**_chunk({}), "choices": [], "usage": self._usage()}

    def _usage(self) -> Json:
        usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        if "cached" in self.habits:
            usage |= {"cache_creation_input_tokens": 3, "cache_read_input_tokens": 40}
        return usage


def _problems(body: Json) -> Iterator[str]:
    """What the vendor's client never sends, partly since it was answered badly; refusing it is this fake's choice."""
    if body.get("stream") is not True and ("stream" in body or "stream_options" in body):
        yield "stream and stream_options are left out where no stream is asked for"
    if body.get("stream") is True and body.get("stream_options", {}).get("include_usage") is not True:
        yield "a stream reports its usage"
    if "tools" in body and not body["tools"]:
        yield "tools is empty"
    if {"max_tokens", "max_completion_tokens"} & body.keys() and "max_new_tokens" not in body:
        yield "the limit is called max_new_tokens"
    waiting: set[str] = set()
    for message in body["messages"]:
        if message["role"] == "tool":
            if message["tool_call_id"] not in waiting:
                yield "a tool result that nobody asked for"
            waiting.discard(message["tool_call_id"])
            continue
        if waiting:
            yield "a tool call without a result"
        waiting = {call["id"] for call in message.get("tool_calls") or ()}
        pieces = message["content"] if isinstance(message.get("content"), list) else []
        if any(piece["type"] == "image_url" for piece in pieces) and "-vl-" not in body["model"]:
            yield "the model takes no images"


def _key(exchange: Exchange) -> str:
    return exchange.headers.get("authorization", "").removeprefix("Bearer ")


def _chunk(delta: Json, finish: str | None = None) -> Json:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def _call(index: int, call_id: str | None, name: str | None, arguments: str) -> Json:
    """A piece of a tool call; its index is what iFlow makes of it: always the same."""
    function: Json = {"arguments": arguments, **({"name": name} if name else {})}
    head = {"id": call_id, "type": "function"} if call_id else {}
    return _chunk({"tool_calls": [{"index": index, **head, "function": function}]})


def _event(chunk: Json, *, space: bool = True) -> bytes:
    return b"data:" + (b" " if space else b"") + json.dumps(chunk).encode() + b"\n\n"
