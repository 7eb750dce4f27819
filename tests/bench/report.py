"""Tables: absolute figures, and above all the ratio of gateway to bare beside its target."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median

from tests.bench.connection import Result
from tests.bench.scenarios import HEADINGS, SCENARIOS, Scenario

NOISE_WORTH_TELLING_PCT = 15.0


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

    def ratios(self) -> list[float]:
        """Gateway to bare, round by round: neighbours in time share the machine's mood."""
        column = self.scenario.ratio
        pairs = zip(self.results.get("gateway", ()), self.results.get("bare", ()), strict=False)
        both = [(getattr(ours, column), getattr(bare, column)) for ours, bare in pairs]
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
    """``1.42x (1.38-1.47), target 1.3x: MISSED``."""
    ratios, target = measured.ratios(), measured.scenario.target
    if measured.bad():
        return "no verdict: wrong answers"
    if not ratios:
        return "no ratio"
    text = f"{median(ratios):.2f}x"
    if len(ratios) > 1:
        text += f" ({min(ratios):.2f}-{max(ratios):.2f})"
    if target is not None:
        text += f", target {target:.1f}x: {'met' if median(ratios) <= target else 'MISSED'}"
    return text


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
    lines = ["## summary", "| scenario | figure | gateway/bare | rounds | noise % |", "|---|---|---|---|---|"]
    for measured in all_measured:
        noise = [shown(measured.figure(subject, "noise_pct")) for subject in ("bare", "gateway")]
        cells = [
            measured.name,
            HEADINGS[measured.scenario.ratio],
            verdict(measured),
            str(len(measured.ratios())),
            " / ".join(noise),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    all_noise = [
        result.noise_pct or 0.0
        for measured in all_measured
        for rounds in measured.results.values()
        for result in rounds
    ]
    if all_noise and max(all_noise) > NOISE_WORTH_TELLING_PCT:
        lines.append(
            f"other processes took up to {max(all_noise):.0f} % of a core (median {median(all_noise):.0f} %): "
            "believe the ratios, not the absolute figures"
        )
    return "\n".join(lines)
