"""A fake upstream in a thread, and processes for everything else: what a synchronous client needs."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

import httpx2
from anyio.from_thread import start_blocking_portal

from switchgear.testing import FakeOpenAI

T = TypeVar("T")
KEY = "sg-clients-key-2b8e4f6a1c"
UPSTREAM_KEY = "upstream-key-0123456789"
CHAT_MODELS = (
    {"name": "demo-model", "alias": "chat"},
    {"name": "demo-mini", "alias": "small"},
    {"name": "thinker", "alias": "thinker"},
)
EMBEDDING_MODEL = {"name": "demo-embedding", "alias": "text-embedding-3-small"}
FAULTS = (
    *("err-400", "err-401", "err-403", "err-404-model", "err-413", "err-422", "err-429-header"),
    *("err-500", "err-503", "err-529", "err-context", "err-quota", "cut"),
)
READY_SECONDS = 60.0
CLIENT_SECONDS = 120.0


@dataclass(frozen=True)
class Serving:
    """A gateway that serves, and the folder it lives in."""

    url: str
    folder: Path

    @property
    def base_url(self) -> str:
        """What a client is given."""
        return f"{self.url}/v1"

    @property
    def log(self) -> str:
        """What the gateway wrote."""
        return (self.folder / "gateway.log").read_text()


@dataclass(frozen=True)
class Stack(Serving):
    """The same, and the fake behind it."""

    fake: FakeOpenAI


@contextmanager
def stack(folder: Path, *, native: bool = False) -> Iterator[Stack]:
    """A gateway with the fake upstream under the prefix ``f``: chat models, an embedding model, and faults.

    Each fault is a provider of its own, once for a whole answer and once for a stream: what it does to the account's
    health is then no other request's affair. With ``native`` the prefix ``n`` has the same chat models behind an upstream
    that speaks every dialect, so that what a client sends passes through: it is a second gateway.
    """
    with start_blocking_portal() as portal, ExitStack() as exit_:
        fake = exit_.enter_context(portal.wrap_async_context_manager(FakeOpenAI(keys=[UPSTREAM_KEY])))
        blocks = [_block(fake, "fake", [*CHAT_MODELS, EMBEDDING_MODEL], prefix="f")]
        for fault, form in product(FAULTS, ("", "-streamed")):
            blocks.append(_block(fake, fault + form, [{"name": fault, "alias": fault + form}]))
        if native:
            second = folder / "native"
            second.mkdir()
            url = exit_.enter_context(gateway(second, {"openai-compatibility": blocks}))
            blocks = [*blocks, _native_block(url)]
        url = exit_.enter_context(gateway(folder, {"openai-compatibility": blocks}))
        yield Stack(url, folder, fake)


def _block(fake: FakeOpenAI, name: str, models: Sequence[Mapping[str, str]], **fields: str) -> dict[str, Any]:
    account = {"api-key": UPSTREAM_KEY}
    return {"name": name, "base-url": fake.base_url(), "api-key-entries": [account], "models": models, **fields}


def _native_block(url: str) -> dict[str, Any]:
    dialects = ["openai-chat", "openai-responses", "anthropic-messages"]
    models = [{"name": f"f/{model['alias']}", "alias": model["alias"]} for model in CHAT_MODELS]
    block = {"name": "native", "prefix": "n", "base-url": f"{url}/v1", "dialects": dialects, "models": models}
    return {**block, "api-key-entries": [{"api-key": KEY}]}


@contextmanager
def gateway(folder: Path, config: Mapping[str, Any], env: Mapping[str, str] | None = None) -> Iterator[str]:
    """``python -m switchgear serve`` with this configuration; gives its URL once it is ready."""
    path = folder / "config.yaml"
    base = {
        "api-keys": [KEY],
        "port": 0,
        "auth-dir": str(folder / "auth"),
        "state-dir": str(folder / "state"),
        "request-retry": 0,
    }
    path.write_text(json.dumps({**base, **config}, indent=1))
    command = [sys.executable, "-m", "switchgear", "serve", "--config", str(path)]
    with process(command, folder / "gateway.log", env) as (running, log):
        found = wait_for(running, log, lambda: re.search(r"http://127\.0\.0\.1:\d+", log.read_text()))
        wait_for(running, log, lambda: answers(f"{found[0]}/health/ready"))
        yield found[0]


@contextmanager
def process(
    command: Sequence[str], log: Path, env: Mapping[str, str] | None = None
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A process whose output goes to ``log``; it is asked to stop at the end."""
    with log.open("wb") as output:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})}
        running = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield running, log
    finally:
        running.send_signal(signal.SIGTERM)
        try:
            running.wait(10)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait(10)


def wait_for(running: subprocess.Popen[bytes], log: Path, probe: Callable[[], T | None]) -> T:
    """Ask ``probe`` until it has something, while the process lives, within ``READY_SECONDS``."""
    deadline = time.monotonic() + READY_SECONDS
    while not (found := probe()):
        assert running.poll() is None, f"it ended with {running.returncode}:\n{log.read_text()}"
        assert time.monotonic() < deadline, f"it was not ready in time:\n{log.read_text()}"
        time.sleep(0.05)
    return found


def answers(url: str) -> bool:
    """Whether a GET gets 200."""
    try:
        return httpx2.get(url, trust_env=False).status_code == 200
    except httpx2.TransportError:
        return False


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def loopback_only(folder: Path) -> Iterator[dict[str, str]]:
    """An environment in which a Python client reaches loopback only; at the end, that it never tried to go further."""
    strays = folder / "stray-connections"
    home = folder / "home"
    home.mkdir(exist_ok=True)
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TMPDIR") if name in os.environ}
    hook = str(Path(__file__).with_name("loopback_only"))
    yield {**kept, "HOME": str(home), "PYTHONPATH": hook, "STRAY_CONNECTIONS": str(strays), "NO_COLOR": "1"}
    assert not strays.exists(), f"it went beyond loopback: {strays.read_text()}"


def ask(
    command: Sequence[str | Path], env: Mapping[str, str], folder: Path, text: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a client to its end, with ``text`` on standard input."""
    words = [str(word) for word in command]
    return subprocess.run(
        words,
        env=dict(env),
        cwd=folder,
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=CLIENT_SECONDS,
    )
