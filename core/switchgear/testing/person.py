"""A person who signs in, played by a script."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from switchgear.errors import LoginCancelled

PASTE_BACK = "If the browser is on another machine"
"""What the question of a browser sign-in begins with that is left open while the browser comes by itself."""

Visit = Callable[[str, str | None], Awaitable[None]]
"""Opens an address, with the code that was shown beside it."""
Answer = Callable[[str], str]
"""What is typed when a question is asked; empty to leave it open."""


@dataclass(slots=True)
class Shown:
    """One step of the dialog: ``kind`` is ``show``, ``ask``, ``choose`` or ``progress``, ``text`` what was said."""

    kind: str
    text: str
    code: str | None = None
    choices: tuple[str, ...] = ()


@dataclass(slots=True)
class Person:
    """Plays the dialog of a sign-in: a :class:`~switchgear.dialog.Login`, for tests.

    Use it as an ``async with`` block around the sign-in: what the browser does goes on beside it, and ends with it.

    Attributes:
        method: the sign-in method that was chosen.
        visit: what the browser does with an address; ``None`` to look at it and do nothing.
        answer: what is typed.
        label: what the account is to be called.
        cancel_at: gives up at this step, counted from 1: a question is cancelled, and anything else is Ctrl-C, which
            cancels the sign-in's task.
        steps: what was said so far.
        problem: what went wrong in the browser, which ends the sign-in; ``None`` for nothing.
    """

    method: str
    visit: Visit | None = None
    answer: Answer = lambda question: ""
    label: str | None = None
    cancel_at: int | None = None
    steps: list[Shown] = field(default_factory=list)
    problem: Exception | None = None
    _context: contextvars.Context = field(default_factory=contextvars.copy_context)
    _visits: list[asyncio.Task[None]] = field(default_factory=list)
    _signing_in: asyncio.Task[object] | None = None

    async def __aenter__(self) -> Person:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        for visit in self._visits:
            if kind is not None:
                visit.cancel()
            with suppress(asyncio.CancelledError):
                await visit
        if kind is None and self.problem is not None:
            raise self.problem

    def leave(self) -> None:
        """Ctrl-C, at any time after the first step: the sign-in's task is cancelled."""
        if self._signing_in is not None:
            self._signing_in.cancel()

    @property
    def gave_up(self) -> bool:
        """Whether the step was reached at which the person gives up."""
        return self.cancel_at is not None and len(self.steps) >= self.cancel_at

    async def show(self, url: str, code: str | None = None) -> None:
        """See :class:`~switchgear.dialog.Login`: the browser opens the address."""
        await self._step(Shown("show", url, code))
        if self.visit is not None:
            self._visits.append(asyncio.create_task(self._browse(self.visit, url, code), context=self._context))

    async def ask(self, question: str, *, secret: bool = False) -> str:
        """See :class:`~switchgear.dialog.Login`."""
        await self._step(Shown("ask", question))
        text = "" if question.startswith(PASTE_BACK) else self.answer(question)
        if not text:
            await asyncio.Event().wait()  # until the sign-in needs no answer any more
        return text

    async def choose(self, question: str, choices: Sequence[str]) -> int:
        """See :class:`~switchgear.dialog.Login`: what is typed is a choice, or its number from 1; else the first."""
        await self._step(Shown("choose", question, choices=tuple(choices)))
        text = self.answer(question)
        if text in choices:
            return list(choices).index(text)
        return int(text) - 1 if text.isdecimal() and 1 <= int(text) <= len(choices) else 0

    async def progress(self, text: str) -> None:
        """See :class:`~switchgear.dialog.Login`."""
        await self._step(Shown("progress", text))

    async def _browse(self, visit: Visit, url: str, code: str | None) -> None:
        try:
            await visit(url, code)
        except Exception as error:
            self.problem = error
            self.leave()  # else it would wait for a browser that does not come

    async def _step(self, step: Shown) -> None:
        self.steps.append(step)
        self._signing_in = self._signing_in or asyncio.current_task()
        if len(self.steps) != self.cancel_at:
            return
        if step.kind in {"ask", "choose"}:
            raise LoginCancelled("the person gave up")
        self.leave()
        await asyncio.sleep(0)  # where the cancellation arrives
