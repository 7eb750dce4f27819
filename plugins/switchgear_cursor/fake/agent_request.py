"""What the fake asks of a run's headers and of its first message, field by field.

What the real service is known to refuse is refused in its words; what only a client with a fault would send is a
:class:`~switchgear_cursor.fake.agent_errors.Breach`. Source: descriptor of the vendor's SDK 1.0.31, captures and
measurements of several clients, read 2026-11.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from switchgear_cursor.fake.agent_errors import Breach, Refused, bare
from switchgear_cursor.fake.fields import Fields, from_value
from switchgear_cursor.fake.people import People, User
from switchgear_cursor.fake.refusals import SUSPENDED
from switchgear_cursor.fake.unary import problem_in

ALLOWED_TOOLS = "mcp_tool_call,get_mcp_tools_tool_call"
FIELDS = {1, 2, 3, 4, 5, 9, 16, 17, 19, 25, 26}
"""Of a run request, those that a client of ours may send."""
FORBIDDEN = {
    8: "unknown option '--system-prompt'",
    12: "Workspace context exclusion is not allowed for this user, team, or selected model",
}
BUILT_IN = {"read", "write", "ls", "delete", "grep", "glob", "shell", "websearch", "webfetch"}
UNIONS = {"oneOf", "anyOf", "allOf"}
MAX_TOOL_BYTES = 160_000
"""Of the catalogue as it is sent; clients keep to 120 kB of their own counting."""
MAX_BLOBS = 192
MAX_REPLAY_BYTES = 512 * 1024
"""Of the prompt, for models of other vendors."""
CURSORS_OWN = re.compile(r"default|auto|composer|grok-4\.[567]|cursor-grok")


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that the client offers."""

    name: str
    provider: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """A run request.

    Attributes:
        model: the id on the wire.
        parameters: of the model, the value of each.
        max_mode: whether Max Mode is asked for.
        has_details: the model is named in ``model_details`` too.
        roots: the ids of the prompt's blobs.
        said: the user's message to answer; empty for ``resume_action``.
        images: those of it, each its media type and data.
        tools: by their names.
        conversation_id: the conversation's.
    """

    model: str
    parameters: Mapping[str, str]
    max_mode: bool
    has_details: bool
    roots: tuple[bytes, ...]
    said: str
    images: tuple[tuple[str, bytes], ...]
    tools: Mapping[str, Tool]
    conversation_id: str


def check_head(headers: Mapping[str, str], people: People) -> User:
    """Look at the headers of a run; gives whose it is.

    Raises:
        Breach: the service's own tools are not shut out.
        Refused: what every call is refused for, and accounts that are shut out.
    """
    problem = problem_in(headers, people)
    if problem is not None:
        raise Refused(problem.error)
    grant = people.bearer(headers["authorization"])
    if grant is None or grant.user.suspended:
        raise Refused(SUSPENDED.error)
    if headers.get("x-cursor-agent-allowed-tools") != ALLOWED_TOOLS:
        raise Breach("the service's own tools are not shut out")
    return grant.user


def read_request(data: bytes) -> Asked:
    """The run that a first message asks for.

    Raises:
        Breach: no client should send it.
        Refused: the service does not do it.
        WireError: it is no message.
    """
    first = Fields(data)
    if first.numbers != {1}:
        raise Refused(bare("invalid_argument", "First message must be a run request"))
    request = first.message(1)
    for number, words in FORBIDDEN.items():
        if request.has(number):
            raise Refused(bare("invalid_argument", words))
    if unknown := request.numbers - FIELDS:
        raise Breach(f"the run request has the fields {sorted(unknown)}")
    state = request.message(1)
    if not state.numbers:
        raise Refused(bare("invalid_argument", "Conversation state is required"))
    if state.number(10) != 1:
        raise Breach("the mode is not 1 (agent)")
    roots = tuple(state.all_data(1))
    if any(len(root) != 32 for root in roots):
        raise Breach("a blob id is a SHA-256")
    conversation_id = request.text(5)
    if not is_uuid(conversation_id):
        raise Breach("the conversation id is no version 4 UUID")
    model, parameters, max_mode = _model(request)
    tools = _tools(request.message(4).messages(1)) if request.has(4) else {}
    said, images, context = _action(request.message(2))
    if _tools(context.messages(7)) != tools:
        raise Breach("the request context holds other tools than the request")
    if len(roots) > MAX_BLOBS and not CURSORS_OWN.match(model):
        raise Refused(bare("invalid_argument"))
    return Asked(model, parameters, max_mode, request.has(3), roots, said, images, tools, conversation_id)


