"""Runs the conformance kit on every plugin that ships here, and writes what came of it."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

from switchgear.testing.contract.base import LEVELS
from switchgear.testing.contract.report import Report

PAGE = Path(__file__).parent / "conformance-report.md"
SHORT = {"passed": "yes", "n/a": "n/a", "marked": "marked", "failed": "**no**"}


def main() -> None:
    """Run, and write the page."""
    points = sorted(entry_points(group="switchgear.contract"), key=lambda point: point.name)
    reports: list[Report] = [point.load()().report() for point in points]
    PAGE.write_text(page(reports))


def page(reports: list[Report]) -> str:
    """The page: a table of every check, then why one does not apply or is marked."""
    names = [report.plugin for report in reports]
    lines = [
        "# The plugins that ship here, proved",
        "",
        "What the [conformance kit](conformance.md) says of each; written by `python -m docs.conformance_report`.",
        "",
        f"| | {' | '.join(names)} |",
        f"| --- |{' --- |' * len(names)}",
        f"| **level reached, of {len(LEVELS)}** | {' | '.join(f'**{report.level}**' for report in reports)} |",
    ]
    for at, result in enumerate(reports[0].results):
        found = [SHORT[report.results[at].outcome] for report in reports]
        lines.append(f"| `{result.check.name}` | {' | '.join(found)} |")
    lines += ["", "## Why some do not apply, or are marked", ""]
    for report in reports:
        for result in report.results:
            if result.outcome in {"n/a", "marked"}:
                lines.append(f"- {report.plugin}, `{result.check.name}` ({result.outcome}): {result.reason}")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
