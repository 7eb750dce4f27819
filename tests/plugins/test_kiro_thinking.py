"""How much kiro's models are asked to think: by the members that each takes, or by tags in the prompt."""

from __future__ import annotations

import json
from typing import Any

import pytest

from switchgear import Conversation, ReasoningOptions
from switchgear_kiro.thinking import model_fields
from tests.plugins.kiro_bodies import ASKED, Json, made, system

ADAPTIVE = {"type": "adaptive", "display": "summarized"}
LISTED: Json = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "thinking": {
            "anyOf": [
                {"properties": {"type": {"const": "adaptive"}, "display": {"enum": ["summarized", "omitted"]}}},
                {"properties": {"type": {"const": "disabled"}}},
            ]
        },
        "output_config": {"properties": {"effort": {"enum": ["low", "medium", "high", "max"], "default": "medium"}}},
        "max_tokens": {"type": "integer", "minimum": 1024, "maximum": 64000},
    },
}
REASONING: Json = {"properties": {"reasoning": {"properties": {"effort": {"enum": ["none", "low", "high"]}}}}}
SONNET_5, OPUS_5_5, GPT, PLAIN = "claude-sonnet-5", "claude-opus-5.5", "gpt-5.6-sol", "claude-sonnet-4.5"


def on(effort: str | None = None, budget_tokens: int | None = None, summary: str | None = None) -> ReasoningOptions:
    return ReasoningOptions(True, effort, budget_tokens, summary)


OFF = ReasoningOptions(enabled=False)


def _effort(word: str) -> Json:
    return {"output_config": {"effort": word}}


@pytest.mark.parametrize(
    ("model", "schema", "options", "fields", "notes"),
    [
        pytest.param(SONNET_5, None, ReasoningOptions(), {}, "", id="nothing said"),
        pytest.param(SONNET_5, None, on(), {"thinking": ADAPTIVE}, "", id="on"),
        pytest.param(SONNET_5, None, on("xhigh"), {"thinking": ADAPTIVE, **_effort("xhigh")}, "", id="an effort"),
        pytest.param(
            SONNET_5,
            None,
            ReasoningOptions(effort="max"),
            {"thinking": ADAPTIVE, **_effort("max")},
            "",
            id="effort alone",
        ),
        pytest.param(
            SONNET_5, None, on("minimal"), {"thinking": ADAPTIVE, **_effort("low")}, "effort", id="less than the least"
        ),
        pytest.param(
            "claude-sonnet-4.6",
            None,
            on("xhigh"),
            {"thinking": ADAPTIVE, **_effort("high")},
            "effort",
            id="between two",
        ),
        pytest.param(
            SONNET_5,
            None,
            on(None, 2000),
            {"thinking": ADAPTIVE, **_effort("low")},
            "budget_tokens",
            id="a small budget",
        ),
        pytest.param(
            SONNET_5,
            None,
            on(None, 10_000),
            {"thinking": ADAPTIVE, **_effort("medium")},
            "budget_tokens",
            id="a budget",
        ),
        pytest.param(
            SONNET_5,
            None,
            on(None, 32_000),
            {"thinking": ADAPTIVE, **_effort("high")},
            "budget_tokens",
            id="a large one",
        ),
        pytest.param(
            SONNET_5,
            None,
            on(None, None, "none"),
            {"thinking": {"type": "adaptive", "display": "omitted"}},
            "",
            id="not to be shown",
        ),
        pytest.param(SONNET_5, None, OFF, {"thinking": {"type": "disabled"}}, "", id="off"),
        pytest.param(OPUS_5_5, None, OFF, _effort("low"), "enabled", id="off where it cannot be"),
        pytest.param("claude-opus-4.6", None, OFF, {"thinking": {"type": "disabled"}}, "", id="off for an older one"),
        pytest.param(GPT, None, on("high"), {"reasoning": {"effort": "high"}}, "", id="another family"),
        pytest.param(GPT, None, on("max"), {"reasoning": {"effort": "high"}}, "effort", id="more than the most"),
        pytest.param(GPT, None, OFF, {"reasoning": {"effort": "low"}}, "enabled", id="its least"),
        pytest.param(
            GPT, REASONING, ReasoningOptions(effort="none"), {"reasoning": {"effort": "none"}}, "", id="its none"
        ),
        pytest.param(GPT, REASONING, on("medium"), {"reasoning": {"effort": "low"}}, "effort", id="a gap in the list"),
        pytest.param(PLAIN, None, on("high"), {}, "enabled effort", id="a model that cannot"),
        pytest.param(PLAIN, None, OFF, {}, "", id="a model that does not"),
        pytest.param(PLAIN, LISTED, on(), {"thinking": ADAPTIVE, **_effort("medium")}, "", id="the list says how"),
        pytest.param(PLAIN, LISTED, on("xhigh"), {"thinking": ADAPTIVE, **_effort("high")}, "effort", id="its efforts"),
        pytest.param(PLAIN, LISTED, on("odd"), {"thinking": ADAPTIVE, **_effort("medium")}, "effort", id="an odd word"),
        pytest.param(PLAIN, LISTED, OFF, {"thinking": {"type": "disabled"}}, "", id="the list says off"),
        pytest.param(SONNET_5, {}, on("high"), {}, "enabled effort", id="the list says it takes nothing"),
    ],
)
def test_reasoning(model: str, schema: Json | None, options: ReasoningOptions, fields: Json, notes: str) -> None:
    said = model_fields(Conversation((ASKED,), reasoning=options), model, schema, tags=False)
    assert (said.fields, said.tags) == (fields, "")
    assert said.notes == {f"reasoning.{name}" for name in notes.split()}


