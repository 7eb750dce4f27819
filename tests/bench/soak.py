"""Half load for a while: ``python -m tests.bench.soak --minutes 15``. Memory, file descriptors and tasks must not grow.

The gateway is asked all it can be asked at once: whole answers and streams, in every dialect, passed on and converted, over
TLS, by clients that hang up, and of an upstream that fails. How much of each is set so that the gateway takes half of its core.
Then everything is counted some sixty times. It fails when an answer is wrong, when there is more in the last third of the time
than in the first, or when the idle gateway holds more file descriptors or tasks than before the load. The lower quartile
of a third is what counts: a stall piles requests up for a moment, a leak lifts the floor. The metrics, which fill for 15 minutes by
design, fill for two here; what their histograms take is shown, and taken off.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import quantiles

from switchgear.upstream import IDLE_EXPIRY_S
from tests.bench import measure
from tests.bench.result import Result
from tests.bench.subjects import (
    BenchError,
    Certificates,
    Running,
    cores,
    gateway_config,
    pinned,
    python,
    running,
)

HALF = 0.5
TRY_S = 6.0
"""How long the load is tried, to find how much of it is half."""
WARM_SHARE = 0.1
"""Of the time, how much is not counted at the beginning: caches fill, pools open."""
SAMPLES = 60
SHORTEST_GAP_S = 1.0
CLOSED_S = IDLE_EXPIRY_S + 5.0
"""After the last request, when the connections that were kept for the next one are closed."""
CENSUS_S = 5.0


@dataclass(frozen=True, slots=True)
class Part:
    """A kind of load: the load client's arguments, and how many requests a second when the whole is at scale 1."""

    name: str
    model: str
    rate: float
    clients: int
    more: tuple[str, ...] = ()


STREAM = ("--stream",)
MIX = (
    Part("whole", "chat/fake", 60, 8),
    Part("whole, TLS", "tls/fake", 20, 4),
    Part("whole, slow upstream", "chat/fake-d500", 40, 40),
    Part("Messages, converted", "chat/fake", 20, 4, ("--dialect", "messages")),
    Part("streams", "chat/fake-n20-i5", 20, 10, STREAM),
    Part("streams, long", "chat/fake-n100-i20", 4, 16, STREAM),
    Part("streams, slow", "chat/fake-n16-i500", 8, 80, STREAM),
    Part("streams, TLS", "tls/fake-n20-i5", 5, 4, STREAM),
    Part("streams of Messages", "messages/fake-n20-i5", 5, 4, (*STREAM, "--dialect", "messages")),
    Part("streams of Responses", "responses/fake-n20-i5", 5, 4, (*STREAM, "--dialect", "responses")),
    Part("streams, Messages from Chat", "chat/fake-n20-i5", 10, 6, (*STREAM, "--dialect", "messages")),
    Part("streams, Responses from Chat", "chat/fake-n20-i5", 5, 4, (*STREAM, "--dialect", "responses")),
    Part("streams, Chat from Messages", "messages/fake-n20-i5", 5, 4, STREAM),
    Part("clients that hang up", "chat/fake-n100-i20", 10, 10, (*STREAM, "--leave-after", "5")),
    Part("an upstream that fails", "failing/fake-e500", 2, 2, ("--refused",)),
    Part("a model that is not there", "chat/nothing", 5, 2, ("--refused",)),
)


@dataclass(frozen=True, slots=True)
class Sample:
    """What was there at one moment, ``at_s`` seconds into the load. ``memory_mb`` is the RSS without the metrics'."""

    at_s: float
    rss_mb: float
    metrics_mb: float
    memory_mb: float
    blocks: int
    files: int
    threads: int
    tasks: int
    cpu_pct: float


@dataclass(frozen=True, slots=True)
class Allowed:
    """How much more the last third may hold than the first: a share of it, or so many."""

    share: float
    many: float


ALLOWED = {
    "memory_mb": Allowed(0.03, 3.0),
    "blocks": Allowed(0.1, 0),
    "files": Allowed(0.05, 8),
    "threads": Allowed(0.0, 1),
    "tasks": Allowed(0.05, 8),
}


