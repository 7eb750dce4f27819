"""Where the service wants the runs of an account, which it says itself: the host, and whether HTTP/2 is allowed.

Source: captures of the vendor's command line, read 2026-11. Its privacy mode goes to ``agentUrl``, all else to
``agentnUrl``; sources differ on what to do without either, and the vendor's own fallback is taken.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import structlog

from switchgear import UpstreamClient, UpstreamError
from switchgear_cursor.calls import ask
from switchgear_cursor.endpoints import SERVER_CONFIG
from switchgear_cursor.wires import Line

if TYPE_CHECKING:
    from switchgear_cursor.settings import CursorSettings

KEPT_S, FAILURE_S = 3600.0, 60.0
"""For so long nobody is asked again, after an answer and after a failure."""
MOST_TOKENS = 1000
NO_DUPLEX = ("FORCE_ALL_DISABLED", "FORCE_BIDI_DISABLED")
"""How the names end under which ``http2Config`` forbids full duplex."""

log = structlog.get_logger("switchgear.cursor")


@dataclass(frozen=True, slots=True)
class _Kept:
    line: Line
    until: float


class Lines:
    """The ways to the agent, by access token. Asked for one token once at a time.

    Args:
        monotonic: replaced in tests.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._asking: dict[str, asyncio.Lock] = {}

    async def of(
        self, settings: CursorSettings, access_token: str, client: UpstreamClient, *, anew: bool = False
    ) -> Line:
        """The way for this token: the operator's, the service's, or the usual one where that cannot be had.

        Args:
            anew: ask again: a host refused the account's region.
        """
        if settings.http1:
            return Line(settings.endpoints.api, http2=False)
        if settings.endpoints.agent is not None:
            return Line(settings.endpoints.agent)
        lock = self._asking.setdefault(access_token, asyncio.Lock())
        try:
            async with lock:
                kept = self._kept.get(access_token)
                if kept is None or anew or kept.until <= self._monotonic():
                    kept = await self._asked(settings, access_token, client)
                    self._keep(access_token, kept)
                return kept.line
        finally:
            if not lock.locked():
                self._asking.pop(access_token, None)

    async def _asked(self, settings: CursorSettings, access_token: str, client: UpstreamClient) -> _Kept:
        try:
            answer = await ask(settings, access_token, client, SERVER_CONFIG)
        except UpstreamError as error:
            log.warning("agent_host_unknown", problem=str(error), used=settings.endpoints.agent_fallback)
            return _Kept(Line(settings.endpoints.agent_fallback), self._monotonic() + FAILURE_S)
        return _Kept(line_in(answer, settings), self._monotonic() + KEPT_S)

    def _keep(self, access_token: str, kept: _Kept) -> None:
        self._kept[access_token] = kept
        while len(self._kept) > MOST_TOKENS:
            self._kept.popitem(last=False)


def line_in(answer: Any, settings: CursorSettings) -> Line:
    """The way that the service's configuration names. Pure."""
    http2 = answer.get("http2Config")
    if isinstance(http2, str) and http2.endswith(NO_DUPLEX):
        return Line(settings.endpoints.api, http2=False)
    hosts = answer.get("agentUrlConfig")
    named = hosts if isinstance(hosts, dict) else {}
    names = ("agentUrl", "agentnUrl") if settings.privacy_mode else ("agentnUrl", "agentUrl")
    usable = (url for name in names if (url := _host(named.get(name), settings.endpoints.api)))
    return Line(next(usable, settings.endpoints.agent_fallback))


def _host(url: object, api: str) -> str:
    """The URL's scheme and host, where a token may go there; empty where not."""
    if not isinstance(url, str):
        return ""
    try:
        parts = urlsplit(url.strip())
        usable = bool(parts.hostname) and (parts.port or 1) > 0 and parts.username is None
    except ValueError:
        return ""
    if not usable or parts.scheme not in {"https", urlsplit(api).scheme}:
        return ""
    return f"{parts.scheme}://{parts.netloc}"
