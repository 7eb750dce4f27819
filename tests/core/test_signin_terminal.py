"""The parts of the terminal's side: reading lines on the loop, and what is shown where."""

from __future__ import annotations

import asyncio
import os
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear.cli.browser import has_display, is_for_this_machine, qr_code, shows_qr
from switchgear.cli.input_lines import LONGEST_LINE_BYTES, InputLines
from switchgear.cli.person import plain


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    for descriptor in (reading, writing):
        try:
            os.close(descriptor)
        except OSError:
            pass


async def read_all(lines: InputLines) -> list[str]:
    found = []
    while (line := await asyncio.wait_for(lines.line(), 5)) is not None:
        found.append(line)
    return found


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"one\ntwo\n", ["one", "two"], id="two lines"),
        pytest.param(b"one\r\ntwo", ["one", "two"], id="carriage returns, and no end"),
        pytest.param(b"\n\n", ["", ""], id="empty lines"),
        pytest.param(b"", [], id="nothing"),
        pytest.param("größe\n".encode(), ["größe"], id="beyond ASCII"),
        pytest.param(b"\xff\n", ["�"], id="no text"),
    ],
)
@pytest.mark.parametrize("kind", ["pipe", "file"])
async def test_lines_come_from_pipes_and_files(
    tmp_path: Path, pipe: tuple[int, int], kind: str, content: bytes, expected: list[str]
) -> None:
    if kind == "pipe":
        os.write(pipe[1], content)
        os.close(pipe[1])
        assert await read_all(InputLines(pipe[0])) == expected
        return
    (tmp_path / "input").write_bytes(content)
    descriptor = os.open(tmp_path / "input", os.O_RDONLY)
    assert await read_all(InputLines(descriptor)) == expected
    os.close(descriptor)


async def test_nothing_comes_from_the_null_device_and_from_a_closed_one() -> None:
    descriptor = os.open(os.devnull, os.O_RDONLY)
    assert await InputLines(descriptor).line() is None
    os.close(descriptor)
    assert await InputLines(descriptor).line() is None


async def test_a_question_that_is_given_up_takes_nothing_of_the_next_one(pipe: tuple[int, int]) -> None:
    lines = InputLines(pipe[0])
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(lines.line(), 0.01)
    assert not asyncio.get_running_loop().remove_reader(pipe[0])  # none is left
    os.write(pipe[1], b"next\n")
    assert await lines.line() == "next"


async def test_a_line_without_end_is_not_kept_for_ever(pipe: tuple[int, int]) -> None:
    lines = InputLines(pipe[0])
    reading = asyncio.create_task(lines.line())
    await asyncio.to_thread(os.write, pipe[1], b"x" * 40_000)
    for _ in range(LONGEST_LINE_BYTES // 40_000 + 1):
        await asyncio.to_thread(os.write, pipe[1], b"x" * 40_000)
    assert await asyncio.wait_for(reading, 5) is not None
    assert lines.ended


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=20), max_size=6))
def test_lines_are_those_that_were_written(texts: list[str]) -> None:
    async def run() -> None:
        reading, writing = os.pipe()
        os.write(writing, "".join(f"{text}\n" for text in texts).encode())
        os.close(writing)
        assert await read_all(InputLines(reading)) == texts
        os.close(reading)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        pytest.param("secret\n", "secret", id="a line"),
        pytest.param("secret\r", "secret", id="the return key"),
        pytest.param("sexx\x7f\x08cret\n", "secret", id="corrected"),
        pytest.param("größe\x7f\x7f\x7fau\n", "grau", id="corrected beyond ASCII"),
        pytest.param("wrong\x15secret\n", "secret", id="begun again"),
        pytest.param("\x7f\x7fsecret\n", "secret", id="nothing left to correct"),
        pytest.param("se\x04cret\n", "secret", id="an end of file in the middle does not count"),
        pytest.param("\x04", None, id="an end of file"),
        pytest.param("x" * 9000 + "\n", "x" * 9000, id="longer than the kernel's line"),
    ],
)
async def test_hidden_lines_are_edited_and_the_terminal_is_put_back(typed: str, expected: str | None) -> None:
    master, slave = os.openpty()
    lines = InputLines(slave)
    before = termios.tcgetattr(slave)
    reading = asyncio.create_task(lines.line(hidden=True))
    await asyncio.sleep(0)
    assert not termios.tcgetattr(slave)[3] & termios.ECHO
    data = typed.encode()
    while data:
        data = data[await asyncio.to_thread(os.write, master, data[:1000]) :]
    assert await asyncio.wait_for(reading, 5) == expected
    assert termios.tcgetattr(slave) == before
    os.close(master)
    os.close(slave)