def is_uuid(text: str) -> bool:
    """Whether it is a random UUID as one writes them."""
    try:
        return str(uuid.UUID(text)) == text and uuid.UUID(text).version == 4
    except ValueError:
        return False


def _model(request: Fields) -> tuple[str, dict[str, str], bool]:
    wanted, details = request.message(9), request.message(3)
    model = wanted.text(1)
    parameters = {each.text(1): each.text(2) for each in wanted.messages(3)}
    if not model or not all(parameters) or not all(parameters.values()):
        raise Breach("requested_model names no model, or a parameter without a value")
    if unknown := (details.numbers - {1, 3, 4, 7}) | (wanted.numbers - {1, 2, 3}):
        raise Breach(f"the model is given with the fields {sorted(unknown)}")
    if request.has(3):
        if {details.text(1), details.text(3), details.text(4)} != {model}:
            raise Breach("model_details names another model")
        if details.number(7) != wanted.number(2):
            raise Breach("Max Mode is said in one place only")
    return model, parameters, bool(wanted.number(2))


def _action(action: Fields) -> tuple[str, tuple[tuple[str, bytes], ...], Fields]:
    if action.numbers == {2}:
        return "", (), action.message(2).message(2)
    if action.numbers != {1}:
        raise Breach(f"the action is {sorted(action.numbers)}")
    user = action.message(1).message(1)
    if not user.text(1).strip():
        raise Refused(bare("invalid_argument", "Cannot send empty user message"))
    if not is_uuid(user.text(2)) or user.number(4) != 1:
        raise Breach("a user message has an id and a mode")
    images = tuple((image.text(7), image.data(8)) for image in user.message(3).messages(1))
    if any(not kind.startswith("image/") or not data for kind, data in images):
        raise Breach("a selected image has its media type and its data")
    return user.text(1), images, action.message(1).message(2)


def _tools(given: list[Fields]) -> dict[str, Tool]:
    tools: dict[str, Tool] = {}
    letters = 0
    for definition in given:
        name = definition.text(1)
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) or definition.text(5) != name:
            raise Breach(f"{name!r} is no name for a tool")
        if name.lower().replace("_", "") in BUILT_IN or name in tools:
            raise Refused(bare("invalid_argument", f"duplicate tool {name}"))
        schema = from_value(definition.message(3))
        if not isinstance(schema, dict) or not definition.text(4):
            raise Breach(f"the tool {name} has no schema, or no provider")
        if _has_union(schema):
            raise Refused(bare("resource_exhausted"))
        letters += len(definition.data(2)) + len(definition.data(3))
        tools[name] = Tool(name, definition.text(4), schema)
    if letters > MAX_TOOL_BYTES:
        raise Refused(bare("resource_exhausted"))
    return tools


def _has_union(schema: Any, *, names: bool = False) -> bool:
    """Whether a union stands in it, at any depth; ``names`` is whether its keys are names rather than keywords."""
    if isinstance(schema, list):
        return any(_has_union(item) for item in schema)
    if not isinstance(schema, dict):
        return False
    if not names and UNIONS & set(schema):
        return True
    return any(
        _has_union(value, names=not names and key in {"properties", "$defs", "definitions", "patternProperties"})
        for key, value in schema.items()
        if names or key not in {"const", "default", "enum", "example", "examples"}
    )
