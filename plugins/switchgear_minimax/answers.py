"""Mending answers on their way: reasoning out of the text, token counts under the usual names, errors behind a 200."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any

from switchgear import AnswerEditor, ForwardRequest, Reasoning, Reply, Text, ThinkTags, edited
from switchgear_minimax.body import splits_reasoning
from switchgear_minimax.errors import is_native_refusal
from switchgear_minimax.leaks import MessagesEditor
from switchgear_minimax.models import always_thinks
from switchgear_minimax.snapshots import ReasoningDetails

Json = dict[str, Any]
HELD_CHARS = 16_384
"""How much of a stream is held back where reasoning is sure to come and nothing has marked its beginning."""
CACHE_NAMES = {"cache_read_input_tokens": "cached_tokens", "cache_creation_input_tokens": "cache_write_tokens"}
"""The service's names of cache counts in chat usage, and the usual ones."""


def mended(reply: Reply, request: ForwardRequest) -> Reply:
    """The answer as its dialect wants it."""
    match request.dialect:
        case "openai-chat":
            return edited(reply, ChatEditor(request.model, splits_reasoning(request.json)))
        case "anthropic-messages":
            return edited(reply, MessagesEditor())
        case _:
            return edited(reply, RefusalEditor())


class RefusalEditor(AnswerEditor):
    """Finds the errors that come as answers."""

    def whole(self, answer: Json) -> Json:
        """See the base class."""
        if is_native_refusal(answer):
            self.refuse(answer)
        return answer

    def event(self, event: Json) -> Iterable[Json] | None:
        """See the base class."""
        if is_native_refusal(event):
            self.refuse(event)
        return None


class ChatEditor(RefusalEditor):
    """An OpenAI chat answer.

    Args:
        model: the upstream's name.
        splits: reasoning is taken out of the text; false where the client asked for it inside.
    """

    def __init__(self, model: str, splits: bool) -> None:
        self._thinks = always_thinks(model)
        self._splits = splits
        self._details = ReasoningDetails()
        self._reasoned = False
        self._tags: ThinkTags | None = None
        self._last: Json = {}

    def whole(self, answer: Json) -> Json:
        """See the base class."""
        super().whole(answer)
        if not answer.get("choices") and not answer.get("error"):
            self.refuse(answer)
        for choice in answer["choices"] if isinstance(answer.get("choices"), list) else ():
            message = choice.get("message") if isinstance(choice, dict) else None
            if isinstance(message, dict):
                self._whole_message(message)
        _name_cache_counts(answer.get("usage"))
        return answer

    def _whole_message(self, message: Json) -> None:
        text = message.get("content")
        if isinstance(message.get("reasoning_details"), list):
            message.setdefault("reasoning_content", None)
            message["reasoning_content"] = message["reasoning_content"] or _text_of(message["reasoning_details"])
        if not self._splits or not isinstance(text, str):
            return
        found = bool(message.get("reasoning_content"))
        tags = ThinkTags(sys.maxsize if self._thinks and not found else 0)
        self._put(message, [*tags.feed(text), *tags.end()])

    def event(self, event: Json) -> Iterable[Json] | None:
        """See the base class."""
        super().event(event)
        self._last = event
        for choice in event["choices"] if isinstance(event.get("choices"), list) else ():
            if isinstance(choice, dict) and not choice.get("index"):
                self._choice(choice)
        usage = event.get("usage")
        if isinstance(usage, dict) and not any(usage.get(name) for name in ("prompt_tokens", "completion_tokens")):
            event["usage"] = None  # ordinary chunks may bring an empty one
        _name_cache_counts(event.get("usage"))
        return (event,)

    def _choice(self, choice: Json) -> None:
        delta = choice.setdefault("delta", {})
        if not isinstance(delta, dict):
            return
        if delta.get("role") == "":
            del delta["role"]
        self._details.mend(delta)
        self._reasoned = self._reasoned or bool(delta.get("reasoning_content"))
        if not self._splits:
            return
        text = delta.get("content")
        ends = bool(choice.get("finish_reason") or delta.get("tool_calls"))
        if self._tags is None and (not isinstance(text, str) or not text):
            return
        if self._tags is None:
            self._tags = ThinkTags(HELD_CHARS if self._thinks and not self._reasoned else 0)
        pieces = self._tags.feed(text if isinstance(text, str) else "")
        self._put(delta, [*pieces, *(self._tags.end() if ends else ())])

    def _put(self, said: Json, pieces: list[Text | Reasoning]) -> None:
        """Write pieces into a message or delta."""
        thought = "".join(piece.text for piece in pieces if isinstance(piece, Reasoning))
        text = "".join(piece.text for piece in pieces if not isinstance(piece, Reasoning))
        if isinstance(said.get("content"), str) or text:
            said["content"] = text
        if thought:
            said["reasoning_content"] = (said.get("reasoning_content") or "") + thought

    def end(self) -> Iterable[Json]:
        """See the base class."""
        pieces = self._tags.end() if self._tags is not None else []
        if not pieces:
            return ()
        delta: Json = {}
        self._put(delta, pieces)
        choice = {"index": 0, "delta": delta, "finish_reason": None}
        return ({**self._last, "choices": [choice], "usage": None},)


def _text_of(details: Iterable[Any]) -> str | None:
    texts = (detail.get("text") for detail in details if isinstance(detail, Mapping))
    return "".join(text for text in texts if isinstance(text, str)) or None


def _name_cache_counts(usage: object) -> None:
    """Requests with ``cache_control`` are told of the cache under Anthropic's names, inside the prompt's details."""
    details = usage.get("prompt_tokens_details") if isinstance(usage, dict) else None
    for theirs, usual in CACHE_NAMES.items():
        if isinstance(details, dict) and isinstance(details.get(theirs), int):
            details.setdefault(usual, details[theirs])
