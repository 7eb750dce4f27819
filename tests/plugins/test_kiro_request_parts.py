"""The parts a request to kiro is made of, each alone: names, ids, schemas, images, arguments, and its conversation's id."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear import Conversation, Image, Message, Text
from switchgear_kiro.call_input import call_input
from switchgear_kiro.conversation_ids import continuation_id, conversation_id
from switchgear_kiro.images import image_block
from switchgear_kiro.schemas import tool_schema
from switchgear_kiro.scrubbing import scrubbed
from switchgear_kiro.tool_names import CallIds, ToolNames
from tests.plugins.kiro_bodies import assistant, system, user

# -- names and ids -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        pytest.param("read_file", "read_file", id="fits"),
        pytest.param("x" * 63, "x" * 63, id="just fits"),
        pytest.param("x" * 64, "x" * 54 + "_7ce10097", id="too long"),
        pytest.param("a.b", "a_b_2e7336dc", id="foreign characters"),
        pytest.param("", "tool_e3b0c442", id="empty"),
    ],
)
def test_a_name_is_sent_so_in_every_request(name: str, sent: str) -> None:
    assert ToolNames(["other", name]).sent(name) == sent


def test_a_shortened_name_leaves_a_tool_its_own() -> None:
    names = ToolNames(["a.b", "a_b_2e7336dc"])
    assert names.sent("a_b_2e7336dc") == "a_b_2e7336dc"
    assert names.sent("a.b") not in {"a_b_2e7336dc", "a.b"}
    assert names.client_names() == {names.sent("a.b"): "a.b"}


@given(st.lists(st.text(st.sampled_from("a._é"), max_size=70)))
@settings(max_examples=100)
def test_names_fit_and_lead_back(given_names: list[str]) -> None:
    names = ToolNames(given_names)
    back = names.client_names()
    for name in given_names:
        sent = names.sent(name)
        assert re.fullmatch(r"[a-zA-Z0-9_-]{1,63}", sent)
        assert back.get(sent, sent) == name


@given(st.lists(st.text(st.sampled_from("a_#1"), max_size=3)))
@settings(max_examples=100)
def test_each_call_has_an_id_of_its_own(call_ids: list[str]) -> None:
    ids, again = CallIds(), CallIds()
    sent = [ids.take(call_id) for call_id in call_ids]
    assert len(set(sent)) == len(sent)
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", one) for one in sent)
    assert sent == [again.take(call_id) for call_id in call_ids]


# -- schemas -------------------------------------------------------------------------------------------------

OBJECT: dict[str, Any] = {"type": "object", "properties": {}}


@pytest.mark.parametrize(
    ("given_schema", "sent"),
    [
        pytest.param({}, OBJECT, id="none"),
        pytest.param({"type": ["object", "null"], "properties": None}, OBJECT, id="may be null"),
        pytest.param({"$schema": "x", "title": "", "required": [], **OBJECT}, OBJECT, id="keywords that say nothing"),
        pytest.param({"title": "T", "required": ["a"]}, {"title": "T", "required": ["a"], **OBJECT}, id="others stay"),
        pytest.param({"additionalProperties": False}, {"additionalProperties": False, **OBJECT}, id="nothing else"),
        pytest.param(
            {"properties": {"required": {"title": ""}, "$schema": {"required": []}, "title": None, "any": True}},
            {"type": "object", "properties": {"required": {}, "$schema": {}, "any": True}},
            id="names that are spelled like keywords",
        ),
        pytest.param(
            {"properties": {"a": {"items": {"title": ""}, "anyOf": [{"required": []}, None, {"type": "null"}]}}},
            {"type": "object", "properties": {"a": {"items": {}, "anyOf": [{}, {"type": "null"}]}}},
            id="schemas in schemas",
        ),
        pytest.param(
            {"properties": {"a": {"enum": [None, ""], "default": None, "examples": [{"title": ""}]}}},
            {"type": "object", "properties": {"a": {"enum": [None, ""], "examples": [{"title": ""}]}}},
            id="values are no schemas",
        ),
        pytest.param(
            {"properties": {"a": {"const": None, "enum": [None, 1]}, "b": {"const": 1}}},
            {"type": "object", "properties": {"a": {"enum": [None]}, "b": {"const": 1}}},
            id="always null",
        ),
    ],
)
def test_schemas(given_schema: dict[str, Any], sent: dict[str, Any]) -> None:
    before = json.dumps(given_schema)
    assert tool_schema(given_schema) == sent
    assert json.dumps(given_schema) == before


# -- images --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("media_type", "data", "sent"),
    [
        pytest.param("image/jpg", b"?", "jpeg", id="jpg"),
        pytest.param("IMAGE/PNG", b"?", "png", id="in capitals"),
        pytest.param("image/webp", b"?", "webp", id="webp"),
        pytest.param("image/gif", b"?", "gif", id="gif"),
        pytest.param("image/png", b"\xff\xd8\xff\xe0", "jpeg", id="a jpeg called png"),
        pytest.param("", b"\x89PNG\r\n\x1a\n", "png", id="a png of no type"),
        pytest.param("image/x", b"GIF89a", "gif", id="a gif of another type"),
        pytest.param("image/png", b"RIFF\0\0\0\0WEBP", "webp", id="a webp called png"),
    ],
)
def test_an_image_has_the_format_that_its_bytes_show(media_type: str, data: bytes, sent: str) -> None:
    encoded = base64.b64encode(data).decode()
    block = image_block(Image(media_type, encoded))
    assert (block.format, block.source.bytes) == (sent, encoded)


# -- a call's arguments --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        pytest.param("", "{}", id="nothing"),
        pytest.param(" null ", "{}", id="null"),
        pytest.param('{"n": 1.50e3, "n": 12345678901234567890}', None, id="digit for digit"),
        pytest.param('{"a":"\\ud83e\\udd8a \\\\ud800"}', None, id="a pair of surrogates and a backslash"),
        pytest.param('{"a":"\\ud83e \\uDD8A\\\\\\uD800"}', '{"a":"\\ufffd \\ufffd\\\\\\ufffd"}', id="lone surrogates"),
        pytest.param('{"a', '{"INVALID_JSON":"{\\"a"}', id="cut off"),
        pytest.param("[1]", '{"INVALID_JSON":"[1]"}', id="no object"),
        pytest.param('{"a":NaN}', '{"INVALID_JSON":"{\\"a\\":NaN}"}', id="no JSON"),
    ],
)
def test_arguments_are_sent_as_an_object(arguments: str, sent: str | None) -> None:
    assert bytes(call_input(arguments)).decode() == (arguments if sent is None else sent)


def test_texts_that_cannot_be_sent_are_mended() -> None:
    said = Message("user", (Text("a\ud800b\ud83e\udd8a"),))
    assert scrubbed(Conversation((said,))).messages == (Message("user", (Text("a\ufffdb🦊"),)),)


# -- ids of conversations ------------------------------------------------------------------------------------

FIRST = (system("S"), user("hello"))
LATER = (*FIRST, assistant("hi"), user("more"))


def named(*messages: Message, account_id: str = "a", model: str = "m", headers: Any = (), **fields: Any) -> str:
    return conversation_id(Conversation(messages, **fields), dict(headers), account_id=account_id, model=model)


def test_the_id_of_a_conversation_is_fixed() -> None:
    assert named(*FIRST) == "ea307fa2-80bd-5e3c-b16b-cc7c0c38ba22"


@pytest.mark.parametrize(
    ("other", "same"),
    [
        pytest.param(named(*LATER), True, id="its next request"),
        pytest.param(named(*FIRST, account_id="b"), False, id="another account"),
        pytest.param(named(*FIRST, model="n"), False, id="another model"),
        pytest.param(named(system("T"), user("hello")), False, id="other instructions"),
        pytest.param(named(system("S"), user("hel", "lo")), False, id="another question"),
        pytest.param(named(*FIRST, cache_key="k"), False, id="a session with a name"),
    ],
)
def test_which_requests_are_one_conversation(other: str, same: bool) -> None:
    assert (named(*FIRST) == other) is same


@pytest.mark.parametrize(
    "session",
    [
        pytest.param({"headers": {"session_id": "s"}}, id="by a header"),
        pytest.param({"cache_key": "s"}, id="by the key of a cache"),
        pytest.param({"user": "s"}, id="by the user"),
    ],
)
def test_a_session_that_has_a_name_may_change_its_instructions(session: Any) -> None:
    at_noon, later = (system("It is 12:00"), user("hello")), (system("It is 12:05"), user("hello"), assistant("hi"))
    assert named(*at_noon, **session) == named(*later, **session) != named(*at_noon)
    assert named(system("It is 12:00"), user("another task"), **session) != named(*at_noon, **session)


def test_a_turn_of_the_user_is_one_continuation() -> None:
    def of(*messages: Message) -> str:
        return continuation_id(Conversation(messages), "c")

    assert of(*FIRST) == of(*FIRST, assistant("hi")) != of(*LATER)
