"""The audit log: who changed an account, and who was refused. JSON lines in ``audit.log`` of the state directory."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import structlog

from switchgear.secret import redact

FILE = "audit.log"
OLD = "audit.log.1"
MAX_BYTES = 10 * 1024 * 1024
LONGEST_TEXT = 300

log = structlog.get_logger("switchgear.audit")


@dataclass(frozen=True, slots=True)
class Deed:
    """One line, but for its time. ``address`` is the client's, ``None`` on the command line.

    ``detail`` is what exactly was done, where the other fields do not say it.
    """

    actor: Literal["management", "cli", "gateway"]
    action: str
    result: str
    provider: str | None = None
    account: str | None = None
    address: str | None = None
    detail: str | None = None


class AuditLog:
    """Appends lines; several processes may. At 10 MiB the file becomes ``audit.log.1``, and the one before is gone.

    Args:
        folder: gives the state directory; made when the first line is written.
    """

    def __init__(self, folder: Callable[[], Path]) -> None:
        self._folder = folder

    async def record(self, deed: Deed) -> None:
        """Write one line, in a thread. Where it cannot be written the log says so, and nothing else happens."""
        line = json.dumps({"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **_cleaned(deed)}) + "\n"
        try:
            await asyncio.to_thread(_append, self._folder(), line.encode())
        except OSError as error:
            log.error("audit_not_written", problem=error.strerror or type(error).__name__, line=line.strip())


def _cleaned(deed: Deed) -> dict[str, str | None]:
    fields: dict[str, str | None] = asdict(deed)
    return {name: None if text is None else redact(text)[:LONGEST_TEXT] for name, text in fields.items()}


def _append(folder: Path, line: bytes) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / FILE
    while True:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if not _is(path, descriptor):  # another process has put a new one in its place
                continue
            size = os.fstat(descriptor).st_size
            if size and size + len(line) > MAX_BYTES:
                path.replace(folder / OLD)
                continue
            if os.write(descriptor, line) < len(line):
                with suppress(OSError):
                    os.ftruncate(descriptor, size)  # no half line for the next one to continue
                raise OSError(28, "No space left on device")
            return
        finally:
            os.close(descriptor)


def _is(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
