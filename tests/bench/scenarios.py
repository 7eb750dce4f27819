"""What is measured: how many clients, what the upstream does, and which figure has a target."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scenario:
    """One load.

    Attributes:
        title: what it shows.
        clients: connections, each with one request under way.
        model: drives the fake upstream, see :mod:`tests.bench.upstream`.
        ratio: the figure of :class:`~tests.bench.connection.Result` whose ratio gateway/bare is the point.
        target: what this ratio may be; ``None`` for no target.
        columns: the figures in the table, besides the noise.
        share: of the ``--seconds``, how many count here.
        warm_s: before these, after the ramp.
        ramp_ms: between the first requests of two clients.
        grace_s: for what is under way at the end.
        each: a fixed number of requests a client instead of a time; see :mod:`tests.bench.load`.
        alone: a fresh process for each run, no other beside it: what a run leaves unfinished would weigh on the next.
        rounds: at most so many.
        anthropic: the gateway is asked in Anthropic's Messages and converts; the pass-through is asked in Chat.
        more_events: so many more the gateway's streams have than the pass-through's.
        direct: also run straight to the upstream once, to tell what is added.
    """

    title: str
    clients: int
    model: str
    ratio: str
    target: float | None
    columns: tuple[str, ...]
    stream: bool = False
    share: float = 1.0
    warm_s: float = 0.5
    ramp_ms: float = 0.0
    grace_s: float = 1.0
    each: int = 0
    alone: bool = False
    rounds: int = 100
    direct: bool = False
    anthropic: bool = False
    more_events: int = 0

    def arguments(self, seconds: float) -> list[str]:
        """The load client's."""
        return [
            *("--model", self.model, "--clients", str(self.clients), "--seconds", str(self.counted_s(seconds))),
            *("--each", str(self.each)),
            *("--warm", str(self.warm_s), "--ramp-ms", str(self.ramp_ms), "--grace", str(self.grace_s)),
            *(["--stream"] if self.stream else []),
        ]

    def counted_s(self, seconds: float) -> float:
        """How long a run counts; with ``each``, at most."""
        return LONGEST_BATCH_S if self.each else seconds * self.share

    def longest_s(self, seconds: float) -> float:
        """How long one run may take."""
        return self.counted_s(seconds) + self.warm_s + self.ramp_ms * self.clients / 1000 + self.grace_s + 20


LONGEST_BATCH_S = 40.0
LATENCY = ("latency_p50", "latency_p99")
TTFT = ("ttft_p50", "ttft_p99")

SCENARIOS = {
    "json-1": Scenario(
        title="one client, no delay: added latency",
        clients=1,
        model="fake",
        ratio="cpu_us_per_request",
        target=1.3,
        columns=(*LATENCY, "rps", "cpu_us_per_request"),
        share=0.4,
        direct=True,
    ),
    "json-32": Scenario(
        title="32 clients, no delay: throughput, CPU a request",
        clients=32,
        model="fake",
        ratio="cpu_us_per_request",
        target=1.3,
        columns=("rps", *LATENCY, "cpu_us_per_request"),
        share=0.75,
    ),
    "sse-50": Scenario(
        title="50 streams, a chunk each 20 ms (2500 chunks/s offered): CPU a chunk, added time to first token",
        clients=50,
        model="fake-n100-i20",
        ratio="cpu_us_per_chunk",
        target=1.3,
        columns=("chunks_per_s", *TTFT, "cpu_us_per_chunk"),
        stream=True,
        ramp_ms=20,
        grace_s=0.2,
        direct=True,
    ),
    "sse-burst": Scenario(
        title="32 clients, 64 chunks at once: streams a second",
        clients=32,
        model="fake-n64",
        ratio="cpu_us_per_request",
        target=1.3,
        columns=("rps", "chunks_per_s", *TTFT, "cpu_us_per_request"),
        stream=True,
        share=0.5,
    ),
    "convert-50": Scenario(
        title="50 streams as in sse-50, but Messages converted to Chat and back, beside the bare pass-through of Chat",
        clients=50,
        model="fake-n100-i20",
        ratio="cpu_us_per_chunk",
        target=2.0,
        columns=("chunks_per_s", *TTFT, "cpu_us_per_chunk"),
        stream=True,
        ramp_ms=20,
        grace_s=0.2,
        anthropic=True,
    ),
    "kiro-50": Scenario(
        title="50 streams as in sse-50, but of Kiro's event-stream frames, beside the bare pass-through of as many chunks",
        clients=50,
        model="kiro/fake-n100-i20",
        ratio="cpu_us_per_chunk",
        target=2.0,
        columns=("chunks_per_s", *TTFT, "cpu_us_per_chunk"),
        stream=True,
        ramp_ms=20,
        grace_s=0.2,
        more_events=1,  # the usage, in a chunk of its own
    ),
    "cursor-50": Scenario(
        title="50 streams as in sse-50, but of Cursor's runs over HTTP/2, beside the bare pass-through of as many chunks",
        clients=50,
        model="cursor/fake-n100-i20",
        ratio="cpu_us_per_chunk",
        target=2.0,
        columns=("chunks_per_s", *TTFT, "cpu_us_per_chunk"),
        stream=True,
        ramp_ms=20,
        grace_s=0.2,
        more_events=1,  # the usage, in a chunk of its own
    ),
    "cursor-200": Scenario(
        title="200 open runs of Cursor on two connections, a chunk each 200 ms (1000 chunks/s offered): memory",
        clients=200,
        model="cursor/fake-n20-i200",
        ratio="rss_peak_mb",
        target=None,  # the plugin, protobuf and h2 weigh what they weigh; the point is that it does not grow
        columns=("open_streams", "chunks_per_s", "cpu_us_per_chunk", "rss_idle_mb", "rss_peak_mb"),
        stream=True,
        warm_s=3.0,
        ramp_ms=3,
        grace_s=0.0,
        alone=True,
        rounds=1,
        more_events=1,
    ),
    "json-1000": Scenario(
        title="1000 in flight, the upstream takes 500 ms; 2000 requests from the first to the last answer",
        clients=1000,
        model="fake-d500",
        ratio="cpu_us_per_request",
        target=1.3,
        columns=("rps", *LATENCY, "cpu_us_per_request", "rss_peak_mb"),
        ramp_ms=1,
        each=2,
        alone=True,
        rounds=2,
    ),
    "sse-1000": Scenario(
        title="1000 open streams, a chunk each 500 ms (2000 chunks/s offered): memory",
        clients=1000,
        model="fake-n40-i500",
        ratio="rss_peak_mb",
        target=1.5,
        columns=("open_streams", "chunks_per_s", "cpu_us_per_chunk", "rss_idle_mb", "rss_peak_mb"),
        stream=True,
        warm_s=3.0,
        ramp_ms=3,
        grace_s=0.0,
        alone=True,
        rounds=1,
    ),
}

HEADINGS = {
    "latency_p50": "p50 ms",
    "latency_p99": "p99 ms",
    "ttft_p50": "TTFT p50 ms",
    "ttft_p99": "TTFT p99 ms",
    "cpu_us_per_request": "CPU us/request",
    "cpu_us_per_chunk": "CPU us/chunk",
    "chunks_per_s": "chunks/s",
    "open_streams": "open",
    "rss_idle_mb": "idle MB",
    "rss_peak_mb": "peak MB",
    "noise_pct": "noise %",
}