@pytest.mark.parametrize(
    ("schema", "limit", "sent"),
    [
        pytest.param(None, 100, None, id="a model without the member"),
        pytest.param(LISTED, 8000, 8000, id="as it is"),
        pytest.param(LISTED, 100, 1024, id="at least"),
        pytest.param(LISTED, 100_000, 64_000, id="at most"),
    ],
)
def test_the_answers_length(schema: Json | None, limit: int, sent: int | None) -> None:
    said = model_fields(Conversation((ASKED,), max_output_tokens=limit), SONNET_5, schema, tags=False)
    assert said.fields.get("max_tokens") == sent
    assert said.notes == (set() if sent == limit else {"max_output_tokens"})


@pytest.mark.parametrize(
    ("options", "tokens"),
    [
        pytest.param(on(), 16_000, id="on"),
        pytest.param(on("low"), 4096, id="an effort"),
        pytest.param(on("low", 5000), 5000, id="a budget"),
    ],
)
def test_a_model_without_a_member_thinks_by_tags_where_that_is_wished(options: ReasoningOptions, tokens: int) -> None:
    conversation = Conversation((system("S"), ASKED), reasoning=options)
    body = made(conversation, thinking_tags=True)
    content = _content(body.body)
    assert content == (
        f"<thinking_mode>enabled</thinking_mode><max_thinking_length>{tokens}</max_thinking_length>\n\nS\n\nask"
    )
    assert (body.thinks_in_tags, body.notes) == (True, ())
    assert made(conversation).thinks_in_tags is False


@pytest.mark.parametrize(
    "options", [OFF, ReasoningOptions(), ReasoningOptions(effort="none")], ids=["off", "-", "none"]
)
def test_no_tags_where_nobody_asked(options: ReasoningOptions) -> None:
    body = made(Conversation((ASKED,), reasoning=options), thinking_tags=True)
    assert (_content(body.body), body.thinks_in_tags) == ("ask", False)


def test_the_members_stand_beside_the_conversation() -> None:
    body = made(Conversation((ASKED,), reasoning=on("high")), model=SONNET_5, thinking_tags=True)
    assert json.loads(body.body)["additionalModelRequestFields"] == {"thinking": ADAPTIVE, **_effort("high")}
    assert body.thinks_in_tags is False


def _content(body: bytes) -> str:
    current: Any = json.loads(body)["conversationState"]["currentMessage"]
    content: str = current["userInputMessage"]["content"]
    return content
