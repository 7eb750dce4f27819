"""The fake refuses what the service refuses: a body in order, and one with each thing wrong."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any, TypeGuard

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear import Conversation, Part, Reasoning, UpstreamError
from switchgear_kiro.conversation_state import chat_body
from switchgear_kiro.fake.catalogue import MODELS
from switchgear_kiro.fake.refusals import Refusal
from switchgear_kiro.fake.rules import read_body
from tests.plugins.kiro_conversations import conversations

Json = dict[str, Any]
Change = Callable[[Json], object]

PIXEL = "iVBORw0KGgo="
SIGNATURE = "genuine"
BY_ID = {model["modelId"]: model for model in MODELS}


def user(content: str = "Hello", **fields: Any) -> Json:
    return {"userInputMessage": {"content": content, "modelId": "claude-sonnet-4.6", "origin": "AI_EDITOR", **fields}}


def assistant(content: str = "Hi", **fields: Any) -> Json:
    return {"assistantResponseMessage": {"content": content, **fields}}


def result(id_: str = "t1", **fields: Any) -> Json:
    return {"toolUseId": id_, "status": "success", "content": [{"text": "seen"}], **fields}


SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}


def tool(name: str = "read_file", **fields: Any) -> Json:
    return {"toolSpecification": {"name": name, "description": "d", "inputSchema": {"json": SCHEMA}, **fields}}


def good() -> Json:
    """A body with one of everything."""
    use = {"toolUseId": "t1", "name": "read_file", "input": {"path": "a"}}
    reasoning = {"reasoningText": {"text": "Well.", "signature": SIGNATURE}}
    context = {"toolResults": [result()], "tools": [tool(), tool("list_files")]}
    return copy.deepcopy(
        {
            "profileArn": "arn",
            "agentMode": "vibe",
            "conversationState": {
                "conversationId": "c1",
                "agentContinuationId": "6f0f3c1e-0000-4000-8000-000000000002",
                "agentTaskType": "vibe",
                "chatTriggerType": "MANUAL",
                "history": [user(), assistant(), user(), assistant(toolUses=[use], reasoningContent=reasoning)],
                "currentMessage": user(
                    userInputMessageContext=context, images=[{"format": "png", "source": {"bytes": PIXEL}}]
                ),
            },
            "additionalModelRequestFields": {
                "thinking": {"type": "adaptive", "display": "summarized"},
                "output_config": {"effort": "max"},
                "max_tokens": 2048,
            },
        }
    )


def state(body: Json) -> Json:
    found: Json = body["conversationState"]
    return found


def history(body: Json) -> list[Json]:
    found: list[Json] = state(body)["history"]
    return found


def current(body: Json) -> Json:
    found: Json = state(body)["currentMessage"]["userInputMessage"]
    return found


def context(body: Json) -> Json:
    found: Json = current(body)["userInputMessageContext"]
    return found


def caller(body: Json) -> Json:
    found: Json = history(body)[3]["assistantResponseMessage"]
    return found


def specification(body: Json) -> Json:
    found: Json = context(body)["tools"][0]["toolSpecification"]
    return found


def with_schema(body: Json, **fields: Any) -> None:
    specification(body)["inputSchema"] = {"json": {**SCHEMA, **fields}}


def read(raw: bytes, *, takes_agent_mode: bool = True) -> Json | Refusal:
    return read_body(raw, BY_ID, {SIGNATURE}, takes_agent_mode=takes_agent_mode)


def refusal_of(body: Json, **options: bool) -> Refusal:
    found = read(json.dumps(body).encode(), **options)
    assert isinstance(found, Refusal), "it is let in"
    return found


def test_a_body_in_order_is_let_in() -> None:
    assert read(json.dumps(good()).encode()) == good()


FINE: dict[str, Change] = {
    "no history": lambda body: (state(body).pop("history"), context(body).pop("toolResults")),
    "no continuation id": lambda body: state(body).pop("agentContinuationId"),
    "no extra fields": lambda body: body.pop("additionalModelRequestFields"),
    "no agent mode": lambda body: body.pop("agentMode"),
    "a JSON result": lambda body: context(body)["toolResults"][0].update(content=[{"json": {"a": 1}}]),
    "a failed tool": lambda body: context(body)["toolResults"][0].update(status="error"),
    "no description": lambda body: specification(body).pop("description"),
    "further properties allowed": lambda body: with_schema(body, additionalProperties=False),
}


@pytest.mark.parametrize("change", FINE.values(), ids=FINE)
def test_what_else_is_in_order(change: Change) -> None:
    body = good()
    change(body)
    assert read(json.dumps(body).encode()) == body


WRONG: dict[str, tuple[str | None, Change]] = {
    "a system prompt": ("REQUEST_BODY_INVALID", lambda body: body.update(systemPrompt="s")),
    "an inference configuration": ("REQUEST_BODY_INVALID", lambda body: body.update(inferenceConfig={})),
    "an unknown agent mode": ("REQUEST_BODY_INVALID", lambda body: body.update(agentMode="wild")),
    "no state": (None, lambda body: body.pop("conversationState")),
    "an unknown member of the state": (None, lambda body: state(body).update(mood="good")),
    "an empty conversation id": ("INVALID_CONVERSATION_ID", lambda body: state(body).update(conversationId="")),
    "a long conversation id": ("INVALID_CONVERSATION_ID", lambda body: state(body).update(conversationId="c" * 129)),
    "a continuation that is no UUID": (None, lambda body: state(body).update(agentContinuationId="x")),
    "no trigger": (None, lambda body: state(body).pop("chatTriggerType")),
    "the trigger of 2025": (None, lambda body: state(body).update(chatTriggerType="AUTO")),
    "no current message": (None, lambda body: state(body).pop("currentMessage")),
    "an assistant's current message": (None, lambda body: state(body).update(currentMessage=assistant())),
    "an empty history": (None, lambda body: state(body).update(history=[])),
    "a history that an assistant begins": (None, lambda body: history(body).pop(0)),
    "two assistants in a row": (None, lambda body: history(body).insert(1, assistant())),
    "two users in a row": (None, lambda body: history(body).append(user())),
    "too many turns": (None, lambda body: history(body).__setitem__(slice(0, 0), [user(), assistant()] * 5000)),
    "empty content": (None, lambda body: current(body).update(content="")),
    "an assistant without content": (None, lambda body: caller(body).update(content="")),
    "no origin": (None, lambda body: current(body).pop("origin")),
    "an unknown origin": (None, lambda body: current(body).update(origin="SWITCHGEAR")),
    "a model with a space": ("INVALID_MODEL_ID", lambda body: current(body).update(modelId="a b")),
    "an unknown model": ("INVALID_MODEL_ID", lambda body: current(body).update(modelId="claude-sonnet-4-6")),
    "no images": (None, lambda body: current(body).update(images=[])),
    "eleven images": ("IMAGE_COUNT_EXCEEDED", lambda body: current(body).update(images=current(body)["images"] * 11)),
    "the format jpg": ("IMAGE_FORMAT_UNSUPPORTED", lambda body: current(body)["images"][0].update(format="jpg")),
    "a data URL": (None, lambda body: current(body)["images"][0].update(source={"bytes": f"data:;base64,{PIXEL}"})),
    "an empty context": (None, lambda body: history(body)[0]["userInputMessage"].update(userInputMessageContext={})),
    "tools in the history": (
        None,
        lambda body: history(body)[0]["userInputMessage"].update(userInputMessageContext={"tools": [tool()]}),
    ),
    "empty tools": (None, lambda body: context(body).update(tools=[])),
    "empty results": (None, lambda body: context(body).update(toolResults=[])),
    "empty calls": (None, lambda body: caller(body).update(toolUses=[])),
    "a result without content": (None, lambda body: context(body)["toolResults"][0].pop("content")),
    "a result with an image": (None, lambda body: context(body)["toolResults"][0].update(content=[{"image": {}}])),
    "an unknown status": (None, lambda body: context(body)["toolResults"][0].update(status="done")),
    "a foreign id": (None, lambda body: context(body)["toolResults"][0].update(toolUseId="a.b")),
    "arguments as a text": (None, lambda body: caller(body)["toolUses"][0].update(input="{}")),
    "a call without its result": ("TOOL_USE_RESULT_MISMATCH", lambda body: context(body).pop("toolResults")),
    "a result without its call": ("TOOL_USE_RESULT_MISMATCH", lambda body: caller(body).pop("toolUses")),
    "a result too many": (
        "TOOL_USE_RESULT_MISMATCH",
        lambda body: context(body)["toolResults"].append(result("t2")),
    ),
    "the same id twice": (
        "TOOL_USE_RESULT_MISMATCH",
        lambda body: caller(body).update(toolUses=caller(body)["toolUses"] * 2),
    ),
    "calls without tools": ("TOOL_CONFIG_MISSING", lambda body: context(body).pop("tools")),
    "a call of a tool that is not there": ("TOOL_CONFIG_MISSING", lambda body: context(body)["tools"].pop(0)),
    "a tool twice": ("TOOL_DUPLICATE", lambda body: context(body)["tools"].append(tool())),
    "a tool with a space in its name": (None, lambda body: specification(body).update(name="read file")),
    "a tool with a long name": (None, lambda body: specification(body).update(name="r" * 65)),
    "an empty description": (None, lambda body: specification(body).update(description="")),
    "a long description": (None, lambda body: specification(body).update(description="d" * 10_241)),
    "no schema": ("TOOL_SCHEMA_INVALID", lambda body: specification(body).pop("inputSchema")),
    "a schema of an array": ("TOOL_SCHEMA_INVALID", lambda body: with_schema(body, type="array")),
    "a schema without properties": ("TOOL_SCHEMA_INVALID", lambda body: with_schema(body, properties=None)),
    "nothing required": ("TOOL_SCHEMA_INVALID", lambda body: with_schema(body, required=[])),
    "a schema's schema": ("TOOL_SCHEMA_INVALID", lambda body: with_schema(body, **{"$schema": "x"})),
    "a null inside": ("TOOL_SCHEMA_INVALID", lambda body: with_schema(body, properties={"a": {"default": None}})),
    "reasoning without a signature": (
        "THINKING_SIGNATURE_INVALID",
        lambda body: caller(body)["reasoningContent"]["reasoningText"].pop("signature"),
    ),
    "a made-up signature": (
        "THINKING_SIGNATURE_INVALID",
        lambda body: caller(body)["reasoningContent"]["reasoningText"].update(signature="x"),
    ),
    "redacted reasoning of somebody else": (
        "THINKING_SIGNATURE_INVALID",
        lambda body: caller(body).update(reasoningContent={"redactedContent": PIXEL}),
    ),
    "old thinking": (
        "REQUEST_BODY_INVALID",
        lambda body: body["additionalModelRequestFields"].update(thinking={"type": "enabled", "budget_tokens": 99}),
    ),
    "an effort that is not listed": (
        "REQUEST_BODY_INVALID",
        lambda body: body["additionalModelRequestFields"]["output_config"].update(effort="xhigh"),
    ),
    "an unknown extra field": (
        "REQUEST_BODY_INVALID",
        lambda body: body["additionalModelRequestFields"].update(temperature=1),
    ),
    "too few tokens": ("REQUEST_BODY_INVALID", lambda body: body["additionalModelRequestFields"].update(max_tokens=1)),
    "thinking of a model that does not": (
        "REQUEST_BODY_INVALID",
        lambda body: current(body).update(modelId="claude-sonnet-4.5"),
    ),
    "more than the model reads": (
        "CONTENT_LENGTH_EXCEEDS_THRESHOLD",
        lambda body: current(body).update(content="x" * 4_000_000),
    ),
}


@pytest.mark.parametrize(("reason", "change"), WRONG.values(), ids=WRONG)
def test_what_is_refused(reason: str | None, change: Change) -> None:
    body = good()
    change(body)
    refusal = refusal_of(body)
    assert (refusal.status, refusal.reason) == (400, reason)


def test_agent_mode_is_a_header_elsewhere() -> None:
    assert refusal_of(good(), takes_agent_mode=False).reason == "REQUEST_BODY_INVALID"


@pytest.mark.parametrize(
    "raw", [b"", b"{", b'"\xff"', b'{"a": "\\ud800"}'], ids=["empty", "cut", "no UTF-8", "half a pair"]
)
def test_what_is_no_json(raw: bytes) -> None:
    found = read(raw)
    assert isinstance(found, Refusal)
    assert found.reason == "REQUEST_BODY_INVALID_JSON"


@settings(max_examples=60, deadline=None)
@given(conversations(), st.sampled_from(sorted(BY_ID)))
def test_whatever_the_plugin_builds_is_let_in(conversation: Conversation, model: str) -> None:
    """The fake's rules are not the builder's own, nor those its tests hold it to."""
    signatures = {part.signature for message in conversation.messages for part in message.parts if _is_signed(part)}
    try:
        built = chat_body(
            conversation,
            model=model,
            origin="AI_EDITOR",
            profile_arn="",
            agent_mode=None,
            conversation_id="c1",
            thinking_schema=BY_ID[model]["additionalModelRequestFieldsSchema"] or {},
            thinking_tags=False,
        )
    except UpstreamError:
        return  # it holds what cannot be said, and the client is told so
    assert isinstance(read_body(built.body, BY_ID, signatures, takes_agent_mode=False), dict)


def _is_signed(part: Part) -> TypeGuard[Reasoning]:
    return isinstance(part, Reasoning)
