"""What clients felt, after retries and fallbacks: requests by how they ended, since the start and lately."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from typing import Final, TypedDict

from switchgear.metrics.buckets import OVERHEAD_EDGES_S, QUEUE_EDGES_S, Buckets
from switchgear.metrics.summary import ratio
from switchgear.metrics.totals import OTHER
from switchgear.metrics.windows import BUCKET_S, RING_S

MOST_OUTCOMES: Final = 256
OURS: Final = frozenset(
    {
        "upstream_error", "no_account_available", "accounts_busy", "models_unavailable", "shutting_down",
        "internal_error",
    }
)  # fmt: skip
"""Outcomes that a client did not bring upon itself."""
CLIENT_STATUS: Final = frozenset({400, 404, 413, 422})
"""With one of these an upstream's error is the client's own fault."""


class Felt(TypedDict):
    """One window. What the client itself got wrong or gave up is in ``requests`` alone; the ratio of the others is
    ``None`` when there are none.
    """

    requests: int
    succeeded: int
    failed: int
    success_ratio: float | None


class Clients:
    """Requests of clients. ``clock`` is monotonic seconds.

    Attributes:
        outcomes: since the start, by route and outcome.
        overhead: seconds of each answered request that were ours. ``queue_wait``: seconds each waited for a turn.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._recent: deque[list[int]] = deque()
        self.outcomes: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.overhead = Buckets(OVERHEAD_EDGES_S)
        self.queue_wait = Buckets(QUEUE_EDGES_S)

    def request(self, route: str, outcome: str, status: int | None) -> None:
        """Count one request that ended; ``status`` is what the client got, ``None`` when it got none."""
        key = (route, outcome)
        if key not in self.outcomes and len(self.outcomes) >= MOST_OUTCOMES:
            key = (OTHER, OTHER)
        self.outcomes[key] += 1
        number = int(self._clock() // BUCKET_S)
        if not self._recent or self._recent[-1][0] < number:
            self._recent.append([number, 0, 0, 0])
            while self._recent[0][0] <= number - RING_S // BUCKET_S:
                self._recent.popleft()
        bucket = self._recent[-1]
        bucket[1] += 1
        if outcome == "ok":
            bucket[2] += 1
        elif outcome in OURS and not (outcome == "upstream_error" and status in CLIENT_STATUS):
            bucket[3] += 1

    def window(self, seconds: int) -> Felt:
        """The figures of the last ``seconds``, up to 900."""
        after = int(self._clock() // BUCKET_S) - max(seconds // BUCKET_S, 1)
        rows = [row for row in self._recent if row[0] > after]
        succeeded, failed = sum(row[2] for row in rows), sum(row[3] for row in rows)
        return {
            "requests": sum(row[1] for row in rows),
            "succeeded": succeeded,
            "failed": failed,
            "success_ratio": ratio(succeeded, succeeded + failed),
        }

    def windows(self, windows: Mapping[str, int]) -> dict[str, Felt]:
        """The figures of each window, by its name."""
        return {name: self.window(seconds) for name, seconds in windows.items()}
