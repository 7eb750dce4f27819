"""What a chat asks for, as the fake reads it once it is known to be in order, and the sensible answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

THOUGHT = "The person says something; I shall repeat it."


@dataclass(frozen=True, slots=True)
class Said:
    """One answer.

    Attributes:
        text: in the pieces it is streamed in.
        reasoning: before the text; empty for none.
        signature: of the reasoning; empty for none.
        redacted: reasoning that is not shown, base64; empty for none.
        calls: tools and their input: an object, which is streamed as the pieces of its JSON, or those pieces.
        stop_reason: what a stream of generation 3 says; ``None`` for what fits, empty for nothing.
        tokens: ``tokenUsage``; ``None`` for none, as in every capture.
        context_percentage: how full the context is after it.
    """

    text: Sequence[str] = ()
    reasoning: str = ""
    signature: str = ""
    redacted: str = ""
    calls: Sequence[tuple[str, Json | Sequence[str]]] = ()
    stop_reason: str | None = None
    tokens: Json | None = None
    context_percentage: float = 1.25

    @property
    def reason(self) -> str:
        """The stop reason that is sent."""
        if self.stop_reason is not None:
            return self.stop_reason
        return "TOOL_USE" if self.calls else "END_TURN"


@dataclass(frozen=True, slots=True)
class Asked:
    """A chat.

    Attributes:
        model: the service's name of it.
        text: of the current message.
        images: how many came with it.
        results: the texts of its tool results.
        tools: what may be called, by name with its schema.
        thinks: reasoning is asked for.
    """

    model: str
    text: str
    images: int
    results: tuple[str, ...]
    tools: dict[str, Json]
    thinks: bool

    @classmethod
    def of(cls, body: Json) -> Asked:
        """What a body that is in order asks for."""
        message = body["conversationState"]["currentMessage"]["userInputMessage"]
        context = message.get("userInputMessageContext", {})
        specifications = [entry["toolSpecification"] for entry in context.get("tools", ())]
        wanted = body.get("additionalModelRequestFields", {})
        return cls(
            message.get("modelId", "auto"),
            message["content"],
            len(message.get("images", ())),
            tuple("".join(_text(part) for part in result["content"]) for result in context.get("toolResults", ())),
            {one["name"]: one["inputSchema"]["json"] for one in specifications},
            wanted.get("thinking", {}).get("type") == "adaptive" or "reasoning" in wanted,
        )

    def answer(self, signature: str) -> Said:
        """An echo; a tool call, where tools are given and the text speaks of one; a word on results and images."""
        reasoning = THOUGHT if self.thinks else ""
        signed = signature if self.thinks else ""
        if self.results:
            return Said(words(f"The tool said: {' '.join(self.results)}"), reasoning, signed)
        if self.tools and "tool" in self.text.lower():
            name, schema = next(iter(self.tools.items()))
            return Said((), reasoning, signed, calls=((name, sample(schema)),))
        seen = f"I see {self.images} image{'s' if self.images > 1 else ''}. " if self.images else ""
        return Said(words(f"{seen}You said: {self.text}"), reasoning, signed)


def words(text: str) -> list[str]:
    """A text word by word, each with the space before it."""
    first, *rest = text.split(" ")
    return [first, *(f" {word}" for word in rest)]


def sample(schema: Json) -> Any:
    """A small value that a simple schema accepts."""
    if schema.get("enum"):
        return schema["enum"][0]
    match schema.get("type", "object" if "properties" in schema else "string"):
        case "object":
            properties = schema.get("properties") or {}
            needed = schema.get("required") or list(properties)
            return {name: sample(properties[name]) for name in needed}
        case "array":
            return [sample(schema.get("items") or {})]
        case "integer" | "number":
            return 1
        case "boolean":
            return True
        case _:
            return "text"


def _text(part: Json) -> str:
    return str(part["text"]) if "text" in part else json.dumps(part["json"])
