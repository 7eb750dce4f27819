"""Starting with many plugins installed and few enabled (fault R3), and what the process prints."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from switchgear.testing import FakeOpenAI

INSTALLED = 50
ENABLED = 6
PLUGIN = """
from pathlib import Path
from switchgear import Model, Text, hookimpl
Path(__file__).with_suffix(".imported").touch()

@hookimpl
async def list_models():
    return [Model("model-of-" + __name__)]

@hookimpl
async def forward(request):
    yield Text(request.last_text)
"""


def install(site: Path, name: str) -> None:
    """What pip leaves behind: a module, and metadata with an entry point."""
    (site / f"{name}.py").write_text(PLUGIN)
    metadata = site / f"{name}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[switchgear]\n{name} = {name}\n")


@contextmanager
def serving(folder: Path, config: dict[str, object], *arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The command itself, in a process of its own; gives its URL."""
    path = folder / "config.yaml"
    path.write_text(
        json.dumps({"api-keys": ["sg-cold-start-key-0123"], "port": 0, "state-dir": str(folder / "state"), **config})
    )
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONWARNINGS": "error"}
    command = [sys.executable, "-m", "switchgear", "serve", "--config", str(path), *arguments]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.search(r"http://\S+?(?= )", line)
            assert found is not None, line + (process.stderr.read() if process.stderr and not line else "")
            yield found[0], process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(10)


def test_r3_only_what_is_enabled_is_imported_and_it_is_soon_ready(tmp_path: Path) -> None:
    names = [f"plugin_{number:02}" for number in range(INSTALLED)]
    for name in names:
        install(tmp_path, name)
    enabled = names[:ENABLED]
    started = time.monotonic()
    with serving(tmp_path, dict.fromkeys(enabled)) as (url, _):
        while httpx2.get(f"{url}/health/ready", trust_env=False).status_code != 200:
            time.sleep(0.01)
        assert time.monotonic() - started < 10, "bounded; the figure itself is the benchmark's"
        headers = {"authorization": "Bearer sg-cold-start-key-0123"}
        models = httpx2.get(f"{url}/v1/models", headers=headers, trust_env=False).json()["data"]
    assert [model["id"] for model in models] == [f"model-of-{name}" for name in enabled]
    assert sorted(path.stem for path in tmp_path.glob("*.imported")) == enabled


def test_a_term_signal_ends_it_cleanly(tmp_path: Path) -> None:
    install(tmp_path, "one_plugin")
    with serving(tmp_path, {"one_plugin": None}) as (url, process):
        assert httpx2.get(f"{url}/health/live", trust_env=False).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


def test_an_address_in_use_is_said_plainly(tmp_path: Path) -> None:
    install(tmp_path, "one_plugin")
    with serving(tmp_path, {"one_plugin": None}) as (url, _):
        port = url.rpartition(":")[2]
        command = [
            sys.executable,
            "-m",
            "switchgear",
            "serve",
            "--config",
            str(tmp_path / "config.yaml"),
            "--port",
            port,
        ]
        environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
        second = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=20)
    assert second.returncode == 1
    assert second.stderr.startswith(f"switchgear: cannot listen on 127.0.0.1:{port}")
    assert "another gateway" in second.stderr
    assert "Traceback" not in second.stderr


def test_no_file_is_said_plainly_with_what_to_do(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "switchgear", "serve", "--config", str(tmp_path / "none.yaml")]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert result.returncode == 1
    assert "serve --demo" in result.stderr


AUDIT = """
import os, sys

def hook(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.sendto"}:
        with open(os.environ["CONNECTIONS"], "a") as file:
            file.write(repr((event, arguments[1:] if event == "socket.connect" else arguments)) + chr(10))

sys.addaudithook(hook)
"""


async def test_nothing_is_called_but_the_configured_providers(tmp_path: Path) -> None:
    """Neither the import nor the start reaches anybody else: every connection of the process is recorded."""
    (tmp_path / "sitecustomize.py").write_text(AUDIT)
    record = tmp_path / "connections"
    record.touch()
    key = "upstream-key-0123456789"
    async with FakeOpenAI(keys=[key]) as fake:
        block = {"name": "fake", "base-url": fake.base_url(), "api-key-entries": [{"api-key": key}]}
        config = tmp_path / "config.yaml"
        text = {"api-keys": ["sg-cold-start-key-0123"], "port": 0, "openai-compatibility": [block]}
        config.write_text(json.dumps(text))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "switchgear", "serve", "--config", str(config)),
            env={**os.environ, "PYTHONPATH": str(tmp_path), "CONNECTIONS": str(record)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert process.stdout is not None
        assert b"listens on" in await process.stdout.readline()
        await fake.server.wait_for(lambda: len(fake.lists) > 0)
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
        calls = record.read_text().splitlines()
        assert calls
        others = [
            call for call in calls if f"'127.0.0.1', {fake.server.port}" not in call and "'127.0.0.1', 0" not in call
        ]
        assert others == []
