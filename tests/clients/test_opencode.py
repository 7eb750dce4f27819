"""opencode does a task with two tools in each dialect it has, set up as docs/clients.md says, from nothing but the gateway."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.clients.installs import npm_client
from tests.clients.outside import watched
from tests.clients.page import blocks, filled, script
from tests.clients.scripted import calling
from tests.clients.stack import KEY, Stack, stack
from tests.clients.task import FINAL, SHOUT, SHOUTED, WORD, begun

CHAT = "@ai-sdk/openai-compatible"
ROUTES = {CHAT: "/v1/chat/completions", "@ai-sdk/openai": "/v1/responses", "@ai-sdk/anthropic": "/v1/messages"}


@pytest.fixture(scope="module")
def commands() -> str:
    """The folder of the command ``opencode``."""
    return str(npm_client("opencode-ai") / "node_modules" / ".bin")


def config_of_the_page(behind: Stack, prefix: str, package: str) -> str:
    (config,) = blocks("opencode", "json")
    assert CHAT in config
    return filled(config.replace(CHAT, package), behind, prefix)


@pytest.mark.parametrize(
    ("package", "prefix"),
    [
        pytest.param(CHAT, "f", id="chat"),
        pytest.param("@ai-sdk/openai", "f", id="responses, converted"),
        pytest.param("@ai-sdk/openai", "n", id="responses, passed through"),
        pytest.param("@ai-sdk/anthropic", "f", id="messages, converted"),
        pytest.param("@ai-sdk/anthropic", "n", id="messages, passed through"),
    ],
)
def test_it_does_a_task(commands: str, tmp_path: Path, package: str, prefix: str) -> None:
    with stack(tmp_path, native=prefix == "n") as behind, watched(tmp_path) as env:
        task = begun(tmp_path, behind)
        (task.folder / "opencode.json").write_text(config_of_the_page(behind, prefix, package))
        task.script(
            calling("read", filePath=str(task.folder / "word.txt")),
            calling("bash", "call_fake_1", command=SHOUT, description="Shout"),
        )
        # It looks for its plugins' types in npm's registry at each start, and says no more than a warning without.
        quiet = {"npm_config_offline": "true", "PATH": f"{commands}:{env['PATH']}"}
        done = task.run(script("opencode", behind, prefix), {**env, **quiet})
        assert FINAL in done.stdout
        assert len(task.turns) == 3
        assert all(turn["stream"] is True for turn in task.turns)
        read, shouted = task.results()
        assert WORD in read
        assert shouted.strip() == SHOUTED
        lines = [json.loads(line) for line in task.log.splitlines() if line.startswith("{")]
        routes = [line["route"] for line in lines if line["event"] == "request" and line["model"] == f"{prefix}/chat"]
        assert routes == [ROUTES[package]] * 3
        assert "demo-mini" in [call.model for call in behind.fake.calls], "the title is the small model's work"
        assert KEY not in task.log
