"""Claude Code does a task with two tools, set up as docs/clients.md says, and reaches nothing but the gateway."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clients.installs import npm_client
from tests.clients.outside import watched
from tests.clients.page import script
from tests.clients.scripted import calling
from tests.clients.stack import KEY, stack
from tests.clients.task import FINAL, SHOUT, SHOUTED, SIGNATURE, THOUGHT, WORD, Task, begun


@pytest.fixture(scope="module")
def commands() -> str:
    """The folder of the command ``claude``."""
    return str(npm_client("@anthropic-ai/claude-code") / "node_modules" / ".bin")


def run(task: Task, commands: str, text: str) -> str:
    task.script(calling("Read", file_path=str(task.folder / "word.txt")), calling("Bash", "call_fake_1", command=SHOUT))
    with watched(task.behind.folder) as env:
        return task.run(text, {**env, "PATH": f"{commands}:{env['PATH']}"}).stdout


@pytest.mark.parametrize("key", ["ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY"])
@pytest.mark.parametrize("prefix", [pytest.param("f", id="converted"), pytest.param("n", id="passed through")])
def test_it_does_a_task(commands: str, tmp_path: Path, prefix: str, key: str) -> None:
    with stack(tmp_path, native=True) as behind:
        task = begun(tmp_path, behind)
        said = run(task, commands, script("Claude Code", behind, prefix).replace("ANTHROPIC_AUTH_TOKEN", key))
        assert said.strip() == FINAL
        assert len(task.turns) == 3
        assert all(turn["stream"] is True for turn in task.turns)
        read, shouted = task.results()
        assert WORD in read
        assert shouted.strip() == SHOUTED
        assert KEY not in task.log


@pytest.mark.parametrize("prefix", [pytest.param("f", id="converted"), pytest.param("n", id="passed through")])
def test_thinking_is_sent_back(commands: str, tmp_path: Path, prefix: str) -> None:
    with stack(tmp_path, native=True) as behind:
        task = begun(tmp_path, behind)
        run(task, commands, script("Claude Code", behind, prefix))
        found = [(detail["text"], detail["signature"]) for detail in task.thoughts()]
        assert found == [(THOUGHT, SIGNATURE)] * 2


def test_a_system_message_in_the_middle_stays_where_it_was(commands: str, tmp_path: Path) -> None:
    with stack(tmp_path) as behind:
        task = begun(tmp_path, behind)
        run(task, commands, script("Claude Code", behind))
        roles = [message["role"] for message in task.turns[0]["messages"]]
        assert roles == ["system", "user", "system"]


def test_its_variables_reach_the_upstream(commands: str, tmp_path: Path) -> None:
    with stack(tmp_path) as behind:
        task = begun(tmp_path, behind)
        more = "export CLAUDE_CODE_MAX_OUTPUT_TOKENS=8192 CLAUDE_CODE_ATTRIBUTION_HEADER=0\n"
        run(task, commands, more + script("Claude Code", behind))
        assert task.turns[0]["max_tokens"] == 8192
        assert "billing" not in task.turns[0]["messages"][0]["content"][:200]


def test_an_error_is_shown_as_the_gateway_says_it(commands: str, tmp_path: Path) -> None:
    with stack(tmp_path) as behind, watched(tmp_path) as env:
        task = begun(tmp_path, behind)
        text = script("Claude Code", behind).replace("f/chat", "f/chatt").replace("set -e", "set +e")
        done = task.run(f"{text}\ntrue", {**env, "PATH": f"{commands}:{env['PATH']}"})
        assert "f/chatt" in done.stdout + done.stderr
        assert not behind.fake.calls
