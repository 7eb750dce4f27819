"""Codex does a task with shell commands, set up as docs/clients.md says, and reaches nothing but the gateway."""

from __future__ import annotations

import subprocess
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from switchgear.testing.openai_answers import Json
from tests.clients.installs import npm_client
from tests.clients.outside import watched
from tests.clients.page import blocks, filled, script
from tests.clients.scripted import calling
from tests.clients.stack import KEY, ask, stack
from tests.clients.task import FINAL, SHOUT, SHOUTED, SIGNATURE, Task, begun


@pytest.fixture(scope="module")
def commands() -> str:
    """The folder of the command ``codex``."""
    return str(npm_client("@openai/codex") / "node_modules" / ".bin")


@contextmanager
def ready(folder: Path, commands: str, prefix: str = "f") -> Iterator[tuple[Task, dict[str, str]]]:
    """A task, and the environment of a person who has the page's configuration."""
    with stack(folder, native=prefix == "n") as behind, watched(folder) as env:
        (config,) = blocks("Codex", "toml")
        home = Path(env["HOME"]) / ".codex"
        home.mkdir()
        (home / "config.toml").write_text(filled(config, behind, prefix))
        yield begun(folder, behind), {**env, "PATH": f"{commands}:{env['PATH']}"}


def run(task: Task, env: dict[str, str], prefix: str, *calls: Json) -> subprocess.CompletedProcess[str]:
    task.script(*calls)
    text = script("Codex", task.behind, prefix)
    if ask(["codex", "sandbox", "--", "true"], env, task.folder).returncode:
        text = text.replace("workspace-write", "danger-full-access")  # a container may have no right to a sandbox
    return task.run(text, env)


@pytest.mark.parametrize("prefix", [pytest.param("f", id="converted"), pytest.param("n", id="passed through")])
def test_it_does_a_task(commands: str, tmp_path: Path, prefix: str) -> None:
    with ready(tmp_path, commands, prefix) as (task, env):
        shout = calling("exec_command", cmd=SHOUT)
        keep = calling("exec_command", "call_fake_1", cmd=f"{SHOUT} > shouted.txt")
        done = run(task, env, prefix, shout, keep)
        assert done.stdout.strip() == FINAL
        assert len(task.turns) == 3
        assert all(turn["stream"] is True for turn in task.turns)
        assert SHOUTED in task.results()[0]
        assert (task.folder / "shouted.txt").read_text().strip() == SHOUTED
        assert [detail["signature"] for detail in task.thoughts()] == [SIGNATURE, SIGNATURE]
        assert KEY not in task.log


def test_a_tool_of_a_namespace_is_called(commands: str, tmp_path: Path) -> None:
    with ready(tmp_path, commands) as (task, env):
        run(task, env, "f", calling("multi_agent_v1__close_agent", target="nobody"))
        names = [tool["function"]["name"] for tool in task.turns[0]["tools"]]
        assert "multi_agent_v1__close_agent" in names
        (said,) = task.results()
        assert "unsupported" not in said, "Codex knows the call as one of its own"
        assert "nobody" in said


def test_the_pages_file_asks_for_reasoning(commands: str, tmp_path: Path) -> None:
    (config,) = blocks("Codex", "toml")
    with ready(tmp_path, commands) as (task, env):
        run(task, env, "f", calling("exec_command", cmd="true"))
        assert task.turns[0]["reasoning_effort"] == tomllib.loads(config)["model_reasoning_effort"]


def test_an_error_is_shown_as_the_gateway_says_it(commands: str, tmp_path: Path) -> None:
    with ready(tmp_path, commands) as (task, env):
        text = (
            script("Codex", task.behind).replace("codex exec", "codex exec --model f/chatt").replace("set -e", "set +e")
        )
        done = task.run(f"{text}\ntrue", env)
        assert "'f/chatt' is not served here" in done.stderr
