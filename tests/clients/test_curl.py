"""curl with the lines of docs/clients.md, both headers, whole and streamed."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients import installs
from tests.clients.stack import KEY, Stack, ask, stack


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    if shutil.which("curl") is None:
        pytest.skip("curl is not here")
    with stack(tmp_path_factory.mktemp("curl")) as ready:
        found = curl(ready, "--version")
        installs.versions["curl"] = found.split()[1]
        yield ready


def curl(behind: Stack, *words: str) -> str:
    done = ask(["curl", "--noproxy", "*", *words], os.environ, behind.folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def of_the_docs() -> str:
    """The page's command, for a shell."""
    page = (installs.ROOT / "docs" / "clients.md").read_text()
    (block,) = re.findall(r"```console\n\$ (curl .*?)```", page, re.DOTALL)
    return str(block)


def test_the_pages_command_streams(behind: Stack, tmp_path: Path) -> None:
    command = of_the_docs().replace("http://127.0.0.1:8317", behind.url).replace("or/kimi-k2", "f/chat")
    done = ask(["sh", "-c", command], {**os.environ, "KEY": KEY, "no_proxy": "127.0.0.1"}, tmp_path)
    assert done.returncode == 0, done.stderr
    events = [line.removeprefix("data: ") for line in done.stdout.splitlines() if line]
    assert events[-1] == "[DONE]"
    deltas = [json.loads(event)["choices"][0]["delta"] for event in events[:-1]]
    assert "".join(delta.get("content") or "" for delta in deltas) == "You said: Hello!"


@pytest.mark.parametrize("header", [f"Authorization: Bearer {KEY}", f"x-api-key: {KEY}"], ids=["bearer", "x-api-key"])
def test_both_headers(behind: Stack, header: str) -> None:
    body = json.dumps({"model": "f/chat", "messages": [{"role": "user", "content": "Hello"}]})
    said = curl(
        behind,
        "-sS",
        f"{behind.base_url}/chat/completions",
        "-H",
        header,
        "-H",
        "Content-Type: application/json",
        "-d",
        body,
    )
    assert json.loads(said)["choices"][0]["message"]["content"] == "You said: Hello"
