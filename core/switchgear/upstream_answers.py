"""What an upstream answered, as the contract has it: a reply, or a failure that says what happened."""

from __future__ import annotations

import zlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import httpx2

from switchgear.errors import UpstreamError
from switchgear.network_reason import network_reason
from switchgear.secret import redact
from switchgear.transport import Answer, Fields
from switchgear.types import Failure, Reply

MAX_INFLATED_CHUNK_BYTES = 1024 * 1024


def joined(fields: Fields) -> dict[str, str]:
    """Header fields as a mapping, names in lower case; several of one name become one."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in fields:
        name = raw_name.decode("latin-1").lower()
        try:
            value = raw_value.decode()
        except UnicodeDecodeError:
            value = raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def reply_of(status: int, headers: dict[str, str], stream: Any, close: Callable[[], Awaitable[None]]) -> Reply:
    """A reply whose body is ``stream``, unpacked."""
    encoding = headers.get("content-encoding", "")
    if isinstance(stream, Answer):
        stream.raised_as = _broken
        if encoding in _PLAIN:
            return Reply(status, headers, stream, close)
    body = body_of(encoding, stream)

    async def aclose() -> None:
        await body.aclose()
        await close()

    return Reply(status, headers, body, aclose)


_PLAIN = frozenset({"", "identity"})


async def body_of(encoding: str, stream: Any) -> AsyncGenerator[bytes]:
    """The body, unpacked although compression was not asked for; never more than 1 MiB at a time."""
    encoding = encoding.strip().lower()
    try:
        if encoding in _PLAIN:
            async for chunk in stream:
                yield chunk
        elif encoding in {"gzip", "x-gzip", "deflate"}:
            inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
            async for chunk in stream:
                while chunk:
                    yield inflater.decompress(chunk, MAX_INFLATED_CHUNK_BYTES)
                    chunk = inflater.unconsumed_tail
        else:
            raise UpstreamError(Failure("protocol", message=f"unrequested content-encoding {encoding[:40]!r}"))
    except httpx2.TransportError as error:
        raise _broken(error) from error
    except zlib.error as error:
        raise UpstreamError(Failure("protocol", message="the answer's compression is damaged")) from error


def _broken(error: httpx2.TransportError) -> UpstreamError:
    return UpstreamError(failure_of(error, "while the answer was on its way"))


def failure_of(error: httpx2.TransportError, when: str, url: httpx2.URL | None = None) -> Failure:
    """What happened ``when``; ``url`` is where the request was to go."""
    match error:
        case httpx2.ConnectTimeout() | httpx2.PoolTimeout():
            return Failure("timeout", message="no connection to the upstream in time")
        case httpx2.TimeoutException():
            return Failure("timeout", message=f"the upstream sent nothing in time, {when}")
        case httpx2.ConnectError():
            host = "" if url is None else url.netloc.decode("ascii")
            return Failure("connection", message=f"cannot connect to the upstream: {network_reason(error)}", host=host)
        case httpx2.ProxyError():
            return Failure("connection", message="the proxy refused the way to the upstream")
        case httpx2.LocalProtocolError() | httpx2.UnsupportedProtocol():
            return Failure("protocol", message=f"the request cannot be sent: {redact(str(error))[:200]}")
        case _:
            return Failure("connection", message=f"the upstream broke the connection {when}")
