"""The client's tools as the service takes them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear import Tool, ToolChoice
from switchgear_cursor.proto.agent_pb2 import McpArgs
from switchgear_cursor.run_request import tool_box
from switchgear_cursor.tools import BUILT_IN, DESCRIPTION_LENGTHS, MOST_BYTES, UNIONS, ToolBox, without_unions
from switchgear_cursor.values import from_value
from tests.plugins.cursor_frames import CLOCK, WEATHER, conversation

NULL = {"type": "null"}
TEXT = {"type": "string"}


@settings(max_examples=40)
@given(st.lists(st.text(max_size=80), unique=True, max_size=6))
def test_names_fit_and_come_back(names: list[str]) -> None:
    box = ToolBox([Tool(name) for name in names])
    assert len(set(box.names)) == len(names)
    for name, wire in zip(names, box.names, strict=True):
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", wire)
        assert wire.lower().replace("_", "") not in BUILT_IN
        assert box.wire_name(name) == wire
        assert box.client_name(McpArgs(tool_name=wire)) == name


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        pytest.param("get_weather", "get_weather", id="as it is"),
        pytest.param("Read", "Read_tool", id="one of the service's own"),
        pytest.param("WebSearch", "WebSearch_tool", id="likewise, written together"),
        pytest.param("web_fetch", "web_fetch_tool", id="likewise, with an underscore"),
        pytest.param("mcp.files/read", "mcp_files_read", id="other letters"),
        pytest.param("x" * 70, "x" * 64, id="too long"),
    ],
)
def test_a_name_on_the_wire(name: str, wire: str) -> None:
    assert ToolBox([Tool(name)]).names == [wire]


def test_names_that_become_one_are_told_apart() -> None:
    box = ToolBox([Tool("a.b"), Tool("a_b"), Tool("a/b")])
    assert box.names == ["a_b", "a_b_2", "a_b_3"]
    assert [box.client_name(McpArgs(tool_name=name)) for name in box.names] == ["a.b", "a_b", "a/b"]


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"tool_name": "get_weather", "name": "anything"}, id="tool name"),
        pytest.param({"name": "get_weather"}, id="name"),
        pytest.param({"name": "switchgear-get_weather"}, id="after the provider"),
        pytest.param({"name": "mcp_switchgear_get_weather"}, id="mcp"),
        pytest.param({"name": "mcp__switchgear__get_weather"}, id="mcp, two underscores"),
        pytest.param({"name": "gw-get_weather", "provider_identifier": "gw"}, id="after the provider it names"),
    ],
)
def test_a_call_is_recognized(given: dict[str, str]) -> None:
    call = McpArgs()
    for field, value in given.items():
        setattr(call, field, value)
    assert ToolBox([WEATHER]).client_name(call) == "get_weather"


def test_a_call_of_no_tool_is_not() -> None:
    assert ToolBox([WEATHER]).client_name(McpArgs(name="other-get_weather", tool_name="rm")) is None


@pytest.mark.parametrize(
    ("schema", "cleaned"),
    [
        pytest.param({"anyOf": [TEXT, NULL], "title": "T"}, {"title": "T", **TEXT}, id="a text or null"),
        pytest.param({"allOf": [{"$ref": "#/$defs/X"}]}, {"$ref": "#/$defs/X"}, id="one of one"),
        pytest.param({"oneOf": [TEXT, {"type": "integer"}]}, {}, id="a real union"),
        pytest.param({"anyOf": [{"anyOf": [TEXT, NULL]}, NULL]}, TEXT, id="nested"),
        pytest.param({"items": {"oneOf": [TEXT, {"type": "integer"}]}}, {"items": {}}, id="in the items"),
        pytest.param({"properties": {"anyOf": TEXT}}, {"properties": {"anyOf": TEXT}}, id="a property of that name"),
        pytest.param({"$defs": {"A": {"anyOf": []}}}, {"$defs": {"A": {}}}, id="in a definition"),
        pytest.param({"default": {"anyOf": 1}}, {"default": {"anyOf": 1}}, id="in data"),
        pytest.param({"enum": [{"oneOf": 1}]}, {"enum": [{"oneOf": 1}]}, id="in an enum"),
        pytest.param({"not": {"type": "null"}}, {"not": {"type": "null"}}, id="not is taken"),
        pytest.param(
            {"type": "object", "anyOf": [{"required": ["a"]}]}, {"type": "object", "required": ["a"]}, id="own type"
        ),
    ],
)
def test_schemas_lose_their_unions(schema: dict[str, Any], cleaned: dict[str, Any]) -> None:
    before = repr(schema)
    assert without_unions(schema) == cleaned
    assert repr(schema) == before


SCHEMAS = st.recursive(
    st.sampled_from([TEXT, NULL, {"type": "integer"}]),
    lambda inner: (
        st.fixed_dictionaries({}, optional={union: st.lists(inner, max_size=3) for union in UNIONS})
        | st.fixed_dictionaries({"properties": st.dictionaries(st.sampled_from(["a", *UNIONS]), inner, max_size=2)})
        | st.fixed_dictionaries({"items": inner, "prefixItems": st.lists(inner, max_size=2)})
    ),
    max_leaves=8,
)


def keywords(schema: Any) -> set[str]:
    """The keywords at every depth; names of properties are none."""
    if isinstance(schema, list):
        return {keyword for item in schema for keyword in keywords(item)}
    if not isinstance(schema, dict):
        return set()
    inner = [list(v.values()) if k == "properties" else v for k, v in schema.items()]
    return {*schema, *(keyword for value in inner for keyword in keywords(value))}


@settings(max_examples=40)
@given(SCHEMAS)
def test_no_union_is_left_at_any_depth(schema: dict[str, Any]) -> None:
    assert not keywords(without_unions(schema)) & set(UNIONS)


def test_a_tool_is_defined() -> None:
    box = ToolBox([Tool("Grep", "d" * 5000, WEATHER.parameters)])
    (defined,) = box.definitions
    assert (defined.name, defined.tool_name, defined.provider_identifier) == ("Grep_tool", "Grep_tool", "switchgear")
    assert len(defined.description) == DESCRIPTION_LENGTHS[0]
    assert box.left_out == {"tools.description"}
    assert from_value(defined.input_schema) == WEATHER.parameters


def test_many_tools_are_described_in_fewer_words() -> None:
    box = ToolBox([Tool(f"tool_{number}", "d" * 3000) for number in range(60)])
    assert {len(defined.description) for defined in box.definitions} == {1000}
    assert sum(defined.ByteSize() for defined in box.definitions) <= MOST_BYTES
    assert box.left_out == {"tools.description"}


def test_unions_that_are_gone_are_named() -> None:
    assert ToolBox([Tool("a", "", {"type": "object", "anyOf": []})]).left_out == {"tools.unions"}
    assert ToolBox([WEATHER]).left_out == set()


def test_a_tool_without_parameters_has_a_schema() -> None:
    (defined,) = ToolBox([CLOCK]).definitions
    assert from_value(defined.input_schema) == {"type": "object", "properties": {}}


@pytest.mark.parametrize(
    ("choice", "offered"),
    [
        pytest.param(None, ["get_weather", "clock"], id="not said"),
        pytest.param(ToolChoice("auto"), ["get_weather", "clock"], id="auto"),
        pytest.param(ToolChoice("required"), ["get_weather", "clock"], id="required"),
        pytest.param(ToolChoice("none"), [], id="none"),
        pytest.param(ToolChoice("tool", "clock"), ["clock"], id="a certain one"),
    ],
)
def test_what_is_offered(choice: ToolChoice | None, offered: list[str]) -> None:
    assert tool_box(conversation(WEATHER, CLOCK, tool_choice=choice)).names == offered
