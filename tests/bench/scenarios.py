"""What is measured: how many clients, what the upstream does, and the figures that have a goal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import permutations
from typing import Literal

from tests.bench.answers import DIALECTS, Dialect

Plugin = Literal["kiro", "cursor"]


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure of the gateway ought to be.

    Attributes:
        column: of :class:`~tests.bench.result.Result`.
        reach: what it has to be.
        aim: what it is meant to become.
        better: which way is better.
    """

    column: str
    reach: float
    aim: float
    better: Literal["less", "more"] = "less"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One load.

    Attributes:
        title: what it shows.
        clients: connections, each with one request under way.
        model: drives the fake upstream, see :mod:`tests.bench.answers`.
        ratio: the figure of :class:`~tests.bench.result.Result` whose ratio gateway/bare is given.
        columns: the figures in the table, besides the noise.
        goals: of the gateway, on the machine that ``docs/performance.md`` tells of.
        dialect: the client's; the pass-throughs are asked in the upstream's.
        upstream: the upstream's dialect.
        plugin: asked instead, and has an upstream of its own; the pass-throughs are asked for as many chunks of Chat.
        tls: whether the way to the upstream is TLS.
        access_log: whether the gateway writes its lines for each request.
        share: of the ``--seconds``, how many count here.
        warm_s: before these, after the ramp.
        ramp_s: from the first client's first request to the last one's.
        grace_s: for what is under way at the end.
        alone: a fresh process for each run, no other beside it: memory counts.
        direct: also asked of the upstream itself, in every round: what is added is the point.
        usual: whether it runs unless ``--only`` says so.
    """

    title: str
    clients: int
    model: str
    ratio: str
    columns: tuple[str, ...]
    goals: tuple[Goal, ...] = ()
    stream: bool = False
    dialect: Dialect = "chat"
    upstream: Dialect = "chat"
    plugin: Plugin | None = None
    tls: bool = False
    access_log: bool = True
    share: float = 1.0
    warm_s: float = 0.5
    ramp_s: float = 0.0
    grace_s: float = 1.0
    alone: bool = False
    direct: bool = False
    usual: bool = True

    @property
    def provider(self) -> str:
        """The gateway's provider that is asked."""
        return self.plugin or ("tls" if self.tls else self.upstream)

    def arguments(self, seconds: float) -> list[str]:
        """The load client's."""
        return [
            *("--clients", str(self.clients), "--seconds", str(seconds * self.share)),
            *("--warm", str(self.warm_s), "--ramp", str(self.ramp_s), "--grace", str(self.grace_s)),
            *(["--stream"] if self.stream else []),
        ]

    def longest_s(self, seconds: float) -> float:
        """How long one run may take."""
        return seconds * self.share + self.warm_s + self.ramp_s + self.grace_s + 20


LATENCY = ("latency_p50", "latency_p99")
TTFT = ("ttft_p50", "ttft_p99")
LAG = ("lag_p50", "lag_p99")

JSON_32 = Scenario(
    title="32 clients, no delay: throughput, CPU a request",
    clients=32,
    model="fake",
    ratio="cpu_us_per_request",
    columns=("rps", *LATENCY, "cpu_us_per_request"),
    goals=(Goal("cpu_us_per_request", 300, 110),),
    share=0.75,
)
SSE_50 = Scenario(
    title="50 streams, a chunk each 20 ms (2,500 chunks/s offered): CPU a chunk",
    clients=50,
    model="fake-n100-i20",
    ratio="cpu_us_per_chunk",
    columns=("chunks_per_s", *TTFT, *LAG, "cpu_us_per_chunk"),
    stream=True,
    ramp_s=0.35,  # 7 ms between two: their chunks come at moments of their own within the 20 ms
    grace_s=0.2,
)
SHOWN: dict[Dialect, str] = {"chat": "Chat", "messages": "Messages", "responses": "Responses"}
USUAL_CONVERSIONS = {("messages", "chat"), ("chat", "messages"), ("responses", "chat")}


def _conversions() -> dict[str, Scenario]:
    """Every pair of dialects, streamed and whole."""
    found = {}
    for client, upstream in permutations(DIALECTS, 2):
        usual = (client, upstream) in USUAL_CONVERSIONS
        way = f"{SHOWN[client]} converted to {SHOWN[upstream]} and back"
        for base, scenario in (("sse-50", SSE_50), ("json-32", JSON_32)):
            found[f"{base}-{client}-{upstream}"] = replace(
                scenario,
                title=f"{base}, {way}",
                dialect=client,
                upstream=upstream,
                goals=(),
                usual=usual and scenario.stream,
            )
    return found


