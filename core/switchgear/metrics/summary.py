"""What ten seconds count, and the figures several of them add up to.

An *attempt* is one upstream call that says something about the provider: a success or a failure. Client faults,
cancels and our own refusals are counted beside, and are in no ratio.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypedDict, TypeVar

from switchgear.metrics.histogram import Histogram, bin_of
from switchgear.types import AttemptRecord, Kind

SUFFICIENT_ATTEMPTS: Final = 20
"""With fewer a ratio is noise, and ``ProviderMetrics.last_failed`` tells more."""

CLIENT_FAULTS: Final = frozenset({Kind.INVALID_REQUEST, Kind.CONTEXT_TOO_LONG, Kind.CONTENT_FILTERED})
UNRATED: Final = CLIENT_FAULTS | {Kind.CANCELLED}
"""Kinds that say nothing about the provider: neither a success nor a failure."""
AUTH: Final = frozenset({Kind.TOKEN_EXPIRED, Kind.LOGIN_REQUIRED, Kind.FORBIDDEN, Kind.SUSPENDED})
RATE_LIMIT: Final = frozenset({Kind.RATE_LIMITED, Kind.QUOTA_EXHAUSTED})
SERVER_ERROR: Final = frozenset({Kind.SERVER_ERROR, Kind.OVERLOADED, Kind.CONNECTION, Kind.PROTOCOL})
TIMEOUT: Final = frozenset({Kind.TIMEOUT})

_USUAL_STATUS: Final = (200, 401, 403, 429, 500)
_MOST_STATUS: Final = 32
_OTHER_STATUS: Final = 0
"""Stands for all that is no HTTP status: a plugin may take one from an upstream's JSON, and find anything there."""

_K = TypeVar("_K")


class Latency(TypedDict):
    """Of successes, in whole milliseconds; ``None`` without a sample."""

    p50: int | None
    p95: int | None
    p99: int | None
    samples: int


class FirstToken(TypedDict):
    """Of every call that sent a byte on, however it ended; in whole milliseconds."""

    p50: int | None
    p95: int | None
    samples: int


class Tokens(TypedDict):
    """As the upstream reports them; ``usage_missing`` counts successes without any figure."""

    input: int
    output: int
    usage_missing: int


class Window(TypedDict):
    """The figures of one window. A ratio without attempts is ``None``, and no ratio is sure unless ``sufficient``.

    ``status`` counts the upstream's answers as they came, client faults and broken 200s among them.
    ``availability`` is the share of the time with an eligible account; ``None`` while nobody looked.
    """

    attempts: int
    successes: int
    failures: int
    client_faults: int
    cancelled: int
    short_circuited: int
    success_ratio: float | None
    auth_ratio: float | None
    rate_limit_ratio: float | None
    server_error_ratio: float | None
    timeout_ratio: float | None
    status: dict[str, int]
    latency_ms: Latency
    ttft_ms: FirstToken
    tokens: Tokens
    retries: int
    fallbacks_out: int
    availability: float | None
    sufficient: bool


class Bucket:
    """Ten seconds of counts. ``outcomes`` is by kind, ``None`` for successes."""

    __slots__ = (
        "eligible", "fallbacks_out", "input_tokens", "latency", "looks", "number", "outcomes", "output_tokens",
        "retries", "short_circuited", "status", "ttft", "usage_missing",
    )  # fmt: skip

    def __init__(self, number: int) -> None:
        self.outcomes: defaultdict[Kind | None, int] = defaultdict(int)
        self.status: defaultdict[int, int] = defaultdict(int)
        self.latency = Histogram()
        self.ttft = Histogram()
        self.start(number)

    def start(self, number: int) -> None:
        """Count from nothing, for the ``number``-th ten seconds of the clock."""
        self.number = number
        self.outcomes.clear()
        self.status.clear()
        self.latency.clear()
        self.ttft.clear()
        self.input_tokens = self.output_tokens = self.usage_missing = 0
        self.short_circuited = self.retries = self.fallbacks_out = 0
        self.looks = self.eligible = 0


