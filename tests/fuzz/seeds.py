"""Trying one seed after another, for a while: what the fuzz targets that go by seeds have in common."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable

DEFAULT_SECONDS = 30.0


def tried(one: Callable[[int], object], seconds: float, seed: int) -> int:
    """Try seeds from ``seed`` on; gives how many. What is found is raised."""
    began, first = time.monotonic(), seed
    while time.monotonic() - began < seconds:
        one(seed)
        seed += 1
    return seed - first


def main(one: Callable[[int], object]) -> None:
    """The command: seconds and the first seed, both optional."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_SECONDS
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(10**9)
    print(f"from seed {seed} on, for {seconds:g} s", flush=True)
    print(f"{tried(one, seconds, seed)} streams, nothing found")
