"""Where the time goes: the gateway's samples beside the bare pass-through's, in CPU microseconds a unit of work."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.bench.subjects import BenchError

MORE_ROWS, LESS_ROWS = 18, 6
FUNCTION_ROWS = 40
RUNNERS = ("runpy", "tests.bench", "__main__", "asyncio.runners", "asyncio.base_events", "asyncio.events")


@dataclass(frozen=True, slots=True)
class Profile:
    """One process's samples; ``unit_us`` is the CPU time a request (or a chunk) took it in that very run."""

    stacks: dict[tuple[str, ...], int]
    unit_us: float

    @classmethod
    def read(cls, path: Path, unit_us: float) -> Profile:
        """Read what the sampler wrote; it may take a moment. No file of an earlier run may be there.

        Raises:
            BenchError: there is nothing.
        """
        for _ in range(50):
            if path.exists():
                break
            time.sleep(0.1)
        else:
            raise BenchError(f"the sampler wrote no {path.name}")
        lines = (line.rpartition(" ") for line in path.read_text().splitlines())
        return cls({tuple(stack.split(";")): int(count) for stack, _, count in lines}, unit_us)

    def _shares(self, names: Callable[[tuple[str, ...]], set[str]]) -> dict[str, float]:
        total = sum(self.stacks.values()) or 1
        counted: Counter[str] = Counter()
        for stack, count in self.stacks.items():
            for name in names(stack):
                counted[name] += count
        return {name: count * self.unit_us / total for name, count in counted.items()}

    def rooms(self) -> dict[str, float]:
        """Microseconds by the module or package whose code ran (what it called in C counts as its own)."""
        return self._shares(lambda stack: {_room(stack[-1])})

    def inside(self) -> dict[str, float]:
        """Microseconds by function, with all it called."""
        return self._shares(lambda stack: {name for name in stack if not name.startswith(RUNNERS)})


def _room(name: str) -> str:
    """The gateway's own modules one by one, of others the package."""
    module = name.partition(":")[0]
    own = module.startswith(("switchgear", "tests"))
    return module if own else module.partition(".")[0]


def tables(gateway: Profile, bare: Profile, unit: str) -> str:
    """Both as tables: what the gateway spends more on, most first; last what it spends less on."""
    ours, ceiling = gateway.rooms(), bare.rooms()
    more = sorted(ours.keys() | ceiling.keys(), key=lambda room: ceiling.get(room, 0) - ours.get(room, 0))
    lines = [
        f"CPU us/{unit}: gateway {gateway.unit_us:.0f}, bare {bare.unit_us:.0f} "
        f"({sum(gateway.stacks.values())} and {sum(bare.stacks.values())} samples)",
        "",
        f"| code of | gateway us/{unit} | bare us/{unit} | more |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {room} | {ours.get(room, 0):.1f} | {ceiling.get(room, 0):.1f} | "
        f"{ours.get(room, 0) - ceiling.get(room, 0):+.1f} |"
        for room in (more[:MORE_ROWS] + more[MORE_ROWS:][-LESS_ROWS:])
    ]
    own = Counter(gateway.inside()).most_common()
    lines += ["", f"| gateway's function, with all it calls | us/{unit} |", "|---|---|"]
    lines += [f"| {name} | {us:.1f} |" for name, us in own if "switchgear" in name][:FUNCTION_ROWS]
    return "\n".join(lines)
