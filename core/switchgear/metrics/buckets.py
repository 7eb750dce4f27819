"""A histogram with fixed edges that only ever grows: what Prometheus scrapes."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from typing import Final

REQUEST_EDGES_S: Final = tuple(0.01 * 2**step for step in range(17))
"""10 ms to 11 minutes, each twice the one before: the edges gateways of this kind use (0.01 to 81.92 s, read 2026-11),
and three more, because whole answers of minutes are normal."""
FIRST_TOKEN_EDGES_S: Final = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0),
    *(20.0, 30.0, 60.0),
)
"""OpenTelemetry's advice for the time to the first token (GenAI metrics, read 2026-11), and three more to a minute."""
OVERHEAD_EDGES_S: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
QUEUE_EDGES_S: Final = (0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)


class Buckets:
    """Durations in seconds, counted by fixed edges.

    >>> waits = Buckets((0.1, 1.0))
    >>> for seconds in (0.1, 0.5, 7.0): waits.record(seconds)
    >>> waits.cumulative(), waits.total
    ([1, 2, 3], 7.6)
    """

    __slots__ = ("counts", "edges", "total")

    def __init__(self, edges: tuple[float, ...]) -> None:
        self.edges = edges
        self.counts = [0] * (len(edges) + 1)
        self.total = 0.0

    def record(self, seconds: float) -> None:
        """Count one duration; a negative one, from a clock that was set back, counts as none at all."""
        if seconds < 0:
            seconds = 0.0
        self.counts[bisect_left(self.edges, seconds)] += 1
        self.total += seconds

    def cumulative(self) -> list[int]:
        """How many were at most each edge; the last is all of them."""
        return list(accumulate(self.counts))
