"""One request to the management API, as its handlers see it, and their answer."""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Receive, Scope

from switchgear.errors import Refusal
from switchgear.http.forward import read_body

MAX_BODY_BYTES = 64 * 1024
MOST_NAMES = 20

T = TypeVar("T")


@dataclass(slots=True)
class Call:
    """A request that may be answered.

    Attributes:
        parts: the variable parts of the path, in order.
        address: whence it comes.
        provider: whom it is about, for the audit log; the handler fills it in.
        account: likewise.
        detail: likewise, what exactly is done where that is not all.
    """

    scope: Scope
    receive: Receive
    parts: tuple[str, ...]
    address: str
    provider: str | None = None
    account: str | None = None
    detail: str | None = None

    async def body(self, type_: type[T]) -> T:
        """The body, a JSON object with the fields of ``type_`` and no others.

        Raises:
            Refusal: 413, it is too large; 400, it is something else.
        """
        try:
            body = await read_body(self.scope, self.receive, MAX_BODY_BYTES)
        except Refusal as refusal:
            if refusal.status != 413:
                raise
            raise Refusal(413, "request_too_large", "the body is larger than 64 KiB") from None
        try:
            return msgspec.json.decode(body, type=type_)
        except msgspec.ValidationError as error:
            raise Refusal(400, "invalid_field", f"the body does not fit: {error}") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Refusal(400, "invalid_json", "the body must be a JSON object") from None

    def query(self, *names: str) -> Mapping[str, str]:
        """The query's parameters.

        Raises:
            Refusal: 400; there are others than ``names``.
        """
        found = dict(parse_qsl(self.scope["query_string"].decode("latin-1"), keep_blank_values=True))
        for name in found:
            if name not in names:
                known = " and ".join(names) or "none"
                raise Refusal(400, "invalid_query", f"unknown parameter {name[:40]!r}; there are: {known}")
        return found


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON answer."""

    body: Any
    status: int = 200
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)


Handler = Callable[[Call], Awaitable[Answer]]


def near(name: str, known: Sequence[str]) -> str:
    """For a refusal: the known names most like ``name``, or all of them."""
    close = difflib.get_close_matches(name[:64], known, 3, 0.5)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"there are: {', '.join(known[:MOST_NAMES]) or 'none'}"
