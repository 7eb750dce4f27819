"""The first message of a run: a whole conversation, its tools, and the model. Pure.

Field by field as the service accepts it (published captures, read 2026-11): the prompt before the last user message as
blobs, that message as the action; where tool results are to be answered, all of it as blobs and ``resume_action``.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from switchgear import Conversation
from switchgear_cursor.blobs import Blobs
from switchgear_cursor.history import Prompt, prompt_of
from switchgear_cursor.images import image_bytes
from switchgear_cursor.proto.agent_pb2 import (
    AgentClientMessage,
    AgentRunRequest,
    ConversationAction,
    ConversationStateStructure,
    McpTools,
    ModelDetails,
    ModelParameter,
    RequestContext,
    RequestContextEnv,
    RequestedModel,
    ResumeAction,
    SelectedContext,
    SelectedImage,
    UserMessage,
    UserMessageAction,
)
from switchgear_cursor.tools import ToolBox

AGENT_MODE = 1


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model in the words of the wire.

    Attributes:
        model_id: the id.
        parameters: the id and the value of each.
        max_mode: whether Max Mode is asked for.
        with_details: whether it is said in ``model_details`` too; some models with parameters refuse both together.
    """

    model_id: str
    parameters: tuple[tuple[str, str], ...] = ()
    max_mode: bool = False
    with_details: bool = True


@dataclass(frozen=True, slots=True)
class Run:
    """All that a run starts with. ``message`` is the serialized first message; the server asks for ``blobs`` later.

    ``context`` says which tools there are, once more. ``one_call`` is whether the model may make one call only; that
    and the ``stops`` are for us to keep.
    """

    message: bytes
    blobs: Blobs
    tools: ToolBox
    context: RequestContext
    one_call: bool
    stops: tuple[str, ...]


def tool_box(conversation: Conversation) -> ToolBox:
    """The tools that the model may call: of a forced choice only that one, and none where none is to be called."""
    choice = conversation.tool_choice
    if choice is not None and choice.mode == "none":
        return ToolBox(())
    if choice is not None and choice.mode == "tool":
        return ToolBox([tool for tool in conversation.tools if tool.name == choice.name])
    return ToolBox(conversation.tools)


def start(conversation: Conversation, model: ModelChoice, conversation_id: str) -> Run:
    """Make the run for a conversation.

    Raises:
        UpstreamError: it holds what the service cannot be sent (``invalid_request``).
    """
    tools = tool_box(conversation)
    prompt = prompt_of(conversation, tools)
    blobs = Blobs()
    context = RequestContext(env=RequestContextEnv(time_zone="UTC"), tools=tools.definitions)
    request = AgentRunRequest(
        conversation_state=ConversationStateStructure(
            root_prompt_messages_json=[blobs.keep_json(message) for message in prompt.before], mode=AGENT_MODE
        ),
        action=_action(prompt, context),
        conversation_id=conversation_id,
        requested_model=RequestedModel(
            model_id=model.model_id,
            max_mode=model.max_mode,
            parameters=[ModelParameter(id=name, value=value) for name, value in model.parameters],
        ),
        client_supports_inline_images=True,
    )
    if model.with_details:
        details = ModelDetails(model_id=model.model_id, display_model_id=model.model_id, display_name=model.model_id)
        if model.max_mode:
            details.max_mode = True
        request.model_details.CopyFrom(details)
    if tools:
        request.mcp_tools.CopyFrom(McpTools(tools=tools.definitions))
    message = AgentClientMessage(run_request=request).SerializeToString()
    return Run(message, blobs, tools, context, conversation.parallel_tool_calls is False, conversation.stop)


def _action(prompt: Prompt, context: RequestContext) -> ConversationAction:
    if prompt.text is None:
        return ConversationAction(resume_action=ResumeAction(request_context=context))
    said = UserMessage(text=prompt.text, message_id=str(uuid.uuid4()), mode=AGENT_MODE)
    if prompt.images:
        images = [
            SelectedImage(uuid=str(uuid.uuid4()), mime_type=image.media_type, data=image_bytes(image))
            for image in prompt.images
        ]
        said.selected_context.CopyFrom(SelectedContext(selected_images=images))
    return ConversationAction(user_message_action=UserMessageAction(user_message=said, request_context=context))
