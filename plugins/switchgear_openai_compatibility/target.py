"""One entry's URLs and headers, worked out once and kept: a request pays for a copy, not for parsing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

import httpx2

from switchgear import Account, Dialect, Post, Secret
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

Copied = tuple[bytes, str, str | None]
"""A header that is the client's: its name as sent, the client's name for it, and what is sent where it has none."""

_PASSED_ON: dict[Dialect, tuple[Copied, ...]] = {
    "anthropic-messages": (
        (b"anthropic-version", "anthropic-version", ANTHROPIC_VERSION),
        (b"anthropic-beta", "anthropic-beta", None),
    ),
    "openai-responses": ((b"openai-beta", "openai-beta", None),),
}
"""The client's headers that belong to a dialect. The entry's own come first."""
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
        self.probed = False
        self.lessons = Lessons()
        self.move(base_of(base_url))

    def move(self, base: httpx2.URL) -> None:
        """Use another base from now on."""
        self.base = base
        self._posts: dict[tuple[str, str, Dialect, bool], tuple[Post, tuple[Copied, ...]]] = {}

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
        fixed, copied = self._headers_of(account, self._lists_for)
        headers = [*fixed, *_copies(copied, {}), (b"accept", b"application/json")]
        return httpx2.Request("GET", url, headers=headers)

    def post(self, dialect: Dialect, account: Account, *, stream: bool, client_headers: Mapping[str, str]) -> Post:
        """A request for an answer."""
        return self._post(PATHS[dialect], dialect, account, stream, client_headers)

    def count(self, account: Account, *, client_headers: Mapping[str, str]) -> Post:
        """A request for the tokens of a body in ``anthropic-messages``."""
        return self._post(COUNT_PATH, "anthropic-messages", account, False, client_headers)

    def _post(
        self, path: str, dialect: Dialect, account: Account, stream: bool, client_headers: Mapping[str, str]
    ) -> Post:
        key = account.id, path, dialect, stream
        kept = self._posts.get(key)
        if kept is None:
            fixed, passed_on = self._headers_of(account, dialect)
            accept = b"text/event-stream" if stream else b"application/json"
            headers = [(b"content-type", b"application/json"), (b"accept", accept), *fixed]
            kept = self._posts[key] = Post(below(self.base, path), headers), passed_on
        post, copied = kept
        more = _copies(copied, client_headers) if copied else []
        return post.with_headers(more) if more else post

    def _headers_of(self, account: Account, dialect: Dialect) -> tuple[HeaderList, tuple[Copied, ...]]:
        """The account's own headers, and those to copy from the client."""
        merged: dict[str, str] = {}
        key = account.secrets.get(API_KEY)
        if key is not None and self._auth_style == "bearer":
            merged["authorization"] = f"Bearer {key.reveal()}"
        elif key is not None:
            merged[self._auth_style] = key.reveal()
        for headers in (self._headers, self._account_headers.get(account.id, {})):
            merged.update((name.lower(), value.reveal()) for name, value in headers.items())
        fixed: HeaderList = []
        copied: list[Copied] = []
        for name, value in merged.items():
            match = _COPIED.fullmatch(value)
            if match is None:
                fixed.append((name.encode(), value.encode()))
            else:
                copied.append((name.encode(), match[1].lower(), None))
        given = dict(fixed)
        copied += [header for header in _PASSED_ON.get(dialect, ()) if header[0] not in given]
        return fixed, tuple(copied)


def _copies(copied: tuple[Copied, ...], client_headers: Mapping[str, str]) -> HeaderList:
    """What the client has of them, the first of each name."""
    found: dict[bytes, bytes] = {}
    for name, source, default in copied:
        value = client_headers.get(source, default)
        if value is not None:
            found.setdefault(name, value.encode("latin-1", "replace"))
    return list(found.items())
