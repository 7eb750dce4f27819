"""Claude Code, Codex and the SDKs do a task with tools over the cursor plugin and its fake, each in its own dialect."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from switchgear_cursor.fake.agent_answers import THOUGHT, Answer
from tests.clients.cursor import CursorStack, calling, cursor_stack
from tests.clients.installs import npm_client, python_client
from tests.clients.outside import watched
from tests.clients.page import blocks, filled, script
from tests.clients.sdk import run
from tests.clients.stack import KEY, ask
from tests.clients.task import FINAL, SHOUT, SHOUTED, WORD, Work, workplace

HERE = Path(__file__).parent


def asks_for(tool: str, **given: Any) -> Answer:
    """An answer that thinks, speaks and calls a tool."""
    return Answer("I shall look: \u2603.", [calling(tool, **given)], THOUGHT)


@pytest.fixture
def behind(tmp_path: Path) -> Iterator[CursorStack]:
    """What no client of the service's should send is raised at the end."""
    with cursor_stack(tmp_path) as found:
        yield found
        said = found.log
        assert not [secret for secret in (KEY, *found.fake.secrets()) if secret in said]


def test_claude_code_does_a_task(behind: CursorStack, tmp_path: Path) -> None:
    commands = npm_client("@anthropic-ai/claude-code") / "node_modules" / ".bin"
    task = Work(workplace(tmp_path), behind)
    read, shout = asks_for("Read", file_path=str(task.folder / "word.txt")), asks_for("Bash", command=SHOUT)
    behind.script(read, shout, Answer(FINAL))
    with watched(tmp_path) as env:
        done = task.run(script("Claude Code", behind, "cursor"), {**env, "PATH": f"{commands}:{env['PATH']}"})
    assert done.stdout.strip() == FINAL
    assert len(behind.turns) == 3
    word, shouted = behind.results()
    assert WORD in word
    assert shouted.strip() == SHOUTED


def test_codex_does_a_task(behind: CursorStack, tmp_path: Path) -> None:
    commands = npm_client("@openai/codex") / "node_modules" / ".bin"
    task = Work(workplace(tmp_path), behind)
    keep = asks_for("exec_command", cmd=f"{SHOUT} > shouted.txt")
    behind.script(asks_for("exec_command", cmd=SHOUT), keep, Answer(FINAL))
    (config,) = blocks("Codex", "toml")
    with watched(tmp_path) as env:
        home = Path(env["HOME"]) / ".codex"
        home.mkdir()
        (home / "config.toml").write_text(filled(config, behind, "cursor"))
        env = {**env, "PATH": f"{commands}:{env['PATH']}"}
        text = script("Codex", behind, "cursor")
        if ask(["codex", "sandbox", "--", "true"], env, task.folder).returncode:
            text = text.replace("workspace-write", "danger-full-access")  # a container may have no right to a sandbox
        done = task.run(text, env)
    assert done.stdout.strip() == FINAL
    assert len(behind.turns) == 3
    assert SHOUTED in behind.results()[0]
    assert (task.folder / "shouted.txt").read_text().strip() == SHOUTED


# -- SDKs ------------------------------------------------------------------------------------------------------


CALLED = [["weather", {"city": "text"}]]


def report(command: list[str | Path], behind: CursorStack) -> Mapping[str, Any]:
    """What an SDK's script says of all that it did."""
    done = run([*command, "cursor/small", "cursor/chat"], behind, json.dumps([]))
    found: Mapping[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("package", ["python", "npm"])
def test_openais_sdk_by_chat_and_responses(behind: CursorStack, package: str) -> None:
    python: list[str | Path] = [python_client("openai", "openai") / "python", HERE / "openai_client.py"]
    npm: list[str | Path] = ["node", HERE / "openai_responses_client.mjs", npm_client("openai")]
    found = report(npm if package == "npm" else python, behind)
    for name in ("chat_loop", "tool_loop", "streamed_tool_loop", "remembered_tool_loop"):
        assert found[name] == {"called": CALLED, "text": "The tool said: sunny"}, name
    assert "".join(found["stream"]) == found["stream_final"] == "You said: Hello"
    assert len(found["stream"]) > 2
    assert found["usage"]["total_tokens"] == found["usage"]["input_tokens"] + found["usage"]["output_tokens"] > 0
    assert found["reasoning"]["summary"] == [THOUGHT]
    assert found["second"]["text"] == "You said: And this?"


@pytest.mark.parametrize("package", ["python", "npm"])
def test_anthropics_sdk(behind: CursorStack, package: str) -> None:
    python: list[str | Path] = [python_client("anthropic", "anthropic") / "python", HERE / "anthropic_client.py"]
    npm: list[str | Path] = ["node", HERE / "anthropic_client.mjs", npm_client("@anthropic-ai/sdk")]
    found = report(npm if package == "npm" else python, behind)
    for name in ("tool_loop", "streamed_tool_loop"):
        assert found[name] == {"called": CALLED, "text": "The tool said: sunny", "stop": "end_turn"}, name
    for name in ("runner", "streamed_runner"):
        assert found[name] == {"asked": ["text"], "text": "The tool said: sunny"}, name
    assert "".join(found["stream"]) == found["stream_final"] == "You said: Hello"
    assert found["usage"]["input_tokens"] > 0
    for form in ("streamed", "whole"):
        thinking, text = found["thinking"][form]
        assert (thinking["thinking"], text["text"]) == (THOUGHT, "You said: Think")
    assert {"cursor/chat", "cursor/small"} <= set(found["models"])
