"""aider edits a file through the gateway, set up as docs/clients.md says, and reaches nothing but loopback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.clients.installs import python_client
from tests.clients.scripted import saying
from tests.clients.stack import KEY, ask, loopback_only, stack

EDITED = 'def greet():\n\tname = "w\u00f6rld \u2713"   \n\n\n    # four spaces, then a tab:\t.\n  \n\treturn  f"Hello,  {name}"\n'
METADATA = {"max_input_tokens": 100_000, "max_output_tokens": 8_000, "input_cost_per_token": 0.0}
SETTINGS = {**METADATA, "output_cost_per_token": 0.0, "litellm_provider": "openai", "mode": "chat"}


@pytest.fixture(scope="module")
def aider() -> Path:
    return python_client("aider", "aider-chat") / "aider"


@pytest.mark.parametrize("form", ["--stream", "--no-stream"])
def test_it_edits_a_file(aider: Path, tmp_path: Path, form: str) -> None:
    work = tmp_path / "work"
    work.mkdir()
    target = work / "greet.py"
    target.write_text("def greet():\n    pass\n")
    (work / ".aider.model.metadata.json").write_text(json.dumps({"openai/f/chat": SETTINGS}))
    with stack(tmp_path) as behind, loopback_only(tmp_path) as env:
        behind.fake.script(behaviour=saying(f"I shall greet.\n\ngreet.py\n```\n{EDITED}```\n"), model="demo-model")
        done = ask(
            [
                *(aider, "--openai-api-base", behind.base_url, "--openai-api-key", KEY),
                *("--model", "openai/f/chat", "--edit-format", "whole", form),
                *("--analytics-disable", "--no-check-update", "--no-show-release-notes", "--no-detect-urls"),
                *("--yes-always", "--no-git"),
                *("--message", "Greet the world.", "greet.py"),
            ],
            {**env, "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
            work,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert target.read_text() == EDITED, done.stdout + done.stderr
        assert behind.fake.calls[-1].body.get("stream", False) is (form == "--stream")
        assert "Greet the world." in json.dumps(behind.fake.calls[-1].body["messages"])
