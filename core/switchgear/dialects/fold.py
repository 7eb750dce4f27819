"""Events folded to what they say altogether: the assistant's message, the usage and the finish."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from switchgear.conversation import Message, Part
from switchgear.dialects.codec import NO_USAGE
from switchgear.events import Event, Finish, FinishReason, Reasoning, Text, ToolCall, ToolCallDelta, Usage


@dataclass(slots=True)
class _Call:
    id: str
    name: str
    arguments: list[str] = field(default_factory=list)

    def whole(self) -> ToolCall:
        return ToolCall(self.id, self.name, "".join(self.arguments) or "{}")


@dataclass(slots=True)
class _Text:
    refusal: bool
    pieces: list[str] = field(default_factory=list)

    def whole(self) -> Text:
        return Text("".join(self.pieces), self.refusal)


@dataclass(slots=True)
class _Thought:
    pieces: list[str] = field(default_factory=list)
    signature: str = ""
    redacted: bool = False

    def whole(self) -> Reasoning:
        return Reasoning("".join(self.pieces), self.signature, self.redacted)


class Fold:
    """Takes events one by one. Texts side by side become one; so do pieces of a call, and of reasoning to its seal."""

    def __init__(self) -> None:
        self.usage = NO_USAGE
        self._finish: Finish | None = None
        self._parts: list[_Text | _Thought | _Call] = []
        self._calls: dict[int, _Call] = {}

    def add(self, event: Event) -> None:
        """Take one event in."""
        match event:
            case Text(text, refusal):
                last = self._parts[-1] if self._parts else None
                if not isinstance(last, _Text) or last.refusal is not refusal:
                    last = _Text(refusal)
                    self._parts.append(last)
                last.pieces.append(text)
            case Reasoning():
                self._reason(event)
            case ToolCall(id_, name, arguments):
                self._parts.append(_Call(id_, name, [arguments]))
            case ToolCallDelta(index, arguments, id_, name):
                call = self._calls.get(index)
                if call is None:
                    call = self._calls[index] = _Call(id_, name)
                    self._parts.append(call)
                call.arguments.append(arguments)
            case Usage():
                self.usage = event
            case Finish():
                self._finish = event

    def _reason(self, event: Reasoning) -> None:
        last = self._parts[-1] if self._parts else None
        if not isinstance(last, _Thought) or last.signature or last.redacted or event.redacted:
            last = _Thought(redacted=event.redacted)
            self._parts.append(last)
        last.pieces.append(event.text)
        last.signature = event.signature

    @property
    def parts(self) -> tuple[Text | Reasoning | ToolCall, ...]:
        """What was said, in order; empty texts are left out."""
        whole = (part.whole() for part in self._parts)
        return tuple(part for part in whole if not isinstance(part, Text) or part.text)

    @property
    def message(self) -> Message:
        """The same as the assistant's turn."""
        parts: tuple[Part, ...] = self.parts
        return Message("assistant", parts)

    @property
    def finish(self) -> Finish:
        """Why it ended; without a word of the upstream ``tool_calls`` if tools were called, else ``stop``."""
        called = any(isinstance(part, _Call) for part in self._parts)
        if self._finish is None:
            reason: FinishReason = "tool_calls" if called else "stop"
            return Finish(reason)
        return self._finish


def fold(events: Iterable[Event]) -> Fold:
    """The events, folded."""
    folded = Fold()
    for event in events:
        folded.add(event)
    return folded
