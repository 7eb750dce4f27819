"""Answers of the Responses API that clients may come back to: in memory, bounded, expiring, each its key's own."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec


@dataclass(frozen=True, slots=True)
class Stored:
    """One answer.

    Attributes:
        answer: the response object as the client got it.
        items: the whole conversation up to and with it, as input items of a request that goes on from here.
        expires_at: monotonic seconds.
        size: in bytes, of what it holds.
    """

    answer: bytes
    items: tuple[msgspec.Raw, ...]
    expires_at: float
    size: int


class ResponseStore:
    """The answers kept, oldest first out. The limits are read anew at each use, so that a reload changes them.

    Args:
        max_bytes: gives the most that is kept altogether.
        ttl_s: gives how long one is kept, in seconds.
    """

    def __init__(
        self,
        max_bytes: Callable[[], int],
        ttl_s: Callable[[], float],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_bytes = max_bytes
        self._ttl_s = ttl_s
        self._now = monotonic
        self._kept: OrderedDict[tuple[str, str], Stored] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        return len(self._kept)

    def put(self, owner: str, response_id: str, answer: bytes, items: Sequence[msgspec.Raw]) -> None:
        """Keep one answer for the client key called ``owner``; one that alone exceeds the limit is not kept."""
        size = len(answer) + sum(len(bytes(item)) for item in items)
        self._drop((owner, response_id))
        if size > self._max_bytes():
            return
        self._kept[owner, response_id] = Stored(answer, tuple(items), self._now() + self._ttl_s(), size)
        self._size += size
        self._trim()

    def get(self, owner: str, response_id: str) -> Stored | None:
        """The answer, if it is still kept and this key's own."""
        self._trim()
        return self._kept.get((owner, response_id))

    def remove(self, owner: str, response_id: str) -> bool:
        """Forget it; whether it was there."""
        self._trim()
        return self._drop((owner, response_id))

    def _drop(self, key: tuple[str, str]) -> bool:
        old = self._kept.pop(key, None)
        if old is None:
            return False
        self._size -= old.size
        return True

    def _trim(self) -> None:
        now, most = self._now(), self._max_bytes()
        while self._kept:
            key, oldest = next(iter(self._kept.items()))
            if oldest.expires_at > now and self._size <= most:
                return
            self._drop(key)
