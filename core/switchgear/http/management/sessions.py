"""Sign-ins under way over the management API, and those that ended a while ago."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable

import structlog

from switchgear.accounts import Entry
from switchgear.assembly import Service
from switchgear.audit import AuditLog, Deed
from switchgear.errors import Refusal
from switchgear.signin import Dialog, sign_in

AT_ONCE = 8
LIMIT_S = 900.0
KEPT_S = 600.0
KEPT = 64
ID_BYTES = 24
GIVEN_UP = "given up"

log = structlog.get_logger("switchgear.logins")


class Session:
    """One sign-in.

    Attributes:
        id: cannot be guessed: whoever has it and the management key may answer for the person.
        ended_at: on the monotonic clock; ``None`` while it goes on.
    """

    def __init__(self, entry: Entry, dialog: Dialog) -> None:
        self.id = secrets.token_urlsafe(ID_BYTES)
        self.entry = entry
        self.dialog = dialog
        self.why = GIVEN_UP
        self.ended_at: float | None = None
        self.task: asyncio.Task[None] | None = None

    async def stop(self, why: str) -> None:
        """End it now, and wait until it is over."""
        if self.task is not None and not self.task.done():
            self.why = why
            self.task.cancel()
            await asyncio.wait({self.task})
            self.dialog.end(why)  # where it had not even begun

    @property
    def outcome(self) -> str:
        """How it ended, for the audit log."""
        last = self.dialog.events[-1]
        if last["event"] == "failed":
            return "cancelled" if last["cancelled"] else "failed"
        return "ok" if last["ok"] else "saved, a check failed"


class Sessions:
    """At most eight at once; each is over after a quarter of an hour, and forgotten ten minutes later."""

    def __init__(
        self,
        service: Service,
        audit: AuditLog,
        monotonic: Callable[[], float] = time.monotonic,
        limit_s: float = LIMIT_S,
    ) -> None:
        self._service = service
        self._audit = audit
        self._now = monotonic
        self._limit_s = limit_s
        self._sessions: dict[str, Session] = {}
        self._closed = False

    def start(self, entry: Entry, dialog: Dialog, address: str) -> Session:
        """Begin a sign-in.

        Raises:
            Refusal: 429, there are eight already; 503, the gateway is about to stop.
        """
        self._forget()
        if self._closed:
            raise Refusal(503, "shutting_down", "the gateway is shutting down; try again", retry_after_s=1.0)
        if sum(session.ended_at is None for session in self._sessions.values()) >= AT_ONCE:
            raise Refusal(
                429,
                "too_many_logins",
                f"{AT_ONCE} sign-ins are under way; end one with DELETE /v0/logins/ID",
                retry_after_s=60.0,
            )
        session = Session(entry, dialog)
        self._sessions[session.id] = session
        session.task = asyncio.create_task(self._run(session, address), name=f"sign-in {entry.name}")
        session.task.add_done_callback(lambda _: self._ended(session))
        return session

    def find(self, session_id: str) -> Session:
        """The sign-in with this id.

        Raises:
            Refusal: 404.
        """
        self._forget()
        session = self._sessions.get(session_id)
        if session is None:
            raise Refusal(404, "unknown_login", "there is no such sign-in; one is kept for ten minutes after its end")
        return session

    async def aclose(self) -> None:
        """End every sign-in; no further one begins."""
        self._closed = True
        await asyncio.gather(*(session.stop("the gateway is shutting down") for session in self._sessions.values()))

    async def _run(self, session: Session, address: str) -> None:
        dialog, entry = session.dialog, session.entry
        try:
            async with asyncio.timeout(self._limit_s):
                await sign_in(self._service, entry, dialog)
        except TimeoutError:
            dialog.end(f"the sign-in was not finished within {self._limit_s / 60:g} minutes")
        except asyncio.CancelledError:
            dialog.end(session.why)
        except Exception as error:
            log.error("internal_error", exc_info=error)
            dialog.end("the gateway failed; its log says why")
        account = None if dialog.saved is None else entry.store.path(dialog.saved.id).stem
        deed = Deed("management", "login", session.outcome, entry.name, account, address)
        await self._audit.record(deed)

    def _ended(self, session: Session) -> None:
        session.ended_at = self._now()

    def _forget(self) -> None:
        now = self._now()
        ended = [session for session in self._sessions.values() if session.ended_at is not None]
        for position, session in enumerate(ended):
            if now - (session.ended_at or now) > KEPT_S or position < len(ended) - KEPT:
                del self._sessions[session.id]
