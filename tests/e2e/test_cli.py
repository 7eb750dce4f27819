"""The operator's commands that look at a configuration: models, explain, plugins. And the demo.

Each runs once in a process of its own, as the operator runs it; what else it can say is asked for in this one.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest

from switchgear.testing import FakeOpenAI
from tests.counter import command

KEY = "upstream-key-0123456789"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands find config.yaml in the working directory."""
    monkeypatch.chdir(tmp_path)


async def switchgear(*arguments: str) -> tuple[int, str, str]:
    """Run the command in a process of its own; its exit code, output and errors."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "switchgear",
        *arguments,
        env={**os.environ, "PYTHONWARNINGS": "error", "COLUMNS": "200"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


def configure(folder: Path, fake: FakeOpenAI, *more: dict[str, Any]) -> None:
    base = {
        "base-url": fake.base_url(),
        "api-key-entries": [{"api-key": KEY}, {"api-key": KEY + "-2", "label": "spare"}],
    }
    listing = {"name": "all", "prefix": "all", "excluded-models": ["*-mini"], **base}
    named = {"name": "named", "prefix": "n", "models": [{"name": "demo-model", "alias": "best"}], **base}
    config = {
        "api-keys": ["sg-client-key-0123456789"],
        "state-dir": str(folder / "state"),
        "routing": {"fallbacks": {"n": ["all"]}},
        "openai-compatibility": [listing, named, *more],
    }
    (folder / "config.yaml").write_text(json.dumps(config, indent=1))


async def test_models_lists_what_clients_see(tmp_path: Path) -> None:
    async with FakeOpenAI(keys=[KEY, KEY + "-2"]) as fake:
        configure(tmp_path, fake)
        code, out, _ = await switchgear("models")
        assert code == 0
        assert re.search(r"^n/best +named +demo-model +configured *$", out, re.MULTILINE)
        assert re.search(r"^all/demo-model +all +demo-model +upstream *$", out, re.MULTILINE)
        assert "demo-mini" not in out
        code, out, _ = await command("models", "--json")
        assert {"n/best", "all/demo-model"} <= {model["id"] for model in json.loads(out)["models"]}


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        pytest.param("n/best", 0, "its full name is n/best", id="listed"),
        pytest.param("all/demo-mini", 1, "excluded-models '*-mini'", id="excluded"),
        pytest.param("n/demo-model", 1, "under its alias n/best", id="by the upstream's name"),
        pytest.param("n/bset", 1, "near: n/best", id="misspelt"),
    ],
)
async def test_models_why(tmp_path: Path, name: str, code: int, words: str) -> None:
    async with FakeOpenAI(keys=[KEY, KEY + "-2"]) as fake:
        configure(tmp_path, fake)
        got, out, err = await command("models", "--why", name)
        assert got == code, err
        assert words in out


async def test_explain_gives_the_candidates_in_order(tmp_path: Path) -> None:
    async with FakeOpenAI(keys=[KEY, KEY + "-2"]) as fake:
        configure(tmp_path, fake)
        code, out, err = await switchgear("explain", "n/best", "--json")
        assert code == 0, err
        decision = json.loads(out)
        assert [(c["provider"], c["upstream_model"]) for c in decision["candidates"]] == [("named", "demo-model")] * 2
        assert {c["account"] for c in decision["candidates"]} >= {"spare"}
        assert KEY not in out
        code, out, _ = await command("explain", "best")
        assert (code, "best is n/best" in out) == (0, True)
        code, _, err = await command("explain", "nope")
        assert (code, "not served here" in err) == (1, True)


async def test_plugins_list() -> None:
    code, out, _ = await switchgear("plugins", "list", "--all")
    assert code == 0
    assert re.search(r"^openai-compatibility +active +switchgear ", out, re.MULTILINE)
    code, out, _ = await command("plugins", "list", "--json")
    (status,) = [p for p in json.loads(out)["plugins"] if p["name"] == "openai-compatibility"]
    assert status["state"] == "not configured"


async def test_a_wrong_file_stops_every_command_with_the_line(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("api-keys:\n  - sg-client-key-0123456789\nhots: 127.0.0.1\n")
    for said in (await command("models"), await switchgear("serve"), await command("config", "check")):
        code, _, err = said
        assert code == 1
        assert "config.yaml:3:1" in err
        assert "host" in err
        assert "Traceback" not in err


def test_the_demo_answers_its_own_curl_line(tmp_path: Path) -> None:
    """The printed command, run as printed, streamed and whole; then each practised fault."""
    command = [sys.executable, "-m", "switchgear", "serve", "--demo", "--port", "0"]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": tmp_path}
    with subprocess.Popen(command, **pipes) as process:
        try:
            assert process.stdout is not None
            printed = ""
            while "Stop with Ctrl-C" not in printed:
                line = process.stdout.readline()
                assert line, process.stderr.read() if process.stderr else ""
                printed += line
            curl = printed[printed.index("curl -N") :].partition("\n\n")[0]
            streamed = subprocess.run(
                ["bash", "-c", curl], capture_output=True, text=True, check=True, timeout=20
            ).stdout
            assert streamed.rstrip().endswith("data: [DONE]")
            plain = curl.replace('"stream": true', '"stream": false')
            whole = subprocess.run(["bash", "-c", plain], capture_output=True, text=True, check=True, timeout=20).stdout
            assert json.loads(whole)["choices"][0]["message"]["content"]
            found = re.search(r"(http\S+)/v1\s+API key\s+(\S+)", printed)
            assert found is not None
            statuses = {name: ask(found[1], found[2], name) for name in ("401", "429", "500", "slow")}
            assert statuses == {"401": 401, "429": 429, "500": 500, "slow": 200}
            assert (
                '"error"'
                in httpx2.post(
                    f"{found[1]}/v1/chat/completions",
                    json={"model": "demo-cut", "messages": [], "stream": True},
                    headers={"authorization": f"Bearer {found[2]}"},
                    trust_env=False,
                ).text
            )
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(10)
        assert process.returncode == 0
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
    assert list(tmp_path.iterdir()) == [], "the demo writes nothing"


def ask(url: str, key: str, fault: str) -> int:
    body = {"model": f"demo-{fault}", "messages": [{"role": "user", "content": "Hi"}]}
    headers = {"authorization": f"Bearer {key}"}
    return httpx2.post(
        f"{url}/v1/chat/completions", json=body, headers=headers, trust_env=False, timeout=30
    ).status_code
