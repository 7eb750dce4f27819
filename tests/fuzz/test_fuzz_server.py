"""The fuzz target of the server works, and finds what it is for. A few seeds only; ``docs/development.md`` has more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from switchgear.server.connection import Connection
from switchgear.server.exchange import Exchange
from switchgear.server.requests import Requests
from tests.fuzz import server

SEEDS = range(60)


def test_damaged_requests_harm_nobody() -> None:
    assert len({server.one(seed) for seed in SEEDS}) > 45


def raising(monkeypatch: pytest.MonkeyPatch) -> None:
    def body(self: Exchange, data: bytes) -> None:
        raise KeyError("body")

    monkeypatch.setattr(Exchange, "body", body)


def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Connection, "left", lambda self, exchange: None)


def deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    feed = Requests.feed

    def lossy(self: Any, data: bytes) -> None:
        feed(self, data if len(data) > 3 else data[:-1])

    monkeypatch.setattr(Requests, "feed", lossy)


@pytest.mark.parametrize("sabotage", [raising, forgotten, deaf])
def test_a_server_with_a_fault_is_found(
    sabotage: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    sabotage(monkeypatch)
    with pytest.raises(server.Found):
        all(server.one(seed) for seed in SEEDS)
