"""One HTTP/2 connection: frames in and out, and its streams. It needs no task of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import cast

import h2.connection
import h2.events as happened
from h2.config import H2Configuration
from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings
from hyperframe.frame import Frame, GoAwayFrame

from switchgear.duplex.request_head import Head
from switchgear.duplex.stream import STREAM_WINDOW_BYTES, Stream
from switchgear.types import Failure

MAX_STREAMS = 100
"""Streams of one connection, where the peer would take more: what breaks a connection breaks all of them."""
CONNECTION_WINDOW_BYTES = 1024 * 1024
"""Given back as soon as data comes: a stream that nobody reads is held up by its own window, never the others by it."""
LAST_STREAM_ID = 2 * 10_000
"""A connection that has carried 10,000 streams makes room for a new one: h2 remembers a little of each for ever."""
MAX_HEADER_BYTES = 64 * 1024
NO_HTTP2 = Failure("protocol", message="the upstream does not speak HTTP/2")
MAX_UNSENT_BYTES = 1024 * 1024
"""Above this a peer makes us answer its pings and settings, and does not read the answers."""


class _H2(h2.connection.H2Connection):
    """h2 takes a peer's GOAWAY for the end; but the streams it names are still to be finished (RFC 9113, 6.8)."""

    def _receive_goaway_frame(self, frame: GoAwayFrame) -> tuple[list[Frame], list[happened.Event]]:
        event = happened.ConnectionTerminated()
        event.error_code = frame.error_code
        event.last_stream_id = frame.last_stream_id
        return [], [event]


