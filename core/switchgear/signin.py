"""Signing an account in: the dialog as a list of events, the plugin's part, and the checks afterwards.

A terminal, a script and a page play the same dialog: each reads the events and answers the questions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from switchgear.accounts import Entry
from switchgear.assembly import Runtime, Service
from switchgear.authfile import refreshed_now
from switchgear.canary import canary
from switchgear.errors import AuthFileError, LoginCancelled, LoginFailed, NobodyAnswers, SwitchgearError
from switchgear.secret import Secret, redact
from switchgear.types import Account

Event = dict[str, Any]
"""``event`` is one of ``notice``, ``show``, ``ask``, ``choose``, ``answered``, ``progress``, ``check``, ``done``,
``failed``; the rest depends on it. No event holds a secret."""
LAST = frozenset({"done", "failed"})
SHOWN_MODELS = 5
SIGNED_IN = "signed in"

log = structlog.get_logger("switchgear.signin")


class Dialog:
    """One sign-in's :class:`~switchgear.dialog.Login`. What is said becomes an event; a question waits for its answer.

    Attributes:
        events: everything so far; it only grows, and ends with a ``done`` or a ``failed``.
        saved: the account, once it is saved; ``None`` before.
    """

    def __init__(self, method: str, label: str | None = None) -> None:
        self.method = method
        self.label = label
        self.events: list[Event] = []
        self.saved: Account | None = None
        self._more = asyncio.Event()
        self._open: dict[int, asyncio.Future[str]] = {}
        self._answers: list[Secret] = []
        self._asked = 0
        self._cancelled = False
        self._deserted = False

    # -- what the plugin uses ------------------------------------------------------------------------------

    async def show(self, url: str, code: str | None = None) -> None:
        """See :class:`~switchgear.dialog.Login`."""
        self.say("show", url=url, code=code)

    async def ask(self, question: str, *, secret: bool = False) -> str:
        """See :class:`~switchgear.dialog.Login`."""
        answer = await self._question("ask", question=question, secret=secret)
        if secret:
            self._answers.append(Secret(answer))  # while it lives it is masked wherever it turns up
        return answer

    async def choose(self, question: str, choices: Sequence[str]) -> int:
        """See :class:`~switchgear.dialog.Login`."""
        while True:
            answer = await self._question("choose", question=question, choices=list(choices))
            if answer.isdecimal() and 1 <= int(answer) <= len(choices):
                return int(answer) - 1
            await self.progress(f"answer with a number from 1 to {len(choices)}")

    async def progress(self, text: str) -> None:
        """See :class:`~switchgear.dialog.Login`."""
        self.say("progress", text=text)

    async def _question(self, event: str, **fields: Any) -> str:
        if self._cancelled:
            raise LoginCancelled("the sign-in was cancelled")
        if self._deserted:
            raise _nobody(fields)
        self._asked += 1
        number = self._asked
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._open[number] = answer
        self.say(event, id=number, **fields)
        try:
            return await answer
        except NobodyAnswers:
            raise _nobody(fields) from None
        finally:
            del self._open[number]
            self.say("answered", id=number)

    # -- what the person's side uses -----------------------------------------------------------------------

    def say(self, event: str, **fields: Any) -> None:
        """Add an event; secrets in it are masked."""
        self.events.append({"event": event, **{name: _clean(value) for name, value in fields.items()}})
        more, self._more = self._more, asyncio.Event()
        more.set()

    async def after(self, seen: int) -> list[Event]:
        """The events beyond the first ``seen``; waits until there are some."""
        while len(self.events) <= seen and not self.over:
            await self._more.wait()
        return self.events[seen:]

    @property
    def over(self) -> bool:
        """Whether the last event is there."""
        return bool(self.events) and self.events[-1]["event"] in LAST

    @property
    def open_questions(self) -> list[int]:
        """The ids of the questions that wait for an answer."""
        return list(self._open)

    def answer(self, number: int, text: str) -> bool:
        """Answer a question; false when it does not wait for an answer (any more)."""
        waiting = self._open.get(number)
        if waiting is None or waiting.done():
            return False
        waiting.set_result(text)
        return True

    def cancel(self) -> None:
        """The person gives up: every question, open or to come, ends the sign-in."""
        self._cancelled = True
        for waiting in self._open.values():
            if not waiting.done():
                waiting.set_exception(LoginCancelled("the sign-in was cancelled"))

    def leave(self) -> None:
        """Nobody is there to answer (any more): a sign-in goes on only where it waits for something else as well."""
        self._deserted = True
        for waiting in self._open.values():
            if not waiting.done():
                waiting.set_exception(NobodyAnswers)

    def end(self, why: str) -> None:
        """Say, when the sign-in was ended from outside, that it is over, and what is left of it."""
        if not self.over:
            left = "nothing was saved" if self.saved is None else "the account is saved, but was not checked to the end"
            self.say("failed", message=f"{why}; {left}", cancelled=True)


def _nobody(fields: Mapping[str, Any]) -> NobodyAnswers:
    return NobodyAnswers(f"nobody answered: {fields['question']}")


def _clean(value: Any) -> Any:
    return redact(value) if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class Check:
    """One of the checks after a sign-in."""

    name: str
    ok: bool
    detail: str


async def sign_in(service: Service, entry: Entry, dialog: Dialog, *, with_canary: bool = True) -> Account | None:
    """Run one sign-in to its end; gives the account, ``None`` when it failed. Everything is said in ``dialog``.

    Cancelling this coroutine ends the sign-in: nothing is saved, and no listener stays.
    """
    runtime = service.current
    if entry.info.retired:
        dialog.say("notice", text=f"retired: {entry.info.retired}")
    if entry.info.terms:
        dialog.say("notice", text=entry.info.terms)
    known = {account.id for account in entry.accounts}
    try:
        account = await runtime.plugins.authenticate(entry.provider, dialog, entry.store, entry.client(Account("new")))
    except (LoginCancelled, LoginFailed) as error:
        dialog.say("failed", message=str(error), cancelled=isinstance(error, LoginCancelled))
        return None
    except SwitchgearError as error:
        dialog.say("failed", message=f"{error}; try again, or another --method", cancelled=False)
        return None
    dialog.saved = account
    log.info("signed_in", provider=entry.name, account=account.label, new=account.id not in known)
    await _note(entry, account)
    await entry.load()  # the other entries' upstreams have nothing to do with it
    service.keep_known(runtime)
    checks = [await _unique(entry, account, known=account.id in known), await _models(runtime, entry, account)]
    for check in checks:
        _say(dialog, check)
    if with_canary:
        checks.append(await _canary(runtime, entry, account, dialog))
    served = all(check.ok for check in checks)
    dialog.say("done", provider=entry.name, account=entry.label(account.id), new=account.id not in known, ok=served)
    return account


async def _note(entry: Entry, account: Account) -> None:
    """Put the sign-in in place of how the last refresh ended, which was about the credential before."""
    try:
        async with entry.store.lock(account.id):
            await asyncio.to_thread(entry.store.write_note, account.id, refreshed_now(SIGNED_IN))
    except (AuthFileError, OSError, ValueError) as error:  # the checks say what is the matter with the file
        log.warning("sign_in_not_noted", problem=str(error)[:200])


def _say(dialog: Dialog, check: Check) -> None:
    dialog.say("check", name=check.name, ok=check.ok, detail=check.detail)


async def _unique(entry: Entry, account: Account, *, known: bool) -> Check:
    """The runbook's first check: the account has a file, and shares it with nobody."""
    name = entry.store.path(account.id).name
    stored = await asyncio.to_thread(entry.store.load)
    mine = [other for other in stored if other.id == account.id]
    twins = [other.label for other in stored if other.id != account.id and _share_a_secret(other, account)]
    if len(mine) != 1:
        return Check("file unique", False, f"expected one file of this account, found {len(mine)}")
    if twins:
        return Check("file unique", False, f"{name}; but {', '.join(twins)} holds the same credential: is it the same?")
    return Check("file unique", True, f"{name} ({'updated' if known else 'new'}; {len(stored)} in all)")


