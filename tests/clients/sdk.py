"""An SDK's script, run once against a stack; the tests look at what came of it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from switchgear.testing.openai_answers import Json
from tests.clients.scripted import saying
from tests.clients.stack import FAULTS, KEY, Serving, Stack, ask, loopback_only

THOUGHT, SIGNATURE, SAID = "Look up.", "c2lnbmVkIGJ5IGEgZmFrZQ==", "The sky is blue."
REFUSED = [*(fault for fault in FAULTS if fault != "cut"), "nope"]
"""The models whose errors a script reports, each whole and with ``-streamed`` behind its name."""


@dataclass(frozen=True)
class Outcome:
    """The script's report. ``prefix`` is the stack's that it used, ``log`` what the gateway wrote."""

    report: Mapping[str, Any]
    behind: Stack
    prefix: str
    log: str

    def __getitem__(self, name: str) -> Any:
        return self.report[name]

    def error(self, name: str) -> Mapping[str, Any]:
        """The report on an error; its ``classes`` are the exception's and its parents'."""
        found: Mapping[str, Any] = self.report["errors"][name]
        return found

    def thinker(self) -> list[Json]:
        """The bodies that came to the fake's model that thinks aloud."""
        return [call.body for call in self.behind.fake.calls if call.model == "thinker"]


def outcome(command: Sequence[str | Path], behind: Stack, prefix: str) -> Outcome:
    """Run the script with the stack's models of this prefix."""
    thinks = saying(SAID, reasoning=THOUGHT, signature=SIGNATURE)
    behind.fake.script(behaviour=thinks, model="thinker")
    done = run([*command, f"{prefix}/chat", f"{prefix}/thinker"], behind, json.dumps(REFUSED))
    return Outcome(json.loads(done.stdout), behind, prefix, behind.log)


def run(
    command: Sequence[str | Path], behind: Serving, text: str = "", folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program that uses an SDK, with the gateway in its environment."""
    with loopback_only(behind.folder) as env:
        anthropic = {"ANTHROPIC_BASE_URL": behind.url, "ANTHROPIC_API_KEY": KEY}
        openai = {"OPENAI_BASE_URL": behind.base_url, "OPENAI_API_KEY": KEY}
        done = ask(command, {**env, **anthropic, **openai}, folder or behind.folder, text)
    assert done.returncode == 0, done.stderr
    return done
