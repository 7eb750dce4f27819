"""What happened lately: 10-second buckets over 15 minutes, and any window over them."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Final

from switchgear.metrics.summary import Bucket, Window, count, failures, summarise
from switchgear.types import AttemptRecord, Kind

BUCKET_S: Final = 10
RING_S: Final = 900
_BUCKETS: Final = RING_S // BUCKET_S


class Ring:
    """The last 15 minutes of one provider, account or model.

    Holds a bucket only for those ten seconds in which something happened, and uses old ones again. A window is its
    last whole buckets with the one under way, so it never shows what is older than its name says. For one event loop,
    not for threads.

    Args:
        clock: seconds that never run backwards; should they do so, time stands still here until they catch up.
    """

    __slots__ = ("_buckets", "_clock", "_ends_at")

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._buckets: list[Bucket] = []
        self._ends_at = -inf

    def attempt(self, record: AttemptRecord) -> None:
        """Count one finished upstream call."""
        count(record, (self.bucket(self._clock()),))

    def short_circuited(self) -> None:
        """Count a call that we ourselves refused to make."""
        self.bucket(self._clock()).short_circuited += 1

    def retry(self) -> None:
        """Count a further attempt for a request that failed here."""
        self.bucket(self._clock()).retries += 1

    def fallback_out(self) -> None:
        """Count a request that went on to another provider."""
        self.bucket(self._clock()).fallbacks_out += 1

    def sample_availability(self, eligible: bool) -> None:
        """Note whether at least one account could be tried now."""
        bucket = self.bucket(self._clock())
        bucket.looks += 1
        bucket.eligible += eligible

    def idle(self) -> bool:
        """Whether nothing happened within the ring's reach."""
        return not self._recent(RING_S)

    def failures(self, window_s: int) -> list[tuple[Kind, int]]:
        """How often each kind of failure came, the most frequent first."""
        return failures(self._recent(window_s))

    def summary(self, window_s: int) -> Window:
        """The figures of the last ``window_s`` seconds, 10 to 900 of them."""
        return summarise(self._recent(window_s))

    def bucket(self, now: float) -> Bucket:
        """The bucket to count in at ``now``, seconds of the clock."""
        return self._buckets[-1] if now < self._ends_at else self._next(int(now // BUCKET_S))

    def _next(self, number: int) -> Bucket:
        """Begin a bucket: the oldest one, once it is out of reach, or else a new one."""
        buckets = self._buckets
        gone = sum(bucket.number <= number - _BUCKETS for bucket in buckets)
        if gone:
            bucket = buckets[0]
            bucket.start(number)
            del buckets[:gone]
        else:
            bucket = Bucket(number)
        buckets.append(bucket)
        self._ends_at = (number + 1.0) * BUCKET_S
        return bucket

    def _recent(self, window_s: int) -> list[Bucket]:
        """The buckets of a window. A ring that has been idle for its whole length lets go of them all."""
        buckets = self._buckets
        if not buckets:
            return buckets
        newest = buckets[-1].number
        number = max(int(self._clock() // BUCKET_S), newest)
        if newest <= number - _BUCKETS:
            self._buckets, self._ends_at = [], -inf
            return self._buckets
        after = number - min(max(window_s // BUCKET_S, 1), _BUCKETS)
        return [bucket for bucket in buckets if bucket.number > after]