def count(record: AttemptRecord, buckets: Iterable[Bucket]) -> None:
    """Count one finished upstream call in each of these buckets."""
    kind, status, sent, received = record.kind, record.status, record.input_tokens, record.output_tokens
    if status is not None and not 100 <= status <= 599:
        status = _OTHER_STATUS
    # Successes only: a provider that refuses quickly is not a quick provider.
    latency = bin_of(record.duration_ms) if kind is None else None
    ttft = None if record.ttft_ms is None else bin_of(record.ttft_ms)
    for bucket in buckets:
        bucket.outcomes[kind] += 1
        if status is not None:
            bucket.status[status] += 1
        if latency is not None:
            bucket.latency.add(latency)
            if sent is None and received is None:
                bucket.usage_missing += 1
        if ttft is not None:
            bucket.ttft.add(ttft)
        if sent and sent > 0:
            bucket.input_tokens += sent
        if received and received > 0:
            bucket.output_tokens += received


def summarise(buckets: Sequence[Bucket]) -> Window:
    """The figures of these buckets together. Ratios are rounded to six digits."""
    outcomes = _sum(bucket.outcomes for bucket in buckets)
    successes = outcomes.get(None, 0)
    client_faults = _of(outcomes, CLIENT_FAULTS)
    cancelled = outcomes.get(Kind.CANCELLED, 0)
    attempts = sum(outcomes.values()) - client_faults - cancelled
    latency = Histogram.merged(bucket.latency for bucket in buckets)
    ttft = Histogram.merged(bucket.ttft for bucket in buckets)
    p50, p95, p99 = map(_whole, latency.percentiles(0.50, 0.95, 0.99))
    first_p50, first_p95 = map(_whole, ttft.percentiles(0.50, 0.95))
    # Each ten seconds weigh the same, however often anybody looked in them.
    available = [bucket.eligible / bucket.looks for bucket in buckets if bucket.looks]
    return {
        "attempts": attempts,
        "successes": successes,
        "failures": attempts - successes,
        "client_faults": client_faults,
        "cancelled": cancelled,
        "short_circuited": sum(bucket.short_circuited for bucket in buckets),
        "success_ratio": ratio(successes, attempts),
        "auth_ratio": ratio(_of(outcomes, AUTH), attempts),
        "rate_limit_ratio": ratio(_of(outcomes, RATE_LIMIT), attempts),
        "server_error_ratio": ratio(_of(outcomes, SERVER_ERROR), attempts),
        "timeout_ratio": ratio(_of(outcomes, TIMEOUT), attempts),
        "status": _status(_sum(bucket.status for bucket in buckets)),
        "latency_ms": {"p50": p50, "p95": p95, "p99": p99, "samples": latency.samples},
        "ttft_ms": {"p50": first_p50, "p95": first_p95, "samples": ttft.samples},
        "tokens": {
            "input": sum(bucket.input_tokens for bucket in buckets),
            "output": sum(bucket.output_tokens for bucket in buckets),
            "usage_missing": sum(bucket.usage_missing for bucket in buckets),
        },
        "retries": sum(bucket.retries for bucket in buckets),
        "fallbacks_out": sum(bucket.fallbacks_out for bucket in buckets),
        "availability": ratio(sum(available), len(available)),
        "sufficient": attempts >= SUFFICIENT_ATTEMPTS,
    }


def failures(buckets: Iterable[Bucket]) -> list[tuple[Kind, int]]:
    """How often each kind of failure came, the most frequent first."""
    outcomes = _sum(bucket.outcomes for bucket in buckets)
    failed = [(kind, count) for kind, count in outcomes.items() if kind is not None and kind not in UNRATED]
    return sorted(failed, key=lambda row: (-row[1], row[0]))


def ratio(part: float, whole: int) -> float | None:
    """``part / whole``; ``None`` of nothing, which is neither good nor bad."""
    return round(part / whole, 6) if whole else None


def _sum(counts: Iterable[Mapping[_K, int]]) -> dict[_K, int]:
    total: dict[_K, int] = {}
    for mapping in counts:
        for key, count in mapping.items():
            total[key] = total.get(key, 0) + count
    return total


def _of(outcomes: Mapping[Kind | None, int], kinds: frozenset[Kind]) -> int:
    return sum(outcomes.get(kind, 0) for kind in kinds)


def _status(seen: dict[int, int]) -> dict[str, int]:
    """The usual codes, zero or not, and the most frequent of the others; whatever is left counts as ``other``."""
    unusual = sorted(seen.keys() - {_OTHER_STATUS, *_USUAL_STATUS}, key=lambda code: (-seen[code], code))
    shown = sorted((*_USUAL_STATUS, *unusual[:_MOST_STATUS]))
    status = {str(code): seen.get(code, 0) for code in shown}
    if other := sum(seen.values()) - sum(status.values()):
        status["other"] = other
    return status


def _whole(ms: float | None) -> int | None:
    return None if ms is None else round(ms)
