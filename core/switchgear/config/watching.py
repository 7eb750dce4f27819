"""Noticing that the configuration file changed: whole, at rest, and really different."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path

from watchfiles import awatch

from switchgear.config.document import MAX_BYTES

QUIET_S = 0.05
"""A file is at rest when it reads the same twice, this long apart."""
LOOK_ANYWAY_MS = 5_000
"""Network file systems and some container mounts report no changes; so the file is read this often regardless."""
GATHER_MS = 200
"""Changes that follow each other are taken as one, for this long at most."""


def content_digest(path: Path) -> str | None:
    """SHA-256 of what the file holds; ``None`` while it is not there or cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.sha256(file.read(MAX_BYTES + 1)).hexdigest()
    except OSError:
        return None


async def watch(
    path: Path, on_change: Callable[[], Awaitable[None]], stop: asyncio.Event, *, seen: str | None = None
) -> None:
    """Call ``on_change`` each time the file holds something new, until ``stop`` is set.

    It watches the directory, not the file: editors and ``mv`` put another file in its place. A file that is missing
    (in the middle of a rename) or still being written is waited for. The file may still be wrong: that is for
    ``on_change`` to find out, and whatever it raises ends the watch.

    Args:
        path: the file; it may be a link, as in a mounted Kubernetes ConfigMap.
        on_change: called once per new content, never twice at the same time.
        stop: ends the watch within 50 ms.
        seen: the digest of the content in use (``RawConfig.digest``); ``None`` for what the file holds now.
    """
    if seen is None:
        seen = await asyncio.to_thread(content_digest, path)
    changes = awatch(
        *_directories(path),
        watch_filter=None,
        debounce=GATHER_MS,
        stop_event=stop,
        rust_timeout=LOOK_ANYWAY_MS,
        yield_on_timeout=True,
        recursive=False,
    )
    async for _ in changes:
        digest = await _digest_at_rest(path, stop)
        if digest is not None and digest != seen:
            seen = digest
            await on_change()


def _directories(path: Path) -> set[Path]:
    """Where the file's name stands, and where a link leads."""
    return {path.parent.absolute(), path.resolve().parent}


async def _digest_at_rest(path: Path, stop: asyncio.Event) -> str | None:
    """The digest once two readings agree; ``None`` when the file is gone (its return is a change of its own)."""
    digest = await asyncio.to_thread(content_digest, path)
    while digest is not None and not stop.is_set():
        await asyncio.sleep(QUIET_S)
        again = await asyncio.to_thread(content_digest, path)
        if again == digest:
            return digest
        digest = again
    return None
