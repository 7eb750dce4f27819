"""What the Responses API keeps: bounded, expiring, each key's own."""

from __future__ import annotations

import msgspec

from switchgear.http.stored import ResponseStore


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def raw(size: int) -> msgspec.Raw:
    return msgspec.Raw(b"1" * size)


def made(clock: Clock | None = None, most: int = 100) -> ResponseStore:
    return ResponseStore(lambda: most, lambda: 10.0, clock or Clock())


def test_an_answer_comes_back_to_its_key_alone() -> None:
    store = made()
    store.put("ann", "resp_1", b"{}", [raw(3)])
    found = store.get("ann", "resp_1")
    assert found is not None
    assert (found.answer, [bytes(item) for item in found.items]) == (b"{}", [b"111"])
    assert store.get("bob", "resp_1") is None
    assert not store.remove("bob", "resp_1")
    assert store.remove("ann", "resp_1")
    assert store.get("ann", "resp_1") is None


def test_it_expires() -> None:
    clock = Clock()
    store = made(clock)
    store.put("ann", "resp_1", b"{}", [])
    clock.now = 9.9
    assert store.get("ann", "resp_1") is not None
    clock.now = 10.0
    assert store.get("ann", "resp_1") is None
    assert len(store) == 0


def test_the_oldest_make_room() -> None:
    store = made()
    for name in ("resp_1", "resp_2", "resp_3"):
        store.put("ann", name, b"x" * 20, [raw(20)])
    assert [store.get("ann", name) is not None for name in ("resp_1", "resp_2", "resp_3")] == [False, True, True]


def test_what_is_too_large_alone_is_not_kept() -> None:
    store = made()
    store.put("ann", "resp_1", b"x" * 40, [])
    store.put("ann", "resp_2", b"x" * 101, [])
    assert store.get("ann", "resp_2") is None
    assert store.get("ann", "resp_1") is not None, "and pushes nobody out"


def test_a_smaller_limit_counts_at_once() -> None:
    limits = [100]
    store = ResponseStore(lambda: limits[0], lambda: 10.0, Clock())
    store.put("ann", "resp_1", b"x" * 40, [])
    store.put("ann", "resp_2", b"x" * 40, [])
    limits[0] = 50
    assert store.get("ann", "resp_1") is None
    assert store.get("ann", "resp_2") is not None
