"""``switchgear login`` at a terminal: a real process on a real pseudo-terminal."""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import struct
import termios
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tests.signing import SigningUpstream, command, configure, environment
from tests.stores import store

ROWS, COLUMNS = 60, 100


class Screen:
    """What a process writes to its terminal, and the person at the keyboard."""

    def __init__(self, master: int, slave: int, process: asyncio.subprocess.Process) -> None:
        self._master = master
        self._slave = slave
        self.process = process
        self.text = ""
        self._more = asyncio.Event()
        asyncio.get_running_loop().add_reader(master, self._read)

    def _read(self) -> None:
        try:
            self.text += os.read(self._master, 65536).decode(errors="replace")
        except OSError:
            asyncio.get_running_loop().remove_reader(self._master)
        self._more.set()

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                self._more.clear()
                await self._more.wait()

    async def shows(self, text: str) -> None:
        try:
            await self.until(lambda: text in self.text)
        except TimeoutError:
            raise AssertionError(f"no {text!r} in {self.text}") from None

    def type(self, text: str) -> None:
        data = text.encode()
        while data:
            data = data[os.write(self._master, data[:1024]) :]

    def echoes(self) -> bool:
        """Whether the terminal shows what is typed, and edits it."""
        flags: int = termios.tcgetattr(self._slave)[3]
        return bool(flags & termios.ECHO) and bool(flags & termios.ICANON)

    @property
    def lines(self) -> list[str]:
        return self.text.replace("\r\n", "\n").split("\n")


@asynccontextmanager
async def terminal(folder: Path, *arguments: str, **variables: str) -> AsyncIterator[Screen]:
    """The command on a terminal of its own, which Ctrl-C reaches."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    keyboard = os.dup(slave)  # stays open here, so that its settings can be seen after the process has ended
    variables = {**environment(folder), "COLUMNS": str(COLUMNS), "LINES": str(ROWS), "LC_ALL": "C.UTF-8", **variables}
    process = await asyncio.create_subprocess_exec(
        *command("login", "signing", *arguments),
        cwd=folder,
        env=variables,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        preexec_fn=lambda: os.login_tty(slave),
    )
    screen = Screen(master, keyboard, process)
    try:
        yield screen
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        asyncio.get_running_loop().remove_reader(master)
        for descriptor in (master, slave, keyboard):
            os.close(descriptor)


async def test_a_device_sign_in_shows_address_code_and_qr_and_opens_the_browser(tmp_path: Path) -> None:
    opened = tmp_path / "opened"
    browser = tmp_path / "a-browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {opened}.new && mv {opened}.new {opened}\n')
    browser.chmod(0o700)
    upstream = SigningUpstream()
    async with upstream.server:
        configure(tmp_path, upstream)
        async with terminal(tmp_path, DISPLAY=":9", BROWSER=str(browser)) as screen:
            await screen.shows("waiting for the code")
            url = f"{upstream.url}/activate"
            code = re.search(r"ABCD-\d+", screen.text)
            assert code is not None
            assert screen.lines.count(url) == 1  # alone on its line
            assert "▄" in screen.text
            assert "The example's own terms apply." in screen.text
            assert "Opening it in the browser, to sign in to Signing Example." in screen.text
            await upstream.confirm(url, code[0], "ada")
            assert await asyncio.wait_for(screen.process.wait(), 20) == 0
            await screen.shows("A gateway that runs takes it up")
        assert opened.read_text() == url
    assert re.search(r"ok +canary: m answered in \d+ ms", screen.text)
    assert "Signed in: signing, account ada." in screen.text


async def test_a_pasted_address_is_not_shown_and_may_be_longer_than_a_line(tmp_path: Path) -> None:
    upstream = SigningUpstream()
    async with upstream.server:
        configure(tmp_path, upstream)
        async with terminal(tmp_path, "--method", "browser") as screen:
            await screen.shows("(not shown): ")
            assert not screen.echoes()
            found = re.search(r"^http://\S+/authorize\S+", screen.text.replace("\r\n", "\n"), re.MULTILINE)
            assert found is not None
            assert "▄" not in screen.text  # a telephone could not come back to this machine
            landing = await upstream.landing(found[0], "ben")
            screen.type(f"oops\x15{landing}&more={'x' * 6000}typo\x7f\x7f\x7f\x7f\n")
            assert await asyncio.wait_for(screen.process.wait(), 20) == 0
            assert screen.echoes()
    assert "code=" not in screen.text.replace("code_challenge", "")
    [account] = store(tmp_path / "auth", "signing").load()
    assert account.id == "ben"


async def test_ctrl_c_leaves_the_terminal_as_it_was(tmp_path: Path) -> None:
    upstream = SigningUpstream()
    async with upstream.server:
        configure(tmp_path, upstream)
        async with terminal(tmp_path, "--method", "api-key", "--no-browser") as screen:
            await screen.shows("The API key (not shown): ")
            assert not screen.echoes()
            screen.type("half-a-secret\x03")
            assert await asyncio.wait_for(screen.process.wait(), 20) == 130
            assert screen.echoes()
            await screen.shows("Not signed in: stopped by a signal; nothing was saved")
    assert "half-a-secret" not in screen.text
    assert "Traceback" not in screen.text
    assert store(tmp_path / "auth", "signing").load() == []
