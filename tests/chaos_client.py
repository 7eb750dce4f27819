"""A client that may be slow, or leave: HTTP as it goes over the wire."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import h11

from tests.chaos_fates import Behaviour
from tests.gateways import KEY
from tests.wires import Wire


@dataclass(slots=True)
class Got:
    """What a client got: ``status`` is 0 where it got no whole answer head."""

    request: int
    wire: Wire
    stream: bool
    behaviour: Behaviour
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    ended: bool = False

    @property
    def left(self) -> bool:
        return self.behaviour.startswith("leaves") and not self.ended


async def exchange(port: int, got: Got, body: bytes, begun: asyncio.Event) -> None:
    """Ask for ``got`` with this body; one who leaves goes when an upstream was reached (``begun``), or at the first output."""
    http = h11.Connection(h11.CLIENT)
    headers = [("host", "gateway"), ("authorization", f"Bearer {KEY}"), ("connection", "close")]
    headers += [("content-type", "application/json"), ("content-length", str(len(body)))]
    head = h11.Request(method="POST", target=got.wire.path, headers=headers)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        parts = (http.send(head), http.send(h11.Data(data=body)), http.send(h11.EndOfMessage()))
        writer.write(b"".join(part for part in parts if part))
        reading = asyncio.create_task(_read(reader, http, got))
        if got.behaviour == "leaves":
            reached = asyncio.create_task(begun.wait())
            await asyncio.wait({reading, reached}, return_when=asyncio.FIRST_COMPLETED)
            reached.cancel()
            reading.cancel()
            await asyncio.gather(reading, reached, return_exceptions=True)
        else:
            await reading
    finally:
        writer.transport.abort()


async def _read(reader: asyncio.StreamReader, http: h11.Connection, got: Got) -> None:
    while True:
        event = http.next_event()
        if event is h11.NEED_DATA:
            if got.behaviour == "slow":
                for _ in range(20):
                    await asyncio.sleep(0)
            http.receive_data(await reader.read(64 if got.behaviour == "slow" else 65_536))
        elif isinstance(event, h11.Response):
            got.status = event.status_code
            got.headers = {name.decode(): value.decode() for name, value in event.headers}
        elif isinstance(event, h11.Data):
            got.body += event.data
            if got.behaviour == "leaves-later" and got.stream and got.status == 200:
                return
        elif isinstance(event, h11.EndOfMessage):
            got.ended = True
            return
