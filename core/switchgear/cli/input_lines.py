"""Standard input, line by line, on the event loop: a question can be given up, and no thread is left waiting."""

from __future__ import annotations

import asyncio
import os
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy

READ_BYTES = 64 * 1024
LONGEST_LINE_BYTES = 256 * 1024
LOCAL_FLAGS, CONTROL_CHARACTERS = 3, 6
"""Places in what ``termios.tcgetattr`` gives."""
ENDS, ERASES, KILL, END_OF_FILE = b"\r\n", b"\x7f\x08", 0x15, 0x04


class InputLines:
    """Lines from a terminal, a pipe or a file.

    Attributes:
        ended: there will be no further line.
    """

    def __init__(self, descriptor: int = 0) -> None:
        self._descriptor = descriptor
        self._buffer = bytearray()
        self.ended = False

    @property
    def is_terminal(self) -> bool:
        """Whether a person types them."""
        return os.isatty(self._descriptor)

    async def line(self, *, hidden: bool = False, ask: Callable[[], None] = lambda: None) -> str | None:
        """The next line without its end; ``None`` when there is none.

        Args:
            hidden: a terminal does not show it.
            ask: prints the question; called when the terminal shows nothing any more.
        """
        if hidden and self.is_terminal:
            try:
                with _silent(self._descriptor):
                    ask()
                    return await self._typed()
            except termios.error:  # the terminal is gone
                self.ended = True
                return None
        ask()
        while (end := self._buffer.find(b"\n")) < 0 and not self.ended:
            await self._read()
        if end < 0 and not self._buffer:
            return None
        end = len(self._buffer) if end < 0 else end
        line = self._buffer[:end].decode(errors="replace").removesuffix("\r")
        del self._buffer[: end + 1]
        return line

    async def _typed(self) -> str | None:
        """A line from a terminal that does not edit: an address may be longer than the kernel's line buffer."""
        line = bytearray()
        while True:
            while self._buffer:
                byte = self._buffer.pop(0)
                if byte in ENDS:
                    return line.decode(errors="replace")
                if byte in ERASES:
                    line = bytearray(line.decode(errors="ignore")[:-1].encode())
                elif byte == KILL:
                    line.clear()
                elif byte == END_OF_FILE:
                    if not line:
                        self.ended = True
                        return None
                else:
                    line.append(byte)
            if self.ended:
                return line.decode(errors="replace") if line else None
            await self._read()

    async def _read(self) -> None:
        """Wait for some input, and take it."""
        loop = asyncio.get_running_loop()
        readable: asyncio.Future[None] = loop.create_future()
        try:
            loop.add_reader(self._descriptor, _set, readable)
        except OSError:
            pass  # a file, or /dev/null: always readable
        else:
            try:
                await readable
            finally:
                loop.remove_reader(self._descriptor)
        try:
            data = os.read(self._descriptor, READ_BYTES)
        except OSError:  # no standard input, or a terminal that is gone
            data = b""
        self._buffer += data
        self.ended = not data or len(self._buffer) > LONGEST_LINE_BYTES


def _set(readable: asyncio.Future[None]) -> None:
    if not readable.done():
        readable.set_result(None)


@contextmanager
def _silent(descriptor: int) -> Iterator[None]:
    """The terminal without echo; what was typed and not read is thrown away, so that no shell gets it."""
    before = termios.tcgetattr(descriptor)
    silent = deepcopy(before)
    silent[LOCAL_FLAGS] &= ~(termios.ECHO | termios.ICANON)
    silent[CONTROL_CHARACTERS][termios.VMIN] = 1
    silent[CONTROL_CHARACTERS][termios.VTIME] = 0
    termios.tcsetattr(descriptor, termios.TCSANOW, silent)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSANOW, before)
        termios.tcflush(descriptor, termios.TCIFLUSH)
