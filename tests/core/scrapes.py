"""A scrape in Prometheus' text form, read strictly."""

from __future__ import annotations

import math
import re

LINE = re.compile(r'([a-zA-Z_:][\w:]*)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)+)\})? (\S+)')


def parse(text: str) -> dict[str, float]:
    """Each series, as it is written, with its value; the text is well-formed and holds no series twice."""
    found: dict[str, float] = {}
    family = ""
    typed: set[str] = set()
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            family = line.split()[2]
            assert family not in typed
            typed.add(family)
        elif not line.startswith("#"):
            match = LINE.fullmatch(line)
            assert match is not None, line
            assert match[1].startswith(family), line
            series, _, value = line.rpartition(" ")
            assert series not in found, line
            found[series] = math.inf if value == "+Inf" else float(value)
    return found
