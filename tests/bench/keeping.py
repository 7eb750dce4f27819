"""The file that keeps results: JSON, a scenario's rounds under its name with the day and the machine, and the costs."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.report import Measured
from tests.bench.result import Result
from tests.bench.scenarios import SCENARIOS

COSTS = "costs"


@dataclass(frozen=True, slots=True)
class Kept:
    """One scenario as it was kept."""

    measured: Measured
    day: str
    machine: str


@dataclass(frozen=True, slots=True)
class Cost:
    """What one thing costs: CPU microseconds a ``unit`` without it, and how many times that with it, with its range."""

    name: str
    unit: str
    without_us: float
    ratio: float
    low: float
    high: float

    def row(self) -> str:
        """A table's row."""
        more_us = (self.ratio - 1) * self.without_us
        return (
            f"| {self.name} | {self.without_us:.0f} a {self.unit} | {more_us:+.0f} us, "
            f"{self.ratio:.2f}x ({self.low:.2f}-{self.high:.2f}) |"
        )


def machine() -> str:
    """What the figures were taken on."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{python}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores"


def keep(path: Path, measured: Measured) -> None:
    """Put a scenario into the file, in place of what it has of it."""
    kept = json.loads(path.read_text()) if path.exists() else {}
    kept[measured.name] = {
        "day": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "rounds": {who: [_shortened(result) for result in results] for who, results in measured.results.items()},
    }
    ordered = {name: kept[name] for name in (*SCENARIOS, COSTS) if name in kept}
    path.write_text(json.dumps(ordered, indent=1) + "\n")


def keep_costs(path: Path, costs: list[Cost]) -> None:
    """Put what things cost into the file."""
    kept = json.loads(path.read_text()) if path.exists() else {}
    kept[COSTS] = [asdict(cost) for cost in costs]
    path.write_text(json.dumps(kept, indent=1) + "\n")


def read_costs(path: Path) -> list[Cost]:
    """What was kept of these."""
    return [Cost(**cost) for cost in json.loads(path.read_text()).get(COSTS, [])]


def _shortened(result: Result) -> dict[str, object]:
    """Without what is not known, and with figures as long as they are worth."""
    known = {name: value for name, value in asdict(result).items() if value not in (None, "")}
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in known.items()}


def read(path: Path) -> dict[str, Kept]:
    """Everything that was kept, in the order of the scenarios."""
    known = {field.name for field in fields(Result)}
    found = {}
    for name, one in json.loads(path.read_text()).items():
        if name == COSTS:
            continue
        rounds = {
            who: [Result(**{k: v for k, v in result.items() if k in known}) for result in results]
            for who, results in one["rounds"].items()
        }
        found[name] = Kept(Measured(name, rounds), one["day"], one["machine"])
    return found
