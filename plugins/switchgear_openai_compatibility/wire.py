"""Pure: base URLs, and the one thing a request body needs."""

from __future__ import annotations

import re

import httpx2
import msgspec

_EMPTY_TOOLS = re.compile(rb'"tools"\s*:\s*\[\s*\]')
CHAT_PATH = "/chat/completions"
MESSAGES_PATH = "/messages"
COUNT_PATH = "/messages/count_tokens"
RESPONSES_PATH = "/responses"
_PASTED = (CHAT_PATH, COUNT_PATH, MESSAGES_PATH, RESPONSES_PATH)
"""What a base URL that was copied whole may end in."""


def base_of(base_url: str) -> httpx2.URL:
    """The base that paths are appended to: as configured, without a closing slash and without an endpoint's path.

    >>> str(base_of("https://x.test/v1/chat/completions/?api-version=1"))
    'https://x.test/v1?api-version=1'
    """
    url = httpx2.URL(base_url)
    path, query = _split(url)
    path = path.rstrip("/")
    ending = next((ending for ending in _PASTED if path.endswith(ending)), "")
    path = path.removesuffix(ending).rstrip("/")
    return url.copy_with(raw_path=(path or "/").encode("ascii") + query, fragment=None)


def below(base: httpx2.URL, path: str) -> httpx2.URL:
    """``path`` below ``base``; its query (Azure's ``api-version``) stays on every call."""
    before, query = _split(base)
    more, question, own = path.partition("?")
    if question:
        query += (b"&" if query else b"?") + own.encode("ascii")
    return base.copy_with(raw_path=(before.rstrip("/") + more).encode("ascii") + query)


def has_path(base: httpx2.URL) -> bool:
    """Whether the base is more than a host."""
    return bool(_split(base)[0].strip("/"))


def _split(url: httpx2.URL) -> tuple[str, bytes]:
    path, question, query = url.raw_path.partition(b"?")
    return path.decode("ascii"), question + query


def without_empty_tools(body: bytes) -> bytes:
    """The body without an empty ``tools`` list, which several upstreams answer with a 400; all else as it came."""
    if b'"tools"' not in body or not _EMPTY_TOOLS.search(body):
        return body
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    if bytes(fields.get("tools", b"")).translate(None, b" \t\r\n") != b"[]":
        return body
    for name in ("tools", "tool_choice", "parallel_tool_calls"):
        fields.pop(name, None)
    return msgspec.json.encode(fields)


def next_page(page: object, url: httpx2.URL) -> httpx2.URL | None:
    """The address of the list's next page: OpenRouter's ``links.next``, or Anthropic's ``has_more`` and ``last_id``.

    ``None`` at the end, and where it leads to another host: that one shall not get the key.
    """
    if not isinstance(page, dict):
        return None
    last = page.get("last_id")
    if page.get("has_more") is True and isinstance(last, str) and last:
        return url.copy_merge_params({"after_id": last})
    links = page.get("links")
    following = links.get("next") if isinstance(links, dict) else None
    if not isinstance(following, str) or not following:
        return None
    try:
        joined = url.join(following)
    except (httpx2.InvalidURL, ValueError):
        return None
    return joined if (joined.scheme, joined.netloc) == (url.scheme, url.netloc) and joined != url else None
