"""How long things took: a log-spaced histogram, small, quick to record into, and mergeable without loss.

Twelve bins to an octave from one millisecond to one hour, so a bin is 6 % wide wherever it lies and a percentile is off
by that at most. What lies outside counts in the first or the last bin.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate
from math import ceil, log2
from typing import Final

LOWEST_MS: Final = 1.0
HIGHEST_MS: Final = 3_600_000.0
BINS_PER_OCTAVE: Final = 12
GROWTH: Final = 2 ** (1 / BINS_PER_OCTAVE)
"""A bin's upper edge over its lower edge."""

_BINS: Final = ceil(log2(HIGHEST_MS) * BINS_PER_OCTAVE)
_LAST: Final = _BINS - 1
_ZEROS: Final = array("I", [0]) * _BINS
_MOST_SAMPLES: Final = 2 ** (8 * _ZEROS.itemsize) - 1


def bin_of(ms: float) -> int:
    """Where a duration, in milliseconds, counts. Never raises: not-a-number and negatives count as the lowest."""
    if ms < HIGHEST_MS:
        return int(log2(ms) * BINS_PER_OCTAVE) if ms > LOWEST_MS else 0
    return _LAST if ms >= HIGHEST_MS else 0


class Histogram:
    """Counts of durations. An empty one holds no array.

    >>> durations = Histogram()
    >>> for ms in (100, 200, 400): durations.record(ms)
    >>> [round(ms) for ms in durations.percentiles(0.5, 0.95)]
    [197, 395]
    """

    __slots__ = ("counts", "samples")

    def __init__(self) -> None:
        self.samples = 0
        self.counts = array("I")

    def record(self, ms: float) -> None:
        """Count one duration, in milliseconds."""
        self.add(bin_of(ms))

    def add(self, bin_: int) -> None:
        """Count one duration by its bin, see :func:`bin_of`."""
        counts = self.counts
        if not counts:
            counts = self.counts = _ZEROS[:]
        counts[bin_] += 1
        self.samples += 1

    def clear(self) -> None:
        """Forget everything, and keep the array for the next use."""
        if self.samples:
            self.counts[:] = _ZEROS
            self.samples = 0

    @classmethod
    def merged(cls, parts: Iterable[Histogram]) -> Histogram:
        """All the parts' durations in one histogram, as if each had been recorded there.

        Each array is read as one long integer, so that one addition adds every bin: far quicker than bin by bin. No
        count spills into its neighbour as long as all of them together fit into one.

        Raises:
            OverflowError: they do not (over four thousand million samples).
        """
        whole = cls()
        long_sum = 0
        for part in parts:
            if part.samples:
                long_sum += int.from_bytes(part.counts, sys.byteorder)
                whole.samples += part.samples
        if whole.samples > _MOST_SAMPLES:
            raise OverflowError(f"a histogram holds {_MOST_SAMPLES} samples at most")
        if whole.samples:
            whole.counts = array("I", long_sum.to_bytes(_BINS * _ZEROS.itemsize, sys.byteorder))
        return whole

    def percentiles(self, *shares: float) -> list[float | None]:
        """For each share in 0..1, the duration in milliseconds which that share of the samples did not exceed.

        It is the nearest-rank percentile; the samples of one bin are taken to be spread evenly over it.

        Returns:
            One number a share; ``None`` for each when there is no sample.
        """
        if not self.samples:
            return [None] * len(shares)
        ends = list(accumulate(self.counts))
        return [self._ranked(ceil(share * self.samples - 1e-9), ends) for share in shares]

    def _ranked(self, rank: int, ends: list[int]) -> float:
        """The duration that is number ``rank`` from below; ``ends`` holds how many lie in each bin or under it."""
        rank = min(max(rank, 1), self.samples)
        index = bisect_left(ends, rank)
        from_above = ends[index] - rank + 0.5
        ms: float = 2 ** ((index + 1 - from_above / self.counts[index]) / BINS_PER_OCTAVE)
        return min(ms, HIGHEST_MS)
