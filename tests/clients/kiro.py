"""A gateway over the fake of Kiro, with one account that is signed in, for clients that are programs of their own."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import time

from anyio.from_thread import start_blocking_portal

from switchgear_kiro.account import Credential
from switchgear_kiro.fake import FakeKiro
from switchgear_kiro.fake.asked import Asked, Said
from switchgear_kiro.fake.people import BUILDER_ID_URL
from switchgear_kiro.fake.streams import Json, Turn, plain, saying
from tests.clients.stack import Serving, gateway
from tests.stores import store

CHAT, SMALL = "claude-sonnet-4.6", "claude-haiku-4.5"
"""Kiro's names of ``kiro/chat``, which reasons, and of ``kiro/small``."""


@dataclass(frozen=True)
class KiroStack(Serving):
    """A gateway that serves, and the fake behind it."""

    fake: FakeKiro

    def script(self, *said: Said) -> None:
        """Let these be the next answers to ``kiro/chat``; what clients ask other models meanwhile changes nothing."""
        coming = deque(said)

        async def play(turn: Turn) -> None:
            self.fake.runtime.script(play)  # the next chat comes here, too
            mine = Asked.of(turn.body).model == CHAT and coming
            await (saying(coming.popleft()) if mine else plain)(turn)

        self.fake.runtime.script(play)

    @property
    def turns(self) -> list[Json]:
        """The bodies that came for ``kiro/chat``, oldest first."""
        bodies = [call.body for call in self.fake.runtime.calls]
        return [body for body in bodies if Asked.of(body).model == CHAT]


@contextmanager
def kiro_stack(folder: Path) -> Iterator[KiroStack]:
    """A Builder ID's account. Streams go in tiny pieces: frames, characters and arguments come apart."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(FakeKiro()) as fake:
        fake.runtime.chopped = True
        people = fake.sign_in.people
        tokens = people.issue(people.begin(people.user("ada", BUILDER_ID_URL)))
        signed_in = Credential("builder-id", tokens["accessToken"], tokens["refreshToken"], time() + 3600)
        store(folder / "auth", "kiro").write(signed_in.account())
        models = [{"name": CHAT, "alias": "chat"}, {"name": SMALL, "alias": "small"}]
        with gateway(folder, {"kiro": [{**fake.settings, "models": models}]}) as url:
            yield KiroStack(url, folder, fake)


def results_in(bodies: Iterable[Json]) -> list[str]:
    """What tools gave back, turn by turn."""
    return [text for body in bodies for text in Asked.of(body).results]


def signatures_in(body: Json) -> list[str]:
    """Of the reasoning that came back with a turn."""
    said = [entry.get("assistantResponseMessage", {}) for entry in body["conversationState"].get("history", ())]
    return [one["reasoningContent"]["reasoningText"]["signature"] for one in said if "reasoningContent" in one]
