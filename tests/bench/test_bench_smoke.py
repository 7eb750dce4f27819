"""The bench's parts work together: upstream, pass-through and load client. No figure is judged."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from switchgear import Finish, Text
from switchgear.upstream import UpstreamClients
from switchgear_cursor.calls import identification
from switchgear_cursor.fake.agent import FakeAgent
from switchgear_cursor.fake.people import People
from switchgear_cursor.run_request import ModelChoice
from switchgear_cursor.settings import CursorSettings
from switchgear_kiro.answer import AnswerReader
from tests.bench.connection import DONE, Connection, Result, Run
from tests.bench.cursor import paced
from tests.bench.report import Measured, summary, table, verdict
from tests.bench.subjects import ROOT, Running, bare_settings, check, python, running
from tests.bench.upstream import HEADERS_OF_KIRO, TEXT, answer_of, events_of, framed, json_answer, kiro_answer_of
from tests.plugins.cursor_agent import Chatter


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[Running]:
    with running("upstream", python("tests.bench.upstream"), core=None, log=tmp_path / "upstream.log") as started:
        yield started


@pytest.fixture
def bare(upstream: Running, tmp_path: Path) -> Iterator[Running]:
    command = python("tests.bench.bare", bare_settings(upstream.port))
    with running("bare", command, core=None, log=tmp_path / "bare.log") as started:
        check(started)
        yield started


def load(subject: Running, *arguments: str) -> Result:
    command = python("tests.bench.load", "--port", str(subject.port), "--pid", str(subject.pid), *arguments)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=True)
    return Result(**json.loads(done.stdout))


def test_measures_whole_answers_and_streams(bare: Running) -> None:
    whole = load(bare, "--clients", "4", "--seconds", "0.5", "--warm", "0.1")
    streams = load(bare, "--clients", "4", "--seconds", "0.5", "--warm", "0.1", "--stream", "--model", "fake-n5-i10")
    for result in (whole, streams):
        assert (result.bad, result.first_bad) == (0, "")
        assert result.requests > 0
        assert result.cpu_s is not None
        assert (result.rss_peak_mb or 0) > 5
        assert result.latency_p50 is not None
        assert result.latency_p99 is not None
        assert result.latency_p50 <= result.latency_p99
    assert whole.ttft_p50 is None
    assert streams.chunks > streams.requests * 3
    assert streams.ttft_p50 is not None
    assert (streams.latency_p50 or 0) >= 40


class Unread(asyncio.Transport):
    """Takes requests, and leaves them."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        pass


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answer", "why"),
    [
        pytest.param(
            answer_of("fake-n5").first + framed(DONE) + b"0\r\n\r\n", "200, 2 of 7 events", id="too few events"
        ),
        pytest.param(answer_of("fake-n5").first + b"0\r\n\r\n", "the end is b''", id="no [DONE]"),
        pytest.param(json_answer(b"{}"), "200 b'{}'", id="whole instead of a stream"),
    ],
)
async def test_notices_a_wrong_answer(answer: bytes, why: str) -> None:
    run = Run(b"", expected_events=events_of("fake-n5"))
    connection = Connection(run)
    connection.connection_made(Unread())
    for at in range(len(answer)):
        connection.data_received(answer[at : at + 1])
    assert run.result.bad == 1
    assert why in run.result.first_bad
    assert "WRONG ANSWERS: gateway: 1 bad" in table(Measured("sse-50", {"gateway": [run.result]}))


def test_kiros_stream_has_the_same_chunks() -> None:
    answer = kiro_answer_of("kiro/fake-n5")
    reader, body = AnswerReader(generation=3, tool_names={}), answer.first + answer.chunk * answer.chunks + answer.last
    data = body.removeprefix(HEADERS_OF_KIRO)
    while data:
        size, _, data = data.partition(b"\r\n")
        length = int(size, 16)
        events, data = list(reader.feed(data[:length])), data[length + 2 :]
        assert events in ([Text(TEXT)], [])
    assert list(reader.end()) == [Finish("stop")]
    assert body.count(TEXT.encode()) == 5


def test_reports_the_ratio_beside_its_target() -> None:
    rounds = {
        "bare": [Result(cpu_us_per_request=1000.0, rps=900.0), Result(cpu_us_per_request=1100.0, rps=800.0)],
        "gateway": [Result(cpu_us_per_request=1250.0, rps=700.0), Result(cpu_us_per_request=1375.0, rps=650.0)],
    }
    measured = Measured("json-32", rounds)
    assert "gateway/bare: 1.25x (1.25-1.25, 2 of 2 rounds quiet), target 1.3x: met" in table(measured)
    assert "| json-32 | CPU us/request | 1.25x" in summary([measured])


@pytest.mark.parametrize(
    ("rounds", "word"),
    [
        pytest.param([(1.2, 0.0), (1.25, 5.0)], "met", id="all under the target"),
        pytest.param([(1.4, 0.0), (1.5, 5.0)], "MISSED", id="all over it"),
        pytest.param([(1.2, 0.0), (1.4, 5.0)], "UNCLEAR", id="both"),
        pytest.param([(1.0, 90.0), (1.1, 90.0)], "NOT JUDGED", id="a busy machine"),
        pytest.param([(1.0, 90.0), (1.4, 0.0), (1.5, 0.0)], "MISSED", id="a noisy round does not count"),
        pytest.param([(0.8, 0.0), (1.4, 90.0)], "NOT JUDGED", id="one quiet round is too few"),
    ],
)
def test_judges_quiet_rounds_only(rounds: list[tuple[float, float]], word: str) -> None:
    bare = [Result(cpu_us_per_request=1000.0, noise_pct=0.0) for _ in rounds]
    gateway = [Result(cpu_us_per_request=1000.0 * ratio, noise_pct=noise) for ratio, noise in rounds]
    assert f"target 1.3x: {word}" in verdict(Measured("json-32", {"bare": bare, "gateway": gateway}))


@pytest.mark.anyio
async def test_cursors_runs_have_the_same_chunks() -> None:
    clients, people = UpstreamClients(), People()
    async with FakeAgent(people) as agent:
        agent.is_plain, agent.otherwise = True, paced
        identity = identification(CursorSettings(), people.access(people.user("ada")))
        choices = [ModelChoice("fake-n5-i1")]
        events = await Chatter(clients.through(None), agent.server.url, choices, identity=identity).ask()
    await clients.aclose()
    assert [event for event in events if isinstance(event, Text)] == [Text(TEXT)] * 5
    assert events[-1] == Finish("stop")
