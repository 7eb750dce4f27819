"""A task for a coding agent, and the upstream's part in it: look into a file, shout what it says, tell the person."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from switchgear.testing.openai_answers import Json
from tests.clients.scripted import saying, tool_results
from tests.clients.stack import Serving, Stack, ask

WORD, SHOUTED = "heliotrope", "HELIOTROPE"
SHOUT = "tr a-z A-Z < word.txt"
FINAL = "It says heliotrope, which is HELIOTROPE when shouted."
THOUGHT, SIGNATURE = "A file may know.", "c2lnbmVkIGJ5IGEgZmFrZQ=="


@dataclass(frozen=True)
class Work:
    """The folder the agent works in, and the gateway it asks."""

    folder: Path
    behind: Serving

    def run(self, text: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run this shell script as the client's user would."""
        done = ask(["sh", "-c", text], env, self.folder)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{self.log}"
        return done

    @property
    def log(self) -> str:
        """What the gateway wrote."""
        return self.behind.log


@dataclass(frozen=True)
class Task(Work):
    """The same, with the fake's part in it."""

    behind: Stack

    def script(self, *calls: Json) -> None:
        """Tell the fake to make these tool calls, one a turn, and then to give the answer."""
        asked = [saying("I shall look.", calls=[call], reasoning=THOUGHT, signature=SIGNATURE) for call in calls]
        for behaviour in [*asked, saying(FINAL)]:
            self.behind.fake.script(behaviour=behaviour, model="demo-model", times=1)

    @property
    def turns(self) -> list[Json]:
        """The bodies that came to the fake's main model, oldest first."""
        return [call.body for call in self.behind.fake.calls if call.model == "demo-model"]

    def results(self) -> Sequence[str]:
        """What the tools gave back, as the last turn told the fake."""
        return tool_results(self.turns[-1])

    def thoughts(self) -> list[Json]:
        """The reasoning that the last turn sent back."""
        said = [message for message in self.turns[-1]["messages"] if message["role"] == "assistant"]
        return [detail for message in said for detail in message.get("reasoning_details", ())]


def begun(folder: Path, behind: Stack) -> Task:
    """A task in a new folder that has nothing but the file."""
    return Task(workplace(folder), behind)


def workplace(folder: Path) -> Path:
    """A new folder below this one, with the file."""
    work = folder / "work"
    work.mkdir()
    (work / "word.txt").write_text(f"{WORD}\n")
    return work
