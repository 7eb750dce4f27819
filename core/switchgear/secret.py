"""A value that must not be seen, and the filter that keeps it out of every text that leaves the program."""

from __future__ import annotations

import hashlib
import re
import weakref
from typing import TYPE_CHECKING, Any

from switchgear.references import resolve

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

MASK = "***"
SHORTEST_REDACTED = 6
"""A secret shorter than this is masked in its own ``repr`` but not searched for: it would match common words."""


class Secret:
    """A secret text. It prints as ``***`` everywhere; only :meth:`reveal` gives it away.

    In a settings model, annotate a field as ``Secret`` and the operator may write a literal, ``env:NAME``,
    ``file:PATH`` or ``keyring:NAME``; the reference is resolved while the file is loaded.

    >>> Secret("sk-live-1234")
    Secret('***')
    >>> f"key={Secret('sk-live-1234')}"
    'key=***'
    """

    __slots__ = ("__weakref__", "_value")

    def __init__(self, value: str) -> None:
        self._value = value
        if len(value) >= SHORTEST_REDACTED:
            _living.add(self)

    def reveal(self) -> str:
        """The secret itself. Call it where it goes onto the wire, nowhere else."""
        return self._value

    def fingerprint(self, digits: int = 12) -> str:
        """The first hexadecimal digits of its SHA-256: tells secrets apart without showing one."""
        return hashlib.sha256(self._value.encode()).hexdigest()[:digits]

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __str__(self) -> str:
        return MASK

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a Secret is not pickled")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate a reference or literal into a resolved secret; serialise it masked."""
        from pydantic_core import core_schema

        def validate(value: Any) -> Secret:
            return value if isinstance(value, Secret) else Secret(resolve(value))

        return core_schema.no_info_plain_validator_function(
            validate, serialization=core_schema.plain_serializer_function_ser_schema(str)
        )


class _Living:
    """The secrets in use; one leaves when its last holder does.

    A text is searched for how they begin, as one pattern: of whole secrets it would take long to compile, and it is
    made anew whenever a token was refreshed.
    """

    def __init__(self) -> None:
        # By the reference itself: equal secrets have holders, and ends, of their own.
        self._refs: dict[int, weakref.ref[Secret]] = {}
        self._state = self._made_from = object()
        self._made: tuple[re.Pattern[str], dict[str, list[str]]] | None = None

    def add(self, secret: Secret) -> None:
        ref = weakref.ref(secret, self._gone)
        self._refs[id(ref)] = ref
        self._state = object()

    def _gone(self, ref: weakref.ref[Secret]) -> None:
        del self._refs[id(ref)]
        self._state = object()

    def masked(self, text: str) -> str:
        """``text`` without the secrets; of two that begin at one place the longer goes."""
        made = self._made if self._made_from is self._state else self._searched()
        if made is None:
            return text
        beginnings, values = made
        parts: list[str] = []
        done = at = 0
        while (found := beginnings.search(text, at)) is not None:
            start = found.start()
            value = next((value for value in values[found[0]] if text.startswith(value, start)), None)
            if value is None:
                at = start + 1
            else:
                parts += text[done:start], MASK
                done = at = start + len(value)
        return "".join((*parts, text[done:])) if parts else text

    def _searched(self) -> tuple[re.Pattern[str], dict[str, list[str]]] | None:
        """How secrets begin, and those that begin so, the longest first; ``None`` where there are none."""
        state = self._state  # before looking: another thread may be adding
        living = [secret for ref in list(self._refs.values()) if (secret := ref()) is not None]
        values: dict[str, list[str]] = {}
        for value in sorted({secret.reveal() for secret in living}, key=len, reverse=True):
            values.setdefault(value[:SHORTEST_REDACTED], []).append(value)
        self._made = (re.compile("|".join(map(re.escape, values))), values) if values else None
        self._made_from = state
        return self._made


_living = _Living()


def redact(text: str) -> str:
    """``text`` with every living secret replaced by ``***``.

    Upstreams quote the key they refuse; so whatever came from outside passes through here before a person,
    a log or a client sees it.
    """
    return _living.masked(text)
