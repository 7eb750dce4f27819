"""A person at a sign-in dialog, for tests."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from switchgear import LoginCancelled


class Person:
    """Answers what it was told to, in order; with nothing left to say it waits, as somebody at a browser does.

    Attributes:
        shown: the addresses and codes it saw.
        asked: the questions, in order.
        heard: what was said about the progress.
    """

    def __init__(self, *answers: str | None, method: str = "browser", label: str | None = None) -> None:
        self.method = method
        self.label = label
        self._answers = list(answers)
        self.shown: list[tuple[str, str | None]] = []
        self.asked: list[str] = []
        self.heard: list[str] = []
        self.saw = asyncio.Event()

    async def show(self, url: str, code: str | None = None) -> None:
        self.shown.append((url, code))
        self.saw.set()

    async def ask(self, question: str, *, secret: bool = False) -> str:
        self.asked.append(question)
        if not self._answers:
            await asyncio.Event().wait()
        answer = self._answers.pop(0)
        if answer is None:
            raise LoginCancelled("gave up")
        return answer

    async def choose(self, question: str, choices: Sequence[str]) -> int:
        return list(choices).index(await self.ask(question))

    async def progress(self, text: str) -> None:
        self.heard.append(text)
