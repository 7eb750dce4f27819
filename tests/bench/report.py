"""Tables: absolute figures, and above all the ratio of gateway to bare beside its target."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median

from tests.bench.connection import Result
from tests.bench.scenarios import HEADINGS, SCENARIOS, Scenario

NOISE_LIMIT_PCT = 25.0
"""A round's CPU figures are judged only if other processes took less of a core in both its runs. Beyond it the ratio
itself drifts, either way: contention slows whichever of the two it happens to hit."""
FEWEST_ROUNDS = 2
"""One quiet round alone is judged no more than none."""
MEMORY = "rss_peak_mb"
"""Does not depend on what else runs, so that every round counts."""


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

    def figure(self, subject: str, column: str) -> float | None:
        """The median over the rounds."""
        values = [value for result in self.results.get(subject, ()) if (value := getattr(result, column)) is not None]
        return median(values) if values else None

    def ratios(self, *, quiet: bool) -> list[float]:
        """Gateway to bare, round by round: neighbours in time share the machine's mood. ``quiet``: only of such pairs."""
        column = self.scenario.ratio
        pairs = zip(self.results.get("gateway", ()), self.results.get("bare", ()), strict=False)
        both = [
            (getattr(ours, column), getattr(bare, column))
            for ours, bare in pairs
            if not quiet or column == MEMORY or noise(ours, bare) <= NOISE_LIMIT_PCT
        ]
        return [ours / bare for ours, bare in both if ours and bare]

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
    return f"{value:.0f}" if abs(value) >= 100 or abs(value) < 0.01 else f"{value:.3g}"


def verdict(measured: Measured) -> str:
    """``1.24x (1.19-1.26), target 1.3x: met``, or why that cannot be told."""
    if measured.bad():
        return "no verdict: wrong answers"
    everything, quiet = measured.ratios(quiet=False), measured.ratios(quiet=True)
    if not everything:
        return "no ratio"
    scenario = measured.scenario
    enough = len(quiet) >= (1 if scenario.ratio == MEMORY else FEWEST_ROUNDS)
    ratios = quiet if enough else everything
    text = f"{median(ratios):.2f}x ({min(ratios):.2f}-{max(ratios):.2f}"
    text += ")" if scenario.ratio == MEMORY else f", {len(quiet)} of {len(everything)} rounds quiet)"
    target = scenario.target
    if target is None:
        return text
    if not enough:
        word = f"NOT JUDGED, fewer than {FEWEST_ROUNDS} quiet rounds"
    elif max(quiet) <= target:
        word = "met"
    elif min(quiet) > target:
        word = "MISSED"
    else:
        word = "UNCLEAR, the rounds disagree"
    return f"{text}, target {target:.1f}x: {word}"


def table(measured: Measured) -> str:
    """One scenario."""
    scenario = measured.scenario
    columns = (*scenario.columns, "noise_pct")
    headings = [HEADINGS.get(column, column) for column in columns]
    lines = [
        f"## {measured.name}: {scenario.title}",
        "| | " + " | ".join(headings) + " |",
        "|---" * (len(columns) + 1) + "|",
    ]
    for subject in measured.results:
        cells = [shown(measured.figure(subject, column)) for column in columns]
        lines.append(f"| {subject} | " + " | ".join(cells) + " |")
    if len(measured.results.get("gateway", ())):
        cells = []
        for column in columns:
            ours, bare = measured.figure("gateway", column), measured.figure("bare", column)
            comparable = ours and bare and column not in {"noise_pct", "open_streams"}
            cells.append(f"{ours / bare:.2f}x" if ours and bare and comparable else "")
        lines.append("| gateway/bare | " + " | ".join(cells) + " |")
    for column in ("latency_p50", "latency_p99", "ttft_p50", "ttft_p99") if scenario.direct else ():
        direct = measured.figure("direct", column)
        if column in scenario.columns and direct is not None:
            added = [
                f"{subject} {figure - direct:+.2f}"
                for subject in ("bare", "gateway")
                if (figure := measured.figure(subject, column)) is not None
            ]
            lines.append(f"added {HEADINGS[column]}: {', '.join(added)}")
    lines.append(f"**{HEADINGS[scenario.ratio]}, gateway/bare: {verdict(measured)}**")
    if problem := measured.bad():
        lines.append(f"WRONG ANSWERS: {problem}")
    return "\n".join(lines)


def summary(all_measured: list[Measured]) -> str:
    """Every ratio beside its target."""
    lines = ["## summary", "| scenario | figure | gateway/bare | noise % |", "|---|---|---|---|"]
    for measured in all_measured:
        noises = [shown(measured.figure(subject, "noise_pct")) for subject in ("bare", "gateway")]
        cells = [
            measured.name,
            HEADINGS[measured.scenario.ratio],
            verdict(measured),
            " / ".join(noises),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    noisy = [m.name for m in all_measured if len(m.ratios(quiet=True)) < len(m.ratios(quiet=False))]
    if noisy:
        lines.append(
            f"rounds in which other processes took over {NOISE_LIMIT_PCT:.0f} % of a core are left out of the verdicts of "
            f"{', '.join(noisy)}; try again on a quieter machine, or with --quiet"
        )
    return "\n".join(lines)
