"""Two trees are compared fairly, and a soak is judged rightly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.bench.compare import Core, compared, core, middle
from tests.bench.result import Result
from tests.bench.soak import Sample, judged
from tests.bench.subjects import ROOT


class Recorded:
    """A tree with known costs, which drift as a machine's mood does."""

    def __init__(self, cost: float, mood: list[float]) -> None:
        self._cost = cost
        self._mood = mood

    def slice(self, kind: str, count: int) -> float:
        self._mood[0] *= 1.02
        return self._cost * self._mood[0]


@pytest.mark.parametrize(
    ("after", "word"),
    [
        pytest.param(8.0, "less", id="a fifth less"),
        pytest.param(12.0, "more", id="a fifth more"),
        pytest.param(10.0, "no difference seen", id="the same"),
    ],
)
def test_a_drifting_machine_hides_no_difference(after: float, word: str) -> None:
    mood = [1.0]
    row = compared(Recorded(10.0, mood), Recorded(after, mood), "json", 1, 40)
    assert row.endswith(f"| {word} |")


def test_the_middle_lies_in_its_range() -> None:
    ratio, low, high = middle([1.0, 5.0, 2.0, 4.0, 3.0] * 20)
    assert low <= ratio == 3.0 <= high


def test_the_core_is_measured_in_a_tree(tmp_path: Path) -> None:
    with core(ROOT, tmp_path, None) as tree:
        assert isinstance(tree, Core)
        for kind in ("json", "sse", "messages"):
            assert 1 < tree.slice(kind, 2) < 100_000


IDLE = Sample(0, 60, 0, 60, 300_000, 20, 8, 14, 0)
BUSY = Sample(0, 70, 1, 69, 350_000, 500, 8, 300, 50)
SERVED = {"whole": Result(requests=10, latency_p50=1.0, latency_p99=2.0)}


@pytest.mark.parametrize(
    ("growth", "after", "results", "problems"),
    [
        pytest.param({}, {}, SERVED, [], id="flat"),
        pytest.param({"memory_mb": 0.2}, {}, SERVED, ["memory_mb: grows"], id="memory"),
        pytest.param({"rss_mb": 0.2, "metrics_mb": 0.2}, {}, SERVED, [], id="the metrics fill"),
        pytest.param({"tasks": 1}, {}, SERVED, ["tasks: grows"], id="a task each time"),
        pytest.param({}, {"files": 60}, SERVED, ["files: not given back"], id="connections left open"),
        pytest.param(
            {},
            {},
            {"whole": replace(SERVED["whole"], bad=1, first_bad="500")},
            ["whole: 1 wrong answers, first: 500"],
            id="a wrong answer",
        ),
    ],
)
def test_a_soak_tells_what_grows(
    growth: dict[str, Any], after: dict[str, Any], results: dict[str, Result], problems: list[str]
) -> None:
    samples = [
        replace(BUSY, **{name: getattr(BUSY, name) + step * at for name, step in growth.items()}) for at in range(60)
    ]
    stalled = [
        replace(sample, tasks=sample.tasks + 500) if at % 4 == 3 else sample for at, sample in enumerate(samples)
    ]
    assert judged(stalled, IDLE, replace(IDLE, **after), results) == problems