async def test_a_hidden_question_that_is_given_up_leaves_nothing_to_the_shell() -> None:
    master, slave = os.openpty()
    before = termios.tcgetattr(slave)
    reading = asyncio.create_task(InputLines(slave).line(hidden=True))
    await asyncio.sleep(0)
    os.write(master, b"half a secret")
    reading.cancel()
    await asyncio.wait({reading})
    assert termios.tcgetattr(slave) == before
    os.write(master, b"next\n")
    assert os.read(slave, 100) == b"next\n"
    os.close(master)
    os.close(slave)


@pytest.mark.parametrize(
    ("environment", "platform", "expected"),
    [
        pytest.param({"DISPLAY": ":0"}, "linux", True, id="X"),
        pytest.param({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True, id="Wayland"),
        pytest.param({}, "linux", False, id="no display"),
        pytest.param({"DISPLAY": ""}, "linux", False, id="an empty display"),
        pytest.param({"DISPLAY": "localhost:10", "SSH_CONNECTION": "a b"}, "linux", False, id="over SSH"),
        pytest.param({}, "darwin", True, id="a Mac"),
        pytest.param({"SSH_TTY": "/dev/ttys1"}, "darwin", False, id="a Mac over SSH"),
    ],
)
def test_a_browser_is_opened_only_where_the_person_sits(
    environment: dict[str, str], platform: str, expected: bool
) -> None:
    assert has_display(environment, platform) is expected


@pytest.mark.parametrize(
    ("environment", "encoding", "terminal", "expected"),
    [
        pytest.param({"TERM": "xterm"}, "utf-8", True, True, id="a good terminal"),
        pytest.param({"TERM": "xterm"}, "utf-8", False, False, id="no terminal"),
        pytest.param({"TERM": "xterm"}, "ascii", True, False, id="ASCII only"),
        pytest.param({"TERM": "dumb"}, "utf-8", True, False, id="a dumb terminal"),
        pytest.param({"TERM": "xterm", "NO_COLOR": "1"}, "utf-8", True, False, id="without colour"),
    ],
)
def test_a_qr_code_needs_a_terminal_that_can(
    environment: dict[str, str], encoding: str, terminal: bool, expected: bool
) -> None:
    assert shows_qr(environment, encoding, terminal=terminal) is expected


@pytest.mark.parametrize(
    ("columns", "rows", "fits"),
    [
        pytest.param(100, 50, True, id="large"),
        pytest.param(20, 50, False, id="narrow"),
        pytest.param(100, 15, False, id="flat"),
    ],
)
def test_a_qr_code_is_drawn_where_it_fits(columns: int, rows: int, fits: bool) -> None:
    drawn = qr_code("https://example.com/activate", os.terminal_size((columns, rows)))
    assert (drawn is not None) is fits
    if drawn is not None:
        widths = {len(line) for line in drawn.replace("\x1b[40;97m", "").replace("\x1b[0m", "").splitlines()}
        assert len(widths) == 1
        assert widths.pop() <= columns


def test_what_no_qr_code_can_hold_is_none() -> None:
    assert qr_code("x" * 5000, os.terminal_size((500, 500))) is None


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param("https://x.test/auth?redirect_uri=http%3A%2F%2F127.0.0.1%3A5%2Fcb", True, id="loopback"),
        pytest.param("https://x.test/auth?redirect_uri=http%3A%2F%2Flocalhost%3A5%2Fcb", True, id="localhost"),
        pytest.param("https://x.test/auth?redirect_uri=https%3A%2F%2Fx.test%2Fcode", False, id="a page"),
        pytest.param("https://x.test/activate", False, id="none"),
    ],
)
def test_another_device_is_of_no_use_where_the_browser_comes_back(url: str, expected: bool) -> None:
    assert is_for_this_machine(url) is expected


def test_what_a_provider_says_does_not_steer_the_terminal() -> None:
    assert plain("a\x1b[2Jb\nc\u202ed") == "a?[2Jb?c?d"
