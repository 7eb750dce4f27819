"""A whole JSON answer although a stream was asked for (proxies, LM Studio): turned into the stream it should have been.

Read 2026-11. The body is held back only while it may be JSON; a stream under the wrong content type passes through.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec

from switchgear import Failure, ForwardRequest, Reply, UpstreamError

MAX_BYTES = 64 * 1024 * 1024
EVENT_STREAM = "text/event-stream"
DONE = b"data: [DONE]\n\n"

Json = dict[str, Any]


def is_json(reply: Reply) -> bool:
    """Whether a stream was answered with what says that it is JSON."""
    return reply.status == 200 and reply.headers.get("content-type", "").lower().startswith("application/json")


async def streamed(reply: Reply, request: ForwardRequest) -> Reply:
    """The reply as a stream. An error object, or what is no JSON at all, is given back as it came.

    So is a whole answer in a dialect whose streams are more than chunks: core says that it is none.
    """
    try:
        head = await _first_bytes(reply)
        if head.lstrip().startswith((b"{", b"[")) or not head.strip():
            whole = await _rest(reply, head)
            events = _as_events(whole, request)
            body, kind = (whole, None) if events is None else (events, EVENT_STREAM)
            return _with(reply, _once(body), kind)
        return _with(reply, _after(head, reply.body), EVENT_STREAM)
    except BaseException:
        await reply.aclose()
        raise


async def _first_bytes(reply: Reply) -> bytes:
    """The beginning, up to the first byte that is no white space: DeepSeek sends blank lines while it thinks."""
    parts, size = [], 0
    async for part in reply.body:
        parts.append(part)
        size += len(part)
        if part.strip() or size > MAX_BYTES:
            break
    return b"".join(parts)


async def _rest(reply: Reply, head: bytes) -> bytes:
    parts, size = [head], len(head)
    async for part in reply.body:
        parts.append(part)
        size += len(part)
        if size > MAX_BYTES:
            raise UpstreamError(Failure("protocol", reply.status, message=f"the answer exceeds {MAX_BYTES} bytes"))
    return b"".join(parts)


def _with(reply: Reply, body: AsyncIterator[bytes], content_type: str | None) -> Reply:
    headers = dict(reply.headers)
    headers.pop("content-length", None)
    if content_type is not None:
        headers["content-type"] = content_type
    return Reply(reply.status, headers, body, reply.aclose)


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def _after(head: bytes, body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield head
    async for part in body:
        yield part


def _as_events(body: bytes, request: ForwardRequest) -> bytes | None:
    """The events of a completion; ``None`` when ``body`` is none."""
    if request.dialect not in {"openai-chat", "openai-completions"}:
        return None
    try:
        whole: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return None
    if not isinstance(whole, dict) or whole.get("error") is not None:
        return None
    choices = whole.get("choices")
    if not isinstance(choices, list) or not choices or not all(isinstance(choice, dict) for choice in choices):
        return None
    events = list(_chunks(whole, choices, chat=request.dialect == "openai-chat", usage_asked=_usage_asked(request)))
    return b"".join(b"data: " + msgspec.json.encode(event) + b"\n\n" for event in events) + DONE


def _usage_asked(request: ForwardRequest) -> bool:
    options = request.json.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def _chunks(whole: Json, choices: list[Json], *, chat: bool, usage_asked: bool) -> list[Json]:
    """Output, then the finish reasons, then the usage: in a chunk of its own if the client asked for one.

    Otherwise it stands on the last chunk with a choice, as several vendors send it.
    """
    head = {key: value for key, value in whole.items() if key not in {"choices", "usage", "object"}}
    head["object"] = "chat.completion.chunk" if chat else "text_completion"
    chunks = []
    for position, choice in enumerate(choices):
        index = choice.get("index", position)
        output, reason = _output(choice) if chat else ({"text": choice.get("text") or ""}, "stop")
        logprobs = {"logprobs": choice["logprobs"]} if choice.get("logprobs") is not None else {}
        end: Json = {"delta": {}} if chat else {"text": ""}
        chunks.append({**head, "choices": [{"index": index, **output, "finish_reason": None, **logprobs}]})
        finish = {"index": index, **end, "finish_reason": choice.get("finish_reason") or reason}
        chunks.append({**head, "choices": [finish]})
    usage = whole.get("usage")
    if usage is not None and usage_asked:
        chunks.append({**head, "choices": [], "usage": usage})
    elif usage is not None:
        chunks[-1]["usage"] = usage
    return chunks


def _output(choice: Json) -> tuple[Json, str]:
    """The message as one delta, and the finish reason it implies. Fields that are not known stay."""
    message = choice.get("message")
    delta: Json = {"role": "assistant", **(message if isinstance(message, dict) else {})}
    calls = delta.get("tool_calls")
    if isinstance(calls, list) and calls:
        delta["tool_calls"] = [
            {"index": position, **call} if isinstance(call, dict) else call for position, call in enumerate(calls)
        ]
        return {"delta": delta}, "tool_calls"
    delta.pop("tool_calls", None)
    return {"delta": delta}, "stop"
