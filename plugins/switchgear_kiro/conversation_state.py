"""A conversation as the body of a chat request, ``conversationState``. Pure.

Source: the service models and what public reports say is refused, read 2026-11. The system prompt stands before the
first turn's text, for want of a place of its own; wishes without a field stand behind the current turn's text. Nothing
is cut: what is too long is for the service to say, which counts tokens.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from switchgear import Conversation, Message
from switchgear_kiro import prompts
from switchgear_kiro.conversation_ids import continuation_id
from switchgear_kiro.refusals import refused
from switchgear_kiro.request_body import (
    AssistantResponse,
    Body,
    ConversationState,
    Entry,
    InputContext,
    ToolBlock,
    UserInput,
)
from switchgear_kiro.scrubbing import scrubbed
from switchgear_kiro.thinking import model_fields
from switchgear_kiro.tools import tools_of
from switchgear_kiro.turns import AssistantTurn, Turns, UserTurn, text_of
from switchgear_kiro.unsaid import unsaid

TASK_TYPE = "vibe"
TRIGGER_TYPE = "MANUAL"

_MODEL = re.compile(r"[a-zA-Z0-9_:.-]+")


@dataclass(frozen=True, slots=True)
class ChatBody:
    """A request's body, and what has to be known of it to read the answer.

    Attributes:
        body: JSON, in UTF-8.
        tool_names: the client's name of each tool that is sent under another one.
        thinks_in_tags: the model was asked to think between ``<thinking>`` and ``</thinking>`` in its text.
        has_reasoning: earlier reasoning is sent, which the service may refuse.
        notes: what is left out or only wished for in words, by its canonical names, sorted.
    """

    body: bytes
    tool_names: Mapping[str, str]
    thinks_in_tags: bool
    has_reasoning: bool
    notes: tuple[str, ...]


def chat_body(
    conversation: Conversation,
    *,
    model: str,
    origin: str,
    profile_arn: str,
    agent_mode: str | None,
    conversation_id: str,
    thinking_schema: Mapping[str, Any] | None,
    thinking_tags: bool,
    keep_reasoning: bool = True,
) -> ChatBody:
    """The body for a conversation.

    Args:
        model: the service's name of the model.
        origin: as which kind of client.
        profile_arn: empty to leave it out.
        agent_mode: for the variants that take it in the body; ``None`` to leave it out.
        conversation_id: see :func:`~switchgear_kiro.conversation_ids.conversation_id`.
        thinking_schema: the model's ``additionalModelRequestFieldsSchema``; empty for a model that takes none of them,
            ``None`` while it is not known.
        thinking_tags: whether a model without a field for it is asked to think by tags in the prompt.
        keep_reasoning: whether earlier reasoning is sent back; not after the service refused its proof.

    Raises:
        UpstreamError: 400; the conversation holds what the service does not take.
    """
    if not _MODEL.fullmatch(model):
        raise refused("INVALID_MODEL_ID", f"invalid model {model[:64]!r}: no model has such a name", "model")

    def built(conversation: Conversation) -> ChatBody:
        tools = tools_of(conversation)
        said = model_fields(conversation, model, thinking_schema, tags=thinking_tags)
        leading = list(itertools.takewhile(_instructs, conversation.messages))
        turns = Turns(tools.names, keep_reasoning=keep_reasoning)
        for message in conversation.messages[len(leading) :]:
            turns.add(message)
        *earlier, current = turns.finish()
        first = earlier[0] if earlier else current
        first.texts[:0] = filter(None, [said.tags, *map(text_of, leading), *tools.continued])
        current.texts += tools.wishes
        if conversation.response_format is not None:
            current.texts.append(prompts.response_format(conversation.response_format))
        history = [_entry(turn, model, origin) for turn in earlier]
        state = ConversationState(
            conversation_id=conversation_id,
            agent_continuation_id=continuation_id(conversation, conversation_id),
            agent_task_type=TASK_TYPE,
            chat_trigger_type=TRIGGER_TYPE,
            current_message=_entry(current, model, origin, tools.blocks),
            history=history,
        )
        body = Body(state, profile_arn, agent_mode or "", said.fields)
        notes = unsaid(conversation) | tools.notes | said.notes
        if turns.lost_reasoning:
            notes.add("reasoning_history")
        return ChatBody(
            body=msgspec.json.encode(body),
            tool_names=tools.names.client_names(),
            thinks_in_tags=bool(said.tags),
            has_reasoning=turns.keeps_reasoning,
            notes=tuple(sorted(notes)),
        )

    try:
        return built(conversation)
    except UnicodeEncodeError:
        return built(scrubbed(conversation))
    except RecursionError:
        raise refused("TOOL_SCHEMA_INVALID", "a tool's schema is nested too deep to be sent", "tools") from None


def _instructs(message: Message) -> bool:
    return message.role in {"system", "developer"}


def _entry(turn: UserTurn | AssistantTurn, model: str, origin: str, tools: Sequence[ToolBlock] = ()) -> Entry:
    """A turn in the history, or the current one with its tools."""
    if isinstance(turn, AssistantTurn):
        said = AssistantResponse(turn.content(), turn.calls, turn.reasoning)
        return Entry(assistant_response_message=said)
    context = InputContext(turn.results, list(tools)) if turn.results or tools else None
    return Entry(user_input_message=UserInput(turn.content(), model, origin, turn.images, context))
