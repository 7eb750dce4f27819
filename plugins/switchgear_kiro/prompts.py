"""The words this plugin puts into a conversation: fillers the service needs, and wishes it has no field for."""

from __future__ import annotations

import msgspec

from switchgear import ResponseFormat

NOTHING = "."
"""A turn without words: the service refuses an empty one, in most of its versions."""
GO_ON = "Continue"
"""The user's turn behind an answer that the client wants continued."""
RESULTS = "Tool results provided."
"""A user's turn that only brings results."""
NO_OUTPUT = "(no output)"
NO_RESULT = "There is no result for this call: it was not run, or its result was left out."
IMAGE_IS_BESIDE = "(an image: see the images of this message)"
STUB_DESCRIPTION = "A tool of an earlier turn. It cannot be called any more."
CALL_NONE = "Answer without calling any tool."
CALL_ANY = "Answer by calling at least one of the tools."
CALL_ONE_AT_A_TIME = "Call at most one tool in this answer."

DEFAULT_THINKING_TOKENS = 16_000
THINKING_TOKENS = {"minimal": 1024, "low": 4096, "medium": 16_000, "high": 32_000, "xhigh": 48_000, "max": 64_000}
"""How long thinking by tags may be for an effort."""


def system_in_between(text: str) -> str:
    """A system message that stands in the conversation, where only users and assistants have turns."""
    return f"[System message]\n{text}"


def orphan(call_id: str, text: str) -> str:
    """A result whose call is not in the turn before."""
    return f"[Result of the tool call {call_id}]\n{text or NO_OUTPUT}"


def description_goes_on(name: str, rest: str) -> str:
    """The part of a tool's description that is too long for its field; it stands with the system prompt."""
    return f"[Tool {name}: description, continued]\n{rest}"


DESCRIPTION_IS_CUT = "\n[continued in the instructions]"


def call_this(sent_name: str) -> str:
    """A wish for a call of one tool."""
    return f"Answer by calling the tool {sent_name}."


def response_format(form: ResponseFormat) -> str:
    """A wish for an answer in JSON."""
    wish = "Answer with one JSON object and nothing else: no words around it, no code fence."
    if form.kind == "json_object":
        return wish
    named = f" {form.name}" if form.name else ""
    about = f" ({form.description})" if form.description else ""
    schema = msgspec.json.encode(dict(form.schema)).decode()
    return f"{wish} It has to be valid by the JSON schema{named}{about}:\n{schema}"


def thinking_tags(tokens: int) -> str:
    """Switches thinking on for models that have no field for it (as several gateways write it, read 2026-11)."""
    return f"<thinking_mode>enabled</thinking_mode><max_thinking_length>{tokens}</max_thinking_length>"
