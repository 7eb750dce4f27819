"""The processes of a run: each started on its core, found by the port it prints, ended by its pid."""

from __future__ import annotations

import contextlib
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
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import trustme

from switchgear import upstream as core_upstream
from switchgear.server import stock
from switchgear.types import Timeouts
from tests.bench import measure
from tests.bench.answers import DIALECTS
from tests.bench.upstream import MODELS

ROOT = Path(__file__).resolve().parents[2]
START_S = 30.0
END_S = 5.0
SETTLE_S = 5.0
IDLE_SHARE = 0.1
DIALECT_NAMES = {"chat": "openai-chat", "messages": "anthropic-messages", "responses": "openai-responses"}

_PORTS = re.compile(r'"((?:tls_)?port)": (\d+)')
_BANNER = re.compile(r"http://127\.0\.0\.1:(\d+)")


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
    """A process that listens; it calls ``model`` what the upstream calls ``{}``."""

    name: str
    pid: int
    port: int
    key: str = "none"
    model: str = "{}"
    tls_port: int = 0


@contextlib.contextmanager
def running(
    name: str,
    command: list[str],
    *,
    core: int | None,
    log: Path,
    key: str = "none",
    environment: Mapping[str, str] | None = None,
    where: Path = ROOT,
    port: int = 0,
    model: str = "{}",
) -> Iterator[Running]:
    """Start ``command``; it names its port on its first line, or is known to listen on ``port``.

    Ended by SIGTERM, then by SIGKILL.
    """
    with log.open("ab") as errors, pinned(core):
        output = errors if port else subprocess.PIPE
        everything = {**os.environ, **(environment or {})}
        process = subprocess.Popen(command, cwd=where, stdout=output, stderr=errors, env=everything)
    try:
        ports = _listening(name, port, log) if port else _named(name, process.stdout, log)
        yield Running(name, process.pid, ports["port"], key, model, ports.get("tls_port", 0))
    finally:
        process.terminate()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _listening(name: str, port: int, log: Path) -> dict[str, int]:
    """Wait until somebody accepts connections there."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return {"port": port}
        time.sleep(0.1)
    raise BenchError(f"{name} did not start: {log.read_text()[-1500:]}")


def _named(name: str, output: IO[bytes] | None, log: Path) -> dict[str, int]:
    """Read the ports off the output."""
    assert output is not None
    deadline = time.monotonic() + START_S
    while (left_s := deadline - time.monotonic()) > 0 and select.select([output], [], [], left_s)[0]:
        line = output.readline().decode(errors="replace")
        if found := _PORTS.findall(line):
            return {key: int(port) for key, port in found}
        if banner := _BANNER.search(line):
            return {"port": int(banner[1])}
        if not line:
            break
    raise BenchError(f"{name} did not start: {log.read_text()[-1500:].strip() or 'it said nothing'}")


def python(module: str, *arguments: str, under: tuple[str, ...] = ()) -> list[str]:
    """The command that runs ``module``, under another that runs modules if there is one."""
    return [sys.executable, *(("-m", *under) if under else ("-m",)), module, *arguments]


def settle(subject: Running) -> None:
    """Wait until ``subject`` is idle: what it still does would count against the next on its core."""
    pids = measure.tree(subject.pid)
    deadline = time.monotonic() + SETTLE_S
    while time.monotonic() < deadline:
        before = measure.cpu_s(pids)
        time.sleep(0.2)
        if measure.cpu_s(pids) - before <= IDLE_SHARE * 0.2:
            return
    raise BenchError(f"{subject.name} is still busy {SETTLE_S:g} s after its load ended")


def switch_profile(subject: Running, on: bool) -> None:
    """Have the sampler start, or stop and write."""
    os.kill(subject.pid, signal.SIGUSR1 if on else signal.SIGUSR2)


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files for TLS between the subjects and the upstream."""

    trusted: Path
    served: Path

    @classmethod
    def make(cls, directory: Path) -> Certificates:
        """An authority of our own, and the upstream's certificate from it."""
        authority = trustme.CA()
        issued = authority.issue_cert("127.0.0.1")
        files = cls(directory / "authority.pem", directory / "upstream.pem")
        authority.cert_pem.write_to_path(str(files.trusted))
        issued.private_key_and_cert_chain_pem.write_to_path(str(files.served))
        return files


def pass_through(
    name: Literal["bare", "stock"], upstream: Running, certificates: Path | None, under: tuple[str, ...] = ()
) -> list[str]:
    """The command of a pass-through; over TLS if it is given the certificates to trust."""
    tls = certificates is not None
    where = {"port": upstream.tls_port if tls else upstream.port, "certificates": str(certificates) if tls else None}
    more = _stock_settings() if name == "stock" else {}
    return python(f"tests.bench.{name}", json.dumps({**where, **more}), under=under)


def _stock_settings() -> dict[str, object]:
    """What the gateway itself tells hypercorn and httpx2."""
    config = vars(stock.config())
    wait = Timeouts()
    return {
        "hypercorn": {name: value for name, value in config.items() if isinstance(value, int | float | str | None)},
        "limits": {
            "max_connections": core_upstream.MAX_CONNECTIONS,
            "max_keepalive_connections": core_upstream.MAX_IDLE_CONNECTIONS,
            "keepalive_expiry": core_upstream.IDLE_EXPIRY_S,
        },
        "timeouts": {
            "connect": wait.connect_s,
            "pool": wait.connect_s,
            "write": wait.idle_s,
            "read": wait.first_byte_s,
        },
    }


def gateway_config(
    directory: Path, upstream: Running, *, access_log: bool = True, plugins: Mapping[str, object] | None = None
) -> tuple[Path, str]:
    """A configuration file in ``directory``, and the client key it names. JSON is YAML too.

    But for the entries of other ``plugins``, every provider is the one fake upstream: asked in ``chat``, ``messages`` or
    ``responses``, over ``tls`` if it serves that, and ``failing`` for what must not trouble the others. The access log
    is what is logged at level ``info``.
    """
    key = f"sg-{secrets.token_urlsafe(32)}"
    plain, safe = f"http://127.0.0.1:{upstream.port}/v1", f"https://127.0.0.1:{upstream.tls_port}/v1"
    entries = [_entry(dialect, plain, DIALECT_NAMES[dialect]) for dialect in DIALECTS]
    entries.append(_entry("failing", plain, DIALECT_NAMES["chat"]))
    if upstream.tls_port:
        entries.append(_entry("tls", safe, DIALECT_NAMES["chat"]))
    config = {
        "host": "127.0.0.1",
        "port": 0,
        "auth-dir": str(directory / "auth"),
        "state-dir": str(directory / "state"),
        "api-keys": [key],
        "log": {"format": "json", "level": "info" if access_log else "warning"},
        "drain-seconds": 1,
        "responses": {"max-mib": 1},  # full within a minute: memory that still fills looks like a leak
        "openai-compatibility": entries,
        **(plugins or {}),
    }
    path = directory / "config.yaml"
    path.write_text(json.dumps(config, indent=1))
    path.chmod(0o600)
    return path, key


def _entry(name: str, base_url: str, dialect: str) -> dict[str, object]:
    return {
        "name": name,
        "prefix": name,
        "base-url": base_url,
        "dialects": [dialect],
        "api-key-entries": [{"api-key": f"sk-fake-{secrets.token_hex(16)}"}],
        "models": [{"name": model} for model in MODELS],
    }
