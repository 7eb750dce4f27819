"""The processes of a run: each started on its core, found by the port it prints, ended by its pid."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import secrets
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from switchgear import upstream as core_upstream
from switchgear.cli.server import hypercorn_config
from switchgear.types import Timeouts
from tests.bench.cursor import API_KEY as CURSOR_KEY
from tests.bench.upstream import MODELS

ROOT = Path(__file__).resolve().parents[2]
START_S = 30.0
END_S = 5.0

_PORT = re.compile(r'(?:"port": |http://127\.0\.0\.1:)(\d+)')


class BenchError(Exception):
    """Something did not start, or answered wrongly."""


def cores() -> tuple[int, int] | None:
    """The core of what is measured, and the one of all else; ``None`` when there is but one."""
    free = sorted(os.sched_getaffinity(0))
    return (free[0], free[1]) if len(free) > 1 else None


@contextlib.contextmanager
def pinned(core: int | None) -> Iterator[None]:
    """What is started here runs on ``core`` alone, from its first thread on."""
    before = os.sched_getaffinity(0)
    if core is not None:
        os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@dataclass(frozen=True, slots=True)
class Running:
    """A process that listens."""

    name: str
    pid: int
    port: int
    key: str = "none"


@contextlib.contextmanager
def running(
    name: str, command: list[str], *, core: int | None, log: Path, key: str = "none", grace_s: float = END_S
) -> Iterator[Running]:
    """Start ``command``; its first line of output names its port. Ended by SIGTERM, then by SIGKILL."""
    with log.open("ab") as errors, pinned(core):
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors)
    assert process.stdout is not None
    try:
        yield Running(name, process.pid, _port(name, process.stdout, log), key)
    finally:
        process.terminate()
        try:
            process.wait(grace_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def _port(name: str, output: IO[bytes], log: Path) -> int:
    deadline = time.monotonic() + START_S
    while (left_s := deadline - time.monotonic()) > 0 and select.select([output], [], [], left_s)[0]:
        line = output.readline().decode(errors="replace")
        if found := _PORT.search(line):
            return int(found[1])
        if not line:
            break
    raise BenchError(f"{name} did not start: {log.read_text()[-1500:].strip() or 'it said nothing'}")


def python(module: str, *arguments: str, profile: Path | None = None) -> list[str]:
    """The command that runs ``module``; under the sampler when there is a ``profile`` to write."""
    sampler = ["-m", "tests.bench.sampler", str(profile)] if profile else ["-m"]
    return [sys.executable, *sampler, module, *arguments]


def bare_settings(upstream_port: int) -> str:
    """What the pass-through needs to be the gateway's equal: the same server and pool settings, as JSON."""
    with socket.socket() as unused:
        config = vars(hypercorn_config(unused))
    plain = {name: value for name, value in config.items() if isinstance(value, int | float | str | None)}
    limits = {
        "max_connections": core_upstream.MAX_CONNECTIONS,
        "max_keepalive_connections": core_upstream.MAX_IDLE_CONNECTIONS,
        "keepalive_expiry": core_upstream.IDLE_EXPIRY_S,
    }
    wait = Timeouts()
    timeouts = {"connect": wait.connect_s, "pool": wait.connect_s, "write": wait.idle_s, "read": wait.first_byte_s}
    upstream = f"http://127.0.0.1:{upstream_port}"
    return json.dumps({"upstream": upstream, "hypercorn": plain, "limits": limits, "timeouts": timeouts})


def gateway_config(
    directory: Path, upstream_port: int, *, kiro: bool = False, cursor_port: int | None = None
) -> tuple[Path, str]:
    """A configuration file in ``directory``, and the client key it names. JSON is YAML too.

    With ``kiro`` the same upstream is there as Kiro too, and with ``cursor_port`` another one as Cursor; without, their
    plugins weigh nothing.
    """
    key = f"sg-{secrets.token_urlsafe(32)}"
    base = f"http://127.0.0.1:{upstream_port}"
    entry = {
        "name": "fake",
        "base-url": f"{base}/v1",
        "api-key-entries": [{"api-key": f"sk-fake-{secrets.token_hex(16)}"}],
        "models": [{"name": model} for model in MODELS],
    }
    config: dict[str, object] = {
        "host": "127.0.0.1",
        "port": 0,
        "auth-dir": str(directory / "auth"),
        "state-dir": str(directory / "state"),
        "api-keys": [key],
        "log": {"format": "json", "level": "info"},
        "drain-seconds": 1,
        "openai-compatibility": [entry],
    }
    if kiro:
        keys = [f"ksk_{secrets.token_hex(16)}"]
        config["kiro"] = [{"api-keys": keys, "endpoints": {"runtime": base, "management": base}}]
    if cursor_port is not None:
        url = f"http://127.0.0.1:{cursor_port}"
        config["cursor"] = [{"api-keys": [CURSOR_KEY], "endpoints": {"api": url, "website": url}}]
    path = directory / "config.yaml"
    path.write_text(json.dumps(config, indent=1))
    path.chmod(0o600)
    return path, key


def check(subject: Running, model: str = "fake") -> None:
    """Ask once, so that a wrong set-up is told apart from a slow one."""
    connection = http.client.HTTPConnection("127.0.0.1", subject.port, timeout=10)
    headers = {"authorization": f"Bearer {subject.key}", "content-type": "application/json"}
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}]}
    try:
        connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        response = connection.getresponse()
        text = response.read().decode(errors="replace")
    except OSError as error:
        raise BenchError(f"{subject.name} does not answer: {error}") from None
    finally:
        connection.close()
    if response.status != 200 or '"choices"' not in text:
        raise BenchError(f"{subject.name} answers {response.status}: {text[:500]}")


def switch_profile(subject: Running, on: bool) -> None:
    """Have the sampler start, or stop and write."""
    os.kill(subject.pid, signal.SIGUSR1 if on else signal.SIGUSR2)
