"""Measure the gateway beside a bare pass-through: ``make bench`` or ``python -m tests.bench``.

Each scenario runs both in turn, in every round, each in one process on the first core; the fake upstream and the load
client share the second. Absolute figures belong to the machine; the ratio gateway/bare, taken round by round, travels.

``--peer NAME,PORT,KEY,MODEL,COMMAND`` measures another gateway in the same rounds: COMMAND starts it, to listen on PORT, with
``http://127.0.0.1:PORT/v1`` as its upstream where PORT is that of ``--upstream-port``; MODEL is what it
calls the upstream's model ``{}``.
"""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.bench import keeping, report
from tests.bench.rounds import OWN, QUIET_TRIES, Bench, Peer, Plan
from tests.bench.scenarios import SCENARIOS
from tests.bench.subjects import BenchError, cores

PROFILED = "json-32,sse-50"
GROUPS = {
    "usual": [name for name, scenario in SCENARIOS.items() if scenario.usual],
    "goals": [name for name, scenario in SCENARIOS.items() if scenario.goals],
    "all": list(SCENARIOS),
}


def peer(text: str) -> tuple[str, Peer]:
    """``NAME,PORT,KEY,MODEL,COMMAND``."""
    name, port, key, model, command = text.split(",", 4)
    if name in {"direct", *OWN}:
        raise ValueError(name)
    return name, Peer(int(port), key or "none", model, shlex.split(command))


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="that count, a run")
    parser.add_argument(
        "--only", default="usual", metavar="A,B", help=f"{', '.join(GROUPS)}, or of {', '.join(SCENARIOS)}"
    )
    parser.add_argument("--subjects", default="bare,gateway", metavar="A,B", help=f"of {', '.join(OWN)}")
    parser.add_argument("--peer", type=peer, action="append", default=[], metavar="NAME,PORT,KEY,MODEL,COMMAND")
    parser.add_argument("--upstream-port", type=int, default=0, metavar="PORT", help="0: a free one")
    parser.add_argument(
        "--quiet", action="store_true", help=f"run again, up to {QUIET_TRIES} times, what others disturb"
    )
    parser.add_argument("--keep", type=Path, metavar="FILE", help="keep every round's figures, beside those it has")
    parser.add_argument(
        "--profile",
        type=Path,
        metavar="DIR",
        help=f"sample both in one round instead ({PROFILED} unless --only), and keep the stacks; try --seconds 10",
    )
    args = parser.parse_args()
    if args.profile and args.only == "usual":
        args.only = PROFILED
    args.only = [name for part in args.only.split(",") for name in GROUPS.get(part, [part])]
    args.subjects = tuple(args.subjects.split(","))
    if unknown := [name for name in args.only if name not in SCENARIOS]:
        parser.error(f"no such scenario: {', '.join(unknown)}; there are {', '.join((*GROUPS, *SCENARIOS))}")
    if unknown := [name for name in args.subjects if name not in OWN]:
        parser.error(f"no such subject: {', '.join(unknown)}")
    return args


def main() -> int:
    """Measure; 1 when an answer was wrong or something did not start. A missed goal is a figure, not a failure."""
    args = parsed()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    pins = cores()
    where = f"subject on core {pins[0]}, all else on core {pins[1]}" if pins else "one core: subject and load share it"
    print(f"# {keeping.machine()}; {where}\n", flush=True)
    plan = Plan(args.subjects, dict(args.peer), args.upstream_port, args.rounds, args.seconds, args.quiet)
    began = time.monotonic()
    measured = []
    try:
        with (
            tempfile.TemporaryDirectory(prefix="switchgear-bench-") as directory,
            Bench(plan, Path(directory)) as bench,
        ):
            for name in args.only:
                if args.profile:
                    args.profile.mkdir(parents=True, exist_ok=True)
                    one, profile = bench.profile(name, args.profile)
                    print(f"## profile of {name}\n{profile}\n")
                else:
                    one = bench.measure(name)
                    if args.keep:
                        keeping.keep(args.keep, one)
                measured.append(one)
                print(report.table(one) + "\n", flush=True)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    if not args.profile:
        print(report.summary(measured))
    print(f"({time.monotonic() - began:.0f} s)")
    return 1 if any(m.bad() for m in measured) else 0


if __name__ == "__main__":
    sys.exit(main())