class Connection(asyncio.Protocol):
    """A connection, from the moment it is made. asyncio calls the methods it knows by name.

    Args:
        secure: whether TLS goes all the way, and has to have agreed on HTTP/2.
        changed: called when it has become idle, busy, full or unusable, or can take more.

    Attributes:
        ready: set when the peer has said what it allows, or never will.
        closed: set when the connection is gone.
        failure: why it is not usable any more; ``None`` while it is.
    """

    def __init__(self, secure: bool, changed: Callable[[Connection], None]) -> None:
        self._secure = secure
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._h2 = _H2(H2Configuration(client_side=True, header_encoding=None))
        self._h2.local_settings = Settings(
            client=True,
            initial_values={
                SettingCodes.ENABLE_PUSH: 0,
                SettingCodes.INITIAL_WINDOW_SIZE: STREAM_WINDOW_BYTES,
                SettingCodes.MAX_HEADER_LIST_SIZE: MAX_HEADER_BYTES,
            },
        )
        self._streams: dict[int, Stream] = {}
        self._paused = False
        self._owed = 0
        self._heard_at = self._loop.time()
        self._draining = False
        self.ready = asyncio.Event()
        self.closed = asyncio.Event()
        self.failure: Failure | None = None

    @property
    def room(self) -> int:
        """How many streams can be opened now."""
        if self._draining or self.failure is not None or not self.ready.is_set():
            return 0
        return max(0, min(self._h2.remote_settings.max_concurrent_streams, MAX_STREAMS) - len(self._streams))

    @property
    def idle(self) -> bool:
        """Whether no stream is open."""
        return not self._streams

    def open(self, head: Head) -> Stream:
        """Open a stream, where there is :attr:`room`, and send its headers."""
        stream_id = self._h2.get_next_available_stream_id()
        self._h2.send_headers(stream_id, head)
        stream = self._streams[stream_id] = Stream(self, stream_id)
        self._flush()
        self._draining = stream_id > LAST_STREAM_ID
        self._changed(self)
        return stream

    def close(self, failure: Failure) -> None:
        """Say goodbye and close; open streams fail with ``failure``."""
        if self.failure is None and self._transport is not None:
            self._h2.close_connection()
            self._flush()
        self._fail(failure)

    # -- for the streams -------------------------------------------------------------------------------------

    def send(self, stream: Stream, data: memoryview) -> int:
        """Send the beginning of ``data``, as much as flow control allows now; how much that was."""
        size = min(self._h2.local_flow_control_window(stream.id), self._h2.max_outbound_frame_size, len(data))
        if self._paused or size <= 0:
            return 0
        self._h2.send_data(stream.id, bytes(data[:size]))
        self._flush()
        return size

    def end(self, stream: Stream) -> None:
        """Half-close: nothing more will be sent."""
        self._h2.end_stream(stream.id)
        self._flush()
        if stream.ended:
            self._forget(stream)

    def reset(self, stream: Stream) -> None:
        """Cancel the stream, if it is open."""
        if self._streams.get(stream.id) is stream:
            self._h2.reset_stream(stream.id, ErrorCodes.CANCEL)
            self._flush()
            self._forget(stream)

    def give_window(self, stream: Stream, size: int) -> None:
        """The peer may send ``size`` bytes more on this stream."""
        if self._streams.get(stream.id) is stream:
            self._h2.increment_flow_control_window(size, stream.id)
            self._flush()

    def suspect(self, silent_s: float) -> None:
        """A stream waited ``silent_s`` in vain; where nothing at all came in that time, open no more streams here."""
        if self._loop.time() - self._heard_at >= silent_s:
            self._drain()

    # -- for asyncio -----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the preface, if TLS agreed on HTTP/2."""
        self._transport = cast(asyncio.Transport, transport)
        if self._secure and transport.get_extra_info("ssl_object").selected_alpn_protocol() != "h2":
            self._fail(NO_HTTP2)
            return
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(CONNECTION_WINDOW_BYTES - self._h2.inbound_flow_control_window)
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Take in what came."""
        self._heard_at = self._loop.time()
        if self.failure is not None:
            return
        if not self.ready.is_set() and data.startswith(b"HTTP/1"):
            self._fail(NO_HTTP2)  # h2 would wait for the rest of a very long frame
            return
        try:
            events = self._h2.receive_data(data)
        except ProtocolError as error:
            self._flush()  # our GOAWAY, which says the same
            broken = Failure("protocol", message=f"the upstream broke HTTP/2's rules ({type(error).__name__})")
            self._fail(broken if self.ready.is_set() else NO_HTTP2)
            return
        for event in events:
            self._take(event)
        self._give_connection_window()
        self._flush()

    def eof_received(self) -> None:
        """The peer has closed: so does the transport, and says so next."""

    def connection_lost(self, error: Exception | None) -> None:
        """It is over."""
        when = "while the answer was on its way" if self.ready.is_set() else "before an answer"
        self._fail(Failure("connection", message=f"the upstream broke the connection {when}"))
        self.closed.set()

    def pause_writing(self) -> None:
        """The peer reads slower than we write."""
        self._paused = True

    def resume_writing(self) -> None:
        """It has caught up."""
        self._paused = False
        self._room_for(self._streams.values())

    # -- inside ----------------------------------------------------------------------------------------------

    def _take(self, event: happened.Event) -> None:
        match event:
            case happened.DataReceived(data=data, flow_controlled_length=size):
                self._owed += size
                if stream := self._stream(event.stream_id):
                    stream.on_data(data, size)
            case happened.ResponseReceived(headers=headers):
                if stream := self._stream(event.stream_id):
                    stream.on_headers(int(dict(headers)[b":status"]), headers)
            case happened.TrailersReceived(headers=headers):
                if stream := self._stream(event.stream_id):
                    stream.on_trailers(headers)
            case happened.StreamEnded():
                if stream := self._stream(event.stream_id):
                    stream.on_end()
                    if stream.closing:
                        self._forget(stream)
            case happened.StreamReset(error_code=code):
                if stream := self._stream(event.stream_id):
                    self._forget(stream)
                    stream.on_failure(_reset_by_peer(code))
            case happened.WindowUpdated(stream_id=stream_id):
                stream = self._stream(stream_id)
                self._room_for([stream] if stream else self._streams.values())
            case happened.RemoteSettingsChanged():
                self.ready.set()
                self._room_for(self._streams.values())
                self._changed(self)
            case happened.ConnectionTerminated(last_stream_id=last):
                self._went_away(last or 0)

    def _give_connection_window(self) -> None:
        if self.failure is None and self._owed >= CONNECTION_WINDOW_BYTES // 2:
            self._h2.increment_flow_control_window(self._owed)
            self._owed = 0

    def _stream(self, stream_id: int | None) -> Stream | None:
        return self._streams.get(stream_id or 0)

    def _room_for(self, streams: Iterable[Stream]) -> None:
        for stream in streams:
            stream.on_room()

    def _went_away(self, last: int) -> None:
        """The peer takes no new stream, and has not looked at those above ``last``."""
        for stream in [stream for stream in self._streams.values() if stream.id > last]:
            self._forget(stream)
            stream.on_failure(Failure("connection", message="the upstream is closing the connection: nothing was done"))
        self._drain()

    def _drain(self) -> None:
        self._draining = True
        if not self._streams:
            self.close(Failure("connection", message="the connection is used no more"))
        else:
            self._changed(self)

    def _forget(self, stream: Stream) -> None:
        del self._streams[stream.id]
        if self._draining and not self._streams:
            self._drain()
        else:
            self._changed(self)

    def _fail(self, failure: Failure) -> None:
        """Break the connection, once."""
        if self.failure is not None:
            return
        self.failure = failure
        self.ready.set()
        streams, self._streams = self._streams, {}
        for stream in streams.values():
            stream.on_failure(failure)
        if self._transport is not None:
            self._transport.abort()
        self._changed(self)

    def _flush(self) -> None:
        data = self._h2.data_to_send()
        if not data or self._transport is None or self._transport.is_closing():
            return
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            self._fail(Failure("connection", message="the upstream asks, and does not read what it is told"))


def _reset_by_peer(code: ErrorCodes | int | None) -> Failure:
    name = code.name if isinstance(code, ErrorCodes) else str(code)
    if code == ErrorCodes.HTTP_1_1_REQUIRED:
        return Failure("protocol", message="the upstream wants HTTP/1.1 for this")
    return Failure("connection", message=f"the upstream reset the stream ({name})")
