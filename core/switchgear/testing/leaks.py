"""Looking for secrets where none may be."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

SHORTEST = 6
"""A secret shorter than this is not looked for: it would be found in common words."""
AROUND_CHARS = 24


@dataclass(frozen=True, slots=True)
class Leak:
    """A secret that was seen. It is not shown: ``fingerprint`` is the beginning of its SHA-256.

    ``around`` is the text beside it, every secret in it masked.
    """

    where: str
    fingerprint: str
    around: str

    def __str__(self) -> str:
        return f"a secret (sha256 {self.fingerprint}…) in {self.where}: {self.around!r}"


class LeakScanner:
    """Takes in texts that somebody may see, and tells which of them hold a secret.

    Secrets may be made known before or after the texts were taken in. One is also found percent-encoded, escaped as
    JSON, or in Base64.

    >>> scanner = LeakScanner({"sk-live-1234"})
    >>> scanner.take("the log", "calling with sk-live-1234")
    >>> [leak.where for leak in scanner.leaks()]
    ['the log']
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: set[str] = set()
        self._texts: list[tuple[str, str]] = []
        self.know(secrets)

    def know(self, secrets: Iterable[str]) -> None:
        """These are secrets."""
        self._secrets.update(secret for secret in secrets if len(secret) >= SHORTEST)

    def take(self, where: str, text: str | bytes) -> None:
        """Take in a text, and where it was seen."""
        self._texts.append((where, text if isinstance(text, str) else text.decode(errors="replace")))

    def leaks(self, *places: str) -> list[Leak]:
        """Every secret in every text whose place begins with one of ``places``; in all of them without any."""
        forms = {secret: _forms(secret) for secret in self._secrets}
        every = sorted({form for known in forms.values() for form in known}, key=len, reverse=True)
        return [
            Leak(where, hashlib.sha256(secret.encode()).hexdigest()[:12], _around(text, form, every))
            for where, text in self._texts
            if not places or where.startswith(places)
            for secret in sorted(self._secrets)
            for form in [next((form for form in forms[secret] if form in text), None)]
            if form is not None
        ]


def _forms(secret: str) -> list[str]:
    """The secret as it is, and as it is written in URLs, JSON and Base64 (wherever in the encoded text it begins)."""
    raw = secret.encode()
    encoded = [  # only the characters that what stands before and after has no part in
        base64.b64encode(b"\0" * before + raw).decode()[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
        for before in range(3)
    ]
    forms = [secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]]
    return list(dict.fromkeys([*forms, *(form for form in encoded if len(form) > 2 * SHORTEST)]))


def _around(text: str, found: str, secrets: Iterable[str]) -> str:
    place = text.index(found)
    before, after = text[:place], text[place + len(found) :]
    for secret in secrets:
        before, after = before.replace(secret, "***"), after.replace(secret, "***")
    return f"{before[-AROUND_CHARS:]}***{after[:AROUND_CHARS]}"
