"""Long histories in few messages."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear_cursor.folding import HEAD, MOST_MESSAGES, STEP, folded

Json = dict[str, Any]


def turns(number: int) -> list[Json]:
    """So many messages: a question, a call and its result, an answer, over and over."""
    call = {"type": "tool-call", "toolCallId": "c", "toolName": "clock", "args": {"zone": "UTC"}}
    gave = {"type": "tool-result", "toolCallId": "c", "toolName": "clock", "result": "noon", "isError": True}
    four: list[Json] = [
        {"role": "user", "content": [{"type": "text", "text": "when?"}, {"type": "image", "image": "data:,x"}]},
        {"role": "assistant", "content": [call]},
        {"role": "tool", "content": [gave]},
        {"role": "assistant", "content": [{"type": "text", "text": "noon"}]},
    ]
    return (four * number)[:number]


def test_a_short_history_is_left_alone() -> None:
    assert folded(turns(MOST_MESSAGES)) == turns(MOST_MESSAGES)


def test_what_was_said_is_all_there() -> None:
    given = turns(MOST_MESSAGES + 1)
    first, *rest = folded(given)
    assert rest == given[STEP:]
    assert first["content"][:6] == [
        {"type": "text", "text": HEAD},
        {"type": "text", "text": "user: when?"},
        {"type": "image", "image": "data:,x"},
        {"type": "text", "text": 'assistant called clock: {"zone":"UTC"}'},
        {"type": "text", "text": "clock gave (an error): noon"},
        {"type": "text", "text": "assistant: noon"},
    ]
    assert len(first["content"]) == 1 + STEP // 4 * 5


@settings(max_examples=40)
@given(st.integers(MOST_MESSAGES + 1, 4 * MOST_MESSAGES))
def test_a_long_one_fits_and_keeps_results_with_their_calls(number: int) -> None:
    given = turns(number)
    found = folded(given)
    assert len(found) <= MOST_MESSAGES
    assert found[1:] == given[len(given) - len(found) + 1 :]
    assert found[1]["role"] != "tool"


def test_the_beginning_stays_the_same_for_a_while() -> None:
    assert len({repr(folded(turns(number))[0]) for number in range(MOST_MESSAGES + 1, MOST_MESSAGES + STEP)}) == 1
