"""The two text forms Prometheus scrapes: its own, and OpenMetrics.

Source: the Prometheus text format 0.0.4 and OpenMetrics 1.0 (prometheus.io/docs and the OpenMetrics specification, read
2026-11). OpenMetrics differs in naming a counter's family without ``_total``, and in its last line.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from switchgear.metrics.buckets import Buckets

TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"

Labels = Mapping[str, str]


@dataclass(slots=True)
class Family:
    """One metric with all its series. A counter's ``name`` is without ``_total``."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    samples: list[tuple[str, tuple[tuple[str, str], ...], float]] = field(default_factory=list)

    def add(self, value: float, **labels: str) -> None:
        """One series; a label whose name is a word of Python's is written with ``_`` after it."""
        suffix = "_total" if self.kind == "counter" else ""
        self.samples.append((suffix, tuple((name.rstrip("_"), text) for name, text in labels.items()), value))

    def add_buckets(self, buckets: Buckets, **labels: str) -> None:
        """One histogram."""
        own = tuple(labels.items())
        counts = buckets.cumulative()
        for edge, count in zip((*buckets.edges, math.inf), counts, strict=True):
            self.samples.append(("_bucket", (*own, ("le", _number(edge, float_=True))), count))
        self.samples.append(("_sum", own, buckets.total))
        self.samples.append(("_count", own, counts[-1]))


def openmetrics_wanted(accept: str) -> bool:
    """Whether the ``Accept`` header would rather have OpenMetrics 1.0 than the older form.

    >>> openmetrics_wanted("application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5")
    True
    >>> openmetrics_wanted("*/*")
    False
    """
    best = {"application/openmetrics-text": 0.0, "text/plain": 0.0}
    for choice in accept.split(","):
        media, *parameters = (part.strip().lower() for part in choice.split(";"))
        given = dict(part.partition("=")[::2] for part in parameters)
        if media in best and given.get("version", "1.0.0") in {"1.0.0", "0.0.1", "0.0.4"}:
            best[media] = max(best[media], _quality(given.get("q", "1")))
    return best["application/openmetrics-text"] > best["text/plain"]


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def render(families: Iterable[Family], *, openmetrics: bool) -> bytes:
    """The families as one scrape."""
    lines = [line for family in families for line in _lines(family, openmetrics=openmetrics)]
    return ("\n".join([*lines, "# EOF"] if openmetrics else lines) + "\n").encode()


def _lines(family: Family, *, openmetrics: bool) -> Iterator[str]:
    total = "_total" if family.kind == "counter" and not openmetrics else ""
    yield f"# HELP {family.name}{total} {_escaped(family.help, quotes=openmetrics)}"
    yield f"# TYPE {family.name}{total} {family.kind}"
    for suffix, labels, value in family.samples:
        yield f"{family.name}{suffix}{_shown(labels)} {_number(value)}"


def _shown(labels: Sequence[tuple[str, str]]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(text, quotes=True)}"' for name, text in labels) + "}"


def _escaped(text: str, *, quotes: bool) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if quotes else text


def _number(value: float, *, float_: bool = False) -> str:
    """As short as it reads back the same. ``float_``: never as a whole number, as OpenMetrics wants edges."""
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if not float_ and value == int(value) and abs(value) < 1e15 else repr(float(value))
