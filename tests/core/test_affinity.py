"""Which requests belong to one conversation."""

from __future__ import annotations

import json
from typing import Any

import pytest

from switchgear.affinity import conversation_key
from switchgear.dialects.request_body import parse_body


def key(headers: dict[str, str] | None = None, **fields: Any) -> str:
    return conversation_key(parse_body(json.dumps({"model": "m", **fields}).encode()), headers or {})


SYSTEM = {"role": "system", "content": "Be brief."}
HELLO = {"role": "user", "content": "Hello"}
MORE = [{"role": "assistant", "content": "Hi"}, {"role": "user", "content": "And?"}]

SAME = [
    pytest.param({"messages": [SYSTEM, HELLO]}, {"messages": [SYSTEM, HELLO, *MORE]}, id="Chat"),
    pytest.param({"messages": [HELLO]}, {"messages": [HELLO, *MORE]}, id="Chat without instructions"),
    pytest.param(
        {"system": "s", "messages": [HELLO]}, {"system": "s", "messages": [HELLO, *MORE], "max_tokens": 5}, id="Messages"
    ),
    pytest.param({"instructions": "i", "input": [HELLO]}, {"instructions": "i", "input": [HELLO, *MORE]}, id="Responses"),
    pytest.param({"metadata": {"user_id": "s1"}, "messages": [HELLO]}, {"metadata": {"user_id": "s1"}, "messages": MORE}, id="Claude Code's session"),
    pytest.param({"prompt_cache_key": "k", "input": [HELLO]}, {"prompt_cache_key": "k", "input": "x"}, id="a cache key"),
    pytest.param({"input": "once"}, {"input": "once"}, id="a text"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), SAME)
def test_one_conversation(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert key(**one) == key(**other)


OTHER = [
    pytest.param({"messages": [HELLO]}, {"messages": MORE}, id="another beginning"),
    pytest.param({"system": "a", "messages": [HELLO]}, {"system": "b", "messages": [HELLO]}, id="other instructions"),
    pytest.param(
        {"metadata": {"user_id": "a"}, "input": "x"}, {"metadata": {"user_id": "b"}, "input": "x"}, id="users"
    ),
    pytest.param({"prompt_cache_key": "a", "input": "x"}, {"prompt_cache_key": "b", "input": "x"}, id="cache keys"),
    pytest.param({"input": "a"}, {"input": "b"}, id="texts"),
    pytest.param({"model": "n", "input": "a"}, {"input": "a"}, id="models"),
]


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_two_conversations(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert key(**one) != key(**other)


def test_a_header_names_the_session() -> None:
    assert key({"session_id": "a"}, input="x") == key({"session_id": "a"}, input="y")
    assert key({"session_id": "a"}, input="x") != key({"session_id": "b"}, input="x")


@pytest.mark.parametrize(
    "fields",
    [{}, {"messages": 5}, {"messages": [5]}, {"messages": []}, {"messages": [{"role": 5}]}, {"metadata": "x"}],
    ids=str,
)
def test_what_is_no_conversation_has_a_key_too(fields: dict[str, Any]) -> None:
    assert len(key(**fields)) == 32
