"""A TCP connection to a host, by whichever of its addresses answers first."""

from __future__ import annotations

import asyncio
import itertools
import socket
from typing import Any

ATTEMPT_DELAY_S = 0.25
"""Between the attempts at two addresses. Source: RFC 8305 section 5, read 2026-11."""

_Address = tuple[Any, ...]
"""What ``getaddrinfo`` gives: family, type, protocol, canonical name, address."""


async def connected_socket(host: str, port: int) -> socket.socket:
    """A socket connected to ``host``. asyncio's own way (Python 3.11.7) leaves the socket open when it is cancelled.

    Raises:
        OSError: the last attempt's, when none succeeded.
    """
    addresses = _alternating(await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM))
    attempts: list[asyncio.Task[socket.socket]] = []
    running: set[asyncio.Task[socket.socket]] = set()
    last = OSError(f"{host} has no address")
    won: asyncio.Task[socket.socket] | None = None
    try:
        while addresses or running:
            if addresses:
                attempts.append(asyncio.create_task(_attempt(addresses.pop(0))))
                running.add(attempts[-1])
            done, running = await asyncio.wait(
                running, timeout=ATTEMPT_DELAY_S if addresses else None, return_when=asyncio.FIRST_COMPLETED
            )
            for attempt in done:
                try:
                    made = attempt.result()
                except OSError as error:
                    last = error
                else:
                    won = attempt
                    return made
        raise last
    finally:
        for attempt in attempts:
            if attempt is not won:
                attempt.cancel()
                attempt.add_done_callback(_close)


def _close(attempt: asyncio.Task[socket.socket]) -> None:
    if not attempt.cancelled() and attempt.exception() is None:
        attempt.result().close()


async def _attempt(address: _Address) -> socket.socket:
    family, kind, protocol, _, where = address
    made = socket.socket(family, kind, protocol)
    try:
        made.setblocking(False)
        await asyncio.get_running_loop().sock_connect(made, where)
    except BaseException:
        made.close()
        raise
    return made


def _alternating(addresses: list[_Address]) -> list[_Address]:
    """IPv6 and IPv4 in turn, beginning with what the system prefers."""
    families = [[one for one in addresses if one[0] == family] for family in dict.fromkeys(one[0] for one in addresses)]
    return [one for turn in itertools.zip_longest(*families) for one in turn if one is not None]