SCENARIOS = {
    "json-1": Scenario(
        title="one client, no delay: added latency",
        clients=1,
        model="fake",
        ratio="cpu_us_per_request",
        columns=(*LATENCY, "latency_added", "rps", "cpu_us_per_request"),
        share=0.4,
        direct=True,
    ),
    "json-32": JSON_32,
    "json-32-quiet": replace(JSON_32, title="json-32 without the access log", access_log=False, goals=()),
    "json-32-tls": replace(JSON_32, title="json-32 with TLS to the upstream", tls=True, goals=()),
    "sse-1": Scenario(
        title="one paced stream: added time to the first token, and how late chunks come",
        clients=1,
        model="fake-n20-i5",
        ratio="cpu_us_per_chunk",
        columns=(*TTFT, "ttft_added", *LAG, "cpu_us_per_chunk"),
        goals=(Goal("ttft_added", 1.5, 0.7),),
        stream=True,
        direct=True,
    ),
    "sse-50": SSE_50,
    "sse-50-tls": replace(SSE_50, title="sse-50 with TLS to the upstream", tls=True, usual=False),
    "sse-200": replace(
        SSE_50,
        title="200 streams, a chunk each 20 ms (10,000 chunks/s offered)",
        clients=200,
        ramp_s=0.4,
        goals=(Goal("cpu_us_per_chunk", 70, 50), Goal("chunks_per_s", 9_800, 9_950, "more")),
    ),
    "sse-burst": Scenario(
        title="32 clients, 64 chunks at once: streams a second",
        clients=32,
        model="fake-n64",
        ratio="cpu_us_per_request",
        columns=("rps", "chunks_per_s", *TTFT, "cpu_us_per_request"),
        stream=True,
        share=0.5,
    ),
    "json-d500-1000": Scenario(
        title="1,000 clients, the upstream takes 500 ms: 2,000 requests/s are possible",
        clients=1000,
        model="fake-d500",
        ratio="cpu_us_per_request",
        columns=("rps", *LATENCY, "cpu_us_per_request", "rss_peak_mb"),
        goals=(Goal("rps", 1_800, 1_980, "more"), Goal("latency_p99", 700, 550)),
        warm_s=3.0,
        alone=True,
    ),
    "sse-1000": Scenario(
        title="1,000 streams, a chunk each 500 ms (2,000 chunks/s offered): memory",
        clients=1000,
        model="fake-n16-i500",
        ratio="rss_peak_mb",
        columns=("chunks_per_s", *LAG, "cpu_us_per_chunk", "rss_idle_mb", "rss_peak_mb"),
        goals=(Goal("rss_peak_mb", 120, 70),),
        stream=True,
        ramp_s=2.0,
        warm_s=4.0,
        grace_s=0.0,
        alone=True,
    ),
    "kiro-50": replace(SSE_50, title="sse-50, of Kiro's event-stream frames", plugin="kiro"),
    "cursor-50": replace(
        SSE_50,
        title="sse-50, of Cursor's runs over HTTP/2",
        plugin="cursor",
        ramp_s=1.05,  # 21 ms between two: to begin a run takes milliseconds
    ),
    "cursor-200": Scenario(
        title="200 runs of Cursor, a chunk each 200 ms (1,000 chunks/s offered): memory",
        clients=200,
        model="fake-n20-i200",
        ratio="rss_peak_mb",
        columns=("chunks_per_s", *LAG, "cpu_us_per_chunk", "rss_idle_mb", "rss_peak_mb"),
        stream=True,
        plugin="cursor",
        ramp_s=0.6,
        warm_s=3.0,
        grace_s=0.0,
        alone=True,
    ),
    **_conversions(),
}

HEADINGS = {
    "latency_p50": "p50 ms",
    "latency_p99": "p99 ms",
    "latency_added": "added p50 ms",
    "ttft_p50": "TTFT p50 ms",
    "ttft_p99": "TTFT p99 ms",
    "ttft_added": "added TTFT p50 ms",
    "lag_p50": "lag p50 ms",
    "lag_p99": "lag p99 ms",
    "rps": "requests/s",
    "chunks_per_s": "chunks/s",
    "cpu_us_per_request": "CPU us/request",
    "cpu_us_per_chunk": "CPU us/chunk",
    "rss_idle_mb": "idle MB",
    "rss_peak_mb": "peak MB",
    "noise_pct": "noise %",
}
