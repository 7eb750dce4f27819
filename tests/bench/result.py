"""What one run showed, and the figures it is made of."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass, field


@dataclass
class Result:
    """One run. Times are milliseconds; ``None`` where there is nothing to tell. A chunk is a text chunk of a stream.

    ``latency_added`` and ``ttft_added`` are p50 beyond that of the upstream asked directly, in the same round.
    ``noise_pct`` is what other processes took, in percent of a core.
    """

    requests: int = 0
    bad: int = 0
    first_bad: str = ""
    rps: float = 0.0
    chunks: int = 0
    chunks_per_s: float = 0.0
    latency_p50: float | None = None
    latency_p99: float | None = None
    latency_added: float | None = None
    ttft_p50: float | None = None
    ttft_p99: float | None = None
    ttft_added: float | None = None
    lag_p50: float | None = None
    lag_p99: float | None = None
    cpu_s: float | None = None
    cpu_us_per_request: float | None = None
    cpu_us_per_chunk: float | None = None
    rss_idle_mb: float | None = None
    rss_peak_mb: float | None = None
    noise_pct: float | None = None


def _seconds() -> array[float]:
    return array("d")


@dataclass(slots=True)
class Figures:
    """What the clients count while ``measuring``; seconds."""

    measuring: bool = False
    requests: int = 0
    chunks: int = 0
    bad: int = 0
    first_bad: str = ""
    latencies: array[float] = field(default_factory=_seconds)
    ttfts: array[float] = field(default_factory=_seconds)
    lags: array[float] = field(default_factory=_seconds)

    def wrong(self, why: str) -> None:
        """An answer was wrong, whenever it came."""
        self.bad += 1
        self.first_bad = self.first_bad or why[:300]

    def result(self, wall_s: float) -> Result:
        """All of it, over ``wall_s`` seconds."""
        return Result(
            requests=self.requests,
            bad=self.bad,
            first_bad=self.first_bad,
            rps=self.requests / wall_s,
            chunks=self.chunks,
            chunks_per_s=self.chunks / wall_s,
            latency_p50=percentile(self.latencies, 0.5),
            latency_p99=percentile(self.latencies, 0.99),
            ttft_p50=percentile(self.ttfts, 0.5),
            ttft_p99=percentile(self.ttfts, 0.99),
            lag_p50=percentile(self.lags, 0.5),
            lag_p99=percentile(self.lags, 0.99),
        )


def percentile(values: array[float], share: float) -> float | None:
    """The value that ``share`` of ``values`` do not exceed, in milliseconds."""
    return sorted(values)[max(math.ceil(share * len(values)) - 1, 0)] * 1000 if values else None
