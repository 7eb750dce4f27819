"""Tokens, as far as the server says them; and stop sequences."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear import Usage
from switchgear_cursor.proto.agent_pb2 import TurnEnded
from switchgear_cursor.stops import StopTexts
from switchgear_cursor.usage import usage_at_end, usage_so_far


@pytest.mark.parametrize(
    ("ended", "context", "usage"),
    [
        pytest.param({}, 900, None, id="nothing said"),
        pytest.param({"input_tokens": 10, "output_tokens": 1}, 0, Usage(10, 1), id="the two"),
        pytest.param(
            {"input_tokens": 10, "output_tokens": 3, "cache_read_tokens": 7, "cache_write_tokens": 2, "reasoning_tokens": 1},
            0,
            Usage(10, 3, 7, 2, 1),
            id="all five",
        ),
        pytest.param({"input_tokens": 0, "output_tokens": 0}, 0, Usage(0, 0), id="zeros are said"),
        pytest.param(
            {"input_tokens": 5, "output_tokens": 3, "cache_read_tokens": 7, "cache_write_tokens": 2},
            0,
            Usage(14, 3, 7, 2),
            id="input without the cache",
        ),
        pytest.param(
            {"input_tokens": 5_000_000, "output_tokens": 100, "cache_read_tokens": 4_900_000, "cache_write_tokens": 20},
            1_000,
            Usage(900, 100, None, 20),
            id="a counter of the whole account",
        ),
        pytest.param(
            {"input_tokens": 5_000_000, "output_tokens": 100, "cache_read_tokens": 4_900_000, "cache_write_tokens": 3_000},
            1_000,
            Usage(900, 100, None, None),
            id="likewise of what was written",
        ),
        pytest.param(
            {"input_tokens": 3_000, "output_tokens": 1, "cache_read_tokens": 3_000}, 1_000, Usage(3_000, 1, 3_000), id="just plausible"
        ),
    ],
)  # fmt: skip
def test_usage_at_the_end(ended: dict[str, int], context: int, usage: Usage | None) -> None:
    assert usage_at_end(TurnEnded(**ended), context) == usage


@pytest.mark.parametrize(
    ("context", "output", "usage"),
    [(0, 0, None), (1200, 0, Usage(1200)), (0, 12, Usage(None, 12)), (1200, 12, Usage(1200, 12))],
)
def test_usage_so_far(context: int, output: int, usage: Usage | None) -> None:
    assert usage_so_far(context, output) == usage


@settings(max_examples=80)
@given(
    st.lists(st.text("ab", max_size=4), max_size=8),
    st.lists(st.text("ab", min_size=1, max_size=3), min_size=1, max_size=3),
)
def test_stop_sequences_are_found_wherever_the_text_is_cut(pieces: list[str], stops: list[str]) -> None:
    watch = StopTexts(stops)
    shown = "".join(watch.feed(piece) for piece in pieces) + watch.rest()
    text = "".join(pieces)
    ends = [text.find(stop) for stop in stops if stop in text]
    if not ends:
        assert (shown, watch.found) == (text, None)
        return
    assert watch.found in stops
    assert text.startswith(f"{shown}{watch.found}")
    assert not any(stop in shown for stop in stops)


def test_without_stop_sequences_nothing_is_held_back() -> None:
    watch = StopTexts([""])
    assert (watch.feed("abc"), watch.rest()) == ("abc", "")


def test_the_earliest_then_the_longest_counts() -> None:
    watch = StopTexts(["b", "bc", "d"])
    assert (watch.feed("abcd"), watch.found) == ("a", "bc")
