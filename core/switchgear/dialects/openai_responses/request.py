"""A client's Responses request as a conversation.

Source: OpenAI's API reference, the types of its Python SDK 3.54 and what Codex 0.169 sends, read 2026-11.
"""

from __future__ import annotations

from switchgear.conversation import Conversation, Message, ReasoningOptions, ResponseFormat, Sampling
from switchgear.dialects.codec import Parsed
from switchgear.dialects.fields import Fields, refuse, request_fields
from switchgear.dialects.openai_responses.items import parse_items
from switchgear.dialects.openai_responses.tools import parse_tool_choice, parse_tools
from switchgear.events import Text

_KNOWN = ("model", "stream", "stream_options", "store")
"""Said elsewhere, or of no meaning to another upstream."""
_REFUSED = {
    "previous_response_id": "names a response that is not kept here; send the whole conversation as input",
    "conversation": "names a conversation kept elsewhere; send it as input",
    "prompt": "names a prompt kept elsewhere; send its text as instructions",
}


def parse_request(body: bytes) -> Parsed:
    """See :class:`~switchgear.dialects.codec.Codec`."""
    request = request_fields(body)
    for name in _KNOWN:
        request.take(name)
    for name, complaint in _REFUSED.items():
        if request.take(name) is not None:
            raise refuse(name, complaint, "unsupported_parameter")
    if request.flag("background"):
        raise refuse(
            "background", "asks for an answer to be fetched later; ask with background: false", "unsupported_parameter"
        )
    if any(what != "reasoning.encrypted_content" for what in request.listing("include") or ()):
        request.dropped.add("include")
    if request.take("truncation") == "auto":
        request.dropped.add("truncation")
    tools, names = parse_tools(request)
    choice, tools = parse_tool_choice(request, tools, names)
    instructions = request.text("instructions")
    leading = (Message("system", (Text(instructions),)),) if instructions else ()
    response_format, verbosity = _text(request)
    user, safety = request.text("user"), request.text("safety_identifier")
    if user and safety and user != safety:
        request.dropped.add("safety_identifier")
    conversation = Conversation(
        messages=(*leading, *parse_items(request, names)),
        tools=tools,
        tool_choice=choice,
        parallel_tool_calls=request.flag("parallel_tool_calls"),
        max_output_tokens=request.count("max_output_tokens"),
        sampling=Sampling(temperature=request.number("temperature"), top_p=request.number("top_p")),
        reasoning=_reasoning(request),
        response_format=response_format,
        verbosity=verbosity,
        user=user or safety or None,
        metadata={name: str(value) for name, value in (request.mapping("metadata") or {}).items()},
        cache_key=request.text("prompt_cache_key"),
        service_tier=request.text("service_tier"),
    )
    request.close()
    return Parsed(conversation, request.dropped.names())


def _reasoning(request: Fields) -> ReasoningOptions:
    given = request.inner("reasoning")
    if given is None:
        return ReasoningOptions()
    effort = given.text("effort")
    summary, older = given.text("summary"), given.text("generate_summary")
    given.close()
    summary = summary or older
    if effort == "none":
        return ReasoningOptions(enabled=False, summary=summary)
    return ReasoningOptions(effort=effort, summary=summary)


def _text(request: Fields) -> tuple[ResponseFormat | None, str | None]:
    text = request.inner("text")
    if text is None:
        return None, None
    verbosity, form = text.text("verbosity"), text.inner("format")
    text.close()
    if form is None:
        return None, verbosity
    match form.needed("type"):
        case "text":
            return None, verbosity
        case "json_object":
            return ResponseFormat("json_object"), verbosity
        case "json_schema":
            found = ResponseFormat(
                "json_schema",
                form.mapping("schema") or {},
                form.text("name") or "",
                form.text("description") or "",
                form.flag("strict"),
            )
            form.close()
            return found, verbosity
        case kind:
            raise refuse("text.format.type", f"must be text, json_object or json_schema, not {kind[:64]!r}")
