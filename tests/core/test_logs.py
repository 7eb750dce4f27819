"""Log lines: clean whatever is in them, in their order, and never in a request's way."""

from __future__ import annotations

import io
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import pytest
import structlog
from hypothesis import example, given
from hypothesis import strategies as st

from switchgear import Secret, logs
from switchgear.log_lines import LinesBehind

SECRET = Secret('sk-quoted"and\\escaped-7731')


def lines_of(written: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.splitlines()]


@contextmanager
def behind() -> Iterator[io.StringIO]:
    """Log as a process does that serves; gives its standard error, to be read afterwards."""
    stream = io.StringIO()
    with patch.object(sys, "stderr", stream), logs.behind("json", "info"):
        yield stream
    logs.configure("json", "info")


def test_a_line_says_when_and_how_grave_and_leaves_out_what_is_none() -> None:
    before = datetime.now(UTC)
    with behind() as stream:
        structlog.get_logger("a").info("request", status=200, key=None, ms=1.5, ok=True)
        structlog.get_logger("b").debug("too fine")
    (line,) = lines_of(stream.getvalue())
    assert before.timestamp() <= datetime.fromisoformat(line.pop("timestamp")).timestamp()
    assert line == {"event": "request", "status": 200, "ms": 1.5, "ok": True, "level": "info"}


def test_lines_come_in_their_order_and_the_last_ones_at_the_end() -> None:
    with behind() as stream:
        log = structlog.get_logger("a")
        for number in range(500):
            (log.warning if number % 7 == 0 else log.info)("line", number=number)
    assert [line["number"] for line in lines_of(stream.getvalue())] == list(range(500))


def test_lines_of_other_threads_are_whole() -> None:
    with behind() as stream:
        log = structlog.get_logger("a")
        threads = [
            threading.Thread(target=lambda n=n: [log.info("line", thread=n) for _ in range(100)]) for n in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(line["thread"] for line in lines_of(stream.getvalue())) == sorted([*range(4)] * 100)


@pytest.mark.parametrize("level", ["info", "error"])
@pytest.mark.parametrize(
    "value",
    [
        pytest.param(SECRET.reveal(), id="as it is"),
        pytest.param(f"before {SECRET.reveal()} after", id="inside a text"),
        pytest.param([SECRET.reveal()], id="in a list"),
        pytest.param(f"\x1b[2J{SECRET.reveal()}\n", id="among control characters"),
    ],
)
def test_no_line_shows_a_secret(level: str, value: object) -> None:
    with behind() as stream:
        getattr(structlog.get_logger("a"), level)("event", field=value)
    written = stream.getvalue()
    assert "quoted" not in written
    assert "***" in written
    assert written.isprintable() or written.strip("\n").isprintable()


@given(st.text(), st.sampled_from(["field", "Feld", "exception"]))
@example("\x7f", "field")  # a control character that JSON does not escape
def test_whatever_is_logged_is_one_printable_line(text: str, name: str) -> None:
    line = logs.render_json(None, "info", {"event": "e", name: text})
    assert line.isascii()
    assert line.isprintable()
    assert set(json.loads(line)) == {"event", name}


def test_an_exception_is_told_with_where_it_was_raised() -> None:
    with behind() as stream:
        try:
            raise ValueError(SECRET.reveal())
        except ValueError as error:
            structlog.get_logger("a").info("seen", exc_info=error)
    (line,) = lines_of(stream.getvalue())
    assert "test_logs.py" in line["exception"]
    assert "quoted" not in line["exception"]


class Clogged(io.StringIO):
    """A pipe that nobody reads until the test does."""

    def __init__(self) -> None:
        super().__init__()
        self.writing, self.reader = threading.Event(), threading.Event()

    def write(self, text: str) -> int:
        self.writing.set()
        self.reader.wait(10)
        return super().write(text)


def test_who_logs_does_not_wait_for_a_reader_and_what_was_lost_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchgear.log_lines.MAX_WAITING_LINES", 10)
    clogged = Clogged()
    lines = LinesBehind(clogged)
    logs.configure("json", "info", stream=clogged)
    lines.msg("first")
    clogged.writing.wait(10)
    for number in range(25):
        lines.msg(str(number))  # would never return if it waited
    clogged.reader.set()
    lines.close()
    written = clogged.getvalue().splitlines()
    assert [line for line in written if "{" not in line] == ["first", *map(str, range(10))]
    (lost,) = [json.loads(line) for line in written if "{" in line]
    assert (lost["event"], lost["lines"]) == ("log_lines_lost", 15)
    logs.configure("json", "info")


def test_a_reader_that_went_away_ends_nothing() -> None:
    closed = io.StringIO()
    lines = LinesBehind(closed)
    closed.close()
    lines.msg("to nobody")
    lines.close()
    lines.msg("after the end")
