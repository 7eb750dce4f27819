"""The calls of sign-in and refresh: JSON out, JSON in, never after a redirect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import httpx2
import msgspec

from switchgear import Failure, Timeouts, UpstreamClient, UpstreamError

TIMEOUTS = Timeouts(connect_s=10.0, first_byte_s=30.0, idle_s=30.0, total_s=60.0)
MAX_FAILURE_BYTES = 64 * 1024
LONGEST_TEXT_CHARS = 300

Json = Mapping[str, Any]


async def post_json(client: UpstreamClient, url: str, body: Json) -> httpx2.Response:
    """Post a JSON object.

    Raises:
        UpstreamError: there is no answer, or a redirect.
    """
    headers = {"content-type": "application/json", "accept": "application/json"}
    return await _posted(client, httpx2.Request("POST", url, headers=headers, content=msgspec.json.encode(body)))


async def post_form(client: UpstreamClient, url: str, form: Mapping[str, str]) -> httpx2.Response:
    """Post a form.

    Raises:
        UpstreamError: there is no answer, or a redirect.
    """
    headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
    content = str(httpx2.QueryParams(dict(form))).encode()
    return await _posted(client, httpx2.Request("POST", url, headers=headers, content=content))


async def _posted(client: UpstreamClient, request: httpx2.Request) -> httpx2.Response:
    response = await client.fetch(request, TIMEOUTS)
    if 300 <= response.status_code < 400:  # following it could carry the tokens elsewhere
        raise UpstreamError(unfit(f"{request.url.host} answers with a redirect; its address may have changed"))
    return response


def object_in(response: httpx2.Response) -> Json:
    """The answer's JSON object; an empty one where it is none."""
    try:
        answer = msgspec.json.decode(response.content)
    except (msgspec.DecodeError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def text_in(answer: Json, *names: str) -> str:
    """The first of these members that is a text with something in it; empty where none is."""
    return next((value for name in names if isinstance(value := answer.get(name), str) and value), "")


def number_in(answer: Json, name: str) -> float | None:
    """A member that is a number; ``None`` where it is none."""
    value = answer.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def failure_of(response: httpx2.Response, message: str) -> Failure:
    """An answer as a failure, with what it means in our words."""
    headers = dict(response.headers.items())
    cause: Literal["status", "protocol"] = "status" if response.status_code >= 400 else "protocol"
    return Failure(cause, response.status_code, headers, response.content[:MAX_FAILURE_BYTES], message)


def unfit(message: str) -> Failure:
    """An answer that is none."""
    return Failure("protocol", message=message)


def words_of(response: httpx2.Response) -> str:
    """What an answer says is wrong, for a person."""
    answer = object_in(response)
    said = text_in(answer, "error_description", "message", "Message", "error")
    return said[:LONGEST_TEXT_CHARS] or f"HTTP {response.status_code}"
