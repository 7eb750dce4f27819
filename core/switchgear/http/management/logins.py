"""``/v0/logins``: the dialog of a sign-in, for a page. Its events are those of ``switchgear login --json``."""

from __future__ import annotations

import asyncio

from msgspec import Struct

from switchgear.account_settings import LABEL
from switchgear.errors import Refusal
from switchgear.http.management.accounts import AccountHandlers
from switchgear.http.management.call import Answer, Call
from switchgear.http.management.sessions import GIVEN_UP, Session, Sessions
from switchgear.signin import Dialog, Event

LONGEST_WAIT_S = 30.0
FIRST_EVENTS_S = 2.0
"""How long the answer to a beginning waits for something to say."""

WAITING = "waits for sign-in events"


class Beginning(Struct, forbid_unknown_fields=True):
    """The body that begins a sign-in. ``method`` is the provider's first one unless given."""

    provider: str
    method: str | None = None
    label: str | None = None


class Reply(Struct, forbid_unknown_fields=True):
    """The body that answers the question ``id``."""

    id: int
    answer: str


class LoginHandlers:
    """Begin, follow, answer and end sign-ins."""

    def __init__(self, accounts: AccountHandlers, sessions: Sessions) -> None:
        self._accounts = accounts
        self._sessions = sessions

    async def begin(self, call: Call) -> Answer:
        """``POST /v0/logins``."""
        asked = await call.body(Beginning)
        entry = self._accounts.entry(asked.provider)
        call.provider = entry.name
        methods = entry.info.login_methods
        if not methods:
            raise Refusal(400, "no_login", f"{entry.name} has no sign-in; its keys are written into config.yaml")
        if asked.method is not None and asked.method not in methods:
            raise Refusal(400, "unknown_method", f"{entry.name} signs in by: {', '.join(methods)}")
        if asked.label is not None and not LABEL.fullmatch(asked.label):
            raise Refusal(400, "invalid_field", "label: use letters, digits, spaces and . _ @ + -; 64 at most")
        dialog = Dialog(asked.method or methods[0], asked.label)
        session = self._sessions.start(entry, dialog, call.address)
        await _events(call, session, 0, FIRST_EVENTS_S)
        location = f"/v0/logins/{session.id}".encode()
        return Answer(_shown(session, 0), 201, [(b"location", location)])

    async def follow(self, call: Call) -> Answer:
        """``GET /v0/logins/ID?after=N&wait=SECONDS``: the events after the first N, waited for if there are none."""
        session = self._sessions.find(call.parts[0])
        query = call.query("after", "wait")
        after = _number(query.get("after", "0"), "after", 1_000_000_000)
        wait_s = _number(query.get("wait", "0"), "wait", LONGEST_WAIT_S)
        await _events(call, session, int(after), wait_s)
        return Answer(_shown(session, int(after)))

    async def answer(self, call: Call) -> Answer:
        """``POST /v0/logins/ID/answers``."""
        session = self._sessions.find(call.parts[0])
        call.provider = session.entry.name
        reply = await call.body(Reply)
        if not session.dialog.answer(reply.id, reply.answer):
            waiting = ", ".join(map(str, session.dialog.open_questions)) or "none"
            raise Refusal(409, "question_closed", f"question {reply.id} waits for no answer; those that do: {waiting}")
        return Answer({"id": session.id, "answered": reply.id})

    async def end(self, call: Call) -> Answer:
        """``DELETE /v0/logins/ID``."""
        session = self._sessions.find(call.parts[0])
        call.provider = session.entry.name
        await session.stop(GIVEN_UP)
        return Answer(_shown(session, max(0, len(session.dialog.events) - 1)))


async def _events(call: Call, session: Session, after: int, wait_s: float) -> None:
    """Wait for events after the first ``after``, as long as the client does."""
    if wait_s <= 0 or len(session.dialog.events) > after or session.dialog.over:
        return
    more: asyncio.Task[list[Event]] = asyncio.create_task(session.dialog.after(after), name=WAITING)
    gone = asyncio.create_task(_gone(call))
    try:
        await asyncio.wait({more, gone}, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (more, gone):
            task.cancel()
        await asyncio.gather(more, gone, return_exceptions=True)


async def _gone(call: Call) -> None:
    while (await call.receive())["type"] != "http.disconnect":
        pass


def _shown(session: Session, after: int) -> dict[str, object]:
    dialog = session.dialog
    return {
        "id": session.id,
        "provider": session.entry.name,
        "method": dialog.method,
        "label": dialog.label,
        "over": dialog.over,
        "next": len(dialog.events),
        "events": dialog.events[after:],
    }


def _number(text: str, name: str, most: float) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= most:
        raise Refusal(400, "invalid_query", f"{name} must be a number from 0 to {most:g}")
    return number
