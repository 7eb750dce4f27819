"""Measure the gateway beside the bare pass-through: ``make bench`` or ``python -m tests.bench``.

Each scenario runs both in turn, in every round, each in one process on the first core; the fake upstream and the load
client share the second. The ratio gateway/bare is what counts: it is taken round by round.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from tests.bench import measure, report
from tests.bench.connection import Result
from tests.bench.profile import Profile, tables
from tests.bench.report import Measured
from tests.bench.scenarios import SCENARIOS, Scenario
from tests.bench.subjects import (
    BenchError,
    Running,
    bare_settings,
    check,
    cores,
    gateway_config,
    pinned,
    python,
    running,
    switch_profile,
)

QUIET_TRIES = 4
QUIET_SHARE = 0.1
SETTLE_S = 5.0
PROFILED = "json-32,sse-50"


class Bench:
    """One run of the whole."""

    def __init__(self, args: argparse.Namespace, directory: Path) -> None:
        self._subjects: list[str] = args.subjects.split(",")
        self._rounds: int = args.rounds
        self._seconds: float = args.seconds
        self._tries = QUIET_TRIES if args.quiet else 1
        self._profile: Path | None = args.profile
        self._directory = directory
        pair = cores()
        self._core = pair[0] if pair else None
        self._other_core = pair[1] if pair else None
        self._ours: list[int] = []

    def run(self, names: list[str]) -> list[Measured]:
        """Every scenario, each printed when it is done."""
        upstream_log = self._directory / "upstream.log"
        done = []
        with running("upstream", python("tests.bench.upstream"), core=self._other_core, log=upstream_log) as upstream:
            for name in names:
                done.append(self._profiled(name, upstream) if self._profile else self._scenario(name, upstream))
                print(report.table(done[-1]) + "\n", flush=True)
        return done

    def _scenario(self, name: str, upstream: Running) -> Measured:
        scenario, measured = SCENARIOS[name], Measured(name)
        if scenario.direct:
            measured.results["direct"] = [self._load(scenario, upstream, upstream, self._seconds / 2)]
        measured.results |= {subject: [] for subject in self._subjects}
        rounds = min(self._rounds, scenario.rounds)
        with contextlib.ExitStack() as stack:
            shared = [] if scenario.alone else stack.enter_context(self._started(scenario, upstream, self._subjects))
            for number in range(rounds):
                order = self._subjects if number % 2 == 0 else self._subjects[::-1]
                for subject, result in self._quietest(scenario, order, shared, upstream).items():
                    measured.results[subject].append(result)
        return measured

    def _quietest(
        self, scenario: Scenario, order: list[str], shared: list[Running], upstream: Running
    ) -> dict[str, Result]:
        """One round; with ``--quiet`` up to four. It is kept or repeated as a whole: its runs belong together in time."""
        best: dict[str, Result] = {}
        for _ in range(self._tries):
            found = {name: self._once(scenario, name, shared, upstream) for name in order}
            if not best or report.noise(*found.values()) < report.noise(*best.values()):
                best = found
            if report.noise(*best.values()) <= report.NOISE_LIMIT_PCT:
                break
        return best

    def _once(self, scenario: Scenario, name: str, shared: list[Running], upstream: Running) -> Result:
        if scenario.alone:
            with self._started(scenario, upstream, [name]) as fresh:
                return self._load(scenario, fresh[0], upstream, self._seconds)
        subject = next(one for one in shared if one.name == name)
        result = self._load(scenario, subject, upstream, self._seconds)
        settle(subject)
        return result

    def _profiled(self, name: str, upstream: Running) -> Measured:
        assert self._profile is not None
        scenario, measured = SCENARIOS[name], Measured(name)
        unit = "chunk" if scenario.ratio == "cpu_us_per_chunk" else "request"
        profiles = {}
        out = {subject: (self._profile / f"{name}-{subject}.txt").resolve() for subject in self._subjects}
        for path in out.values():
            path.unlink(missing_ok=True)
        with self._started(scenario, upstream, self._subjects, out) as subjects:
            for subject in subjects:
                if not scenario.each:
                    self._load(scenario, subject, upstream, 0.5)
                    settle(subject)
                switch_profile(subject, on=True)
                result = self._load(scenario, subject, upstream, self._seconds)
                switch_profile(subject, on=False)
                settle(subject)
                measured.results[subject.name] = [result]
                profiles[subject.name] = Profile.read(out[subject.name], getattr(result, f"cpu_us_per_{unit}") or 0.0)
        if {"bare", "gateway"} <= profiles.keys():
            print(f"## profile of {name}\n" + tables(profiles["gateway"], profiles["bare"], unit) + "\n")
        return measured

    @contextlib.contextmanager
    def _started(
        self, scenario: Scenario, upstream: Running, names: list[str], profiles: dict[str, Path] | None = None
    ) -> Iterator[list[Running]]:
        """Fresh processes of the subjects named, idle."""
        with contextlib.ExitStack() as stack:
            cursor = stack.enter_context(self._cursor()) if scenario.model.startswith("cursor/") else None
            self._ours = [os.getpid(), upstream.pid, *([cursor.pid] if cursor else [])]
            config, key = gateway_config(
                self._directory,
                upstream.port,
                kiro=scenario.model.startswith("kiro/"),
                cursor_port=cursor.port if cursor else None,
            )
            started = []
            for name in names:
                profile = (profiles or {}).get(name)
                if name == "bare":
                    command = python("tests.bench.bare", bare_settings(upstream.port), profile=profile)
                else:
                    command = python("switchgear", "serve", "--config", str(config), profile=profile)
                log = self._directory / f"{name}.log"
                subject = stack.enter_context(
                    running(name, command, core=self._core, log=log, key=key if name == "gateway" else "none")
                )
                check(subject, scenario.model)
                settle(subject)
                started.append(subject)
            yield started

    def _cursor(self) -> contextlib.AbstractContextManager[Running]:
        log = self._directory / "cursor.log"
        return running("cursor", python("tests.bench.cursor"), core=self._other_core, log=log)

    def _load(self, scenario: Scenario, subject: Running, upstream: Running, seconds: float) -> Result:
        arguments = ["--port", str(subject.port), "--key", subject.key, *scenario.arguments(seconds)]
        for pid in self._ours or [os.getpid(), upstream.pid]:
            arguments += ["--ours", str(pid)]
        if subject.name == "gateway":
            arguments += ["--more-events", str(scenario.more_events)]
            arguments += ["--anthropic"] if scenario.anthropic else []
        if subject is not upstream:
            arguments += ["--pid", str(subject.pid)]
        with pinned(self._other_core):
            done = subprocess.run(
                python("tests.bench.load", *arguments),
                capture_output=True,
                text=True,
                timeout=scenario.longest_s(seconds),
                check=False,
            )
        if done.returncode:
            raise BenchError(f"the load client failed at {subject.name}: {done.stderr[-1500:]}")
        return Result(**json.loads(done.stdout))


def settle(subject: Running) -> None:
    """Wait until ``subject`` is idle: both share a core, and what one still does would count against the other."""
    pids = measure.tree(subject.pid)
    deadline = time.monotonic() + SETTLE_S
    while time.monotonic() < deadline:
        before = measure.cpu_s(pids)
        time.sleep(0.2)
        if measure.cpu_s(pids) - before <= QUIET_SHARE * 0.2:
            return
    raise BenchError(f"{subject.name} is still busy {SETTLE_S:g} s after its load ended")


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="that count, a run")
    parser.add_argument("--only", metavar="A,B", help=f"of {','.join(SCENARIOS)}")
    parser.add_argument("--subjects", default="bare,gateway", metavar="A,B", help="bare, gateway or both")
    parser.add_argument(
        "--quiet", action="store_true", help=f"run again, up to {QUIET_TRIES} times, what others disturb"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep every round's figures")
    parser.add_argument(
        "--profile",
        type=Path,
        metavar="DIR",
        help=f"sample both in one round instead ({PROFILED} unless --only), and keep the stacks; try --seconds 10",
    )
    args = parser.parse_args()
    args.only = (args.only or (PROFILED if args.profile else ",".join(SCENARIOS))).split(",")
    if unknown := [name for name in args.only if name not in SCENARIOS]:
        parser.error(f"no such scenario: {', '.join(unknown)}; there are {', '.join(SCENARIOS)}")
    if unknown := [name for name in args.subjects.split(",") if name not in {"bare", "gateway"}]:
        parser.error(f"no such subject: {', '.join(unknown)}")
    return args


def main() -> int:
    """Measure; 1 when an answer was wrong or something did not start. A missed target is a figure, not a failure."""
    args = parsed()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    if args.profile:
        args.profile.mkdir(parents=True, exist_ok=True)
    pins = cores()
    where = f"subject on core {pins[0]}, all else on core {pins[1]}" if pins else "one core: subject and load share it"
    print(
        f"# {platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores; {where}\n",
        flush=True,
    )
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="switchgear-bench-") as directory:
        try:
            measured = Bench(args, Path(directory)).run(args.only)
        except BenchError as error:
            print(f"bench: {error}", file=sys.stderr)
            return 1
    if not args.profile:
        print(report.summary(measured))
    print(f"({time.monotonic() - began:.0f} s)")
    if args.json:
        kept = {m.name: {who: [asdict(r) for r in rounds] for who, rounds in m.results.items()} for m in measured}
        args.json.write_text(json.dumps(kept, indent=1))
    return 1 if any(m.bad() for m in measured) else 0


if __name__ == "__main__":
    sys.exit(main())
