"""Tables: absolute figures, the ratio of gateway to bare, and the goals."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median

from tests.bench.result import Result
from tests.bench.scenarios import HEADINGS, SCENARIOS, Goal, Scenario

NOISE_LIMIT_PCT = 25.0
"""A round is judged only if other processes took less of a core in all its runs. Beyond it figures and ratios drift,
either way: contention slows whichever run it happens to hit."""
FEWEST_ROUNDS = 2
"""One quiet round alone is judged no more than none."""
MEMORY = "rss_peak_mb"
"""Does not depend on what else runs, so that every round counts."""
NOT_COMPARED = {"noise_pct", "latency_added", "ttft_added"}


def noise(*results: Result) -> float:
    """The most that other processes took in one of these runs, in percent of a core."""
    return max(result.noise_pct or 0.0 for result in results)


@dataclass
class Measured:
    """A scenario's rounds: the results of each subject, in the order of the rounds."""

    name: str
    results: dict[str, list[Result]] = field(default_factory=dict)

    @property
    def scenario(self) -> Scenario:
        return SCENARIOS[self.name]

    def quiet(self) -> list[int]:
        """The rounds in which others left the machine alone."""
        rounds = zip(*self.results.values(), strict=True)
        return [number for number, results in enumerate(rounds) if noise(*results) <= NOISE_LIMIT_PCT]

    def judged(self, column: str) -> list[int]:
        """The rounds that count for ``column``; none when they are too few."""
        if column == MEMORY:
            return list(range(len(next(iter(self.results.values()), []))))
        quiet = self.quiet()
        return quiet if len(quiet) >= FEWEST_ROUNDS else []

    def figures(self, subject: str, column: str) -> list[float]:
        """The rounds that count; all when these are too few."""
        results = self.results.get(subject, [])
        counted = [results[number] for number in self.judged(column)] or results
        return [value for result in counted if (value := getattr(result, column)) is not None]

    def figure(self, subject: str, column: str) -> float | None:
        """The median of :meth:`figures`."""
        values = self.figures(subject, column)
        return median(values) if values else None

    def ratios(self, other: str, column: str) -> list[float]:
        """Gateway to another, round by round: neighbours in time share the machine's mood."""
        pairs = zip(self.figures("gateway", column), self.figures(other, column), strict=False)
        return [ours / theirs for ours, theirs in pairs if theirs]

    def bad(self) -> str:
        """What was wrong with answers; empty when all were right."""
        return "; ".join(
            f"{subject}: {result.bad} bad answers, first: {result.first_bad}"
            for subject, results in self.results.items()
            for result in results
            if result.bad
        )


def shown(value: float | None) -> str:
    """A figure in at most three significant digits or as a whole number."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 or abs(value) < 0.01 else f"{value:.3g}"


def spread(values: list[float]) -> str:
    """``110 (105-118)``."""
    if not values:
        return "?"
    return f"{shown(median(values))} ({shown(min(values))}-{shown(max(values))})"


def verdict(measured: Measured, goal: Goal) -> str:
    """``aim``, ``reach``, ``MISSED``, or why that cannot be told."""
    values = measured.figures("gateway", goal.column)
    if measured.bad():
        return "wrong answers"
    if not values:
        return "not measured"
    if not measured.judged(goal.column):
        return f"NOT JUDGED: fewer than {FEWEST_ROUNDS} quiet rounds"
    value, sign = median(values), 1 if goal.better == "less" else -1
    if value * sign <= goal.aim * sign:
        return "aim"
    return "reach" if value * sign <= goal.reach * sign else "MISSED"


def table(measured: Measured) -> str:
    """One scenario."""
    scenario = measured.scenario
    columns = (*scenario.columns, "noise_pct")
    lines = [
        f"## {measured.name}: {scenario.title}",
        "| | " + " | ".join(HEADINGS[column] for column in columns) + " |",
        "|---" * (len(columns) + 1) + "|",
    ]
    for subject in measured.results:
        cells = [shown(measured.figure(subject, column)) for column in columns]
        lines.append(f"| {subject} | " + " | ".join(cells) + " |")
    for other in measured.results:
        if other in {"gateway", "direct"} or "gateway" not in measured.results:
            continue
        ratios = {column: measured.ratios(other, column) for column in columns if column not in NOT_COMPARED}
        cells = [f"{median(found):.2f}x" if (found := ratios.get(column)) else "" for column in columns]
        lines.append(f"| gateway/{other} | " + " | ".join(cells) + " |")
    for goal in scenario.goals:
        values = measured.figures("gateway", goal.column)
        lines.append(
            f"**{HEADINGS[goal.column]}: {spread(values)}, reach {shown(goal.reach)}, aim {shown(goal.aim)}: "
            f"{verdict(measured, goal)}**"
        )
    if problem := measured.bad():
        lines.append(f"WRONG ANSWERS: {problem}")
    return "\n".join(lines)


def summary(all_measured: list[Measured]) -> str:
    """Every goal, and every ratio."""
    lines = [
        "## summary",
        "| scenario | figure | gateway | reach | aim | verdict | gateway/bare | noise % |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for measured in all_measured:
        scenario = measured.scenario
        disturbed = spread(measured.figures("gateway", "noise_pct"))
        goals: list[Goal | None] = [*scenario.goals]
        if scenario.ratio not in {goal.column for goal in scenario.goals}:
            goals.append(None)
        for goal in goals:
            column = scenario.ratio if goal is None else goal.column
            ratios = [] if column in NOT_COMPARED else measured.ratios("bare", column)
            cells = [
                measured.name,
                HEADINGS[column],
                spread(measured.figures("gateway", column)),
                *(("", "", "") if goal is None else (shown(goal.reach), shown(goal.aim), verdict(measured, goal))),
                f"{median(ratios):.2f}x" if ratios else "",
                disturbed,
            ]
            lines.append("| " + " | ".join(cells) + " |")
    if noisy := [m.name for m in all_measured if len(m.quiet()) < len(next(iter(m.results.values()), []))]:
        lines.append(
            f"rounds in which other processes took over {NOISE_LIMIT_PCT:.0f} % of a core are left out where two are left: "
            f"{', '.join(noisy)}; try again on a quieter machine, or with --quiet"
        )
    return "\n".join(lines)
