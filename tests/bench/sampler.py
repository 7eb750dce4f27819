"""A sampling profiler: ``python -m tests.bench.sampler OUT MODULE ARGUMENTS`` runs the module as ``__main__``.

SIGUSR1 starts it and SIGUSR2 stops it and writes ``OUT``: lines of ``outermost;...;innermost COUNT``, as flame graph
tools read them. It samples the main thread by CPU time, so waiting weighs nothing and short calls are not distorted.
"""

from __future__ import annotations

import runpy
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

INTERVAL_S = 0.002
"""Asked for; the kernel rounds it up to its tick."""


class Sampler:
    """Counts stacks of ``module:function``."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._stacks: Counter[tuple[str, ...]] = Counter()
        signal.signal(signal.SIGPROF, self._sample)
        signal.signal(signal.SIGUSR1, self._start)
        signal.signal(signal.SIGUSR2, self._stop)

    def _sample(self, number: int, frame: FrameType | None) -> None:
        stack: list[str] = []
        while frame is not None:
            stack.append(f"{frame.f_globals.get('__name__', '?')}:{frame.f_code.co_qualname}")
            frame = frame.f_back
        self._stacks[tuple(reversed(stack))] += 1

    def _start(self, number: int, frame: FrameType | None) -> None:
        self._stacks.clear()
        signal.setitimer(signal.ITIMER_PROF, INTERVAL_S, INTERVAL_S)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        lines = [f"{';'.join(stack)} {count}\n" for stack, count in self._stacks.most_common()]
        unfinished = self._out.with_suffix(".part")
        unfinished.write_text("".join(lines))
        unfinished.replace(self._out)


def main() -> None:
    """Run the module named on the command line."""
    out, module, *arguments = sys.argv[1:]
    Sampler(Path(out).resolve())
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
