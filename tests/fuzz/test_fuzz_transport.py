"""The fuzz target of the transport works, and finds what it is for; ``docs/development.md`` has more."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable

import pytest

from switchgear.transport.answer import Answer
from switchgear.transport.connection import Connection
from switchgear.transport.pool import PooledTransport
from tests.fuzz.transport import fuzz


def test_a_damaged_answer_harms_nobody() -> None:
    counted = asyncio.run(fuzz(1.0, seed=1))
    assert {"answered", "connection"} <= counted.keys()


def raising(monkeypatch: pytest.MonkeyPatch) -> None:
    def feed(self: Answer, data: object) -> None:
        raise KeyError("fed")

    monkeypatch.setattr(Answer, "feed", feed)


def left_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Connection, "abandon", lambda self: None)


def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PooledTransport, "_free", lambda self: None)


def endless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Connection, "watch", lambda self, deadline: None)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # sockets, of course
@pytest.mark.parametrize("sabotage", [raising, left_open, forgotten, endless])
def test_a_transport_with_a_fault_is_found(
    sabotage: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    sabotage(monkeypatch)
    with pytest.raises((AssertionError, TimeoutError)):
        asyncio.run(fuzz(5.0, seed=2, limit_s=0.6))
    gc.collect()
