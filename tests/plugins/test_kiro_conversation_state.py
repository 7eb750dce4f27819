"""What kiro is sent: any conversation as turns that break no rule of the service, and say all that was said."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear import Conversation, File, Image, Message, Reasoning, Text, ToolCall, ToolResult, UpstreamError
from switchgear_kiro import prompts
from switchgear_kiro.conversation_state import chat_body
from tests.core import conversations as well_formed
from tests.core.conversations import PIXEL
from tests.plugins import kiro_conversations
from tests.plugins.kiro_bodies import (
    ARN,
    ASKED,
    CALLED,
    ID,
    IMAGE,
    READ,
    assistant,
    call,
    made,
    result,
    system,
    turns,
    user,
)

# -- exact bodies --------------------------------------------------------------------------------------------


def test_the_body_of_a_question() -> None:
    body = made(Conversation((user("hello"),)), agent_mode="vibe", origin="KIRO_CLI").body
    assert json.loads(body) == {
        "profileArn": ARN,
        "agentMode": "vibe",
        "conversationState": {
            "conversationId": ID,
            "agentContinuationId": "4b013deb-8eec-5f20-bb18-a074a4eedac4",
            "agentTaskType": "vibe",
            "chatTriggerType": "MANUAL",
            "currentMessage": {
                "userInputMessage": {"content": "hello", "modelId": "claude-sonnet-4.5", "origin": "KIRO_CLI"}
            },
        },
    }


def test_the_body_of_a_tool_task() -> None:
    conversation = Conversation(
        (
            system("SYSTEM TEXT"),
            user("hello"),
            assistant(Reasoning("I see.", "c2ln"), "reading", call("toolu_1", arguments='{"path": "a.txt"}')),
            Message("tool", (ToolResult("toolu_1", (Text("file body"), IMAGE)),)),
        ),
        tools=(READ,),
    )
    body = json.loads(made(conversation, profile_arn="", model="claude-sonnet-5").body)
    user_input = {"modelId": "claude-sonnet-5", "origin": "AI_EDITOR"}
    schema = {"type": "object", "properties": {"path": {"type": "string"}}}
    specification = {"name": "read_file", "description": "Read a file", "inputSchema": {"json": schema}}
    used = {"toolUseId": "toolu_1", "name": "read_file", "input": {"path": "a.txt"}}
    assert body == {
        "conversationState": {
            "conversationId": ID,
            "agentContinuationId": "4b013deb-8eec-5f20-bb18-a074a4eedac4",
            "agentTaskType": "vibe",
            "chatTriggerType": "MANUAL",
            "history": [
                {"userInputMessage": {"content": "SYSTEM TEXT\n\nhello", **user_input}},
                {
                    "assistantResponseMessage": {
                        "content": "reading",
                        "toolUses": [used],
                        "reasoningContent": {"reasoningText": {"text": "I see.", "signature": "c2ln"}},
                    }
                },
            ],
            "currentMessage": {
                "userInputMessage": {
                    "content": "Tool results provided.",
                    "images": [{"format": "png", "source": {"bytes": PIXEL}}],
                    **user_input,
                    "userInputMessageContext": {
                        "toolResults": [
                            {"toolUseId": "toolu_1", "status": "success", "content": [{"text": "file body"}]}
                        ],
                        "tools": [{"toolSpecification": specification}],
                    },
                }
            },
        }
    }


# -- turns, rule by rule -------------------------------------------------------------------------------------

NO_RESULT = ("c1", "error", prompts.NO_RESULT)
USED: Any = ("c1", "read_file", {})


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        pytest.param([], ["."], id="nothing at all"),
        pytest.param([user("a", "b")], ["a\nb"], id="texts of a message"),
        pytest.param([user("a"), user("b")], ["a\n\nb"], id="a user's neighbours are joined"),
        pytest.param(
            [ASKED, assistant("a"), assistant("b"), user("c")], ["ask", "a\n\nb", "c"], id="so are an assistant's"
        ),
        pytest.param([ASKED, assistant("a", "b"), user("c")], ["ask", "ab", "c"], id="pieces of an answer"),
        pytest.param([assistant("hi"), user("a")], [".", "hi", "a"], id="an assistant begins"),
        pytest.param([ASKED, assistant("I th")], ["ask", "I th", "Continue"], id="an assistant is last"),
        pytest.param([ASKED, assistant(), user("a")], ["ask", ".", "a"], id="an answer without words"),
        pytest.param([user("  \n")], ["."], id="a question without words"),
        pytest.param([user(IMAGE)], ["."], id="an image alone"),
        pytest.param([system("be brief"), ASKED], ["be brief\n\nask"], id="a system prompt"),
        pytest.param([system("a"), system("b")], ["a\n\nb"], id="system prompts alone"),
        pytest.param(
            [ASKED, assistant("a"), system("now brief"), user("b")],
            ["ask", "a", "[System message]\nnow brief\n\nb"],
            id="a system message in between",
        ),
        pytest.param(
            [ASKED, CALLED, result("c1", "x")],
            ["ask", [".", USED], ["Tool results provided.", ("c1", "success", "x")]],
            id="a call and its result",
        ),
        pytest.param(
            [ASKED, CALLED, result("c1", "x", is_error=True)],
            ["ask", [".", USED], ["Tool results provided.", ("c1", "error", "x")]],
            id="a failed call",
        ),
        pytest.param(
            [ASKED, CALLED, result("c1", "x", "y"), user("and?")],
            ["ask", [".", USED], ["and?", ("c1", "success", "x", "y")]],
            id="a question beside a result",
        ),
        pytest.param(
            [ASKED, CALLED, result("c1")],
            ["ask", [".", USED], ["Tool results provided.", ("c1", "success", "(no output)")]],
            id="a result of nothing",
        ),
        pytest.param(
            [ASKED, assistant(call("a"), call("b")), result("b", "2"), result("a", "1")],
            [
                "ask",
                [".", ("a", "read_file", {}), ("b", "read_file", {})],
                ["Tool results provided.", ("b", "success", "2"), ("a", "success", "1")],
            ],
            id="several results are one turn",
        ),
        pytest.param(
            [ASKED, CALLED, user("never mind")],
            ["ask", [".", USED], ["never mind", NO_RESULT]],
            id="a call without a result",
        ),
        pytest.param(
            [ASKED, CALLED],
            ["ask", [".", USED], ["Tool results provided.", NO_RESULT]],
            id="a call at the end",
        ),
        pytest.param(
            [ASKED, CALLED, user("well?"), assistant("hm"), result("c1", "late")],
            ["ask", [".", USED], ["well?", NO_RESULT], "hm", "[Result of the tool call c1]\nlate"],
            id="a result that is late",
        ),
        pytest.param(
            [result("c9", "x"), ASKED],
            ["[Result of the tool call c9]\nx\n\nask"],
            id="a result of no call",
        ),
        pytest.param(
            [ASKED, CALLED, result("c1", "x"), result("c1", "again")],
            ["ask", [".", USED], ["[Result of the tool call c1]\nagain", ("c1", "success", "x")]],
            id="a second result",
        ),
        pytest.param(
            [ASKED, CALLED, system("hurry"), result("c1", "x")],
            ["ask", [".", USED], ["[System message]\nhurry", ("c1", "success", "x")]],
            id="a system message between a call and its result",
        ),
        pytest.param(
            [ASKED, CALLED, result("c1", IMAGE)],
            ["ask", [".", USED], ["Tool results provided.", ("c1", "success", prompts.IMAGE_IS_BESIDE)]],
            id="a result that is an image",
        ),
        pytest.param(
            [user(File("a.md", text="# A")), assistant("b"), user(File(media_type="text/csv", data="YTti"))],
            ["a.md\n# A", "b", "a;b"],
            id="documents that are text",
        ),
    ],
)
def test_turns(messages: Sequence[Message], expected: list[Any]) -> None:
    assert turns(*messages) == expected


def test_ids_that_clients_use_twice_are_told_apart() -> None:
    found = turns(ASKED, CALLED, result("c1", "one"), CALLED, result("c1", "two"))
    (_, (second, *_)), (_, (answered, *said)) = found[3], found[4]
    assert second == answered != "c1"
    assert said == ["success", "two"]


def test_an_id_that_does_not_fit_is_the_same_in_every_request() -> None:
    asked = [ASKED, assistant(call("functions.read:0"))]
    first, later = turns(*asked), turns(*asked, result("functions.read:0", "x"), assistant("done"), user("more"))
    assert first[1] == later[1]


def test_more_images_than_a_turn_takes_get_a_turn_of_their_own() -> None:
    messages = [user(*[IMAGE] * 6), user("more", *[IMAGE] * 6)]
    assert turns(*messages) == [".", ".", "more"]


# -- whatever comes ------------------------------------------------------------------------------------------


@given(kiro_conversations.conversations(), st.booleans(), st.booleans())
@settings(max_examples=80, deadline=None)
def test_any_conversation_keeps_the_rules(conversation: Conversation, tags: bool, keep: bool) -> None:
    body = made(conversation, thinking_tags=tags, keep_reasoning=keep)
    assert body == made(conversation, thinking_tags=tags, keep_reasoning=keep)


@given(well_formed.conversations())
@settings(max_examples=40, deadline=None)
def test_nothing_that_was_said_is_lost(conversation: Conversation) -> None:
    try:
        body = made(conversation)
    except UpstreamError:
        assert any(_is_refused(part) for part in _parts(conversation))
        return
    sent = json.loads(body.body)["conversationState"]
    entries = [*sent.get("history", []), sent["currentMessage"]]
    users = [entry["userInputMessage"] for entry in entries[::2]]
    results = [one for user in users for one in user.get("userInputMessageContext", {}).get("toolResults", [])]
    assistants = [entry["assistantResponseMessage"] for entry in entries[1::2]]
    contents = [message["content"] for message in [*users, *assistants]]
    answered = [block["text"] for one in results for block in one["content"]]
    calls = [part for part in _parts(conversation) if isinstance(part, ToolCall)]
    uses = [use for message in assistants for use in message.get("toolUses", [])]
    assert [json.loads(part.arguments or "{}") for part in calls] == [use["input"] for use in uses]
    assert [part.name for part in calls] == [body.tool_names.get(use["name"], use["name"]) for use in uses]
    images = sum(isinstance(part, Image) for part in _parts(conversation))
    assert sum(len(message.get("images", [])) for message in users) == images
    for message in conversation.messages:
        for part in message.parts:
            if isinstance(part, Text):
                assert any(part.text in content for content in contents)
            elif isinstance(part, ToolResult):
                assert all(inner.text in answered for inner in part.parts if isinstance(inner, Text))


def _parts(conversation: Conversation) -> list[Any]:
    parts: list[Any] = [part for message in conversation.messages for part in message.parts]
    return [inner for part in parts for inner in (part.parts if isinstance(part, ToolResult) else [part])]


def _is_refused(part: Any) -> bool:
    return isinstance(part, Image | File) and (
        bool(part.url) or part.media_type in {"application/pdf", "application/zip"}
    )


def test_a_long_history_takes_no_more_steps_for_each_message() -> None:
    def steps(rounds: int) -> int:
        one = [ASKED, CALLED, result("c1", "x"), assistant("a"), user(IMAGE)]
        conversation = Conversation(tuple(one * rounds), tools=(READ,))
        counted = 0

        def count(frame: FrameType, event: str, argument: Any) -> Any:
            nonlocal counted
            counted += event in {"line", "call"}
            return count

        before = sys.gettrace()
        sys.settrace(count)
        try:
            chat_body(
                conversation,
                model="m",
                origin="CLI",
                profile_arn="",
                agent_mode=None,
                conversation_id=ID,
                thinking_schema={},
                thinking_tags=False,
            )
        finally:
            sys.settrace(before)
        return counted

    assert steps(2000) < 2000 / 200 * 1.05 * steps(200)
