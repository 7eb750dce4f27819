"""Everything below ``/v0/``: who may, which handler, and what is written into the audit log."""

from __future__ import annotations

import math
from dataclasses import dataclass

import structlog
from starlette.types import Receive, Scope, Send

from switchgear.assembly import Service
from switchgear.audit import AuditLog, Deed
from switchgear.errors import AuthFileError, Refusal
from switchgear.http.answers import send_json
from switchgear.http.forward import ClientGoneError
from switchgear.http.keys import Keys
from switchgear.http.management.access import Access, client_address
from switchgear.http.management.accounts import AccountHandlers
from switchgear.http.management.call import Answer, Call, Handler
from switchgear.http.management.canary import CanaryHandlers
from switchgear.http.management.explain import ExplainHandlers
from switchgear.http.management.logins import LoginHandlers
from switchgear.http.management.quota import QuotaHandlers
from switchgear.http.management.sessions import Sessions
from switchgear.http.management.standing import StandingHandlers
from switchgear.http.management.status import StatusHandlers

ANY = "*"

log = structlog.get_logger("switchgear.management")


@dataclass(frozen=True, slots=True)
class _Row:
    """``path`` are the parts below ``/v0``; ``action`` is written into the audit log, ``None`` for a mere look."""

    method: str
    path: tuple[str, ...]
    handler: Handler
    action: str | None = None


class ManagementRoute:
    """The management API as one ASGI application: every request passes the same gate first, by its path alone."""

    def __init__(self, service: Service, keys: Keys) -> None:
        self._audit = AuditLog(lambda: service.current.config.state_dir)
        self._access = Access(service, keys, self._audit)
        self._sessions = Sessions(service, self._audit)
        accounts = AccountHandlers(service)
        logins = LoginHandlers(accounts, self._sessions)
        standing = StandingHandlers(service, accounts)
        one = ("accounts", ANY, ANY)
        self._rows = (
            _Row("GET", ("accounts",), accounts.list),
            _Row("GET", one, accounts.show),
            _Row("PATCH", one, accounts.change, "change"),
            _Row("DELETE", one, accounts.remove, "remove"),
            _Row("POST", (*one, "refresh"), accounts.refresh, "refresh"),
            _Row("POST", ("logins",), logins.begin, "login-begin"),
            _Row("GET", ("logins", ANY), logins.follow),
            _Row("DELETE", ("logins", ANY), logins.end, "login-end"),
            _Row("POST", ("logins", ANY, "answers"), logins.answer, "login-answer"),
            _Row("POST", ("canary",), CanaryHandlers(service, accounts).send, "canary"),
            _Row("GET", ("explain",), ExplainHandlers(service).show),
            _Row("GET", ("status",), StatusHandlers(service).show),
            _Row("GET", ("quota",), QuotaHandlers(service, accounts).show),
            _Row("GET", ("cooldowns",), standing.cooldowns),
            _Row("DELETE", ("cooldowns",), standing.clear, "cooldowns-clear"),
            _Row("GET", ("shifts",), standing.shifts),
            _Row("POST", ("shifts",), standing.shift, "shift"),
            _Row("DELETE", ("shifts", ANY), standing.shift_back, "shift-back"),
        )

    async def aclose(self) -> None:
        """End the sign-ins under way."""
        await self._sessions.aclose()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; errors are ``{"error": {"code": ..., "message": ...}}``."""
        try:
            await self._access.check(scope)
            answer = await self._answer(scope, receive)
        except ClientGoneError:
            return
        except Refusal as refusal:
            await _refuse(send, refusal)
        except Exception as error:
            log.error("internal_error", path=scope["path"], exc_info=error)
            await _refuse(send, Refusal(500, "internal_error", "the gateway failed; its log says why"))
        else:
            await send_json(send, answer.body, answer.status, answer.headers)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        row, parts = self._find(scope)
        call = Call(scope, receive, parts, client_address(scope))
        result = "failed"
        try:
            answer = await row.handler(call)
            result = "ok"
        except Refusal as refusal:
            result = refusal.code
            raise
        except AuthFileError as error:
            result = "not_saved"
            raise Refusal(500, "not_saved", str(error)) from None
        finally:
            if row.action is not None:
                deed = Deed("management", row.action, result, call.provider, call.account, call.address, call.detail)
                await self._audit.record(deed)
        return answer

    def _find(self, scope: Scope) -> tuple[_Row, tuple[str, ...]]:
        path: str = scope["path"]
        parts = tuple(path.removeprefix("/v0/").split("/"))
        fitting = [row for row in self._rows if _fits(row.path, parts)]
        for row in fitting:
            if row.method == scope["method"]:
                return row, tuple(part for part, own in zip(parts, row.path, strict=True) if own == ANY)
        if fitting:
            methods = ", ".join(row.method for row in fitting)
            raise Refusal(405, "method_not_allowed", f"{path[:100]!r} takes {methods}")
        known = ", ".join(sorted({f"/v0/{row.path[0]}" for row in self._rows}))
        raise Refusal(404, "unknown_path", f"the management API has no {path[:100]!r}; it has {known}")


def _fits(pattern: tuple[str, ...], parts: tuple[str, ...]) -> bool:
    return len(pattern) == len(parts) and all(
        own in {ANY, part} and part for own, part in zip(pattern, parts, strict=True)
    )


async def _refuse(send: Send, refusal: Refusal) -> None:
    headers = []
    if refusal.retry_after_s is not None:
        headers.append((b"retry-after", b"%d" % max(1, math.ceil(refusal.retry_after_s))))
    if refusal.status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="switchgear management"'))
    body = {"error": {"code": refusal.code, "message": refusal.message}}
    await send_json(send, body, refusal.status, headers)
