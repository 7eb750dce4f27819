"""The rounds of a run: every subject in turn, each under the same load, and the quiet ones kept."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

from tests.bench import cursor, kiro, report
from tests.bench.profile import Profile, tables
from tests.bench.report import Measured
from tests.bench.result import Result
from tests.bench.scenarios import SCENARIOS, Plugin, Scenario
from tests.bench.subjects import (
    BenchError,
    Certificates,
    Running,
    cores,
    gateway_config,
    pass_through,
    pinned,
    python,
    running,
    settle,
    switch_profile,
)

QUIET_TRIES = 4
OWN = ("bare", "stock", "gateway")
"""The subjects that are started here."""
PLUGINS: dict[Plugin, Callable[[str], object]] = {"kiro": kiro.settings, "cursor": cursor.settings}
"""Those with an upstream of their own, the module of this name here: the gateway's entry that leads to a URL."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Another gateway: the command that starts it, where it listens then, its key, and what it calls the model ``{}``."""

    port: int
    key: str
    model: str
    command: list[str]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is wished for.

    Attributes:
        subjects: of ``bare``, ``stock`` and ``gateway``.
        peers: other gateways, by name.
        port: the upstream's, 0 for a free one.
        rounds: how often.
        seconds: that count, a run.
        quiet: repeat rounds that other processes disturb.
    """

    subjects: tuple[str, ...] = ("bare", "gateway")
    peers: Mapping[str, Peer] = field(default_factory=dict)
    port: int = 0
    rounds: int = 3
    seconds: float = 4.0
    quiet: bool = False


class Bench:
    """One run of the whole; a context in which the upstream serves."""

    def __init__(self, plan: Plan, directory: Path) -> None:
        self._plan = plan
        self._directory = directory
        self._certificates = Certificates.make(directory)
        pair = cores()
        self._core = pair[0] if pair else None
        self._other_core = pair[1] if pair else None
        self._stack = contextlib.ExitStack()
        self._upstream: Running
        self._plugins: dict[Plugin, Running] = {}

    def __enter__(self) -> Bench:
        command = python(
            "tests.bench.upstream", "--port", str(self._plan.port), "--certificate", str(self._certificates.served)
        )
        log = self._directory / "upstream.log"
        self._upstream = self._stack.enter_context(running("upstream", command, core=self._other_core, log=log))
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def _entries(self, plugin: Plugin) -> dict[str, object]:
        """The gateway's entries for a plugin, whose upstream serves from now on."""
        if plugin not in self._plugins:
            command, log = python(f"tests.bench.{plugin}"), self._directory / f"upstream-{plugin}.log"
            upstream = running(plugin, command, core=self._other_core, log=log)
            self._plugins[plugin] = self._stack.enter_context(upstream)
        return {plugin: [PLUGINS[plugin](f"http://127.0.0.1:{self._plugins[plugin].port}")]}

    def measure(self, name: str) -> Measured:
        """One scenario, all rounds."""
        scenario = SCENARIOS[name]
        names = [*self._plan.subjects, *self._plan.peers]
        measured = Measured(name, {"direct": []} if scenario.direct else {})
        measured.results |= {subject: [] for subject in names}
        with contextlib.ExitStack() as stack:
            shared = [] if scenario.alone else stack.enter_context(self.started(scenario, names))
            for number in range(self._plan.rounds):
                order = names if number % 2 == 0 else names[::-1]
                if scenario.direct:
                    order = ["direct", *order]
                for subject, result in self._quietest(scenario, order, shared).items():
                    measured.results[subject].append(result)
        return measured

    def _quietest(self, scenario: Scenario, order: list[str], shared: list[Running]) -> dict[str, Result]:
        """One round; with ``quiet`` up to four. It is kept or repeated as a whole: its runs belong together in time."""
        best: dict[str, Result] = {}
        for _ in range(QUIET_TRIES if self._plan.quiet else 1):
            found = {name: self._once(scenario, name, shared) for name in order}
            if not best or report.noise(*found.values()) < report.noise(*best.values()):
                best = found
            if report.noise(*best.values()) <= report.NOISE_LIMIT_PCT:
                break
        direct = best.get("direct")
        for result in best.values() if direct is not None else ():
            assert direct is not None
            result.latency_added = _beyond(result.latency_p50, direct.latency_p50)
            result.ttft_added = _beyond(result.ttft_p50, direct.ttft_p50)
        return best

    def _once(self, scenario: Scenario, name: str, shared: list[Running]) -> Result:
        seconds = self._plan.seconds
        if name == "direct":
            return self.load(scenario, self._upstream, seconds)
        if scenario.alone:
            with self.started(scenario, [name]) as fresh:
                return self.load(scenario, fresh[0], seconds)
        subject = next(one for one in shared if one.name == name)
        result = self.load(scenario, subject, seconds)
        settle(subject)
        return result

    def profile(self, name: str, out: Path) -> tuple[Measured, str]:
        """One round under the sampler, its stacks kept in ``out``: the results, and where the time went."""
        scenario, measured = SCENARIOS[name], Measured(name)
        unit = "chunk" if scenario.ratio == "cpu_us_per_chunk" else "request"
        files = {subject: (out / f"{name}-{subject}.txt").resolve() for subject in self._plan.subjects}
        profiles = {}
        for path in files.values():
            path.unlink(missing_ok=True)
        with self.started(scenario, [*self._plan.subjects], files) as subjects:
            for subject in subjects:
                self.load(scenario, subject, 0.5)
                settle(subject)
                switch_profile(subject, on=True)
                result = self.load(scenario, subject, self._plan.seconds)
                switch_profile(subject, on=False)
                settle(subject)
                measured.results[subject.name] = [result]
                profiles[subject.name] = Profile.read(files[subject.name], getattr(result, f"cpu_us_per_{unit}") or 0.0)
        both = {"bare", "gateway"} <= profiles.keys()
        return measured, tables(profiles["gateway"], profiles["bare"], unit) if both else ""

    @contextlib.contextmanager
    def started(
        self, scenario: Scenario, names: list[str], profiles: dict[str, Path] | None = None
    ) -> Iterator[list[Running]]:
        """Fresh processes of the subjects named, idle, and each asked once: a wrong set-up is not a slow one."""
        with contextlib.ExitStack() as stack:
            started = []
            for name in names:
                sampler = (("tests.bench.sampler", str(profiles[name])),) if profiles else ()
                subject = stack.enter_context(self._start(name, scenario, *sampler))
                if problem := self.load(scenario, subject, 0.2, once=True).first_bad:
                    raise BenchError(f"{name} cannot do {scenario.title}: {problem}")
                settle(subject)
                started.append(subject)
            yield started

    def _start(
        self, name: str, scenario: Scenario, under: tuple[str, ...] = ()
    ) -> contextlib.AbstractContextManager[Running]:
        log = self._directory / f"{name}.log"
        trusted = self._certificates.trusted
        if name == "gateway":
            plugins = self._entries(scenario.plugin) if scenario.plugin else {}
            config, key = gateway_config(
                self._directory, self._upstream, access_log=scenario.access_log, plugins=plugins
            )
            command = python("switchgear", "serve", "--config", str(config), under=under)
            environment = {"SSL_CERT_FILE": str(trusted)}
            return running(name, command, core=self._core, log=log, key=key, environment=environment)
        if peer := self._plan.peers.get(name):
            return running(name, peer.command, core=self._core, log=log, key=peer.key, port=peer.port, model=peer.model)
        command = pass_through(
            cast('Literal["bare", "stock"]', name), self._upstream, trusted if scenario.tls else None, under
        )
        return running(name, command, core=self._core, log=log)

    def load(self, scenario: Scenario, subject: Running, seconds: float, *, once: bool = False) -> Result:
        """Run the load client against ``subject``; ``once``: one client, a short time."""
        arguments = ["--port", str(subject.port), "--key", subject.key, *scenario.arguments(seconds)]
        for pid in (os.getpid(), self._upstream.pid, *(upstream.pid for upstream in self._plugins.values())):
            arguments += ["--ours", str(pid)]
        if subject.name == "gateway":
            arguments += ["--dialect", scenario.dialect, "--model", f"{scenario.provider}/{scenario.model}"]
        else:
            arguments += ["--dialect", scenario.upstream, "--model", subject.model.replace("{}", scenario.model)]
        if once:
            arguments += ["--clients", "1", "--warm", "0", "--ramp", "0", "--grace", "15"]
        if subject is not self._upstream:
            arguments += ["--pid", str(subject.pid)]
        with pinned(self._other_core):
            done = subprocess.run(
                python("tests.bench.load", *arguments),
                capture_output=True,
                text=True,
                timeout=scenario.longest_s(seconds) + 15,
                check=False,
            )
        if done.returncode:
            raise BenchError(f"the load client failed at {subject.name}: {done.stderr[-1500:]}")
        return Result(**json.loads(done.stdout))


def _beyond(value: float | None, base: float | None) -> float | None:
    return None if value is None or base is None else value - base
