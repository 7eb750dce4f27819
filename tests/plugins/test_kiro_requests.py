"""What kiro is sent beside the turns: tools, wishes, earlier reasoning; and what is refused or left out."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from switchgear import (
    Conversation,
    File,
    Image,
    Kind,
    Message,
    Reasoning,
    ResponseFormat,
    Sampling,
    Text,
    Tool,
    ToolChoice,
    UpstreamError,
)
from switchgear_kiro import prompts
from switchgear_kiro.errors import verdict
from tests.core.conversations import PDF, PIXEL
from tests.plugins.kiro_bodies import (
    ASKED,
    CALLED,
    IMAGE,
    READ,
    Json,
    assistant,
    call,
    made,
    result,
    state,
    system,
    turns,
    user,
)

# -- tools ---------------------------------------------------------------------------------------------------


def offered(*messages: Message, **fields: Any) -> dict[str, Json]:
    """The tools that are sent, by name."""
    context = state(*messages, **fields)["currentMessage"]["userInputMessage"].get("userInputMessageContext", {})
    return {one["toolSpecification"]["name"]: one["toolSpecification"] for one in context.get("tools", [])}


def test_a_tool_of_the_history_that_is_not_offered_gets_a_stub() -> None:
    found = offered(ASKED, assistant(call("c1", "gone")), tools=(READ,))
    assert found["gone"] == {
        "name": "gone",
        "description": prompts.STUB_DESCRIPTION,
        "inputSchema": {"json": {"type": "object", "properties": {}}},
    }
    assert list(found) == ["read_file", "gone"]


def test_a_choice_of_no_tool_leaves_those_of_the_history() -> None:
    tools, choice = (READ, Tool("Bash", "Run")), ToolChoice("none")
    assert offered(ASKED, tools=tools, tool_choice=choice) == {}
    assert turns(ASKED, tools=tools, tool_choice=choice) == ["ask"]
    messages = [ASKED, CALLED, result("c1", "x")]
    assert [one["description"] for one in offered(*messages, tools=tools, tool_choice=choice).values()] == [
        "Read a file"
    ]
    assert turns(*messages, tools=tools, tool_choice=choice)[-1][0] == prompts.CALL_NONE


@pytest.mark.parametrize(
    ("fields", "wish"),
    [
        pytest.param({"tool_choice": ToolChoice("required")}, prompts.CALL_ANY, id="any tool"),
        pytest.param({"tool_choice": ToolChoice("tool", "a b")}, "Answer by calling the tool a_b_", id="one tool"),
        pytest.param({"parallel_tool_calls": False}, prompts.CALL_ONE_AT_A_TIME, id="one call"),
        pytest.param({"response_format": ResponseFormat("json_object")}, "Answer with one JSON object", id="JSON"),
        pytest.param(
            {"response_format": ResponseFormat("json_schema", {"type": "object"}, "answer", "What to say")},
            'by the JSON schema answer (What to say):\n{"type":"object"}',
            id="JSON by a schema",
        ),
    ],
)
def test_wishes_without_a_field_stand_behind_the_question(fields: Json, wish: str) -> None:
    (found,) = turns(ASKED, tools=(Tool("a b"),), **fields)
    assert found.startswith("ask\n\n")
    assert wish in found
    assert set(fields) <= set(made(Conversation((ASKED,), tools=(Tool("a b"),), **fields)).notes)


def test_a_name_that_does_not_fit_is_sent_as_another_and_mapped_back() -> None:
    name = "mcp__documentation/search.v2"
    conversation = Conversation((ASKED, assistant(call("c1", name))), tools=(Tool(name), READ))
    body = made(conversation)
    ((sent, back),) = body.tool_names.items()
    assert back == name
    assert (
        json.loads(body.body)["conversationState"]["history"][1]["assistantResponseMessage"]["toolUses"][0]["name"]
        == sent
    )


def test_a_description_that_is_too_long_goes_on_in_the_system_prompt() -> None:
    text = "".join(f"{number}," for number in range(5000))
    tools = (Tool("long", text), Tool("none"))
    found = offered(system("S"), ASKED, tools=tools)
    (said,) = turns(system("S"), ASKED, tools=tools)
    beginning, _ = found["long"]["description"].split(prompts.DESCRIPTION_IS_CUT)
    rest = said.removeprefix("S\n\n[Tool long: description, continued]\n").removesuffix("\n\nask")
    assert beginning + rest == text
    assert found["none"]["description"] == "none"


# -- reasoning -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("thoughts", "kept"),
    [
        pytest.param([Reasoning("a", "c2ln")], {"reasoningText": {"text": "a", "signature": "c2ln"}}, id="signed"),
        pytest.param([Reasoning("", "c2ln")], {"reasoningText": {"text": "", "signature": "c2ln"}}, id="not shown"),
        pytest.param([Reasoning("", "c2ln", True)], {"redactedContent": "c2ln"}, id="withheld"),
        pytest.param([Reasoning("a")], None, id="unsigned"),
        pytest.param([Reasoning("", "gAAA_-x", True)], None, id="withheld by somebody else"),
        pytest.param(
            [Reasoning("a", "c2ln"), Reasoning("b"), Reasoning("c", "c2lo")],
            {"reasoningText": {"text": "c", "signature": "c2lo"}},
            id="the last of several",
        ),
    ],
)
def test_earlier_reasoning_is_sent_back_where_it_is_proved(thoughts: list[Reasoning], kept: Json | None) -> None:
    conversation = Conversation((ASKED, assistant(*thoughts, "so"), user("go on")))
    body = made(conversation)
    message = json.loads(body.body)["conversationState"]["history"][1]["assistantResponseMessage"]
    assert message.get("reasoningContent") == kept
    assert body.has_reasoning == (kept is not None)
    assert ("reasoning_history" in body.notes) == (kept is None or len(thoughts) > 1)


def test_reasoning_can_be_left_out() -> None:
    body = made(Conversation((ASKED, assistant(Reasoning("a", "c2ln"), "so"))), keep_reasoning=False)
    assert b"reasoningContent" not in body.body
    assert (body.has_reasoning, body.notes) == (False, ("reasoning_history",))


# -- what is refused, and what is left out -------------------------------------------------------------------


def _deep() -> Json:
    schema: Json = {}
    for _ in range(sys.getrecursionlimit()):
        schema = {"items": schema}
    return schema


DEEP = Tool("deep", "", _deep())
HUGE = Image("image/png", "AAAA" * (10 * 2**20 // 3 + 1))
NO_DOCUMENT, NO_IMAGE = "DOCUMENT_FORMAT_UNSUPPORTED", "IMAGE_FORMAT_UNSUPPORTED"
NAMED_LIKE_A_TOKEN = File("bearer token is expired", "text/plain", "/w==")


@pytest.mark.parametrize(
    ("part", "code", "message"),
    [
        pytest.param(Image(url="https://h/a.png"), NO_IMAGE, "an image is given by its URL", id="an image's URL"),
        pytest.param(Image("image/png", "?"), NO_IMAGE, "an image is no base64", id="a broken image"),
        pytest.param(Image("image/png", ""), NO_IMAGE, "an image is empty", id="no image"),
        pytest.param(Image("image/bmp", "Qk0="), NO_IMAGE, "of the type 'image/bmp'", id="a bitmap"),
        pytest.param(HUGE, "IMAGE_SIZE_EXCEEDED", "larger than the 10 MiB", id="a huge image"),
        pytest.param(File("a", "application/pdf", PDF), NO_DOCUMENT, "the type 'application/pdf'", id="a PDF"),
        pytest.param(File(url="https://h/a.txt"), NO_DOCUMENT, "a file is given by its URL", id="a file's URL"),
        pytest.param(File("a", data="YQ=="), NO_DOCUMENT, "a file without a type", id="a file without a type"),
        pytest.param(NAMED_LIKE_A_TOKEN, NO_DOCUMENT, "is no UTF-8 in base64", id="text that is none"),
    ],
)
def test_content_that_cannot_be_sent_is_the_clients_fault(part: Image | File, code: str, message: str) -> None:
    for messages in ([user(part)], [ASKED, CALLED, result("c1", part)]):
        _assert_refused(Conversation(tuple(messages)), code, "messages", message)


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param([user(*[IMAGE] * 11)], id="in one message"),
        pytest.param([ASKED, CALLED, result("c1", *[IMAGE] * 11)], id="in a result"),
    ],
)
def test_more_images_than_a_message_takes_are_refused(messages: list[Message]) -> None:
    _assert_refused(Conversation(tuple(messages)), "IMAGE_COUNT_EXCEEDED", "messages", "more than the 10 images")


@pytest.mark.parametrize(
    ("fields", "code", "field", "message"),
    [
        pytest.param({"tools": (READ, READ)}, "TOOL_DUPLICATE", "tools", "are called 'read_file'", id="a name twice"),
        pytest.param(
            {"tool_choice": ToolChoice("tool", "x")},
            "TOOL_CONFIG_MISSING",
            "tool_choice",
            "not offered",
            id="no such tool",
        ),
        pytest.param({"tools": (DEEP,)}, "TOOL_SCHEMA_INVALID", "tools", "nested too deep", id="a schema without end"),
    ],
)
def test_tools_that_cannot_be_are_the_clients_fault(fields: Json, code: str, field: str, message: str) -> None:
    _assert_refused(Conversation((ASKED,), **fields), code, field, message)


def _assert_refused(conversation: Conversation, code: str, field: str, message: str) -> None:
    with pytest.raises(UpstreamError) as caught:
        made(conversation)
    found = verdict(caught.value.failure)
    assert found is not None
    assert (found.kind, found.code, found.param) == (Kind.INVALID_REQUEST, code, field)
    assert message in found.message


def test_a_model_that_cannot_be_one_is_not_found() -> None:
    with pytest.raises(UpstreamError) as caught:
        made(Conversation((ASKED,)), model="../claude")
    found = verdict(caught.value.failure)
    assert found is not None
    assert found.kind is Kind.MODEL_NOT_FOUND


def test_what_is_left_out_is_noted() -> None:
    conversation = Conversation(
        (Message("developer", (Text("d"),)), user(Image("image/png", PIXEL, detail="high"))),
        tools=(Tool("a", strict=True, cache="5m"),),
        max_output_tokens=10,
        stop=("STOP",),
        sampling=Sampling(temperature=0.5, top_k=3),
        user="u",
        metadata={"a": "b"},
        cache_key="k",
        service_tier="auto",
        verbosity="low",
    )
    assert made(conversation).notes == (
        "cache_hints",
        "developer_role",
        "image.detail",
        "max_output_tokens",
        "metadata",
        "sampling.temperature",
        "sampling.top_k",
        "service_tier",
        "tools.strict",
        "user",
        "verbosity",
    )
    assert made(Conversation((ASKED,))).notes == ()
