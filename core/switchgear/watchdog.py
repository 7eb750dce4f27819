"""Notices when a plugin blocks the event loop, and says which one and where.

A loop that is blocked serves nobody, and nothing inside it can say so. A thread looks from outside: when the loop's
heartbeat stops, it reads the loop thread's stack and names the plugin whose code is on it.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Mapping
from types import FrameType

import structlog

BEAT_S = 0.25
BLOCKED_AFTER_S = 1.0

Report = Callable[[str | None, str, float], None]
log = structlog.get_logger("switchgear.watchdog")


class Watchdog:
    """Watches the running loop. ``sources`` maps a plugin's source folder or file to its name.

    ``report(plugin, where, seconds)`` is called on the loop once it runs again; ``plugin`` is ``None`` when no plugin's
    code was on the stack.
    """

    def __init__(self, sources: Callable[[], Mapping[str, str]], report: Report) -> None:
        self._sources = sources
        self._report = report
        self._beat_at = time.monotonic()
        self._thread_id = threading.get_ident()
        self._stop = threading.Event()
        self._found: tuple[str | None, str] | None = None

    async def run(self) -> None:
        """Beat until cancelled."""
        watcher = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._beat_at = time.monotonic()
        watcher.start()
        try:
            while True:
                await asyncio.sleep(BEAT_S)
                now = time.monotonic()
                blocked_s, found = now - self._beat_at - BEAT_S, self._found
                self._beat_at, self._found = now, None
                if found is not None:
                    log.error("loop_blocked", plugin=found[0], where=found[1], seconds=round(blocked_s, 1))
                    self._report(found[0], found[1], blocked_s)
        finally:
            self._stop.set()

    def _watch(self) -> None:
        while not self._stop.wait(BEAT_S):
            if self._found is None and time.monotonic() - self._beat_at > BLOCKED_AFTER_S:
                frame = sys._current_frames().get(self._thread_id)  # noqa: SLF001 - the documented way to a thread's stack
                if frame is not None:
                    self._found = self._blame(frame)

    def _blame(self, frame: FrameType) -> tuple[str | None, str]:
        where = f"{frame.f_code.co_qualname} (line {frame.f_lineno})"
        sources = self._sources()
        current: FrameType | None = frame
        while current is not None:
            filename = current.f_code.co_filename
            for source, name in sources.items():
                if filename == source or filename.startswith(source + "/"):
                    return name, f"{current.f_code.co_qualname} (line {current.f_lineno})"
            current = current.f_back
        return None, where
