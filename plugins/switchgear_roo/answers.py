"""What is mended in an answer: words that come twice, and a farewell in a model's place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from switchgear import AnswerEditor
from switchgear_roo.sunset import opens_with_it

Json = dict[str, Any]

VISIBLE = ("reasoning", "reasoning_content")


class RooAnswer(AnswerEditor):
    """One answer.

    Visible reasoning is dropped once ``reasoning_details`` have told it, where it comes without them. The beginning of
    a stream is held back for as long as it could be the farewell.
    """

    def __init__(self) -> None:
        self._details_spoke = False
        self._undecided = True
        self._said = ""
        self._held: list[Json] = []

    def whole(self, answer: Json) -> Json:
        """See the base class."""
        message = _part(answer, "message")
        content = message.get("content")
        if isinstance(content, str) and not _thinks_or_calls(message) and opens_with_it(content):
            self._refuse(content)
        return answer

    def event(self, event: Json) -> Iterable[Json] | None:
        """See the base class."""
        delta = _part(event, "delta")
        mended = self._without_echo(event, delta)
        if self._undecided and self._may_be_farewell(event, delta):
            self._held.append(event)
            return ()
        held = self.end()
        if held:
            return (*held, event if mended is None else mended)
        return None if mended is None else (mended,)

    def end(self) -> Iterable[Json]:
        """See the base class."""
        held, self._held = self._held, []
        return held

    def _may_be_farewell(self, event: Json, delta: Mapping[str, Any]) -> bool:
        """Whether what was said so far could be its beginning; all of it fails the call."""
        content = delta.get("content")
        self._said += content if isinstance(content, str) else ""
        opens = opens_with_it(self._said)
        if opens:
            self._refuse(self._said)
        over = bool(_first(event).get("finish_reason") or event.get("error"))
        if opens is False or over or _thinks_or_calls(delta):
            self._undecided = False
        return self._undecided and bool(self._said.strip())

    def _without_echo(self, event: Json, delta: Mapping[str, Any]) -> Json | None:
        """The event without reasoning that was told already; ``None`` where it has none."""
        details = delta.get("reasoning_details")
        if isinstance(details, list) and any(_tells(detail) for detail in details):
            self._details_spoke = True
            return None
        if not self._details_spoke or not any(delta.get(name) for name in VISIBLE):
            return None
        kept = {name: value for name, value in delta.items() if name not in VISIBLE}
        first, *others = event["choices"]
        return {**event, "choices": [{**first, "delta": kept}, *others]}

    def _refuse(self, text: str) -> None:
        self.refuse({"error": {"message": text, "type": "service_ended", "code": "service_ended"}})


def _first(event: Mapping[str, Any]) -> Mapping[str, Any]:
    choices = event.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, dict) else {}


def _part(event: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = _first(event).get(name)
    return part if isinstance(part, dict) else {}


def _thinks_or_calls(said: Mapping[str, Any]) -> bool:
    """A model wrote this: the farewell neither thinks nor calls tools."""
    return any(said.get(name) for name in ("tool_calls", "reasoning_details", *VISIBLE))


def _tells(detail: object) -> bool:
    return isinstance(detail, dict) and any(isinstance(detail.get(k), str) and detail[k] for k in ("text", "summary"))
