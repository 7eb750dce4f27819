"""Showing an address to a person: in a browser, if there is one here, or as a code that a telephone reads."""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import sys
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

QR_BORDER = 2
ROWS_BESIDE_QR = 8
BLACK_AND_WHITE, AS_BEFORE = "\033[40;97m", "\033[0m"
CLOSING_S = 2.0


def has_display(environment: Mapping[str, str], platform: str = sys.platform) -> bool:
    """Whether a browser would open where the person sits."""
    if any(environment.get(name) for name in ("SSH_CONNECTION", "SSH_TTY")):
        return False
    if platform in {"darwin", "win32", "cygwin"}:
        return True
    return any(environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


class Browser:
    """The machine's browser, in a process of its own without this terminal: one that works in text does not take it."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None

    async def open(self, url: str) -> None:
        """Begin to open ``url``; only the web's own addresses are."""
        nothing = asyncio.subprocess.DEVNULL
        if urlsplit(url).scheme in {"http", "https"} and self._process is None:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "webbrowser", url),
                stdin=nothing,
                stdout=nothing,
                stderr=nothing,
                start_new_session=True,
            )

    async def aclose(self) -> None:
        """Leave nothing running that this program started."""
        process = self._process
        if process is not None and process.returncode is None:
            try:
                await asyncio.wait_for(process.wait(), CLOSING_S)
            except TimeoutError:
                process.kill()
                await process.wait()


def shows_qr(environment: Mapping[str, str], encoding: str, *, terminal: bool) -> bool:
    """Whether standard output can show a QR code."""
    plain = environment.get("TERM", "dumb") == "dumb" or "NO_COLOR" in environment
    return terminal and not plain and "utf" in encoding.lower()


def is_for_this_machine(url: str) -> bool:
    """Whether the browser comes back to this machine, so that another device is of no use."""
    redirects = parse_qs(urlsplit(url).query).get("redirect_uri", [])
    return any(urlsplit(uri).hostname in {"127.0.0.1", "localhost", "::1"} for uri in redirects)


def qr_code(url: str, size: os.terminal_size | None = None) -> str | None:
    """``url`` as a QR code of half blocks; ``None`` where the terminal is too small. ``size`` is the terminal's."""
    import segno

    columns, rows = size or shutil.get_terminal_size()
    try:
        code = segno.make_qr(url, error="l")
    except segno.DataOverflowError:
        return None
    width, height = code.symbol_size(border=QR_BORDER)
    if width > columns or height // 2 + ROWS_BESIDE_QR > rows:
        return None
    drawn = io.StringIO()
    code.terminal(drawn, border=QR_BORDER, compact=True)
    return "\n".join(f"{BLACK_AND_WHITE}{line}{AS_BEFORE}" for line in drawn.getvalue().splitlines())
