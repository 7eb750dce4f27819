"""The tables of ``docs/performance.md``, from the results that ``make bench-docs`` keeps beside it."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import cog

from tests.bench.keeping import Kept, read, read_costs
from tests.bench.report import Measured, shown, spread, verdict
from tests.bench.scenarios import HEADINGS, SCENARIOS

RESULTS = Path(__file__).parent / "performance.json"
OWN = {"direct", "bare", "stock", "gateway"}


def _kept() -> dict[str, Kept]:
    return read(RESULTS) if RESULTS.exists() else {}


def taken() -> None:
    """When and where the figures were taken."""
    places = sorted({(one.day, one.machine) for one in _kept().values()})
    cog.outl("\n" + "; ".join(f"{machine} ({day})" for day, machine in places) + ".\n")


def goals() -> None:
    """Each goal, and whether it is reached."""
    cog.outl("\n| scenario | figure | reach | aim | measured (rounds) | |\n| --- | --- | --- | --- | --- | --- |")
    kept = _kept()
    for name, scenario in SCENARIOS.items():
        for goal in scenario.goals:
            measured = kept[name].measured if name in kept else Measured(name)
            figure = spread(measured.figures("gateway", goal.column))
            cells = [
                f"`{name}`",
                HEADINGS[goal.column],
                shown(goal.reach),
                shown(goal.aim),
                figure,
                verdict(measured, goal),
            ]
            cog.outl("| " + " | ".join(cells) + " |")
        others = kept[name].measured.results.keys() - OWN if name in kept else ()
        for other in sorted(others):
            _beside(name, kept[name].measured, other)


def _beside(name: str, measured: Measured, other: str) -> None:
    """Requests a second beside another gateway: level is to be reached, thrice is aimed at."""
    ratios = measured.ratios(other, "rps")
    if not ratios:
        return
    middle = median(ratios)
    word = "aim" if middle >= 3 else "reach" if middle >= 1 else "MISSED"
    word = word if measured.judged("rps") else "NOT JUDGED"
    figure = f"requests/s beside the peer `{other}`: {spread(measured.figures(other, 'rps'))}"
    cog.outl(f"| `{name}` | {figure} | 1x | 3x | {middle:.2f}x | {word} |")


def figures() -> None:
    """Every scenario: the gateway's figures, and the ratio to the bare pass-through."""
    cog.outl("\n| scenario | | figures |\n| --- | --- | --- |")
    for name, one in _kept().items():
        measured, columns = one.measured, one.measured.scenario.columns
        found = [(column, shown(measured.figure("gateway", column))) for column in columns]
        said = ", ".join(f"{HEADINGS[column]} {figure}" for column, figure in found if figure)
        ratios = measured.ratios("bare", measured.scenario.ratio)
        ratio = f"; {HEADINGS[measured.scenario.ratio]} {median(ratios):.1f}x bare" if ratios else ""
        cog.outl(f"| `{name}` | {one.measured.scenario.title} | {said}{ratio} |")


def costs() -> None:
    """What one thing costs."""
    cog.outl("\n| | without it, CPU us | with it |\n| --- | --- | --- |")
    for cost in read_costs(RESULTS) if RESULTS.exists() else ():
        cog.outl(cost.row())
