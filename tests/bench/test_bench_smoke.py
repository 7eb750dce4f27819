"""The bench's parts work together: upstream, pass-throughs, load client, gateway. No figure is judged."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest

from tests.bench.answers import DIALECTS, Answer, Dialect, answer_of, framed, json_answer
from tests.bench.asking import ask
from tests.bench.clients import Clients
from tests.bench.report import Measured, summary, table, verdict
from tests.bench.result import Result
from tests.bench.rounds import Bench, Plan
from tests.bench.scenarios import SCENARIOS, Goal
from tests.bench.subjects import ROOT, Certificates, Running, pass_through, python, running


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Certificates]]:
    folder = tmp_path_factory.mktemp("bench")
    certificates = Certificates.make(folder)
    command = python("tests.bench.upstream", "--certificate", str(certificates.served))
    with running("upstream", command, core=None, log=folder / "upstream.log") as started:
        yield started, certificates


def load(subject: Running, *arguments: str) -> Result:
    command = python("tests.bench.load", "--port", str(subject.port), "--pid", str(subject.pid), *arguments)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=True)
    return Result(**json.loads(done.stdout))


SHORT = ("--clients", "4", "--seconds", "0.3", "--warm", "0.1")


@pytest.mark.parametrize("tls", [pytest.param(False, id="plain"), pytest.param(True, id="TLS")])
def test_measures_whole_answers_and_streams(upstream: tuple[Running, Certificates], tmp_path: Path, tls: bool) -> None:
    started, certificates = upstream
    command = pass_through("bare", started, certificates.trusted if tls else None)
    with running("bare", command, core=None, log=tmp_path / "bare.log") as bare:
        whole = load(bare, *SHORT)
        streams = load(bare, *SHORT, "--stream", "--model", "fake-n5-i10")
    for result in (whole, streams):
        assert (result.bad, result.first_bad) == (0, "")
        assert result.requests > 0
        assert result.cpu_s is not None
        assert (result.rss_peak_mb or 0) > 5
        assert 0 < (result.latency_p50 or 0) <= (result.latency_p99 or 0)
    assert whole.ttft_p50 is None
    assert streams.chunks > streams.requests * 3
    assert 0 < (streams.ttft_p50 or 0) < (streams.latency_p50 or 0)
    assert (streams.latency_p50 or 0) >= 40
    assert 0 < (streams.lag_p50 or 0) < 1000


def test_clients_keep_a_rate_and_hang_up(upstream: tuple[Running, Certificates]) -> None:
    started, _ = upstream
    leavers = load(started, *SHORT, "--stream", "--model", "fake-n50-i2", "--leave-after", "3", "--rate", "40")
    assert leavers.bad == 0
    assert 5 < leavers.requests <= 13
    assert leavers.chunks < leavers.requests * 50
    assert load(started, *SHORT, "--model", "fake-e503", "--refused").bad == 0
    assert load(started, *SHORT, "--model", "fake-e503").bad > 0


def test_the_gateway_is_measured_and_converts(tmp_path: Path) -> None:
    scenario = SCENARIOS["json-32-tls"]
    with Bench(Plan(), tmp_path) as bench, bench.started(scenario, ["gateway"]) as (gateway,):
        assert bench.load(scenario, gateway, 0.2).bad == 0
        for pair in permutations(DIALECTS, 2):
            for stream in (False, True):
                assert once(gateway, *pair, stream=stream) == "", pair


@pytest.mark.parametrize("name", ["kiro-50", "cursor-50"])
def test_a_plugin_is_measured_with_an_upstream_of_its_own(tmp_path: Path, name: str) -> None:
    scenario = replace(SCENARIOS[name], clients=4, model="fake-n20-i5", ramp_s=0, warm_s=0)
    with Bench(Plan(), tmp_path) as bench, bench.started(scenario, ["gateway"]) as (gateway,):
        result = bench.load(scenario, gateway, 0.3)
    assert (result.bad, result.first_bad) == (0, "")
    assert result.chunks > 20
    assert 0 < (result.lag_p50 or 0) < 1000


def once(gateway: Running, dialect: Dialect, upstream: Dialect, *, stream: bool) -> str:
    """What is wrong with one answer."""
    model = f"{upstream}/fake-n20-i5"
    clients = Clients(ask(model, port=gateway.port, key=gateway.key, dialect=dialect, stream=stream), gateway.port, 1)
    try:
        return clients.figures.first_bad if clients.burst(1, time.monotonic() + 10) else "no answer"
    finally:
        clients.stop(0)


def stream(answer: Answer) -> bytes:
    return answer.first + answer.text(1) * answer.chunks + answer.last


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_reads_every_dialect_in_pieces_of_any_size(dialect: Dialect, size: int) -> None:
    assert read(stream(answer_of("fake-n5", dialect)), dialect, size=size) == (1, "")


WHOLE = answer_of("fake-n5")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        pytest.param(WHOLE.first + WHOLE.text(1) * 2 + WHOLE.last, "2 of 5 chunks", id="too few chunks"),
        pytest.param(WHOLE.first + WHOLE.text(1) * 5 + b"0\r\n\r\n", "5 of 5 chunks, the end is", id="no [DONE]"),
        pytest.param(stream(WHOLE)[:-5] + framed(b"data: 1\n\n") + b"0\r\n\r\n", "the end is", id="more after it"),
        pytest.param(json_answer(b"{}"), "no stream", id="whole instead of a stream"),
        pytest.param(json_answer(b"{}", 503), "503 b'{}'", id="an error"),
    ],
)
def test_notices_a_wrong_answer(answer: bytes, why: str) -> None:
    _, first_bad = read(answer, "chat", size=1)
    assert why in first_bad
    wrong = Measured("sse-50", {"gateway": [Result(bad=1, first_bad=first_bad)]})
    assert "WRONG ANSWERS: gateway: 1 bad" in table(wrong)


def read(answer: bytes, dialect: Dialect, *, size: int) -> tuple[int, str]:
    """How many answers were counted, and what was wrong with them."""
    clients = Clients(ask("fake-n5", port=1, dialect=dialect, stream=True), 1, 1)
    clients.figures.measuring = True
    clients.left = 0
    (client,) = clients.all
    client.asked = 1.0
    for at in range(0, len(answer), size):
        client.received(answer[at : at + size])
    clients.stop(0)
    return clients.figures.requests, clients.figures.first_bad


def test_reports_the_ratio_and_the_goal() -> None:
    rounds = {
        "bare": [Result(cpu_us_per_request=100.0, rps=900.0), Result(cpu_us_per_request=110.0, rps=800.0)],
        "gateway": [Result(cpu_us_per_request=125.0, rps=700.0), Result(cpu_us_per_request=137.5, rps=650.0)],
    }
    measured = Measured("json-32", rounds)
    assert "| gateway/bare | 0.80x |  |  | 1.25x |" in table(measured)
    assert "**CPU us/request: 131 (125-138), reach 300, aim 110: reach**" in table(measured)
    assert "| json-32 | CPU us/request | 131 (125-138) | 300 | 110 | reach | 1.25x |" in summary([measured])


@pytest.mark.parametrize(
    ("rounds", "word"),
    [
        pytest.param([(90.0, 0.0), (110.0, 5.0)], "aim", id="better than the aim"),
        pytest.param([(120.0, 0.0), (130.0, 5.0)], "reach", id="between them"),
        pytest.param([(290.0, 0.0), (330.0, 5.0)], "MISSED", id="the middle counts"),
        pytest.param([(90.0, 90.0), (91.0, 90.0)], "NOT JUDGED: fewer than 2 quiet rounds", id="a busy machine"),
        pytest.param([(90.0, 90.0), (400.0, 0.0), (410.0, 0.0)], "MISSED", id="a noisy round does not count"),
        pytest.param([(90.0, 0.0), (91.0, 90.0)], "NOT JUDGED: fewer than 2 quiet rounds", id="one is too few"),
    ],
)
def test_judges_quiet_rounds_only(rounds: list[tuple[float, float]], word: str) -> None:
    bare = [Result(cpu_us_per_request=100.0, noise_pct=0.0) for _ in rounds]
    gateway = [Result(cpu_us_per_request=figure, noise_pct=noise) for figure, noise in rounds]
    assert verdict(Measured("json-32", {"bare": bare, "gateway": gateway}), SCENARIOS["json-32"].goals[0]) == word


def test_more_may_be_better() -> None:
    goal = Goal("rps", 1800, 1980, "more")
    words = [
        verdict(Measured("json-d500-1000", {"gateway": [Result(rps=rps)] * 2}), goal) for rps in (1990, 1850, 1700)
    ]
    assert words == ["aim", "reach", "MISSED"]
