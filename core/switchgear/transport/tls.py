"""TLS between a connection and its socket: the standard library's, over two memory buffers.

asyncio's own layer (Python 3.11) keeps 256 KiB for every connection, costs a third more for each part of a stream, and
waits for the other side's farewell before it closes.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Any, cast

from switchgear.transport.connection import Connection

RECORD_BYTES = 16 * 1024
"""The longest record of TLS: no read gives more (RFC 8446, 5.1)."""


class Tls(asyncio.BufferedProtocol, asyncio.Transport):
    """The socket's protocol, and the transport of the protocol above.

    The one above hears of the connection when the handshake is over. ``eof_received`` tells it that the other side
    said farewell; where the connection only ends, it is lost.

    Args:
        above: speaks over it.
        buffers: what arrives is read into the first, and unpacked into the second; those of one loop share them.
        context: whom to trust.
        name: the name that the certificate must have.
        opened: done when the handshake is; with what went wrong, where it did.
    """

    def __init__(
        self,
        above: Connection,
        buffers: tuple[memoryview[int], memoryview[int]],
        context: ssl.SSLContext,
        name: str,
        opened: asyncio.Future[None],
    ) -> None:
        super().__init__()
        self._above = above
        self._packed, self._plain = buffers
        self._opened = opened
        self._open = False
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        self._socket: asyncio.Transport

    # -- what the socket tells -----------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the handshake."""
        self._socket = cast("asyncio.Transport", transport)
        self._shake_hands()

    def get_buffer(self, sizehint: int) -> memoryview[int]:
        """Where to read into."""
        return self._packed

    def buffer_updated(self, nbytes: int) -> None:
        """Unpack what came."""
        self._incoming.write(self._packed[:nbytes])
        if not self._open:
            self._shake_hands()
        if self._open:
            self._read()

    def eof_received(self) -> None:
        """The connection ends without a farewell: what came before it may be cut short."""
        self._socket.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed."""
        if not self._opened.done():
            self._opened.set_exception(exc or ConnectionResetError("it was closed during the TLS handshake"))
        if self._open:
            self._above.connection_lost(exc)

    def pause_writing(self) -> None:
        """Hand it on."""
        if self._open:
            self._above.pause_writing()

    def resume_writing(self) -> None:
        """Hand it on."""
        if self._open:
            self._above.resume_writing()

    def _shake_hands(self) -> None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
        except ssl.SSLError as error:
            self._flush()  # the alert, which says why
            self._socket.close()
            if not self._opened.done():
                self._opened.set_exception(error)
        else:
            self._flush()
            self._open = True
            self._above.connection_made(self)
            if not self._opened.done():
                self._opened.set_result(None)

    def _read(self) -> None:
        plain: Any = self._plain  # typeshed (2026-11) wants a bytearray, where any buffer does
        try:
            while self._incoming.pending or self._tls.pending():
                size = self._tls.read(RECORD_BYTES, plain)
                if not size:
                    self._above.eof_received()
                    return
                self._above.hear(plain[:size])
                if self._socket.is_closing():
                    return
        except ssl.SSLWantReadError:  # a part of a record
            pass
        except ssl.SSLError:
            self._socket.abort()
            return
        self._flush()

    def _flush(self) -> None:
        if self._outgoing.pending:
            self._socket.write(self._outgoing.read())

    # -- what the protocol above does ----------------------------------------------------------------------

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Pack and send."""
        left = memoryview(data)
        try:
            while left:
                left = left[self._tls.write(left) :]
        except ssl.SSLError:
            self._socket.abort()
        else:
            self._flush()

    def close(self) -> None:
        """Say farewell, and wait for none."""
        try:
            self._tls.unwrap()
        except ssl.SSLError:  # always: the other side's is missing
            self._flush()
        self._socket.close()

    def abort(self) -> None:
        """Close at once."""
        self._socket.abort()

    def is_closing(self) -> bool:
        """See the base class."""
        return self._socket.is_closing()

    def pause_reading(self) -> None:
        """See the base class."""
        self._socket.pause_reading()

    def resume_reading(self) -> None:
        """See the base class."""
        self._socket.resume_reading()

    def get_write_buffer_size(self) -> int:
        """See the base class."""
        return self._socket.get_write_buffer_size()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """See the base class."""
        return self._socket.get_extra_info(name, default)
