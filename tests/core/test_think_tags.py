"""Reasoning in tags, told from text however it is split."""

from __future__ import annotations

import itertools
import re
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear import Reasoning, Text, ThinkTags

WHOLE = sys.maxsize
ROWS = [
    pytest.param("Hi", 0, "", "Hi", id="no reasoning"),
    pytest.param("  Hi\n", 0, "", "  Hi\n", id="blanks around text stay"),
    pytest.param("<think>Hm.</think>\n\nHi", 0, "Hm.", "Hi", id="reasoning, then text"),
    pytest.param("\n <think>Hm.</think>Hi", 0, "Hm.", "Hi", id="blanks before the tag"),
    pytest.param("<think></think>Hi", 0, "", "Hi", id="empty reasoning"),
    pytest.param("<think>Hm.", 0, "Hm.", "", id="never closed"),
    pytest.param("<think>Hm.</thi", 0, "Hm.</thi", "", id="closed by half"),
    pytest.param("<think>a < b </b>", 0, "a < b </b>", "", id="other tags in reasoning"),
    pytest.param("<thi", 0, "", "<thi", id="half a tag is text"),
    pytest.param("<thinking>x</thinking>", 0, "", "<thinking>x</thinking>", id="another tag is text"),
    pytest.param("Use <think>x</think>.", 0, "", "Use <think>x</think>.", id="tags behind text are text"),
    pytest.param("<think>Hm.</think>a <think>b</think>", 0, "Hm.", "a <think>b</think>", id="tags behind the answer"),
    pytest.param("<think>a</think>\n<think>b</think>\nHi", 0, "ab", "Hi", id="twice before any text"),
    pytest.param("</think>\n\nHi", 0, "", "Hi", id="a lone closing tag with nothing before it"),
    pytest.param("<think>a</think></think>Hi", 0, "a", "Hi", id="closed twice"),
    pytest.param(
        "Hm.</think>\n\nHi", 0, "", "Hm.</think>\n\nHi", id="a lone closing tag behind text that has gone out"
    ),
    pytest.param("Hm.</think>\n\nHi", WHOLE, "Hm.", "Hi", id="a lone closing tag in a whole answer"),
    pytest.param("Hm.</think>\n\nHi", 3, "Hm.", "Hi", id="a lone closing tag just within what is held"),
    pytest.param("Hmm.</think>\n\nHi", 3, "", "Hmm.</think>\n\nHi", id="a lone closing tag just beyond it"),
    pytest.param("Hi", WHOLE, "", "Hi", id="all held, and no tag"),
    pytest.param("", WHOLE, "", "", id="nothing"),
]


def told(pieces: list[str], held_chars: int) -> tuple[str, str]:
    """The reasoning and the text of an answer that comes in these pieces; reasoning never follows text."""
    tags = ThinkTags(held_chars)
    found = [*(piece for given in pieces for piece in tags.feed(given)), *tags.end()]
    assert all(piece.text for piece in found)
    kinds = [type(piece) for piece in found]
    assert kinds == sorted(kinds, key=[Reasoning, Text].index)
    reasoning, text = ("".join(piece.text for piece in found if isinstance(piece, kind)) for kind in (Reasoning, Text))
    return reasoning, text


@pytest.mark.parametrize(("answer", "held_chars", "reasoning", "text"), ROWS)
def test_whole(answer: str, held_chars: int, reasoning: str, text: str) -> None:
    assert told([answer], held_chars) == (reasoning, text)


@pytest.mark.parametrize(("answer", "held_chars", "reasoning", "text"), ROWS)
def test_letter_by_letter(answer: str, held_chars: int, reasoning: str, text: str) -> None:
    assert told(list(answer), held_chars) == (reasoning, text)


def by_pattern(answer: str) -> tuple[str, str]:
    """The same with nothing held, as one would write it for a text that is all there."""
    block = re.compile(r"\s*(?:<think>(.*?)(?:</think>|\Z)|</think>)", re.DOTALL)
    reasoning, place = "", 0
    while found := block.match(answer, place):
        reasoning += found[1] or ""
        place = found.end()
    rest = answer[place:]
    return reasoning, rest.lstrip() if place else rest


ANSWERS = st.lists(st.sampled_from(["<think>", "</think>", "<thi", "nk>", "</", " ", "\n", "a", "<", ">"]), max_size=8)


@settings(max_examples=100)
@given(ANSWERS.map("".join), st.data())
def test_any_split_is_told_as_the_whole(answer: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(answer)), max_size=6)))
    pieces = [answer[start:end] for start, end in itertools.pairwise([0, *cuts, len(answer)])]
    held = data.draw(st.sampled_from([0, 2, 5, WHOLE]))
    assert told(pieces, held) == told([answer], held)
    assert told(pieces, 0) == by_pattern(answer)


def test_what_is_certain_is_not_held() -> None:
    tags = ThinkTags()
    assert tags.feed("<think>Hm") == [Reasoning("Hm")]
    assert tags.feed(".</th") == [Reasoning(".")]
    assert tags.feed("ink>\n") == []
    assert tags.feed("Hi <thi") == [Text("Hi <thi")]
    assert tags.end() == []


def test_more_than_is_held_goes_out_as_text() -> None:
    tags = ThinkTags(held_chars=8)
    assert tags.feed("12345678") == []
    assert tags.feed("9") == [Text("123456789")]
    assert tags.feed("</think>") == [Text("</think>")]


def test_after_the_end_all_is_text() -> None:
    tags = ThinkTags()
    assert [*tags.feed("<think>Hm"), *tags.end()] == [Reasoning("Hm")]
    assert tags.feed("</think>") == [Text("</think>")]


def test_the_tags_may_have_another_name() -> None:
    tags = ThinkTags(tag="thinking")
    assert [*tags.feed("<think"), *tags.feed("ing>Hm</think></thinking>Hi"), *tags.end()] == [
        Reasoning("Hm</think>"),
        Text("Hi"),
    ]
