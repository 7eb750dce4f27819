"""Counts since the start, by label: what Prometheus scrapes. They only ever grow, and their labels are bounded."""

from __future__ import annotations

from collections import defaultdict
from typing import Final, Literal

from switchgear.metrics.buckets import FIRST_TOKEN_EDGES_S, REQUEST_EDGES_S, Buckets
from switchgear.metrics.summary import AUTH, CLIENT_FAULTS, RATE_LIMIT, SERVER_ERROR, TIMEOUT, UNRATED
from switchgear.types import AttemptRecord, Kind

MOST_MODELS: Final = 256
"""Models of one provider with labels of their own; further ones count as :data:`OTHER`."""
MOST_SERIES: Final = 4096
"""Combinations of labels of one provider's attempts; further ones lose their model and status."""
OTHER: Final = "other"
NO_STATUS: Final = 0
"""Stands for all that is no HTTP status."""

Outcome = Literal["success", "failure", "client_fault", "cancelled"]
Class = Literal["success", "auth", "rate_limit", "server_error", "timeout", "other"]
"""What one attempt says about the provider; ``other`` failures are in no ratio of their own."""
CLASSES: Final[tuple[Class, ...]] = ("success", "auth", "rate_limit", "server_error", "timeout", "other")

_CLASS_OF: Final[dict[Kind | None, Class]] = {
    None: "success",
    **dict.fromkeys(AUTH, "auth"),
    **dict.fromkeys(RATE_LIMIT, "rate_limit"),
    **dict.fromkeys(SERVER_ERROR, "server_error"),
    **dict.fromkeys(TIMEOUT, "timeout"),
}

Labels = tuple[str, Kind | None, int | None]


class Row:
    """Attempts that have all their labels in common, and their tokens."""

    __slots__ = ("attempts", "input_tokens", "output_tokens")

    def __init__(self) -> None:
        self.attempts = self.input_tokens = self.output_tokens = 0


class Totals:
    """One provider's counts since the start.

    Attributes:
        rows: by model, kind (``None`` for success) and HTTP status (``None`` when there was no answer).
        fallbacks: requests that went on to another provider, by that one and the kind of failure that made them.
        durations: of successes, whole. ``first_tokens``: of every attempt that sent a byte on.
    """

    __slots__ = ("_models", "durations", "fallbacks", "first_tokens", "retries", "rows", "short_circuited")

    def __init__(self) -> None:
        self.rows: dict[Labels, Row] = {}
        self.fallbacks: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.durations = Buckets(REQUEST_EDGES_S)
        self.first_tokens = Buckets(FIRST_TOKEN_EDGES_S)
        self.retries = self.short_circuited = 0
        self._models: set[str] = set()

    def attempt(self, record: AttemptRecord) -> None:
        """Count one finished upstream call."""
        row = self.rows.get((record.model, record.kind, record.status)) or self._new(record)
        row.attempts += 1
        if record.kind is None:
            self.durations.record(record.duration_ms / 1000)
        if record.ttft_ms is not None:
            self.first_tokens.record(record.ttft_ms / 1000)
        if record.input_tokens and record.input_tokens > 0:
            row.input_tokens += record.input_tokens
        if record.output_tokens and record.output_tokens > 0:
            row.output_tokens += record.output_tokens

    def _new(self, record: AttemptRecord) -> Row:
        model, kind, status = record.model, record.kind, record.status
        if model not in self._models:
            if len(self._models) < MOST_MODELS:
                self._models.add(model)
            else:
                model = OTHER
        if status is not None and not 100 <= status <= 599:
            status = NO_STATUS
        key: Labels = (model, kind, status)
        if key not in self.rows and len(self.rows) >= MOST_SERIES:
            key = (OTHER, kind, NO_STATUS)
        return self.rows.setdefault(key, Row())

    def fallback(self, provider_to: str, reason: str) -> None:
        """Count a request that another provider is asked to serve."""
        self.fallbacks[provider_to, reason] += 1

    def classes(self) -> dict[Class, int]:
        """Rated attempts by what they say; every class is there from the start, so that an increase is seen."""
        found = dict.fromkeys(CLASSES, 0)
        for (_, kind, _), row in self.rows.items():
            if kind not in UNRATED:
                found[_CLASS_OF.get(kind, "other")] += row.attempts
        return found

    def tokens(self) -> dict[tuple[str, str], int]:
        """Tokens by model, and ``input`` or ``output``."""
        found: defaultdict[tuple[str, str], int] = defaultdict(int)
        for (model, _, _), row in self.rows.items():
            found[model, "input"] += row.input_tokens
            found[model, "output"] += row.output_tokens
        return found


def outcome(kind: Kind | None) -> Outcome:
    """The word for an attempt's end."""
    if kind is None:
        return "success"
    if kind is Kind.CANCELLED:
        return "cancelled"
    return "client_fault" if kind in CLIENT_FAULTS else "failure"


def status_label(status: int | None) -> str:
    """The status as a label; empty when there was no answer."""
    return "" if status is None else str(status) if status else OTHER
