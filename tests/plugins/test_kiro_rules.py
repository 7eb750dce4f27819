"""The checker of the rules: what it would let pass, every other test of requests would."""

from __future__ import annotations

import json
from typing import Any

import pytest

from switchgear import Conversation, Reasoning, Tool
from tests.plugins.kiro_bodies import ASKED, IMAGE, READ, Json, assistant, call, made, result, user
from tests.plugins.kiro_rules import violations

RICH = Conversation(
    (ASKED, assistant(Reasoning("a", "c2ln"), "b", call("c1")), result("c1", "x", IMAGE), assistant("y"), user("z")),
    tools=(READ, Tool("Bash", "Runs", {"properties": {"command": {"type": "string"}}})),
)
HISTORY = "conversationState.history"
CURRENT = "conversationState.currentMessage.userInputMessage"
CALLS = f"{HISTORY}.1.assistantResponseMessage"
RESULTS = f"{HISTORY}.2.userInputMessage"
TOOL = f"{CURRENT}.userInputMessageContext.tools.0.toolSpecification"
GONE = object()
FOREIGN = {"toolResults": [{"toolUseId": "x", "content": [{"text": "x"}]}]}


@pytest.mark.parametrize(
    ("path", "value", "broken"),
    [
        pytest.param("systemPrompt", "x", "the body has systemPrompt", id="an unknown member"),
        pytest.param("profileArn", "", "profileArn is none", id="an empty ARN"),
        pytest.param("conversationState.conversationId", "", "conversationId is of", id="no conversation"),
        pytest.param("conversationState.agentContinuationId", "1", "agentContinuationId", id="no UUID"),
        pytest.param("conversationState.chatTriggerType", "AUTO", "chatTriggerType", id="a trigger of old"),
        pytest.param("conversationState.agentTaskType", "x", "agentTaskType", id="another task"),
        pytest.param(f"{HISTORY}.0", GONE, "the roles do not alternate", id="an assistant begins"),
        pytest.param(f"{HISTORY}.3", GONE, "does not follow an assistant's turn", id="two users"),
        pytest.param(HISTORY, [], "history is empty", id="an empty list"),
        pytest.param(f"{CURRENT}.content", " ", "has no content", id="no words"),
        pytest.param(f"{CURRENT}.content", "a" * 10_000_001, "too long a content", id="too many words"),
        pytest.param(f"{CURRENT}.content", "\ud800", "an unpaired surrogate", id="a lone surrogate"),
        pytest.param(f"{CURRENT}.modelId", "a b", "has no modelId", id="an unfit model"),
        pytest.param(f"{CURRENT}.origin", "x", "an unknown origin", id="an unknown origin"),
        pytest.param(f"{CURRENT}.userInputMessageContext.x", 1, "has x", id="an unknown context"),
        pytest.param(f"{RESULTS}.images.0.format", "jpg", "unknown format", id="a format"),
        pytest.param(f"{RESULTS}.images.0.source.bytes", "?", "no base64", id="a broken image"),
        pytest.param(f"{RESULTS}.images.0.source.bytes", "", "of a wrong size", id="an empty image"),
        pytest.param(
            f"{RESULTS}.images", [{"format": "png", "source": {"bytes": "AA=="}}] * 11, "than 10", id="images"
        ),
        pytest.param(
            f"{HISTORY}.0.userInputMessage.userInputMessageContext", FOREIGN, "first turn has", id="a first one"
        ),
        pytest.param(f"{RESULTS}.userInputMessageContext", GONE, "do not pair", id="no result"),
        pytest.param(f"{RESULTS}.userInputMessageContext.toolResults.0.toolUseId", "x", "do not pair", id="an orphan"),
        pytest.param(f"{RESULTS}.userInputMessageContext.toolResults.0.status", "x", "unknown status", id="a status"),
        pytest.param(
            f"{RESULTS}.userInputMessageContext.toolResults.0.content.0",
            {"image": 1},
            "content has image",
            id="a block",
        ),
        pytest.param(f"{RESULTS}.userInputMessageContext.tools", [{}], "belong to currentMessage", id="earlier tools"),
        pytest.param(f"{CALLS}.toolUses.0.input", "{}", "no object", id="input as text"),
        pytest.param(f"{CALLS}.toolUses.0.toolUseId", "a.b", "unfit id or name", id="an unfit id"),
        pytest.param(f"{CALLS}.toolUses.0.name", "x" * 65, "unfit id or name", id="a name that is too long"),
        pytest.param(f"{CALLS}.toolUses.0.name", "gone", "calls gone, which is not defined", id="an unknown tool"),
        pytest.param(f"{CALLS}.reasoningContent.reasoningText.signature", "", "unsigned", id="unsigned reasoning"),
        pytest.param(f"{CALLS}.reasoningContent", {"redactedContent": "?"}, "no base64", id="redacted reasoning"),
        pytest.param(f"{CALLS}.reasoningContent.redactedContent", "AA==", "two forms", id="reasoning in two forms"),
        pytest.param(f"{TOOL}.name", "a b", "an unfit name", id="a tool's name"),
        pytest.param(f"{TOOL}.name", "Bash", "two tools have one name", id="a name twice"),
        pytest.param(f"{TOOL}.description", "", "a description of a wrong length", id="no description"),
        pytest.param(f"{TOOL}.description", "a" * 10_241, "a description of a wrong length", id="a long description"),
        pytest.param(f"{TOOL}.inputSchema.json", {"type": "string"}, "takes no object", id="no object"),
        pytest.param(f"{TOOL}.inputSchema.json.required", [], "says nothing", id="nothing required"),
        pytest.param(f"{TOOL}.inputSchema.json.properties.a", {"title": None}, "without a value", id="null"),
    ],
)
def test_a_broken_rule_is_named(path: str, value: Any, broken: str) -> None:
    body = json.loads(made(RICH).body)
    _put(body, path.split("."), value)
    assert any(broken in found for found in violations(json.dumps(body).encode())), violations(
        json.dumps(body).encode()
    )


def _put(body: Any, path: list[str], value: Any) -> None:
    for name in path[:-1]:
        body = body[int(name) if isinstance(body, list) else name]
    last: Any = int(path[-1]) if isinstance(body, list) else path[-1]
    if value is GONE:
        del body[last]
    else:
        body[last] = value


@pytest.mark.parametrize("body", [b"{", b'{"a":NaN}', b'"\xff"'], ids=["cut off", "not a number", "not UTF-8"])
def test_what_is_no_json_is_named(body: bytes) -> None:
    assert "is no JSON" in violations(body)[0]


def test_two_calls_with_one_id_are_named() -> None:
    body: Json = json.loads(made(RICH).body)
    history = body["conversationState"]["history"]
    body["conversationState"]["history"] = [*history, *history]
    assert "two calls have one id" in violations(json.dumps(body).encode())
