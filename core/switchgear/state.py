"""What outlives a restart: small JSON documents by name, in ``state-dir``. All of it is safe to delete."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import structlog

from switchgear.durable import write_atomically

FORMAT = 1
"""Of the envelope; a document of another format is an older or newer program's, and is not read."""
MAX_BYTES = 64 * 1024 * 1024

log = structlog.get_logger("switchgear.state")


class StateStore:
    """The documents of one ``state-dir``. Neither method raises for a bad disk: without state the gateway still serves.

    Both block on the disk; where an event loop runs, call them in a thread.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._failing: set[str] = set()
        self._writing = threading.Lock()

    @property
    def problem(self) -> str:
        """Why the last documents could not be saved; empty when they were."""
        return f"{', '.join(sorted(self._failing))} cannot be written to {self.directory}" if self._failing else ""

    def read(self, name: str) -> Mapping[str, Any] | None:
        """The document as it was last written; ``None`` when there is none, or none that can be read."""
        path = self._path(name)
        try:
            with path.open("rb") as file:
                content = file.read(MAX_BYTES + 1)
            if len(content) > MAX_BYTES:
                raise ValueError("it is too large")
            envelope = json.loads(content)
            if envelope["format"] != FORMAT:
                raise ValueError(f"it has format {envelope['format']!r}, this program reads {FORMAT}")
            document = envelope["document"]
            if not isinstance(document, dict):
                raise TypeError("its document is no mapping")
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            log.warning("state_ignored", file=path.name, problem=f"{type(error).__name__}: {error}")
            return None
        return document

    def write(self, name: str, document: Mapping[str, Any]) -> bool:
        """Replace the document, whole or not at all; says whether it could. The first failure of a row is logged."""
        path = self._path(name)
        content = json.dumps({"format": FORMAT, "document": document}, indent=1, allow_nan=False).encode()
        try:
            with self._writing:  # a write that was given up goes on in its thread: it must not come last
                write_atomically(path, content + b"\n")
        except OSError as error:
            if name not in self._failing:
                log.warning("state_not_written", file=str(path), problem=error.strerror)
            self._failing.add(name)
            return False
        self._failing.discard(name)
        return True

    def _path(self, name: str) -> Path:
        return self.directory / f"{name}.json"
