"""Where log lines go: at once, or behind the event loop, so that a slow terminal or a full pipe holds no request up."""

from __future__ import annotations

import sys
import threading
from collections import deque
from typing import TextIO

import structlog

MAX_WAITING_LINES = 20_000
"""Lines that may wait for a reader who does not read; further ones are lost, and counted."""
GATHER_S = 0.02
"""How long lines gather before they are written, in one piece. It is what a crash may take with it."""
LAST_LINES_S = 2.0

log = structlog.get_logger("switchgear.log")


class Lines:
    """Writes each line at once, in one piece. ``None`` stands for what standard error is at that moment."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        """Write one line."""
        stream = self._stream if self._stream is not None else sys.stderr
        stream.write(line + "\n")
        stream.flush()

    debug = info = warning = error = critical = exception = log = msg


class LinesBehind:
    """Writes lines in a thread of its own, many in one piece, in their order. What had to be left out is said."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._waiting: deque[str] = deque()
        self._some = threading.Event()
        self._closing = threading.Event()
        self._lost = 0
        self._thread = threading.Thread(target=self._write_all, name="log", daemon=True)
        self._thread.start()

    def msg(self, line: str) -> None:
        """Have one line written soon; from any thread."""
        if len(self._waiting) >= MAX_WAITING_LINES:
            self._lost += 1
            return
        self._waiting.append(line)
        if self._closing.is_set():
            self._write()
        elif not self._some.is_set():
            self._some.set()

    debug = info = warning = error = critical = exception = log = msg

    def close(self) -> None:
        """Write what is left, unless nobody reads it within two seconds."""
        self._closing.set()
        self._some.set()
        self._thread.join(LAST_LINES_S)

    def _write_all(self) -> None:
        while not self._closing.is_set():
            self._some.wait()
            self._closing.wait(GATHER_S)
            self._some.clear()
            self._write()
        self._write()

    def _write(self) -> None:
        lines = []
        while self._waiting:
            lines.append(self._waiting.popleft())
        if not lines:
            return
        try:
            self._stream.write("\n".join(lines) + "\n")
            self._stream.flush()
        except (OSError, ValueError):  # the reader went away, or the stream was closed: there is nobody to tell
            return
        lost, self._lost = self._lost, 0
        if lost:
            log.error("log_lines_lost", lines=lost)
