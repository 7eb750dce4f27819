"""A conversation as the service's prompt."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear import (
    CachePoint,
    Conversation,
    File,
    Image,
    Message,
    Part,
    Reasoning,
    ResponseFormat,
    Text,
    ToolCall,
    ToolResult,
    UpstreamError,
)
from switchgear_cursor.history import GO_ON, NO_RESULT, SEE_IMAGES, prompt_of
from switchgear_cursor.tools import ToolBox
from tests.plugins.cursor_frames import WEATHER

Json = dict[str, Any]

PIXEL = base64.b64encode(b"\x89PNG pixel").decode()
IMAGE = Image("image/png", PIXEL)
IMAGE_PART = {"type": "image", "image": f"data:image/png;base64,{PIXEL}", "mediaType": "image/png"}
CALL = ToolCall("call_1", "get_weather", '{"city":"Paris"}')
CALL_PART = {"type": "tool-call", "toolCallId": "call_1", "toolName": "get_weather", "args": {"city": "Paris"}}


def user(*parts: Part | str) -> Message:
    return Message("user", tuple(Text(part) if isinstance(part, str) else part for part in parts))


def model(*parts: Part | str) -> Message:
    return Message("assistant", tuple(Text(part) if isinstance(part, str) else part for part in parts))


def result(call_id: str, *parts: Text | Image | File | CachePoint, is_error: bool = False) -> Message:
    return Message("tool", (ToolResult(call_id, parts, is_error),))


def said(text: str) -> Json:
    return {"type": "text", "text": text}


def gave(call_id: str, text: str, name: str = "get_weather", *, error: bool = False) -> Json:
    given: Json = {"type": "tool-result", "toolCallId": call_id, "toolName": name, "result": text}
    return {**given, "isError": True} if error else given


def before(*messages: Message) -> list[Json]:
    return prompt_of(Conversation((*messages, user("now"))), ToolBox([WEATHER])).before


@pytest.mark.parametrize(
    ("messages", "prompt"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param(
            [Message("system", (Text("a"), CachePoint())), user("hi"), Message("developer", (Text("b"),)), model("ho")],
            [
                {"role": "system", "content": "a\n\nb"},
                {"role": "user", "content": [said("hi")]},
                {"role": "assistant", "content": [said("ho")]},
            ],
            id="system messages first, in one",
        ),
        pytest.param(
            [user("one", IMAGE, File(name="n.txt", text="two"))],
            [{"role": "user", "content": [said("one"), IMAGE_PART, said("n.txt:\ntwo")]}],
            id="what a user shows",
        ),
        pytest.param(
            [user("hi"), model(Reasoning("hm", "sig"), "Let me "), model("see.", CALL), result("call_1", Text("22"), Text("C"))],
            [
                {"role": "user", "content": [said("hi")]},
                {"role": "assistant", "content": [said("Let me see."), CALL_PART]},
                {"role": "tool", "content": [gave("call_1", "22\n\nC")]},
            ],
            id="turns of the model that follow each other, and a call",
        ),
        pytest.param(
            [model(CALL), result("call_1", Text("no"), is_error=True)],
            [
                {"role": "assistant", "content": [CALL_PART]},
                {"role": "tool", "content": [gave("call_1", "no", error=True)]},
            ],
            id="a tool that failed",
        ),
        pytest.param(
            [model(CALL), user("never mind")],
            [
                {"role": "assistant", "content": [CALL_PART]},
                {"role": "tool", "content": [gave("call_1", NO_RESULT, error=True)]},
                {"role": "user", "content": [said("never mind")]},
            ],
            id="a call without a result",
        ),
        pytest.param(
            [user("hi"), result("call_9", Text("late"))],
            [{"role": "user", "content": [said("hi")]}],
            id="a result without a call",
        ),
        pytest.param(
            [model(CALL, ToolCall("call_x__fc_y", "Read", "no json")), result("call_x__fc_y", Text("b")), result("call_1", Text("a"))],
            [
                {
                    "role": "assistant",
                    "content": [
                        CALL_PART,
                        {
                            "type": "tool-call",
                            "toolCallId": "call_x\nfc_y",
                            "toolName": "Read_tool",
                            "args": {"arguments": "no json"},
                        },
                    ],
                },
                {"role": "tool", "content": [gave("call_1", "a"), gave("call_x\nfc_y", "b", "Read_tool")]},
            ],
            id="results in the order of the calls, under the service's names",
        ),
        pytest.param(
            [model(CALL), result("call_1", Text("see"), IMAGE)],
            [
                {"role": "assistant", "content": [CALL_PART]},
                {"role": "tool", "content": [gave("call_1", "see")]},
                {"role": "user", "content": [said("An image that get_weather gave:"), IMAGE_PART]},
            ],
            id="an image that a tool gave",
        ),
        pytest.param([user(), model(Reasoning("hm"))], [], id="turns with nothing in them"),
    ],
)  # fmt: skip
def test_the_prompt_before_the_last_message(messages: list[Message], prompt: list[Json]) -> None:
    assert before(*messages) == prompt


@pytest.mark.parametrize(
    ("last", "text", "images"),
    [
        pytest.param([user("hi", "there")], "hi\n\nthere", 0, id="texts"),
        pytest.param([user("look", IMAGE)], "look", 1, id="text and image"),
        pytest.param([user(IMAGE, IMAGE)], SEE_IMAGES, 2, id="images alone"),
        pytest.param([user(" ")], GO_ON, 0, id="an empty text, which the service refuses"),
        pytest.param([model("and")], GO_ON, 0, id="the model's own turn"),
        pytest.param([], GO_ON, 0, id="nothing"),
        pytest.param([model(CALL), result("call_1", Text("22C"))], None, 0, id="results"),
    ],
)
def test_the_message_to_answer(last: list[Message], text: str | None, images: int) -> None:
    prompt = prompt_of(Conversation(tuple(last)), ToolBox(()))
    assert (prompt.text, len(prompt.images)) == (text, images)


def test_results_to_answer_are_in_the_prompt() -> None:
    prompt = prompt_of(Conversation((user("hi"), model(CALL), result("call_1", Text("22C")))), ToolBox([WEATHER]))
    assert [message["role"] for message in prompt.before] == ["user", "assistant", "tool"]


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        pytest.param(ResponseFormat("json_object"), "one JSON object", id="any object"),
        pytest.param(ResponseFormat("json_schema", {"type": "object"}), '{"type":"object"}', id="a schema"),
    ],
)
def test_json_is_asked_for_in_words(wish: ResponseFormat, words: str) -> None:
    (system,) = prompt_of(Conversation((user("hi"),), response_format=wish), ToolBox(())).before
    assert system["role"] == "system"
    assert words in system["content"]


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param([user(Image(url="https://x.test/a.png"))], id="an image by its URL"),
        pytest.param([user(Image("image/png", "no base64!"))], id="an image that is no base64"),
        pytest.param([user(Image("image/png", base64.b64encode(bytes(1024 * 1024 + 1)).decode()))], id="a large image"),
        pytest.param([user(*[IMAGE] * 13)], id="too many images"),
        pytest.param([user(*[IMAGE] * 7), model("a"), user(*[IMAGE] * 6)], id="too many images over all"),
        pytest.param([user(File("a.pdf", "application/pdf", PIXEL)), model("a"), user("b")], id="a document"),
        pytest.param([user(File("a.pdf", "application/pdf", PIXEL))], id="a document in the last message"),
    ],
)
def test_what_cannot_be_sent_is_the_clients_fault(messages: list[Message]) -> None:
    with pytest.raises(UpstreamError) as caught:
        prompt_of(Conversation(tuple(messages)), ToolBox(()))
    assert (caught.value.failure.cause, caught.value.failure.status) == ("status", 400)


PARTS = st.sampled_from(["t", "c1", "c2", "c3"])
MESSAGES = st.lists(
    st.one_of(
        st.just(user("u")),
        st.lists(PARTS, max_size=3, unique=True).map(
            lambda parts: model(*("t" if part == "t" else ToolCall(part, "get_weather", "{}") for part in parts))
        ),
        st.lists(PARTS, max_size=3).map(
            lambda ids: Message("tool", tuple(ToolResult(call, (Text("r"),)) for call in ids))
        ),
    ),
    max_size=10,
)


@settings(max_examples=40)
@given(MESSAGES)
def test_every_call_has_one_result_right_behind_it(messages: list[Message]) -> None:
    open_calls: list[str] = []
    for message in prompt_of(Conversation(tuple(messages)), ToolBox([WEATHER])).before:
        results = [part["toolCallId"] for part in message["content"] if part["type"] == "tool-result"]
        assert results == open_calls
        open_calls = [part["toolCallId"] for part in message["content"] if part["type"] == "tool-call"]
    assert open_calls == []
