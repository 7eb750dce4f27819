"""The fake upstream's forms stand any body, however wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear.testing.answer import Answer
from switchgear.testing.asked import answer_for
from switchgear.testing.forms import FORMS, form_of
from switchgear.testing.openai_personalities import BY_NAME

NAMES = """
    model messages input role content type text tools tool_choice thinking system output name function input_schema
    parameters source id call_id tool_use_id data signature reasoning effort output_config format include summary
    encrypted_content max_tokens
"""
WORDS = """
    user assistant system tool text tool_use tool_result thinking redacted_thinking image message function_call
    function_call_output reasoning input_text enabled adaptive any
"""
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5000) | st.sampled_from(WORDS.split()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES.split()), inner, max_size=5),
    max_leaves=12,
)


@pytest.mark.parametrize("endpoint", ["/chat/completions", "/messages", "/messages/count_tokens", "/responses"])
@settings(max_examples=40, deadline=None)
@given(body=st.dictionaries(st.sampled_from(NAMES.split()), VALUES, max_size=8))
def test_any_body_is_answered_or_refused(endpoint: str, body: dict[str, Any]) -> None:
    form = form_of(endpoint, body, BY_NAME["openai"], 7)
    answer = answer_for(form.asked(), 7, "m", "call")
    refusal = form.refusal({"anthropic-version": "1"})
    assert refusal is None or (refusal.status, bool(refusal.message)) == (400, True)
    json.dumps(form.whole(answer))
    for event in [*form.opening(answer), *form.output(answer, interleaved=True), *form.closing(answer)]:
        assert form.frame(event).endswith(b"\n\n")


@pytest.mark.parametrize("endpoint", sorted(FORMS))
def test_an_answer_of_nothing_has_no_output(endpoint: str) -> None:
    form = form_of(endpoint, {}, BY_NAME["openai"], 7)
    for interleaved in (False, True):
        assert list(form.output(Answer(7, "m", ""), interleaved=interleaved)) == []


def test_every_form_is_of_an_endpoint_that_answers() -> None:
    assert set(FORMS) == {
        *("/chat/completions", "/completions", "/embeddings", "/messages", "/messages/count_tokens", "/responses"),
    }
