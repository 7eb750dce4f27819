"""``/v0/cooldowns`` and ``/v0/shifts``: what stands against accounts, and traffic that is moved."""

from __future__ import annotations

import time
from typing import Any

import structlog
from msgspec import Struct, field

from switchgear.accounts import Entry
from switchgear.assembly import Service
from switchgear.errors import Refusal
from switchgear.health import ANY_MODEL
from switchgear.http.management.accounts import AccountHandlers
from switchgear.http.management.call import Answer, Call, near
from switchgear.metrics.report import rfc3339
from switchgear.secret import redact
from switchgear.shifts import WHOLE

LONGEST_SHIFT_S = 366 * 86_400.0
LONGEST_MESSAGE = 300

log = structlog.get_logger("switchgear.management")


class Moving(Struct, forbid_unknown_fields=True):
    """The body that moves traffic. ``share`` is in percent; ``for_s`` seconds, ``None`` until it is moved back."""

    source: str = field(name="from")
    target: str = field(name="to")
    share: int = WHOLE
    for_s: float | None = field(name="for-seconds", default=None)


class StandingHandlers:
    """See and clear cooldowns; see, make and end shifts. What is changed here outlives a restart."""

    def __init__(self, service: Service, accounts: AccountHandlers) -> None:
        self._service = service
        self._accounts = accounts

    # -- cooldowns -----------------------------------------------------------------------------------------

    async def cooldowns(self, call: Call) -> Answer:
        """``GET /v0/cooldowns?provider=NAME``."""
        wanted = call.query("provider").get("provider")
        entries = self._service.current.entries if wanted is None else [self._accounts.entry(wanted)]
        rows = [row for entry in entries for row in self._rows(entry).values()]
        return Answer({"generated_at": rfc3339(time.time()), "cooldowns": rows})

    async def clear(self, call: Call) -> Answer:
        """``DELETE /v0/cooldowns?provider=NAME&account=NAME&model=NAME``: of all accounts, and models, not named."""
        query = call.query("provider", "account", "model")
        if "provider" not in query:
            raise Refusal(400, "invalid_query", "name the provider whose cooldowns are to be cleared: ?provider=NAME")
        entry = self._accounts.entry(query["provider"])
        call.provider = entry.name
        accounts = [account.id for account in entry.accounts]
        if "account" in query:
            accounts = [self._accounts.usable(call, entry.name, query["account"])[1].id]
        models: list[str | None] = [None]
        if "model" in query:
            call.detail = f"model {query['model']}"
            models = [*self._upstream_models(entry, query["model"])]
        before = self._rows(entry)
        for account in accounts:
            for model in models:
                self._service.health.clear(entry.name, account, model)
        left = self._rows(entry)
        await self._service.save_standing()
        cleared = [row for key, row in before.items() if key not in left]
        log.info("cooldowns_cleared", provider=entry.name, cleared=len(cleared), left=len(left))
        return Answer({"cleared": cleared, "left": [*left.values()]})

    def _rows(self, entry: Entry) -> dict[tuple[str, str, str], dict[str, Any]]:
        """What stands against the entry's accounts; the keys tell one from another."""
        offset = time.time() - time.monotonic()
        return {
            (account, model, block.reason): {
                "provider": entry.name,
                "account": entry.label(account),
                "model": model or ANY_MODEL,
                "reason": block.reason,
                "message": redact(block.message)[:LONGEST_MESSAGE],
                "since": rfc3339(round(block.since + offset)),
                "until": None if block.until is None else rfc3339(round(block.until + offset)),
                "hint_seconds": block.hint_s,
                "capped": block.capped,
            }
            for account, model, block in self._service.health.rows(entry.name)
        }

    def _upstream_models(self, entry: Entry, name: str) -> list[str]:
        """The upstream's names of what a person calls ``name``: that name itself, or the one clients use."""
        catalog = self._service.current.catalog
        standing = [model for _, model, _ in self._service.health.rows(entry.name)]
        if name in standing or name in catalog.models_of(entry.name):
            return [name]
        prefix = entry.provider.prefix
        for public in (name, f"{prefix}/{name}"):
            target = catalog.find(public)
            if target is not None and target.entry is entry:
                return list(target.models)
        hint = near(name, sorted({*catalog.models_of(entry.name), *standing}))
        raise Refusal(404, "unknown_model", f"{entry.name} has no model {name[:100]!r}; {hint}")

    # -- shifts --------------------------------------------------------------------------------------------

    async def shifts(self, call: Call) -> Answer:
        """``GET /v0/shifts``."""
        call.query()
        rows = [shift.shown() for shift in self._service.shifts.all()]
        return Answer({"generated_at": rfc3339(time.time()), "shifts": rows})

    async def shift(self, call: Call) -> Answer:
        """``POST /v0/shifts``."""
        asked = await call.body(Moving)
        call.detail = f"{asked.source} to {asked.target}, {asked.share} %"
        for prefix in (asked.source, asked.target):
            self._known(prefix)
        if asked.for_s is not None and asked.for_s > LONGEST_SHIFT_S:
            raise Refusal(400, "invalid_field", "for-seconds: a shift lasts a year at most; leave it out for no end")
        try:
            shift = self._service.shifts.set(asked.source, asked.target, share=asked.share, for_s=asked.for_s)
        except ValueError as error:
            raise Refusal(400, "invalid_field", str(error)) from None
        await self._service.save_standing()
        log.warning("traffic_shifted", source=shift.source, target=shift.target, share=shift.share, by=shift.by)
        return Answer(shift.shown() | {"models": self._models(asked.source, asked.target)}, 201)

    async def shift_back(self, call: Call) -> Answer:
        """``DELETE /v0/shifts/FROM``."""
        source = call.parts[0]
        call.query()
        shift = self._service.shifts.end(source)
        if shift is None:
            moved = [shift.source for shift in self._service.shifts.all()]
            raise Refusal(404, "not_shifted", f"{source[:64]!r} is not shifted; {near(source, moved)}")
        call.detail = f"{shift.source} back from {shift.target}"
        await self._service.save_standing()
        log.warning("traffic_shifted_back", source=shift.source, target=shift.target, by="operator")
        return Answer(shift.shown())

    def _known(self, prefix: str) -> None:
        entries = self._service.current.entries
        prefixes = list(dict.fromkeys(entry.provider.prefix for entry in entries if entry.provider.prefix))
        if prefix in prefixes:
            return
        own = next((entry.provider.prefix for entry in entries if entry.name == prefix), None)
        if own == "":
            hint = "the provider of this name has none; give it one in config.yaml"
        else:
            hint = near(prefix, prefixes) if own is None else f"the prefix of the provider {prefix} is {own}"
        raise Refusal(404, "unknown_prefix", f"no provider has the prefix {prefix[:64]!r}; {hint}")

    def _models(self, source: str, target: str) -> dict[str, Any]:
        """How many of the source's models move: those that the target lists too."""
        catalog = self._service.current.catalog
        mine = [
            name.partition("/")[2]
            for name, each in catalog.names()
            if name == each.id and each.entry.provider.prefix == source
        ]
        staying = [model for model in mine if catalog.find(f"{target}/{model}") is None]
        return {"listed": len(mine), "moving": len(mine) - len(staying), "staying": staying}
