"""Unary calls: JSON out, JSON in, over plain HTTP, never after a redirect.

The service takes protobuf or JSON in all that is asked here (captures, read 2026-11). JSON needs no envelope, and its
fields are known by name where nobody has numbered them.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import httpx2
import msgspec

from switchgear import Failure, Timeouts, UpstreamClient, UpstreamError
from switchgear_cursor.connect_errors import connect_error

if TYPE_CHECKING:
    from switchgear_cursor.settings import CursorSettings

TIMEOUTS = Timeouts(connect_s=10.0, first_byte_s=15.0, idle_s=15.0, total_s=15.0)
MAX_FAILURE_BYTES = 64 * 1024
LONGEST_TEXT_CHARS = 300
MORE_TRIES = 3
FIRST_PAUSE_S = 0.3
"""Before the second try; twice as long before each further one."""

Json = Mapping[str, Any]


def identification(settings: CursorSettings, access_token: str) -> dict[str, str]:
    """The headers by which every call says who asks: whose account, and what kind of client the service is asked as.

    Type and version are what the service requires; no device, no checksum, no other program's name goes with them.
    """
    return {
        "authorization": f"Bearer {access_token}",
        "x-cursor-client-type": settings.client_type,
        "x-cursor-client-version": settings.client_version,
        "x-ghost-mode": "true" if settings.privacy_mode else "false",
    }


async def ask(
    settings: CursorSettings, access_token: str, client: UpstreamClient, path: str, body: Json | None = None
) -> Json:
    """Call one method; gives the answer's object.

    Raises:
        UpstreamError: there is no answer, or a refusal; its body is the error.
    """
    headers = {
        **identification(settings, access_token),
        "connect-protocol-version": "1",
        "x-request-id": str(uuid.uuid4()),
    }
    response = await post(client, settings.endpoints.api + path, body or {}, headers)
    if response.status_code != 200:
        raise UpstreamError(failure_of(response))
    answer = object_in(response)
    if answer is None:
        raise UpstreamError(failure_of(response, f"no answer to {path.rpartition('/')[2]}: no JSON object"))
    return answer


async def post(
    client: UpstreamClient, url: str, body: Json, headers: Mapping[str, str] | None = None
) -> httpx2.Response:
    """Post a JSON object once.

    Raises:
        UpstreamError: there is no answer, or a redirect.
    """
    named = {"content-type": "application/json", "accept": "application/json", **(headers or {})}
    return await sent(client, httpx2.Request("POST", url, headers=named, content=msgspec.json.encode(body)))


async def post_patiently(
    client: UpstreamClient, url: str, body: Json, headers: Mapping[str, str] | None = None
) -> httpx2.Response:
    """The same, asked again while the service is busy or cannot be reached; the last answer is given as it is.

    Raises:
        UpstreamError: there is no answer in the end, or a redirect.
    """
    pause_s = FIRST_PAUSE_S
    for _ in range(MORE_TRIES):
        try:
            response = await post(client, url, body, headers)
        except UpstreamError as error:
            if error.failure.cause not in {"connection", "timeout"}:
                raise
        else:
            if response.status_code != 429 and response.status_code < 500:
                return response
        await asyncio.sleep(pause_s)
        pause_s *= 2
    return await post(client, url, body, headers)


async def sent(client: UpstreamClient, request: httpx2.Request) -> httpx2.Response:
    """Send a request that may hold a secret.

    Raises:
        UpstreamError: there is no answer, or a redirect.
    """
    response = await client.fetch(request, TIMEOUTS)
    if 300 <= response.status_code < 400:  # following it could carry the token elsewhere
        message = f"{request.url.host} answers with a redirect; its address may have changed"
        raise UpstreamError(Failure("protocol", message=message))
    return response


def object_in(response: httpx2.Response) -> Json | None:
    """The answer's JSON object; ``None`` where it is none."""
    try:
        answer = msgspec.json.decode(response.content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def text_in(answer: Json, *names: str) -> str:
    """The first of these members that is a text with something in it; empty where none is."""
    return next((value for name in names if isinstance(value := answer.get(name), str) and value), "")


def failure_of(response: httpx2.Response, message: str = "") -> Failure:
    """An answer as a failure, with what it means in our words."""
    headers = dict(response.headers.items())
    cause: Literal["status", "protocol"] = "status" if response.status_code >= 400 else "protocol"
    return Failure(cause, response.status_code, headers, response.content[:MAX_FAILURE_BYTES], message)


def words_of(response: httpx2.Response) -> str:
    """What a refusal says, for a person."""
    error = connect_error(response.content)
    if error is not None and not error.is_bare:
        said = error.words or error.name
    else:
        answer = object_in(response)
        said = response.text.strip() if answer is None else text_in(answer, "error_description", "message", "error")
    plain = "" if "<" in said else said[:LONGEST_TEXT_CHARS]
    return plain or f"HTTP {response.status_code}"
