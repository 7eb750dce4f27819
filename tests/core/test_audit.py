"""The audit log: whole lines, from several writers, in a file that nobody else reads and that does not grow for ever."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from switchgear import Secret, audit
from switchgear.audit import AuditLog, Deed


def lines(folder: Path, name: str = "audit.log") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / name).read_text().splitlines()]


async def test_a_line_says_who_did_what_with_which_result(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "deep"
    log = AuditLog(lambda: folder)
    await log.record(Deed("cli", "refresh", "ok", "acme", "acme-ada-1"))
    await log.record(Deed("management", "authorise", "invalid_management_key", address="127.0.0.1"))
    first, second = lines(folder)
    assert list(first) == ["time", "actor", "action", "result", "provider", "account", "address", "detail"]
    assert first["time"].endswith("+00:00")
    assert (first["actor"], first["account"], first["address"]) == ("cli", "acme-ada-1", None)
    assert (second["actor"], second["provider"], second["address"]) == ("management", None, "127.0.0.1")
    assert stat.S_IMODE((folder / "audit.log").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_a_line_is_one_line_and_holds_no_secret(tmp_path: Path) -> None:
    secret = Secret("a-living-secret-value")
    text = f"{secret.reveal()}\n{{\x1b[31m\u2028" + "x" * 1000
    await AuditLog(lambda: tmp_path).record(Deed("cli", "label", text))
    raw = (tmp_path / "audit.log").read_bytes()
    assert raw.count(b"\n") == 1
    assert raw.isascii()
    assert secret.reveal().encode() not in raw
    assert len(lines(tmp_path)[0]["result"]) == 300


async def test_a_full_file_is_put_aside_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "MAX_BYTES", 1000)
    log = AuditLog(lambda: tmp_path)
    for number in range(30):
        await log.record(Deed("cli", "label", str(number)))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["audit.log", "audit.log.1"]
    kept = [line["result"] for name in ("audit.log.1", "audit.log") for line in lines(tmp_path, name)]
    assert kept == [str(number) for number in range(30 - len(kept), 30)]
    assert all(path.stat().st_size <= 1000 for path in tmp_path.iterdir())
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


async def test_writers_at_once_write_whole_lines_and_lose_none_while_the_files_change_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each line is written through a descriptor of its own, so threads get in each other's way as processes do."""
    monkeypatch.setattr(audit, "MAX_BYTES", 5000)
    logs = [AuditLog(lambda: tmp_path), AuditLog(lambda: tmp_path)]
    texts = [f"{who}-{number}" for number in range(25) for who in (0, 1)]
    await asyncio.gather(*(logs[int(text[0])].record(Deed("cli", "label", text)) for text in texts))
    kept = [line["result"] for name in ("audit.log.1", "audit.log") for line in lines(tmp_path, name)]
    assert sorted(kept) == sorted(texts)


async def test_a_writer_waits_for_the_one_who_holds_the_file(tmp_path: Path) -> None:
    log = AuditLog(lambda: tmp_path)
    await log.record(Deed("cli", "label", "first"))
    with (tmp_path / "audit.log").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        writing = asyncio.create_task(log.record(Deed("cli", "label", "second")))
        done, _ = await asyncio.wait({writing}, timeout=0.1)
        assert not done
        assert len(lines(tmp_path)) == 1
    await asyncio.wait_for(writing, 5)
    assert [line["result"] for line in lines(tmp_path)] == ["first", "second"]


@pytest.mark.parametrize("kind", ["a file in the way", "a full disk", "a link elsewhere"])
async def test_what_cannot_be_written_is_logged_and_harms_nobody(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch, log_output: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "state"
    if kind == "a file in the way":
        folder.write_text("")
    elif kind == "a full disk":
        write = os.write
        monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:10]))
    else:
        folder.mkdir()
        (tmp_path / "elsewhere").write_text("")
        (folder / "audit.log").symlink_to(tmp_path / "elsewhere")
    await AuditLog(lambda: folder).record(Deed("cli", "label", "ok"))
    monkeypatch.undo()
    said = log_output.readouterr().err
    assert "audit_not_written" in said
    if kind == "a full disk":
        assert (folder / "audit.log").read_bytes() == b""  # no half line for the next one to continue
    if kind == "a link elsewhere":
        assert (tmp_path / "elsewhere").read_text() == ""
