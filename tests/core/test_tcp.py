"""A host with several addresses: the next is tried while one is silent, and no socket stays open."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
from collections.abc import Iterator

import pytest

from switchgear.tcp import connected_socket


@contextlib.contextmanager
def listening() -> Iterator[int]:
    """A port that takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@contextlib.contextmanager
def black_hole() -> Iterator[int]:
    """A port that answers no further connection: its queue is full."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        while True:
            full = stack.enter_context(socket.socket())
            full.settimeout(0.05)
            try:
                full.connect(server.getsockname())
            except TimeoutError:
                break
        yield server.getsockname()[1]


@contextlib.contextmanager
def closed() -> Iterator[int]:
    """A port that refuses."""
    with listening() as port:
        pass
    yield port


def resolve_to(monkeypatch: pytest.MonkeyPatch, *ports: int) -> None:
    """Every host has these ports of this machine as its addresses."""

    async def getaddrinfo(*args: object, **kwargs: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in ports]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)


async def test_a_silent_address_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchgear.tcp.ATTEMPT_DELAY_S", 0.01)
    with black_hole() as silent, closed() as refusing, listening() as good, listening() as better:
        resolve_to(monkeypatch, silent, refusing, good, better)
        before = asyncio.all_tasks()
        with await connected_socket("host.invalid", 1) as made:
            assert made.getpeername()[1] == good
        await asyncio.sleep(0)
        gc.collect()  # an unclosed socket warns, and a warning is an error
        assert asyncio.all_tasks() == before


async def test_of_two_that_answer_at_once_one_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchgear.tcp.ATTEMPT_DELAY_S", 0)
    both = asyncio.Barrier(2)
    made: list[socket.socket] = []

    async def attempt(address: object) -> socket.socket:
        mine = socket.socket()
        made.append(mine)
        await both.wait()
        return mine

    monkeypatch.setattr("switchgear.tcp._attempt", attempt)
    resolve_to(monkeypatch, 1, 2)
    with await connected_socket("host.invalid", 1) as won:
        await asyncio.sleep(0)
        assert [one is won for one in made] == [one.fileno() >= 0 for one in made]
    assert len(made) == 2


async def test_the_last_refusal_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with closed() as one, closed() as other:
        resolve_to(monkeypatch, one, other)
        with pytest.raises(ConnectionRefusedError):
            await connected_socket("host.invalid", 1)


async def test_a_host_without_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch)
    with pytest.raises(OSError, match=r"host\.invalid has no address"):
        await connected_socket("host.invalid", 1)


async def test_cancelling_closes_what_is_being_connected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchgear.tcp.ATTEMPT_DELAY_S", 0.001)
    with black_hole() as silent:
        resolve_to(monkeypatch, silent, silent)
        before = asyncio.all_tasks()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.03):
                await connected_socket("host.invalid", 1)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        gc.collect()
        assert asyncio.all_tasks() == before
