"""What a change costs or saves: ``python -m tests.bench.compare BEFORE AFTER``, two source trees.

Both are measured in turn, in slices of some 20 ms, so that a busy machine slows both alike; each pair of neighbours gives a
ratio, and the median of some hundred such ratios is told with the range that has it with 95 % confidence. By default it is the
core alone: the ASGI application, with no server and an upstream that answers at once. With ``--whole`` it is the gateway's
process under load, with server and transport, beside a fake upstream.

The tree before a change: ``git worktree add ../before HEAD``. A tree without a ``.venv`` uses the Python of this one.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Protocol

from tests.bench import measure
from tests.bench.answers import Dialect
from tests.bench.asking import ask
from tests.bench.clients import Clients
from tests.bench.subjects import BenchError, Running, cores, gateway_config, pinned, python, running


@dataclass(frozen=True, slots=True)
class Asked:
    """What a gateway is asked for, see :func:`tests.bench.asking.ask`."""

    model: str
    dialect: Dialect = "chat"
    stream: bool = False


CORE_SLICES = {"json": 50, "sse": 6, "messages": 3}
WHOLE_SLICES = {"json": 96, "sse": 32}
WHOLE_ASKED = {"json": Asked("chat/fake"), "sse": Asked("chat/fake-n20-i5", stream=True)}
WHOLE_CLIENTS = 32
SLICE_TIMEOUT_S = 30.0
UNITS = {"json": "request", "sse": "chunk", "messages": "chunk, converted"}


class Tree(Protocol):
    """A source tree that can be measured."""

    def slice(self, kind: str, count: int) -> float:
        """CPU microseconds a request or chunk, over so many requests."""


class Core:
    """:mod:`tests.bench.core_cost` in a tree."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self._process = process
        self._log = log
        if self._line() != "ready":
            raise BenchError("it said something else than ready")

    def slice(self, kind: str, count: int) -> float:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{kind} {count}\n")
        self._process.stdin.flush()
        return float(self._line())

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        if not line:
            raise BenchError(self._log.read_text()[-1500:] or "it ended")
        return line


class Whole:
    """A gateway from a tree, and the clients that ask it."""

    def __init__(self, gateway: Running, kinds: Mapping[str, Asked]) -> None:
        self._gateway = gateway
        self._clients = {
            kind: Clients(
                ask(one.model, port=gateway.port, key=gateway.key, dialect=one.dialect, stream=one.stream),
                gateway.port,
                WHOLE_CLIENTS,
            )
            for kind, one in kinds.items()
        }
        for kind in kinds:
            self.slice(kind, WHOLE_CLIENTS)

    def slice(self, kind: str, count: int) -> float:
        clients = self._clients[kind]
        before, chunks = measure.fine_cpu_us(self._gateway.pid), clients.figures.chunks
        clients.figures.measuring = True
        if not clients.burst(count, time.monotonic() + SLICE_TIMEOUT_S) or clients.figures.bad:
            raise BenchError(clients.figures.first_bad or "the answers did not come")
        used_us = measure.fine_cpu_us(self._gateway.pid) - before
        return used_us / (clients.figures.chunks - chunks or count)


def environment(tree: Path) -> dict[str, str]:
    """In which ``tree``'s sources come first."""
    return {"PYTHONPATH": os.pathsep.join(str(tree / part) for part in ("core", "plugins"))}


def interpreter(tree: Path) -> str:
    """The tree's own, or else this one."""
    own = tree / ".venv" / "bin" / "python"
    return str(own) if own.exists() else sys.executable


@contextlib.contextmanager
def core(tree: Path, directory: Path, pin: int | None) -> Iterator[Tree]:
    """The core of ``tree``, alone in a process."""
    log = directory / "core.log"
    script = Path(__file__).with_name("core_cost.py")
    with log.open("ab") as errors, pinned(pin):
        process = subprocess.Popen(
            [interpreter(tree), "-P", str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=tree,
            env={**os.environ, **environment(tree)},
        )
    with process:
        try:
            yield Core(process, log)
        finally:
            assert process.stdin is not None
            with contextlib.suppress(OSError):
                process.stdin.close()


@contextlib.contextmanager
def whole(tree: Path, directory: Path, pin: int | None, upstream: Running) -> Iterator[Tree]:
    """The gateway of ``tree``, serving."""
    config, key = gateway_config(directory, upstream)
    command = [interpreter(tree), "-m", "switchgear", "serve", "--config", str(config)]
    log = directory / "gateway.log"
    with running("gateway", command, core=pin, log=log, key=key, environment=environment(tree), where=tree) as gateway:
        yield Whole(gateway, WHOLE_ASKED)


def alternating(one: Callable[[], float], other: Callable[[], float], rounds: int) -> tuple[list[float], list[float]]:
    """What both give, each round in turn; who is first changes."""
    found: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds):
        for which in (0, 1) if number % 2 else (1, 0):
            found[which].append((one, other)[which]())
    return found


def compared(before: Tree, after: Tree, kind: str, count: int, rounds: int) -> str:
    """A table's row."""
    found = alternating(lambda: before.slice(kind, count), lambda: after.slice(kind, count), rounds)
    ratio, low, high = middle([b / a for a, b in zip(*found, strict=True)])
    word = "less" if high < 1 else "more" if low > 1 else "no difference seen"
    unit = UNITS[kind]
    return f"| {unit} | {median(found[0]):.1f} | {median(found[1]):.1f} | {ratio:.3f} ({low:.3f}-{high:.3f}) | {word} |"


def middle(values: list[float]) -> tuple[float, float, float]:
    """The median, and between which values it is with 95 % confidence, however they are distributed."""
    ranked = sorted(values)
    off = math.ceil(0.98 * math.sqrt(len(ranked)))
    at = len(ranked) // 2
    return median(ranked), ranked[max(at - off, 0)], ranked[min(at + off, len(ranked) - 1)]


def main() -> int:
    """Compare, and print."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.compare", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("before", type=lambda text: Path(text).resolve())
    parser.add_argument("after", type=lambda text: Path(text).resolve())
    parser.add_argument("--rounds", type=int, default=150, help="slices of each tree")
    parser.add_argument("--whole", action="store_true", help="the gateway's process, with server and transport")
    parser.add_argument("--only", help=f"of {','.join(CORE_SLICES)}; with --whole of {','.join(WHOLE_SLICES)}")
    args = parser.parse_args()
    slices = WHOLE_SLICES if args.whole else CORE_SLICES
    kinds = args.only.split(",") if args.only else list(slices)
    pin, other = cores() or (None, None)
    try:
        with contextlib.ExitStack() as stack:
            trees = []
            places = [
                Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="switchgear-compare-"))) for _ in "ab"
            ]
            if args.whole:
                command, log = python("tests.bench.upstream"), places[0] / "upstream.log"
                upstream = stack.enter_context(running("upstream", command, core=other, log=log))
                stack.enter_context(pinned(other))
            for tree, place in zip((args.before, args.after), places, strict=True):
                started = whole(tree, place, pin, upstream) if args.whole else core(tree, place, pin)
                trees.append(stack.enter_context(started))
            print("| CPU us/ | before | after | after/before | |\n|---|---|---|---|---|", flush=True)
            for kind in kinds:
                print(compared(trees[0], trees[1], kind, slices[kind], args.rounds), flush=True)
    except BenchError as error:
        print(f"compare: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
