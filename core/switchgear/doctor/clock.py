"""The clock: tokens are renewed by it, and some upstreams refuse requests from another time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median

from switchgear.checks import Check
from switchgear.doctor.network import Reached

EARLIEST = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
"""This program is younger."""
SKEW_S = 30.0
WRONG_S = 300.0
"""AWS refuses signed requests that are five minutes off (Signature Version 4, read 2026-11)."""
STEP_S = 1.0
ADVICE = "set it by network time (systemd-timesyncd, chrony)"


@dataclass(frozen=True, slots=True)
class Moment:
    """The same moment on both clocks, in seconds."""

    wall: float
    monotonic: float


def check(began: Moment, ended: Moment, answers: Sequence[Reached]) -> Check:
    """Compare the clock with itself, and with the upstreams that told their time."""
    offsets = [answer.clock_offset_s for answer in answers if answer.clock_offset_s is not None]
    facts = {"offset_seconds": round(median(offsets), 1) if offsets else None, "compared_with": len(offsets)}
    if ended.wall < EARLIEST:
        return Check(
            "clock", "failed", f"it stands at {datetime.fromtimestamp(ended.wall, UTC):%Y-%m-%d}", ADVICE, facts
        )
    off = abs(median(offsets)) if offsets else 0.0
    if off > SKEW_S:
        way = "behind" if median(offsets) > 0 else "ahead of"
        detail = f"it is {off:.0f} s {way} the upstreams' clocks"
        return Check("clock", "failed" if off > WRONG_S else "attention", detail, ADVICE, facts)
    stepped = (ended.wall - began.wall) - (ended.monotonic - began.monotonic)
    if abs(stepped) > STEP_S:
        return Check("clock", "attention", f"it was set by {stepped:+.0f} s while the doctor looked", ADVICE, facts)
    told = (
        f"within {SKEW_S:g} s of {len(offsets)} upstreams" if offsets else "no upstream told the time to compare with"
    )
    return Check("clock", "ok", f"it runs evenly; {told}", facts=facts)
