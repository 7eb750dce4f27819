"""Every check of a contract, run, and the level that was reached: what ``switchgear plugins check`` prints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from switchgear.loading import installed
from switchgear.testing.contract.base import LEVELS, ContractBase, Result


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a contract.

    Attributes:
        plugin: its entry-point name.
        version: of the distribution it came in; ``?`` for one that is not installed.
        results: one of each check, by level.
    """

    plugin: str
    version: str
    results: tuple[Result, ...]

    @property
    def level(self) -> int:
        """The highest level reached: nothing failed in it and in those below. 0 for none."""
        reached = 0
        for level in LEVELS:
            if not self.passed(level):
                break
            reached = level
        return reached

    def passed(self, level: int) -> bool:
        """Whether nothing failed in this level. What does not apply, or is marked with its reason, has not failed."""
        return all(result.outcome != "failed" for result in self.of(level))

    def of(self, level: int) -> list[Result]:
        """The results of one level."""
        return [result for result in self.results if result.check.level == level]

    def as_json(self) -> dict[str, Any]:
        """The report for programs."""
        return {
            "plugin": self.plugin,
            "version": self.version,
            "level": self.level,
            "levels": [
                {
                    "level": level,
                    "title": title,
                    "passed": self.passed(level),
                    "checks": [_row(result) for result in self.of(level)],
                }
                for level, title in LEVELS.items()
            ],
        }


def _row(result: Result) -> dict[str, Any]:
    return {
        "name": result.check.name,
        "proves": result.check.proves,
        "result": result.outcome,
        "reason": result.reason,
        "ms": round(result.ms),
    }


def report_on(contract: ContractBase, told: Callable[[Result], None] = lambda result: None) -> Report:
    """Run every check of ``contract``, one after another; ``told`` hears of each as it ends.

    It runs event loops of its own, so it is called where none is running.
    """
    results = []
    for check in contract.checks():
        results.append(contract.result_of(check))
        told(results[-1])
    known = installed().get(contract.plugin)
    return Report(contract.plugin, "?" if known is None else known.version, tuple(results))
