"""Auth files under real processes: killed in the middle of a save, racing for one single-use token, on a read-only disk."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from switchgear.authfile import DirectoryStore
from switchgear.upstream import tls_context
from tests.gateways import KEY
from tests.rotating import RotatingUpstream, make_findable
from tests.stores import store

ROOT = Path(__file__).parents[2]


def _environment(folder: Path) -> dict[str, str]:
    paths = [str(folder / "path"), str(ROOT), str(ROOT / "core"), str(ROOT / "plugins")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


async def test_a4_killed_at_any_step_of_a_save_the_old_or_the_new_file_is_there_whole(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.core.saves", str(tmp_path / "auth")),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=_environment(tmp_path),
        cwd=ROOT,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    found = [line.partition(" ")[2] for line in out.decode().splitlines()]
    assert len(found) > 50  # so many steps there are
    assert set(found) == {"old", "new"}
    assert found[-1] == "new"
    assert found == sorted(found, reverse=True)  # old up to the one step that replaces the file, new from there on


@asynccontextmanager
async def running(folder: Path, upstream: RotatingUpstream, name: str) -> AsyncIterator[httpx2.AsyncClient]:
    """A gateway in a process of its own, over the auth directory of ``folder``."""
    make_findable(folder / "path")
    config = folder / f"{name}.yaml"
    fields = {
        "port": 0,
        "api-keys": [KEY],
        "auth-dir": str(folder / "auth"),
        "state-dir": str(folder / name),
        "rotating": [{"base-url": upstream.server.url, "prefix": ""}],
    }
    config.write_text(json.dumps(fields))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "switchgear", "serve", "--config", str(config)),
        stdout=asyncio.subprocess.PIPE,
        env=_environment(folder),
        cwd=folder,
    )
    try:
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()
        url = re.search(r"http://[\d.:]+", line)
        assert url is not None, line
        headers = {"authorization": f"Bearer {KEY}"}
        async with httpx2.AsyncClient(
            base_url=url[0], headers=headers, trust_env=False, verify=tls_context(), timeout=30
        ) as client:
            yield client
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()


async def ask(client: httpx2.AsyncClient) -> httpx2.Response:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
    return await client.post("/v1/chat/completions", json=body)


async def saved(files: DirectoryStore) -> dict[str, str]:
    [account] = await asyncio.to_thread(files.load)
    return {name: secret.reveal() for name, secret in account.secrets.items()}


async def test_a2_two_gateways_and_a_command_spend_one_single_use_token_once(tmp_path: Path) -> None:
    files = store(tmp_path / "auth", "rotating")
    upstream = RotatingUpstream("ada")
    await files.save(upstream.account("ada", expires_at=time.time() + 3600))  # refused all the same
    upstream.access["ada"] = "access-ada-other"
    spent = upstream.refresh["ada"]
    upstream.gate.clear()
    async with upstream.server as server:
        async with running(tmp_path, upstream, "one") as one, running(tmp_path, upstream, "two") as two:
            asked = [asyncio.create_task(ask(client)) for client in (one, two) for _ in range(10)]
            command = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "switchgear", "accounts", "refresh", "rotating", "ada"),
                *("--config", str(tmp_path / "one.yaml")),
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env=_environment(tmp_path),
            )
            await server.wait_for(lambda: upstream.refreshed.get(spent) == 1, timeout_s=20)
            upstream.gate.set()
            answers = await asyncio.gather(*asked)
            said = (await command.communicate())[0].decode()
        assert [answer.status_code for answer in answers] == [200] * 20, [answer.text for answer in answers]
        assert command.returncode == 0, said
        assert upstream.refreshed[spent] == 1
        assert set(upstream.refreshed.values()) == {1}  # no token was ever used twice
        assert not upstream.revoked
        assert (await saved(files)) == {"access": upstream.access["ada"], "refresh": upstream.refresh["ada"]}


async def test_a_gateway_that_starts_later_takes_the_newest_token(tmp_path: Path) -> None:
    files = store(tmp_path / "auth", "rotating")
    upstream = RotatingUpstream("ada")
    await files.save(upstream.account("ada"))
    async with upstream.server:
        for name in ("one", "two"):
            async with running(tmp_path, upstream, name) as client:
                assert (await ask(client)).status_code == 200
        assert sum(upstream.refreshed.values()) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to mount a read-only disk")
async def test_a4_on_a_read_only_disk_a_token_is_not_spent_that_could_not_be_saved(tmp_path: Path) -> None:
    disk = tmp_path / "auth"
    disk.mkdir()
    if os.system(f"mount -t tmpfs -o size=1m tmpfs {disk} 2>/dev/null") != 0:
        pytest.skip("may not mount")
    try:
        upstream = RotatingUpstream("ada")
        files = store(disk, "rotating")
        await files.save(upstream.account("ada"))
        before = files.path("ada").read_bytes()
        assert os.system(f"mount -o remount,ro {disk}") == 0
        async with upstream.server:
            async with running(tmp_path, upstream, "one") as client:
                answer = await ask(client)
                assert (answer.status_code, "cannot be written: Read-only file system" in answer.text) == (502, True)
                assert upstream.refreshed == {}
                assert os.system(f"mount -o remount,rw {disk}") == 0
                assert (await ask(client)).status_code == 200
        assert files.path("ada").read_bytes() != before
    finally:
        assert os.system(f"umount {disk}") == 0
