"""The history of a gateway under faults: what its upstreams, its clients and its operator saw, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from switchgear.types import Kind

What = Literal["asked", "called", "output", "ended", "token", "cleared", "answered"]
Candidate = tuple[str, str, str]
"""Provider, account, the upstream's name of the model; ``*`` stands for all models of the account."""
Account = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. ``at`` is the gateway's clock; ``request`` and ``call`` are numbers, 0 for none.

    Attributes:
        what: a client asked; an upstream was called, was about to send output, and was done with (``ended``: the
            gateway's word); it answered a refresh (``token``); the operator cleared an account; the client was answered.
        kind: of ``ended``, how; ``None`` for success. ``hint_s``: how long the upstream had asked to be left alone.
        committed: of ``ended``, output had reached the client.
        good: of ``token``, there was a new one; of ``answered``, the answer was whole and good.
        left: of ``answered``, the client had hung up.
    """

    at: float
    what: What
    request: int = 0
    call: int = 0
    candidate: Candidate = ("", "", "")
    kind: Kind | None = None
    hint_s: float | None = None
    committed: bool = False
    good: bool = False
    left: bool = False

    def __str__(self) -> str:
        who = "" if not self.candidate[0] else " " + " ".join(filter(None, self.candidate))
        more = {
            "called": "",
            "ended": f" {self.kind or 'ok'}" + (f" hint={self.hint_s:g}" if self.hint_s is not None else "")
            + (" committed" if self.committed else ""),
            "token": " new" if self.good else " spent",
            "answered": " left" if self.left else " ok" if self.good else " error",
        }.get(self.what, "")  # fmt: skip
        call = f" call {self.call}" if self.call else ""
        request = f" request {self.request}" if self.request else ""
        return f"{self.at:14.3f} {self.what:9}{request}{call}{who}{more}"


@dataclass(frozen=True, slots=True)
class Setup:
    """The gateway's configuration, as far as it matters.

    Attributes:
        candidates: who can serve each request, by the request's number.
        budget: attempts a request may make.
        limits: the most calls at once, by provider.
        dead: providers whose host nobody answers at.
        floor_s: the shortest cooldown. ``cap_s``: the longest.
    """

    candidates: Mapping[int, frozenset[Candidate]]
    budget: int
    limits: Mapping[str, int] = field(default_factory=dict)
    dead: frozenset[str] = frozenset()
    floor_s: float = 1.0
    cap_s: float = 3600.0


@dataclass(frozen=True, slots=True)
class Violation:
    """What did not hold, and the shortest part of the history that shows it."""

    message: str
    trace: tuple[Event, ...]

    def __str__(self) -> str:
        return "\n".join([self.message, *(f"  {event}" for event in self.trace)])
