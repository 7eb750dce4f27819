"""A gateway over the fake of Cursor, with one key configured, for clients that are programs of their own."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anyio.from_thread import start_blocking_portal

from switchgear_cursor.fake import FakeCursor
from switchgear_cursor.fake.agent_answers import Answer, begun, give, plain
from switchgear_cursor.fake.agent_run import Run
from switchgear_cursor.fake.lists import COMPOSER, THINKER
from tests.clients.stack import Serving, gateway

CHAT, SMALL = THINKER, COMPOSER
"""Cursor's names of ``cursor/chat`` and of ``cursor/small``."""


def calling(tool: str, **given: Any) -> tuple[str, Mapping[str, Any]]:
    """A call of a tool, by the client's own name for it."""
    return tool, given


@dataclass(frozen=True)
class CursorStack(Serving):
    """A gateway that serves, and the fake behind it."""

    fake: FakeCursor

    def script(self, *said: Answer) -> None:
        """Let these be the next answers to ``cursor/chat``; what clients ask other models meanwhile changes nothing."""
        coming = deque(said)

        async def play(run: Run) -> None:
            if run.asked.model != CHAT or not coming:
                await plain(run)
                return
            prompt, answer = await begun(run), coming.popleft()
            calls = [(name if name in run.asked.tools else f"{name}_tool", given) for name, given in answer.calls]
            await give(run, prompt, Answer(answer.text, calls, answer.thought))

        self.fake.agent.otherwise = play

    @property
    def turns(self) -> list[Run]:
        """The runs of ``cursor/chat``, oldest first."""
        return [run for run in self.fake.agent.runs if run.asked.model == CHAT]

    def results(self) -> list[str]:
        """What tools gave back, as the last turn told the fake. A client may say more behind a result."""
        told = self.turns[-1].told
        assert told is not None
        return [
            str(part["result"]) for message in told.messages if message["role"] == "tool" for part in message["content"]
        ]


@contextmanager
def cursor_stack(folder: Path) -> Iterator[CursorStack]:
    """Ada's key. What the agent says goes in pieces cut anywhere, and packed now and then."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(FakeCursor()) as fake:
        models = [{"name": CHAT, "alias": "chat"}, {"name": SMALL, "alias": "small"}]
        block = {**fake.settings, "models": models, "api-keys": [fake.services.people.api_key("ada")]}
        with gateway(folder, {"cursor": [block]}) as url:
            yield CursorStack(url, folder, fake)
