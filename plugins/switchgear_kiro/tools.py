"""The tools that go with a request: those the client offers, and those that earlier turns used. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from switchgear import Conversation, Tool, ToolCall, ToolChoice
from switchgear_kiro import prompts
from switchgear_kiro.refusals import refused
from switchgear_kiro.request_body import InputSchema, ToolBlock, ToolSpecification
from switchgear_kiro.schemas import tool_schema
from switchgear_kiro.tool_names import ToolNames

MAX_DESCRIPTION_CHARS = 10_000
"""The service model has 10,240; the vendor's client stays a little below, and so do we."""


@dataclass(slots=True)
class Tools:
    """What a request says of tools.

    Attributes:
        names: their names, each way.
        blocks: their definitions.
        continued: the ends of descriptions that are too long; they belong into the system prompt.
        wishes: what the client wants of them, in words: the service has no field for it.
        notes: the canonical names of what is only wished for, or left out.
    """

    names: ToolNames
    blocks: list[ToolBlock] = field(default_factory=list)
    continued: list[str] = field(default_factory=list)
    wishes: list[str] = field(default_factory=list)
    notes: set[str] = field(default_factory=set)


def tools_of(conversation: Conversation) -> Tools:
    """The tools of a conversation.

    A tool that an earlier turn called is always defined, although the client does not offer it (any more): the service
    refuses a history that uses an unknown one.

    Raises:
        UpstreamError: 400; two tools have one name, or the one to be called is not offered.
    """
    offered = _by_name(conversation.tools)
    used = dict.fromkeys(_called(conversation))
    choice = conversation.tool_choice or ToolChoice()
    tools = Tools(ToolNames([*offered, *used]))
    for name in used if choice.mode == "none" else dict.fromkeys([*offered, *used]):
        tools.blocks.append(_block(offered.get(name), tools.names.sent(name), tools.continued))
    _wish(tools, conversation, choice, offered)
    return tools


def _wish(tools: Tools, conversation: Conversation, choice: ToolChoice, offered: Mapping[str, Tool]) -> None:
    if choice.mode == "tool" and choice.name not in offered:
        message = f"the tool {choice.name[:64]!r} is to be called, but is not offered"
        raise refused("TOOL_CONFIG_MISSING", message, "tool_choice")
    if choice.mode == "none":
        if tools.blocks:
            tools.wishes.append(prompts.CALL_NONE)
            tools.notes.add("tool_choice")
        return
    if choice.mode != "auto":
        tools.notes.add("tool_choice")
    if not offered:
        return
    if choice.mode == "required":
        tools.wishes.append(prompts.CALL_ANY)
    elif choice.mode == "tool":
        tools.wishes.append(prompts.call_this(tools.names.sent(choice.name)))
    if conversation.parallel_tool_calls is False:
        tools.wishes.append(prompts.CALL_ONE_AT_A_TIME)
        tools.notes.add("parallel_tool_calls")


def _by_name(tools: Iterable[Tool]) -> dict[str, Tool]:
    found: dict[str, Tool] = {}
    for tool in tools:
        if tool.name in found:
            message = f"two tools are called {tool.name[:64]!r}; a name must be one tool's"
            raise refused("TOOL_DUPLICATE", message, "tools")
        found[tool.name] = tool
    return found


def _called(conversation: Conversation) -> Iterable[str]:
    for message in conversation.messages:
        if message.role == "assistant":
            for part in message.parts:
                if isinstance(part, ToolCall):
                    yield part.name


def _block(tool: Tool | None, sent: str, continued: list[str]) -> ToolBlock:
    """The definition; a stub for a tool that is not offered."""
    description = prompts.STUB_DESCRIPTION if tool is None else tool.description
    if len(description) > MAX_DESCRIPTION_CHARS:
        cut = MAX_DESCRIPTION_CHARS - len(prompts.DESCRIPTION_IS_CUT)
        continued.append(prompts.description_goes_on(sent, description[cut:]))
        description = description[:cut] + prompts.DESCRIPTION_IS_CUT
    schema = tool_schema({} if tool is None else tool.parameters)
    return ToolBlock(ToolSpecification(sent, description if description.strip() else sent, InputSchema(schema)))
