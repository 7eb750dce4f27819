"""Everything the server wants done here is answered, in the form of its kind, and nothing is done."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from switchgear_cursor.framing import envelope
from switchgear_cursor.proto.agent_pb2 import Empty, ExecServerMessage, InteractionQuery, NativeArgs
from switchgear_cursor.refusals import REASON, reply_to_query
from tests.plugins.cursor_frames import WEATHER, exec_, frame, session, told

ARGS = NativeArgs(subject=b"rm", place=b"/home")
PATH = {"rejected": {"path": "rm", "reason": REASON}}
COMMAND = {"rejected": {"command": "rm", "workingDirectory": "/home", "reason": REASON}}
ERROR = {"error": {"text": REASON}}

REFUSED: dict[str, tuple[int, Any]] = {
    "shell": (2, COMMAND),
    "write": (3, PATH),
    "delete": (4, PATH),
    "grep": (5, ERROR),
    "read": (7, PATH),
    "ls": (8, PATH),
    "diagnostics": (9, PATH),
    "shell_stream": (14, COMMAND),
    "background_shell": (16, COMMAND),
    "list_mcp_resources": (17, {"success": {}}),
    "read_mcp_resource": (18, {"notFound": {"text": "/home"}}),
    "fetch": (20, {"error": {"url": "rm", "error": REASON}}),
    "record_screen": (21, {"failure": {"text": REASON}}),
    "computer_use": (22, ERROR),
    "shell_stdin": (23, ERROR),
    "subagent": (28, ERROR),
    "redacted_read": (29, PATH),
    "force_background_shell": (30, {"status": 2}),
    "force_background_subagent": (31, {"status": 2}),
    "subagent_await": (37, {"notFound": {"text": "rm"}}),
    "classifier": (38, ERROR),
    "canvas": (40, ERROR),
    "shell_allowlist": (41, {}),
    "mcp_allowlist": (42, {}),
    "fetch_allowlist": (43, {}),
    "pi_read": (46, ERROR),
    "pi_bash": (47, ERROR),
    "pi_edit": (48, ERROR),
    "pi_write": (49, ERROR),
    "pi_grep": (50, ERROR),
    "pi_find": (51, ERROR),
    "pi_ls": (52, ERROR),
    "conversation_search": (53, ERROR),
    "agent_store_conflict": (54, ERROR),
    "mini_swe_bash": (55, COMMAND),
}
ELSEWHERE = {"request_context", "mcp", "mcp_state", "execute_hook"}


@pytest.mark.parametrize("kind", REFUSED)
def test_native_tools_are_refused(kind: str) -> None:
    number, result = REFUSED[kind]
    events, (answer, closed) = told(session(), exec_(9, **{kind: ARGS}))
    assert events == []
    message = answer.exec_client_message
    assert (message.id, message.exec_id) == (9, "e9")
    assert message.DESCRIPTOR.fields_by_name[kind].number == number
    assert message.WhichOneof("message") == kind
    assert MessageToDict(getattr(message, kind)) == result
    assert closed.exec_client_control_message.stream_close.id == 9


def test_every_kind_is_answered() -> None:
    kinds = {field.name for field in ExecServerMessage.DESCRIPTOR.oneofs_by_name["message"].fields}
    assert kinds == REFUSED.keys() | ELSEWHERE


def test_paths_that_are_no_text_are_shown_as_well_as_can_be() -> None:
    _, (answer, _) = told(session(), exec_(1, read=NativeArgs(subject=b"/tmp/\xff")))
    assert answer.exec_client_message.read.rejected.path == "/tmp/�"


@pytest.mark.parametrize("number", [3, 200])
def test_a_hook_is_answered_in_its_own_kind(number: int) -> None:
    tag = bytes([number << 3 | 2]) if number < 16 else bytes([number << 3 & 0x7F | 0x82, number >> 4])
    _, (answer, _) = told(session(), exec_(1, execute_hook=NativeArgs(subject=tag + b"\x03abc")))
    assert answer.exec_client_message.execute_hook.response == tag + b"\0"


@pytest.mark.parametrize(
    "unknown",
    [pytest.param("9a0600", id="of a number nobody knows"), pytest.param("", id="of no number")],
)
def test_what_is_not_known_is_thrown_back(unknown: str) -> None:
    inner = bytes.fromhex("0805" + unknown)
    raw = envelope(b"\x12" + bytes([len(inner)]) + inner)
    _, (thrown, closed) = told(session(), raw)
    assert thrown.exec_client_control_message.throw.id == 5
    assert closed.exec_client_control_message.stream_close.id == 5


def test_the_tools_are_told_once_more_when_asked() -> None:
    _, (context, _, state, _) = told(
        session(WEATHER), exec_(1, request_context=NativeArgs()), exec_(2, mcp_state=NativeArgs())
    )
    told_context = context.exec_client_message.request_context.success.request_context
    assert [tool.name for tool in told_context.tools] == ["get_weather"]
    assert told_context.env.time_zone == "UTC"
    (server,) = state.exec_client_message.mcp_state.success.servers
    assert (server.identifier, server.status, [tool.name for tool in server.tools]) == (
        "switchgear",
        "connected",
        ["get_weather"],
    )


REJECTED = {"rejected": {"text": REASON}}


@pytest.mark.parametrize(
    ("kind", "number", "said"),
    [
        ("web_search", 2, REJECTED),
        ("ask_question", 3, {"result": REJECTED}),
        ("switch_mode", 4, REJECTED),
        ("create_plan", 7, {"result": ERROR}),
        ("setup_vm", 8, {"success": {}}),
        ("web_fetch", 9, REJECTED),
        ("pr_management", 10, {}),
        ("mcp_auth", 11, REJECTED),
        ("generate_image", 12, REJECTED),
        ("replace_env", 13, {}),
        ("connect_scm", 14, {}),
    ],
)
def test_questions_are_answered_with_no(kind: str, number: int, said: Any) -> None:
    query: Any = {kind: Empty()}
    _, (answer,) = told(session(), frame(interaction_query=InteractionQuery(id=6, **query)))
    response = answer.interaction_response
    assert (response.id, response.WhichOneof("response")) == (6, kind)
    assert response.DESCRIPTOR.fields_by_name[kind].number == number
    assert MessageToDict(getattr(response, kind)) == said


def test_an_unknown_question_is_answered_with_its_id() -> None:
    assert reply_to_query(InteractionQuery.FromString(bytes.fromhex("08062a00"))).SerializeToString().hex() == "0806"
