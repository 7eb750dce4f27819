"""One entry's URLs and headers, worked out once and kept: a request pays for a copy, not for parsing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

import httpx2

from switchgear import Account, Dialect, Secret
from switchgear_openai_compatibility.lessons import Lessons
from switchgear_openai_compatibility.wire import (
    CHAT_PATH,
    COUNT_PATH,
    MESSAGES_PATH,
    RESPONSES_PATH,
    base_of,
    below,
    has_path,
)

PATHS: dict[Dialect, str] = {
    "openai-chat": CHAT_PATH,
    "openai-responses": RESPONSES_PATH,
    "anthropic-messages": MESSAGES_PATH,
    "openai-completions": "/completions",
    "openai-embeddings": "/embeddings",
}
ANTHROPIC_VERSION = "2023-06-01"
"""Said where the client says none; Anthropic asks for it in every call (platform.claude.com, read 2026-11)."""

AuthStyle = Literal["bearer", "api-key", "x-api-key"]
API_KEY = "api-key"
"""The name of an account's secret."""

_PASSED_ON: dict[Dialect, tuple[tuple[str, str | None], ...]] = {
    "anthropic-messages": (("anthropic-version", ANTHROPIC_VERSION), ("anthropic-beta", None)),
    "openai-responses": (("openai-beta", None),),
}
"""The client's headers that belong to a dialect, and what is sent where it has none. The entry's own come first."""
_COPIED = re.compile(r"\$([A-Za-z0-9_-]+)")

HeaderList = list[tuple[bytes, bytes]]


class Target:
    """Where the calls of one entry go.

    Args:
        base_url: as configured.
        models_path: the model list, below the base.
        auth_style: how a key is sent.
        dialects: what is spoken there beside completions and embeddings.
        headers: sent with every request; ``$Name`` copies a header of the client.
        account_headers: further ones by account id, which replace those.

    Attributes:
        base: what paths are appended to.
        probed: a base without a path was tried with ``/v1`` already.
        lessons: what refusals have taught so far.
    """

    def __init__(
        self,
        base_url: str,
        *,
        models_path: str = "/models",
        auth_style: AuthStyle = "bearer",
        dialects: Sequence[Dialect] = ("openai-chat",),
        headers: Mapping[str, Secret] | None = None,
        account_headers: Mapping[str, Mapping[str, Secret]] | None = None,
    ) -> None:
        self._models_path = models_path
        self._auth_style = auth_style
        self._lists_for: Dialect = "anthropic-messages" if "anthropic-messages" in dialects else "openai-chat"
        self._headers = headers or {}
        self._account_headers = account_headers or {}
        self._fixed: dict[str, tuple[HeaderList, tuple[tuple[bytes, str], ...]]] = {}
        self.probed = False
        self.lessons = Lessons()
        self.move(base_of(base_url))

    def move(self, base: httpx2.URL) -> None:
        """Use another base from now on."""
        self.base = base
        self._urls = {dialect: below(base, path) for dialect, path in PATHS.items()}
        self._count_url = below(base, COUNT_PATH)
        self._host = (b"host", base.netloc)

    @property
    def models_url(self) -> httpx2.URL:
        """Where the models are listed."""
        return below(self.base, self._models_path)

    @property
    def suggestion(self) -> httpx2.URL | None:
        """The base that is probably meant where a host alone was given; ``None`` where a path was."""
        return None if has_path(self.base) else below(self.base, "/v1")

    def get(self, url: httpx2.URL, account: Account) -> httpx2.Request:
        """A request for a list. ``$Name`` headers are left out: no client asks."""
        headers = [*self._fixed_headers(account)[0], (b"accept", b"application/json")]
        _pass_on(self._lists_for, {}, headers)
        return httpx2.Request("GET", url, headers=headers)

    def post(
        self, dialect: Dialect, body: bytes, account: Account, *, stream: bool, client_headers: Mapping[str, str]
    ) -> httpx2.Request:
        """A request for an answer."""
        return self._post(self._urls[dialect], dialect, body, account, stream, client_headers)

    def count(self, body: bytes, account: Account, *, client_headers: Mapping[str, str]) -> httpx2.Request:
        """A request for the tokens of a body in ``anthropic-messages``."""
        return self._post(self._count_url, "anthropic-messages", body, account, False, client_headers)

    def _post(
        self,
        url: httpx2.URL,
        dialect: Dialect,
        body: bytes,
        account: Account,
        stream: bool,
        client_headers: Mapping[str, str],
    ) -> httpx2.Request:
        """The headers that the library would add are given, with the body as a stream: a third of the price."""
        fixed, copied = self._fixed_headers(account)
        headers = [
            self._host,
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"accept", b"text/event-stream" if stream else b"application/json"),
            *fixed,
        ]
        for name, source in copied:
            value = client_headers.get(source)
            if value is not None:
                headers.append((name, value.encode("latin-1", "replace")))
        _pass_on(dialect, client_headers, headers)
        request = httpx2.Request("POST", url, headers=headers, stream=httpx2.ByteStream(body))
        request.read()
        return request

    def _fixed_headers(self, account: Account) -> tuple[HeaderList, tuple[tuple[bytes, str], ...]]:
        """The account's headers, and the names of those to copy from the client: as sent, and as the client's."""
        found = self._fixed.get(account.id)
        if found is None:
            found = self._fixed[account.id] = self._make(account)
        return found

    def _make(self, account: Account) -> tuple[HeaderList, tuple[tuple[bytes, str], ...]]:
        merged: dict[str, str] = {}
        key = account.secrets.get(API_KEY)
        if key is not None and self._auth_style == "bearer":
            merged["authorization"] = f"Bearer {key.reveal()}"
        elif key is not None:
            merged[self._auth_style] = key.reveal()
        for headers in (self._headers, self._account_headers.get(account.id, {})):
            merged.update((name.lower(), value.reveal()) for name, value in headers.items())
        fixed: HeaderList = []
        copied: list[tuple[bytes, str]] = []
        for name, value in merged.items():
            match = _COPIED.fullmatch(value)
            if match is None:
                fixed.append((name.encode(), value.encode()))
            else:
                copied.append((name.encode(), match[1].lower()))
        return fixed, tuple(copied)


def _pass_on(dialect: Dialect, client_headers: Mapping[str, str], headers: HeaderList) -> None:
    for name, default in _PASSED_ON.get(dialect, ()):
        value = client_headers.get(name, default)
        wire_name = name.encode()
        if value is not None and all(other != wire_name for other, _ in headers):
            headers.append((wire_name, value.encode("latin-1", "replace")))
