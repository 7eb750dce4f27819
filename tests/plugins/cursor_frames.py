"""What Cursor's server says, as frames: for the tests of the agent stream."""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from switchgear import Conversation, Event, Message, Text, Tool
from switchgear_cursor.framing import END, Envelopes, envelope
from switchgear_cursor.proto.agent_pb2 import (
    AgentClientMessage,
    AgentServerMessage,
    ConversationStateStructure,
    ExecId,
    ExecServerControlMessage,
    ExecServerMessage,
    InteractionUpdate,
    McpArgs,
    McpToolCall,
    TextDelta,
    TokenDelta,
    TokenDetails,
    ToolCall,
    ToolCallCount,
    ToolCallUpdate,
    TurnEnded,
)
from switchgear_cursor.run_request import ModelChoice, Run, start
from switchgear_cursor.session import Session
from switchgear_cursor.values import to_value

END_OK = envelope(b"{}", END)
HEARTBEAT = bytes.fromhex("00000000040a026a00")
WEATHER = Tool("get_weather", "Says the weather.", {"type": "object", "properties": {"city": {"type": "string"}}})
CLOCK = Tool("clock", "Says the time.")


def frame(**message: Any) -> bytes:
    return envelope(AgentServerMessage(**message).SerializeToString())


def update(**kind: Any) -> bytes:
    return frame(interaction_update=InteractionUpdate(**kind))


def text(piece: str) -> bytes:
    return update(text_delta=TextDelta(text=piece))


def thinking(piece: str) -> bytes:
    return update(thinking_delta=TextDelta(text=piece))


def token_delta(tokens: int) -> bytes:
    return update(token_delta=TokenDelta(tokens=tokens))


def turn_ended(**tokens: int) -> bytes:
    return update(turn_ended=TurnEnded(**tokens))


def count(calls: int) -> bytes:
    return update(tool_call_count=ToolCallCount(count=calls))


def announced(call_id: str, kind: str = "tool_call_started", *, ours: bool = True) -> bytes:
    call = ToolCall(mcp_tool_call=McpToolCall()) if ours else ToolCall()
    return update(**{kind: ToolCallUpdate(call_id=call_id, tool_call=call)})


def checkpoint(used_tokens: int) -> bytes:
    details = TokenDetails(used_tokens=used_tokens, max_tokens=200_000)
    return frame(conversation_checkpoint_update=ConversationStateStructure(token_details=details))


def exec_(exec_id: int, **message: Any) -> bytes:
    return frame(exec_server_message=ExecServerMessage(id=exec_id, exec_id=f"e{exec_id}", **message))


def call(exec_id: int, call_id: str, name: str = "get_weather", **args: Any) -> bytes:
    made = McpArgs(name=f"switchgear-{name}", tool_name=name, tool_call_id=call_id, provider_identifier="switchgear")
    made.args.extend(to_value(args).struct_value.fields)
    return exec_(exec_id, mcp=made)


def abort(exec_id: int) -> bytes:
    return frame(exec_server_control_message=ExecServerControlMessage(abort=ExecId(id=exec_id)))


def error_end(code: str, name: str = "", detail: str = "", *, in_value: bytes = b"") -> bytes:
    details: list[dict[str, Any]] = []
    if name:
        debug = {"error": f"ERROR_{name}", "details": {"title": "Title", "detail": detail, "isRetryable": False}}
        details = [{"type": "aiserver.v1.ErrorDetails", "debug": debug}]
    if in_value:
        details = [{"type": "aiserver.v1.ErrorDetails", "value": base64.b64encode(in_value).decode().rstrip("=")}]
    error = {"code": code, "message": "Error", **({"details": details} if details else {})}
    return envelope(msgspec.json.encode({"error": error}), END)


def conversation(*tools: Tool, **rest: Any) -> Conversation:
    messages = rest.pop("messages", (Message("user", (Text("hi"),)),))
    return Conversation(messages, tools, **rest)


def started(*tools: Tool, **rest: Any) -> Run:
    return start(conversation(*tools, **rest), ModelChoice("composer-2.5"), "c0ffee")


def session(*tools: Tool, **rest: Any) -> Session:
    return Session(started(*tools, **rest), "composer-2.5")


def told(session: Session, *frames: bytes) -> tuple[list[Event], list[AgentClientMessage]]:
    """The events and the messages that the frames lead to."""
    events: list[Event] = []
    messages: list[AgentClientMessage] = []
    for out in session.feed(b"".join(frames)):
        if isinstance(out, bytes):
            messages.append(AgentClientMessage.FromString(out))
        else:
            events.append(out)
    return events, messages


def client_message(golden: str) -> AgentClientMessage:
    """A client message out of its envelope, given in hex."""
    (whole,) = Envelopes().feed(bytes.fromhex(golden))
    return AgentClientMessage.FromString(whole.payload)