def _share_a_secret(one: Account, other: Account) -> bool:
    return bool({secret.reveal() for secret in one.secrets.values()} & _long(other))


def _long(account: Account) -> set[str]:
    """Secrets long enough to be somebody's own; a client secret may be common to all, so it does not count."""
    return {s.reveal() for name, s in account.secrets.items() if len(s.reveal()) >= 16 and "client" not in name}


async def _models(runtime: Runtime, entry: Entry, account: Account) -> Check:
    """The second: its models have names that clients can use."""
    await runtime.catalog.relist(entry)
    names = [name for name, _ in runtime.catalog.served_by(entry.name, account.id)]
    listing = runtime.catalog.listings[entry.name]
    if not names:
        return Check("models visible", False, listing.problem or "no model of it is listed; see: switchgear models")
    shown = ", ".join(names[:SHOWN_MODELS]) + (", …" if len(names) > SHOWN_MODELS else "")
    marked = " (the fallback list: its own could not be had)" if listing.source == "fallback" else ""
    return Check("models visible", True, f"{len(names)}: {shown}{marked}")


async def _canary(runtime: Runtime, entry: Entry, account: Account, dialog: Dialog) -> Check:
    """The third: one request is served, without 401, 403 or 429."""
    models = runtime.catalog.served_by(entry.name, account.id)
    if not models:
        check = Check("canary", False, "there is no model to ask")
    else:
        await dialog.progress(f"asking {models[0][0]} one small question")
        result = await canary(runtime.gateway, entry, account.id, models[0][1])
        what = f"{result.model} answered in {result.duration_ms:.0f} ms"
        if not result.ok:
            status = f"HTTP {result.status}, " if result.status else ""
            what = f"{result.model}: {status}{result.kind}: {result.message}"
        check = Check("canary", result.ok, what)
    _say(dialog, check)
    return check
