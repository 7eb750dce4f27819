"""Claude Code, Codex and the SDKs do a task with tools over the kiro plugin and its fake: Messages, Responses and Chat."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from switchgear_kiro.fake.asked import THOUGHT, Said
from tests.clients.installs import npm_client, python_client
from tests.clients.kiro import KiroStack, kiro_stack, results_in, signatures_in
from tests.clients.outside import watched
from tests.clients.page import blocks, filled, script
from tests.clients.sdk import run
from tests.clients.stack import KEY, ask
from tests.clients.task import FINAL, SHOUT, SHOUTED, WORD, Work, workplace

HERE = Path(__file__).parent
LOOK = "I shall look: \u2603."


def asks_for(tool: str, **given: Any) -> Said:
    """An answer that thinks, speaks and calls a tool."""
    return Said([LOOK], THOUGHT, "*", calls=[(tool, given)])


@pytest.fixture
def behind(tmp_path: Path) -> Iterator[KiroStack]:
    with kiro_stack(tmp_path) as found:
        yield found
        assert found.fake.runtime.refused == [], "nothing that Kiro would not take is sent to it"
        said = found.log
        assert not [secret for secret in (KEY, *found.fake.secrets()) if secret in said]


# -- agents ----------------------------------------------------------------------------------------------------


def test_claude_code_does_a_task(behind: KiroStack, tmp_path: Path) -> None:
    commands = npm_client("@anthropic-ai/claude-code") / "node_modules" / ".bin"
    task = Work(workplace(tmp_path), behind)
    read, shout = asks_for("Read", file_path=str(task.folder / "word.txt")), asks_for("Bash", command=SHOUT)
    behind.script(read, shout, Said([FINAL]))
    with watched(tmp_path) as env:
        done = task.run(script("Claude Code", behind, "kiro"), {**env, "PATH": f"{commands}:{env['PATH']}"})
    assert done.stdout.strip() == FINAL
    assert len(behind.turns) == 3
    word, shouted = results_in(behind.turns)
    assert WORD in word
    assert shouted.strip() == SHOUTED
    assert_its_reasoning_came_back(behind, 2)


def test_codex_does_a_task(behind: KiroStack, tmp_path: Path) -> None:
    commands = npm_client("@openai/codex") / "node_modules" / ".bin"
    task = Work(workplace(tmp_path), behind)
    keep = asks_for("exec_command", cmd=f"{SHOUT} > shouted.txt")
    behind.script(asks_for("exec_command", cmd=SHOUT), keep, Said([FINAL]))
    (config,) = blocks("Codex", "toml")
    with watched(tmp_path) as env:
        home = Path(env["HOME"]) / ".codex"
        home.mkdir()
        (home / "config.toml").write_text(filled(config, behind, "kiro"))
        env = {**env, "PATH": f"{commands}:{env['PATH']}"}
        text = script("Codex", behind, "kiro")
        if ask(["codex", "sandbox", "--", "true"], env, task.folder).returncode:
            text = text.replace("workspace-write", "danger-full-access")  # a container may have no right to a sandbox
        done = task.run(text, env)
    assert done.stdout.strip() == FINAL
    assert len(behind.turns) == 3
    assert SHOUTED in results_in(behind.turns)[0]
    assert (task.folder / "shouted.txt").read_text().strip() == SHOUTED
    assert_its_reasoning_came_back(behind, 2)


def assert_its_reasoning_came_back(behind: KiroStack, times: int) -> None:
    """With the signatures that the service gave, through the client."""
    found = signatures_in(behind.turns[-1])
    assert len(found) == times
    assert set(found) <= behind.fake.runtime.signatures


# -- SDKs ------------------------------------------------------------------------------------------------------


def report(command: list[str | Path], behind: KiroStack) -> Mapping[str, Any]:
    """What an SDK's script says of all that it did."""
    done = run([*command, "kiro/small", "kiro/chat"], behind, json.dumps([]))
    found: Mapping[str, Any] = json.loads(done.stdout)
    return found


CALLED = [["weather", {"city": "text"}]]


@pytest.mark.parametrize("package", ["python", "npm"])
def test_openais_sdk_by_chat_and_responses(behind: KiroStack, package: str) -> None:
    found = report(openai(package), behind)
    for name in ("chat_loop", "tool_loop", "streamed_tool_loop", "remembered_tool_loop"):
        assert found[name] == {"called": CALLED, "text": "The tool said: sunny"}, name
    assert "".join(found["stream"]) == found["stream_final"] == "You said: Hello"
    assert len(found["stream"]) > 2
    assert found["usage"]["total_tokens"] == found["usage"]["input_tokens"] + found["usage"]["output_tokens"] > 0
    assert found["reasoning"]["types"] == ["reasoning", "message"]
    assert found["reasoning"]["summary"] == [THOUGHT]
    assert found["second"]["text"] == "You said: And this?"
    assert_its_reasoning_came_back(behind, 1)


def openai(package: str) -> list[str | Path]:
    if package == "npm":
        return ["node", HERE / "openai_responses_client.mjs", npm_client("openai")]
    return [python_client("openai", "openai") / "python", HERE / "openai_client.py"]


@pytest.mark.parametrize("package", ["python", "npm"])
def test_anthropics_sdk(behind: KiroStack, package: str) -> None:
    found = report(anthropic(package), behind)
    for name in ("tool_loop", "streamed_tool_loop"):
        assert found[name] == {"called": CALLED, "text": "The tool said: sunny", "stop": "end_turn"}, name
    for name in ("runner", "streamed_runner"):
        assert found[name] == {"asked": ["text"], "text": "The tool said: sunny"}, name
    assert "".join(found["stream"]) == found["stream_final"] == "You said: Hello"
    assert found["usage"]["input_tokens"] > 0
    for form in ("streamed", "whole"):
        thinking, text = found["thinking"][form]
        assert (thinking["thinking"], text["text"]) == (THOUGHT, "You said: Think")
        assert thinking["signature"]
    assert_its_reasoning_came_back(behind, 1)
    assert {"kiro/chat", "kiro/small"} <= set(found["models"])


def anthropic(package: str) -> list[str | Path]:
    if package == "npm":
        return ["node", HERE / "anthropic_client.mjs", npm_client("@anthropic-ai/sdk")]
    return [python_client("anthropic", "anthropic") / "python", HERE / "anthropic_client.py"]
