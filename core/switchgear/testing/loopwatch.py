"""Sees from outside when code holds the event loop, and whose."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from types import FrameType

BEAT_S = 0.02
HELD_AFTER_S = 0.25
LOOKS = 8
"""So often the same function is found standing there: on a busy machine the whole process may stand still, and then
nobody looks either."""


class LoopWatch:
    """Watches the running loop for code of ``sources`` that holds it for a quarter of a second.

    Args:
        sources: files, or folders with a closing slash, whose code is looked for.

    Attributes:
        held: where it was held: a function, and its file.
    """

    def __init__(self, sources: Iterable[str]) -> None:
        self._sources = tuple(sources)
        self._thread = threading.get_ident()
        self._stop = threading.Event()
        self._beat_at = time.monotonic()
        self.held: list[str] = []

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Watch for as long as the block lasts."""
        watcher = threading.Thread(target=self._watch, name="loop watch", daemon=True)
        beating = asyncio.create_task(self._beat())
        watcher.start()
        try:
            yield
        finally:
            self._stop.set()
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)
            watcher.join()

    async def _beat(self) -> None:
        while True:
            self._beat_at = time.monotonic()
            await asyncio.sleep(BEAT_S)

    def _watch(self) -> None:
        last, looks = None, 0
        while not self._stop.wait(BEAT_S):
            stuck_s = time.monotonic() - self._beat_at
            frame = sys._current_frames().get(self._thread)  # noqa: SLF001 - the documented way to a thread's stack
            found = self._blamed(frame) if stuck_s > 2 * BEAT_S else None
            looks = looks + 1 if found is not None and found == last else 0
            last = found
            if found is not None and looks >= LOOKS and stuck_s > HELD_AFTER_S and found not in self.held:
                self.held.append(found)

    def _blamed(self, frame: FrameType | None) -> str | None:
        while frame is not None:
            if frame.f_code.co_filename.startswith(self._sources):
                return f"{frame.f_code.co_qualname} ({Path(frame.f_code.co_filename).name})"
            frame = frame.f_back
        return None
