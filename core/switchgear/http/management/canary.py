"""``/v0/canary``: one small request through this gateway, routed as a client's, or to one account."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from switchgear.accounts import Entry
from switchgear.ask import Tried
from switchgear.assembly import Runtime, Service
from switchgear.canary import Canary, canary, routed_canary
from switchgear.catalog import Target
from switchgear.errors import Refusal
from switchgear.http.management.accounts import AccountHandlers
from switchgear.http.management.call import Answer, Call
from switchgear.types import Account


class Wanted(Struct, forbid_unknown_fields=True):
    """The body. ``account`` is the one to ask, by label, id or file name; ``None`` for whoever a client would get."""

    model: str
    account: str | None = None


class CanaryHandlers:
    """Canaries through the current configuration."""

    def __init__(self, service: Service, accounts: AccountHandlers) -> None:
        self._service = service
        self._accounts = accounts

    async def send(self, call: Call) -> Answer:
        """``POST /v0/canary``. An upstream that refuses is an answer: 200, with ``ok`` false."""
        call.query()
        wanted = await call.body(Wanted)
        call.detail = f"model {wanted.model}"
        runtime = self._service.current
        if wanted.account is None:
            return Answer(_shown(await routed_canary(runtime.gateway, wanted.model)))
        target = runtime.catalog.find(wanted.model)
        if target is None:
            raise runtime.catalog.unknown(wanted.model, lambda _: True)
        _, account = self._accounts.usable(call, target.entry.name, wanted.account)
        model = _listed(runtime, target, account)
        self._see_that_it_may_be_asked(target.entry, account, model)
        return Answer(_shown(await canary(runtime.gateway, target.entry, account.id, model), wanted.model))

    def _see_that_it_may_be_asked(self, entry: Entry, account: Account, model: str) -> None:
        """What an upstream has put to rest is left in peace, by its operator too."""
        if account.disabled:
            raise Refusal(409, "account_not_usable", f"{account.label} of {entry.name} is disabled")
        health = self._service.health
        block = health.blocked(entry.name, account.id, model)
        if block is not None:
            seconds = health.seconds_left(block)
            when = "until you act" if seconds is None else f"for {seconds:.0f} more s"
            raise Refusal(
                409,
                "account_out",
                f"{account.label} of {entry.name} is out {when} ({block.reason}); to ask it all the same, first: "
                f"switchgear cooldowns clear {entry.name} {account.label}",
                retry_after_s=seconds,
            )


def _listed(runtime: Runtime, target: Target, account: Account) -> str:
    """The upstream's name under which the account serves the target."""
    mine = runtime.catalog.listings[target.entry.name].by_account.get(account.id)
    for model in target.models:
        if mine is None or model in mine:
            return model
    raise Refusal(404, "model_not_found", f"{account.label} of {target.entry.name} does not list {target.id!r}")


def _shown(result: Canary, model: str | None = None) -> dict[str, Any]:
    served = result.tried[-1] if result.ok else None
    return {
        "model": model or result.model,
        "ok": result.ok,
        "status": result.status,
        "kind": None if result.ok or result.code else result.kind,
        "code": result.code or None,
        "message": result.message,
        "provider": None if served is None else served.record.provider,
        "account": None if served is None else served.record.account,
        "upstream_model": None if served is None else served.upstream_model,
        "duration_ms": round(result.duration_ms, 1),
        "ttft_ms": None if served is None else _ms(served.record.ttft_ms),
        "attempts": [_attempt(each) for each in result.tried],
    }


def _attempt(tried: Tried) -> dict[str, Any]:
    record = tried.record
    return {
        "provider": record.provider,
        "account": record.account,
        "upstream_model": tried.upstream_model,
        "status": tried.status,
        "kind": record.kind,
        "message": tried.message,
        "duration_ms": _ms(record.duration_ms),
        "ttft_ms": _ms(record.ttft_ms),
    }


def _ms(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
