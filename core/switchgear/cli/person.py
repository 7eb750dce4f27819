"""The person's side of a sign-in: at a terminal, or a script that speaks JSON lines."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import click
import msgspec

from switchgear.cli.browser import Browser, has_display, is_for_this_machine, qr_code, shows_qr
from switchgear.cli.input_lines import InputLines
from switchgear.cli.tables import plain as plain
from switchgear.signin import Dialog, Event


class Person(Protocol):
    """Whoever the dialog is with."""

    async def converse(self) -> None:
        """Read the events and answer the questions, up to the last event."""


class Terminal:
    """A person at a terminal; without one, whatever stands at standard input and output.

    Args:
        provider: what the provider is called, for people.
        with_browser: a browser may be opened.
    """

    def __init__(self, dialog: Dialog, provider: str, *, with_browser: bool = True) -> None:
        self._dialog = dialog
        self._provider = plain(provider)
        self._with_browser = with_browser and has_display(os.environ)
        self._browser = Browser()
        self._lines = InputLines()
        self._one_at_a_time = asyncio.Lock()
        self._questions: dict[int, asyncio.Task[None]] = {}
        self._said = ""

    async def converse(self) -> None:
        """See :class:`Person`."""
        seen = 0
        try:
            while not self._dialog.over or seen < len(self._dialog.events):
                for event in await self._dialog.after(seen):
                    seen += 1
                    await self._take(event)
        finally:
            for question in list(self._questions.values()):
                await _stop(question)
            await self._browser.aclose()

    async def _take(self, event: Event) -> None:
        match event["event"]:
            case "notice":
                click.echo(plain(event["text"]))
            case "show":
                await self._show(event["url"], event["code"])
            case "ask" | "choose":
                self._questions[event["id"]] = asyncio.create_task(self._ask(event))
            case "answered":
                question = self._questions.pop(event["id"], None)
                if question is not None:
                    await _stop(question)
            case "progress":
                if event["text"] != self._said:
                    click.echo(plain(event["text"]))
                self._said = event["text"]
            case "check":
                click.echo(f"  {'ok    ' if event['ok'] else 'FAILED'}  {event['name']}: {plain(event['detail'])}")

    async def _show(self, url: str, code: str | None) -> None:
        address = plain(url)
        if shows_qr(os.environ, sys.stdout.encoding, terminal=sys.stdout.isatty()) and not is_for_this_machine(url):
            drawn = qr_code(url)
            if drawn is not None:
                click.echo(f"\n{drawn}")
        click.echo(f"\nOpen this address to sign in to {self._provider}:\n\n{address}\n")
        if code is not None:
            click.echo(f"and enter this code:\n\n    {click.style(plain(code), bold=True)}\n")
        if self._with_browser:
            click.echo(f"Opening it in the browser, to sign in to {self._provider}.")
            await self._browser.open(url)

    async def _ask(self, event: Event) -> None:
        number: int = event["id"]
        async with self._one_at_a_time:
            if self._lines.ended:
                self._dialog.leave()
                return
            for position, choice in enumerate(event.get("choices", ()), 1):
                click.echo(f"  {position}  {plain(choice)}")
            hidden = event.get("secret", False)
            shown = " (not shown)" if hidden and self._lines.is_terminal else ""
            question = f"{plain(event['question'])}{shown}: "
            typed_end = False
            try:
                answer = await self._lines.line(hidden=hidden, ask=lambda: click.echo(question, nl=False))
                typed_end = answer is not None and self._lines.is_terminal and not hidden
            finally:
                if not typed_end:
                    click.echo()
        if answer is None:
            self._dialog.leave()
        else:
            self._dialog.answer(number, answer)


class Script:
    """A program: each event is a line of JSON on standard output, each answer one on standard input.

    Args:
        give_up: what ``{"cancel": true}`` does.
    """

    def __init__(self, dialog: Dialog, give_up: Callable[[], object]) -> None:
        self._dialog = dialog
        self._give_up = give_up
        self._lines = InputLines()

    async def converse(self) -> None:
        """See :class:`Person`."""
        listening = asyncio.create_task(self._listen())
        seen = 0
        try:
            while not self._dialog.over or seen < len(self._dialog.events):
                for event in await self._dialog.after(seen):
                    seen += 1
                    print_event(event)
        finally:
            await _stop(listening)

    async def _listen(self) -> None:
        while (line := await self._lines.line()) is not None:
            if line.strip():
                problem = self._take(line)
                if problem:
                    print_event({"event": "error", "message": problem})
        self._dialog.leave()

    def _take(self, line: str) -> str:
        """Do what a line says; gives what is wrong with it, empty when nothing is."""
        try:
            said = msgspec.json.decode(line)
        except (msgspec.DecodeError, RecursionError):
            said = None
        match said:
            case {"cancel": True} if len(said) == 1:
                self._give_up()
            case {"id": int(number), "answer": str(answer)} if len(said) == 2 and not isinstance(number, bool):
                if not self._dialog.answer(number, answer):
                    return f"question {number} does not wait for an answer"
            case _:
                return 'a line is {"id": NUMBER, "answer": "TEXT"} or {"cancel": true}'
        return ""


def print_event(event: Event) -> None:
    """One event as one line."""
    click.echo(msgspec.json.encode(event))


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
