"""Where a request would go, and why: the router's own decision, with what it left out and who is put to rest."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from switchgear.assembly import Runtime
from switchgear.catalog import Target
from switchgear.config import ClientKey
from switchgear.errors import Refusal
from switchgear.routing import Candidate, Route, Router, upstream_dialect
from switchgear.secret import redact
from switchgear.types import Dialect

LONGEST_MESSAGE = 300


def key_named(keys: Sequence[ClientKey], name: str) -> ClientKey:
    """The client key called ``name``.

    Raises:
        LookupError: there is none; the message names those there are.
    """
    for key in keys:
        if key.name == name:
            return key
    names = [key.name for key in keys]
    near = difflib.get_close_matches(name, names, 1)
    hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(names)}"
    raise LookupError(f"no client key is named {name[:64]!r}; {hint}")


def explain(runtime: Runtime, name: str, dialect: Dialect, key: ClientKey | None = None) -> dict[str, Any]:
    """The decision for the next request, as JSON data. It is only looked at: the next request still gets that turn.

    Args:
        name: the model as a client would write it.
        dialect: what the client speaks.
        key: whose scope counts; ``None`` for a key without one.
    """
    router = runtime.router.looking()
    allowed: Callable[[str], bool] = (lambda _: True) if key is None else key.allows
    target = runtime.catalog.find(name)
    result: dict[str, Any] = {
        "model": name,
        "id": None if target is None else target.id,
        "aliases": [] if target is None else runtime.catalog.aliases_of(target),
        "dialect": dialect,
        "key": None if key is None else {"name": key.name, "models": list(key.models)},
        "strategy": runtime.config.routing.strategy,
        "keep_conversations": router.keeps_conversations,
        "error": "",
        "reasons": [],
        "shift": None if target is None else _shift(router, target),
        "candidates": [],
        "passed_over": [],
        "left_out": [] if target is None else list(_left_out(router, target, dialect, allowed)),
    }
    try:
        route = router.route(name, dialect, allowed)
    except Refusal as refusal:
        reasons = _out_of_scope(target, key)
        if target is None:
            reasons = runtime.catalog.why_missing(name)
            reasons += [f"{block}: its plugin is broken: {problem}" for block, problem in runtime.broken.items()]
        return result | {"error": refusal.message, "reasons": [*map(redact, reasons)]}
    result["candidates"] = [_candidate(router, each, dialect) for each in route.eligible()]
    result["passed_over"] = _passed_over(route)
    return result


def _out_of_scope(target: Target | None, key: ClientKey | None) -> list[str]:
    if target is None or key is None or key.allows(target.id):
        return []
    return [f"the key {key.name!r} may use {', '.join(key.models)}, which leaves {target.id} out"]


def _candidate(router: Router, candidate: Candidate, dialect: Dialect) -> dict[str, Any]:
    name = candidate.entry.name
    return {
        "provider": name,
        "account": candidate.label,
        "upstream_model": candidate.model,
        "asked_in": upstream_dialect(candidate.entry, dialect) if candidate.entry.dialects else "events",
        "why": candidate.why,
        "calls": router.slots.busy(name, candidate.account),
        "full": not router.slots.free(name, candidate.account),
    }


def _passed_over(route: Route) -> list[dict[str, Any]]:
    return [
        {
            "provider": passed.candidate.entry.name,
            "account": passed.candidate.label,
            "upstream_model": passed.candidate.model,
            "reason": passed.reason,
            "message": redact(passed.message)[:LONGEST_MESSAGE],
            "seconds": passed.seconds,
        }
        for passed in route.passed_over()
    ]


# -- what the router does not even look at -----------------------------------------------------------------


def _shift(router: Router, target: Target) -> dict[str, Any] | None:
    """The shift of the target's prefix, and whether the next request is one that moves."""
    prefix, _, model = target.id.partition("/")
    shift = router.shifts.of(prefix) if target.entry.provider.prefix else None
    if shift is None:
        return None
    lists = router.catalog.find(f"{shift.target}/{model}") is not None
    return shift.shown() | {"target_lists_it": lists, "moves_next": lists and router.shifts.copy().moves(shift)}


def _left_out(
    router: Router, target: Target, dialect: Dialect, allowed: Callable[[str], bool]
) -> Iterator[dict[str, Any]]:
    for name, reached in _considered(router, target):
        if reached is None:
            prefix, _, model = name.partition("/")
            yield {"provider": prefix, "account": None, "reason": f"is to stand in, but does not list {model!r}"}
        elif not allowed(reached.id):
            yield {"provider": reached.entry.name, "account": None, "reason": f"the key may not use {reached.id}"}
        elif upstream_dialect(reached.entry, dialect) is None:
            yield {"provider": reached.entry.name, "account": None, "reason": f"it cannot be asked in {dialect}"}
        else:
            yield from _accounts_left_out(router, reached)


def _considered(router: Router, target: Target) -> Iterator[tuple[str, Target | None]]:
    """The name itself, and its like under every prefix that may stand in for it."""
    yield target.id, target
    prefix, _, model = target.id.partition("/")
    if not target.entry.provider.prefix:
        return
    shift = router.shifts.of(prefix)
    others = [*(() if shift is None else (shift.target,)), *router.fallbacks.get(prefix, ())]
    for other in dict.fromkeys(others):
        yield f"{other}/{model}", router.catalog.find(f"{other}/{model}")


def _accounts_left_out(router: Router, target: Target) -> Iterator[dict[str, Any]]:
    listed = router.catalog.listings[target.entry.name].by_account
    for account in target.entry.accounts:
        reason = ""
        if account.disabled:
            reason = "it is disabled"
        elif account.problem:
            reason = account.problem
        elif listed and not any(model in listed.get(account.id, (model,)) for model in target.models):
            reason = "it does not list the model"
        if reason:
            yield {"provider": target.entry.name, "account": account.label, "reason": reason}
