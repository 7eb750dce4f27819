"""Durations and shares as people write them, and moments as they read them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

import click

UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"([0-9]{1,9})([smhd])")
_SHARE = re.compile(r"([0-9]{1,3})\s*%?")


def seconds_of(text: str) -> int:
    """The seconds of a duration.

    >>> seconds_of("90s"), seconds_of("30m"), seconds_of("2h"), seconds_of("1d")
    (90, 1800, 7200, 86400)

    Raises:
        ValueError: it is none.
    """
    found = _DURATION.fullmatch(text.strip())
    if found is None or int(found[1]) == 0:
        raise ValueError(f"{text!r} is no duration; write 90s, 30m, 2h or 1d")
    return int(found[1]) * UNITS_S[found[2]]


def percent_of(text: str) -> int:
    """The percent of a share, from 1 to 100.

    >>> percent_of("50"), percent_of("50%")
    (50, 50)

    Raises:
        ValueError: it is none.
    """
    found = _SHARE.fullmatch(text.strip())
    if found is None or not 1 <= int(found[1]) <= 100:
        raise ValueError(f"{text!r} is no share; write a whole number of percent from 1 to 100, such as 50%")
    return int(found[1])


def read_as(reader: Callable[[str], int]) -> Callable[[click.Context, click.Parameter, str | None], int | None]:
    """A callback for an option that is written so."""

    def read(context: click.Context, parameter: click.Parameter, text: str | None) -> int | None:
        try:
            return None if text is None else reader(text)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    return read


def seconds_until(moment: str | None, now: str) -> float | None:
    """Seconds from ``now`` until ``moment``, both as the gateway writes them; ``None`` where that never comes.

    >>> seconds_until("2026-11-01T12:00:30Z", "2026-11-01T12:00:00Z")
    30.0
    """
    if moment is None:
        return None
    return (datetime.fromisoformat(moment) - datetime.fromisoformat(now)).total_seconds()


def spoken(seconds: float) -> str:
    """A length of time in its two largest units.

    >>> spoken(24), spoken(90), spoken(7260), spoken(200_000), spoken(-5)
    ('24s', '1m 30s', '2h 1m', '2d 7h', '0s')
    """
    left = max(0, round(seconds))
    parts: list[str] = []
    for unit, size in reversed(UNITS_S.items()):
        count, left = divmod(left, size)
        if count or parts:
            parts.append(f"{count}{unit}" if count else "")
    return " ".join(part for part in parts[:2] if part) or "0s"
