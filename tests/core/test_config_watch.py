"""A change is taken in once it is whole and at rest, however the file is written (C2)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from switchgear.config import content_digest, watch
from switchgear.config.watching import QUIET_S

WATCHING = "switchgear.config.watching"
PATIENCE_S = 5.0


class Reader:
    """Stands where the gateway reloads: reads the file each time it is told to, and remembers what it saw."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.saw: list[str] = []
        self._news = asyncio.Event()

    async def on_change(self) -> None:
        self.saw.append(self.path.read_text())
        self._news.set()

    async def sees(self, text: str) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while text not in self.saw:
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def watching(path: Path, seen: str | None = None) -> AsyncIterator[Reader]:
    reader, stop = Reader(path), asyncio.Event()
    task = asyncio.create_task(watch(path, reader.on_change, stop, seen=seen))
    try:
        yield reader
    finally:
        stop.set()
        async with asyncio.timeout(PATIENCE_S):
            await task


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text("port: 1\n")
    return path


@pytest.fixture
def look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at the file every 50 ms, as on a file system that reports no changes."""
    monkeypatch.setattr(f"{WATCHING}.LOOK_ANYWAY_MS", 50)


def replace(path: Path, text: str) -> None:
    """As editors save: another file, put in its place."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text)
    beside.replace(path)


async def test_every_replacement_is_noticed_from_the_directorys_events(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{WATCHING}.LOOK_ANYWAY_MS", 60_000)
    async with watching(path) as reader:
        for number in range(1, 100):  # until the first is noticed: nothing tells when the watch has begun
            replace(path, f"begin: {number}\n")
            await asyncio.sleep(2 * QUIET_S)
            if reader.saw:
                break
        for number in range(3):
            replace(path, f"port: {number}\n")
            await reader.sees(f"port: {number}\n")


@pytest.mark.usefixtures("look_often")
async def test_a_file_written_in_pieces_is_never_seen_in_part(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The writer adds the next piece each time the watcher has looked: it can never look twice at the same."""
    pieces = [f"piece-{number}: {number}\n" for number in range(12)]
    whole = "".join(pieces)
    begun = path.open("w")

    def look_and_go_on(path: Path) -> str | None:
        digest = content_digest(path)
        if pieces:
            begun.write(pieces.pop(0))
            begun.flush()
        return digest

    monkeypatch.setattr(f"{WATCHING}.content_digest", look_and_go_on)
    with begun:
        async with watching(path, seen="what was there before") as reader:
            await reader.sees(whole)
    assert reader.saw == [whole]


@pytest.mark.usefixtures("look_often")
async def test_a_file_that_is_gone_is_waited_for(path: Path) -> None:
    async with watching(path) as reader:
        path.unlink()
        await asyncio.sleep(4 * QUIET_S)
        assert reader.saw == []
        path.write_text("port: 2\n")
        await reader.sees("port: 2\n")
    assert reader.saw == ["port: 2\n"]


@pytest.mark.usefixtures("look_often")
async def test_the_same_content_again_is_no_change(path: Path) -> None:
    async with watching(path) as reader:
        for _ in range(3):
            replace(path, "port: 1\n")
            path.touch()
            (path.parent / "another").write_text("file")
            await asyncio.sleep(2 * QUIET_S)
        replace(path, "port: 2\n")
        await reader.sees("port: 2\n")
    assert reader.saw == ["port: 2\n"]


@pytest.mark.usefixtures("look_often")
async def test_what_changed_before_the_watch_began_is_noticed(path: Path) -> None:
    digest = content_digest(path)
    path.write_text("port: 2\n")
    async with watching(path, seen=digest) as reader:
        await reader.sees("port: 2\n")


@pytest.mark.usefixtures("look_often")
async def test_a_link_that_is_turned_elsewhere_is_a_change(tmp_path: Path) -> None:
    """As Kubernetes mounts a ConfigMap: config.yaml -> ..data/config.yaml, and ..data is replaced."""
    for version in ("1", "2"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "config.yaml").write_text(f"port: {version}\n")
    (tmp_path / "..data").symlink_to("1")
    path = tmp_path / "config.yaml"
    path.symlink_to("..data/config.yaml")
    async with watching(path) as reader:
        await asyncio.sleep(2 * QUIET_S)
        (tmp_path / "..new").symlink_to("2")
        (tmp_path / "..new").replace(tmp_path / "..data")
        await reader.sees("port: 2\n")


@pytest.mark.usefixtures("look_often")
async def test_changes_are_taken_in_one_after_the_other(path: Path) -> None:
    at_work, go_on, stop = asyncio.Event(), asyncio.Event(), asyncio.Event()
    running, most, saw = 0, 0, []

    async def slow() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        saw.append(path.read_text())
        at_work.set()
        await go_on.wait()
        running -= 1
        if len(saw) == 2:
            stop.set()

    task = asyncio.create_task(watch(path, slow, stop))
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.sleep(QUIET_S)
        replace(path, "port: 2\n")
        await at_work.wait()
        replace(path, "port: 3\n")
        go_on.set()
        await task
    assert saw == ["port: 2\n", "port: 3\n"]
    assert most == 1


async def test_cancelling_ends_the_watch_at_once(path: Path) -> None:
    reader = Reader(path)
    task = asyncio.create_task(watch(path, reader.on_change, asyncio.Event()))
    await asyncio.sleep(2 * QUIET_S)
    task.cancel()
    async with asyncio.timeout(1):
        await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()


def test_the_digest_is_of_the_content_alone(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(path.read_bytes())
    assert content_digest(path) == content_digest(other)
    assert content_digest(tmp_path / "missing") is None
    assert content_digest(tmp_path) is None