class Soak:
    """A gateway under load; what it holds is read from outside and from its census."""

    def __init__(self, gateway: Running, census: Path, core: int | None) -> None:
        self._gateway = gateway
        self._census = census
        self._core = core

    def load(self, scale: float, seconds: float) -> list[subprocess.Popen[str]]:
        """Start every part of the load."""
        started = []
        with pinned(self._core):
            for part in MIX:
                clients = max(round(part.clients * scale), 1)
                where = ["--port", str(self._gateway.port), "--key", self._gateway.key, "--model", part.model]
                much = ["--clients", str(clients), "--rate", str(part.rate * scale), "--seconds", str(seconds)]
                command = python("tests.bench.load", *where, *much, "--warm", "0", "--grace", "12", *part.more)
                started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        return started

    def ended(self, load: list[subprocess.Popen[str]]) -> dict[str, Result]:
        """Wait for the load's end; what each part saw."""
        return {
            part.name: Result(**json.loads(process.communicate()[0])) for part, process in zip(MIX, load, strict=True)
        }

    def half(self) -> float:
        """The scale at which the gateway takes half of its core: from what a request takes it in a try at scale 1."""
        before_us = measure.fine_cpu_us(self._gateway.pid)
        results = self.ended(self.load(1.0, TRY_S))
        used_us = measure.fine_cpu_us(self._gateway.pid) - before_us
        answers = sum(result.requests for result in results.values())
        if not answers:
            raise BenchError(f"no answers: {results}")
        return HALF * 1e6 / (used_us / answers * sum(part.rate for part in MIX))

    def sample(self, began: float, before: tuple[float, float]) -> Sample:
        """Count now."""
        pid, (at, used_us) = self._gateway.pid, before
        share = (measure.fine_cpu_us(pid) - used_us) / 1e6 / max(time.monotonic() - at, 0.001)
        self._census.unlink(missing_ok=True)
        os.kill(pid, signal.SIGUSR1)
        deadline = time.monotonic() + CENSUS_S
        while not self._census.exists():
            if time.monotonic() > deadline:
                raise BenchError("the gateway does not answer the census")
            time.sleep(0.02)
        inside = json.loads(self._census.read_text())
        rss_mb, metrics_mb = measure.rss_mb([pid]), inside["metrics_bytes"] / 1e6
        return Sample(
            at_s=time.monotonic() - began,
            rss_mb=rss_mb,
            metrics_mb=metrics_mb,
            memory_mb=rss_mb - metrics_mb,
            blocks=inside["blocks"],
            files=measure.open_files(pid),
            threads=measure.threads(pid),
            tasks=inside["tasks"],
            cpu_pct=100 * share,
        )

    def run(self, minutes: float) -> tuple[list[Sample], Sample, Sample, dict[str, Result]]:
        """The samples under load; an idle one before, after a first load that warmed everything up, and one after."""
        scale = self.half()
        print(f"# half load: {sum(part.rate for part in MIX) * scale:.0f} requests/s (scale {scale:.2f})", flush=True)
        idle = self.idle()
        load = self.load(scale, minutes * 60)
        began = time.monotonic()
        gap_s = max(minutes * 60 / SAMPLES, SHORTEST_GAP_S)
        samples = []
        print("| " + " | ".join(field.name for field in fields(Sample)) + " |\n" + "|---" * len(fields(Sample)) + "|")
        while (left_s := began + minutes * 60 - time.monotonic()) > gap_s:
            before = time.monotonic(), measure.fine_cpu_us(self._gateway.pid)
            time.sleep(min(gap_s, left_s))
            samples.append(self.sample(began, before))
            print(row(samples[-1]), flush=True)
        results = self.ended(load)
        return samples, idle, self.idle(), results

    def idle(self) -> Sample:
        """Count when nothing is asked, and no connection is kept."""
        began = time.monotonic(), measure.fine_cpu_us(self._gateway.pid)
        time.sleep(CLOSED_S)
        return self.sample(began[0], began)


def row(sample: Sample) -> str:
    """A table's row."""
    return "| " + " | ".join(f"{value:,.0f}" if value >= 1000 else f"{value:g}" for value in _rounded(sample)) + " |"


def _rounded(sample: Sample) -> list[float]:
    return [round(value, 1) for value in asdict(sample).values()]


def growth(samples: list[Sample], name: str) -> tuple[float, float]:
    """The lower quartiles of the first third and of the last, after the warm-up."""
    counted = [float(getattr(sample, name)) for sample in samples[int(len(samples) * WARM_SHARE) :]]
    third = max(len(counted) // 3, 2)
    first, last = (quantiles(part, n=4, method="inclusive")[0] for part in (counted[:third], counted[-third:]))
    return first, last


def grown(begin: float, end: float, allowed: Allowed) -> bool:
    """Whether ``end`` is more than may be."""
    return end > begin + max(begin * allowed.share, allowed.many)


def judged(samples: list[Sample], idle: Sample, after: Sample, results: dict[str, Result]) -> list[str]:
    """What is wrong; prints each comparison."""
    wrong = []
    print("\n| | first third | last third | idle before | idle after | |\n|---|---|---|---|---|---|")
    for name, allowed in ALLOWED.items():
        begin, end = growth(samples, name)
        left = float(getattr(idle, name)), float(getattr(after, name))
        word = "grows" if grown(begin, end, allowed) else "flat"
        if name in {"files", "tasks"} and grown(*left, allowed):
            word = "not given back"
        if word != "flat":
            wrong.append(f"{name}: {word}")
        print(f"| {name} | {begin:,.1f} | {end:,.1f} | {left[0]:,.1f} | {left[1]:,.1f} | {word} |")
    print("\n| load | requests | wrong | p50 ms | p99 ms |\n|---|---|---|---|---|")
    for name, result in results.items():
        print(f"| {name} | {result.requests} | {result.bad} | {result.latency_p50:.1f} | {result.latency_p99:.1f} |")
        if result.bad:
            wrong.append(f"{name}: {result.bad} wrong answers, first: {result.first_bad}")
        if not result.requests:
            wrong.append(f"{name}: no answers")
    return wrong


def main() -> int:
    """Soak, and judge; 1 when something grew or was wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=15.0)
    args = parser.parse_args()
    core, other = cores() or (None, None)
    try:
        with tempfile.TemporaryDirectory(prefix="switchgear-soak-") as folder, contextlib.ExitStack() as stack:
            directory = Path(folder)
            certificates = Certificates.make(directory)
            command = python("tests.bench.upstream", "--certificate", str(certificates.served))
            log = directory / "upstream.log"
            upstream = stack.enter_context(running("upstream", command, core=other, log=log))
            config, key = gateway_config(directory, upstream)
            census = directory / "census.json"
            command = python("switchgear", "serve", "--config", str(config), under=("tests.bench.census", str(census)))
            environment = {"SSL_CERT_FILE": str(certificates.trusted)}
            gateway = stack.enter_context(
                running("gateway", command, core=core, log=directory / "gateway.log", key=key, environment=environment)
            )
            wrong = judged(*Soak(gateway, census, other).run(args.minutes))
    except BenchError as error:
        print(f"soak: {error}", file=sys.stderr)
        return 1
    print("\n" + ("\n".join(f"WRONG: {problem}" for problem in wrong) or "flat, and every answer was right"))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
