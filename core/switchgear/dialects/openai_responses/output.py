"""Output items of a response while they are written: each gives the events of its beginning, pieces and end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from switchgear.dialects.openai_responses.tools import Own, custom_input

Json = dict[str, Any]


class MessageItem:
    """A message: parts of text and of refusal, one after another."""

    def __init__(self, item_id: str) -> None:
        self.id = item_id
        self._parts: list[tuple[bool, list[str]]] = []

    def begin(self) -> Iterator[Json]:
        """The event of its beginning."""
        yield {"type": "response.output_item.added", "item": self._item("in_progress", [])}

    def open_part(self, refusal: bool) -> Iterator[Json]:
        """The events before a piece, where it begins another part."""
        if self._parts and self._parts[-1][0] is refusal:
            return
        yield from self._close_part()
        self._parts.append((refusal, []))
        yield {"type": "response.content_part.added", **self.place, "part": _part(refusal, "")}

    def add(self, text: str) -> None:
        """A piece of the part that is open."""
        self._parts[-1][1].append(text)

    @property
    def place(self) -> Json:
        """Where the open part stands."""
        return {"item_id": self.id, "content_index": len(self._parts) - 1}

    def _close_part(self) -> Iterator[Json]:
        if not self._parts:
            return
        refusal, pieces = self._parts[-1]
        text = "".join(pieces)
        if refusal:
            yield {"type": "response.refusal.done", **self.place, "refusal": text}
        else:
            yield {"type": "response.output_text.done", **self.place, "text": text, "logprobs": []}
        yield {"type": "response.content_part.done", **self.place, "part": _part(refusal, text)}

    def end(self) -> Iterator[Json]:
        """The events of its end."""
        yield from self._close_part()
        yield {"type": "response.output_item.done", "item": self.item()}

    def item(self) -> Json:
        """The whole item."""
        return self._item("completed", [_part(refusal, "".join(pieces)) for refusal, pieces in self._parts])

    def _item(self, status: str, content: list[Json]) -> Json:
        return {"id": self.id, "type": "message", "status": status, "role": "assistant", "content": content}


def _part(refusal: bool, text: str) -> Json:
    if refusal:
        return {"type": "refusal", "refusal": text}
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


class ReasoningItem:
    """A stretch of reasoning: a summary of one part, and the seal on it."""

    def __init__(self, item_id: str) -> None:
        self.id = item_id
        self._pieces: list[str] = []
        self.signature = ""

    def begin(self) -> Iterator[Json]:
        """The event of its beginning."""
        yield {"type": "response.output_item.added", "item": {"id": self.id, "type": "reasoning", "summary": []}}

    def add(self, text: str) -> Iterator[Json]:
        """A piece of its text."""
        place = {"item_id": self.id, "summary_index": 0}
        if not self._pieces:
            yield {"type": "response.reasoning_summary_part.added", **place, "part": _summary("")}
        self._pieces.append(text)
        yield {"type": "response.reasoning_summary_text.delta", **place, "delta": text}

    def end(self) -> Iterator[Json]:
        """The events of its end."""
        if self._pieces:
            place, text = {"item_id": self.id, "summary_index": 0}, "".join(self._pieces)
            yield {"type": "response.reasoning_summary_text.done", **place, "text": text}
            yield {"type": "response.reasoning_summary_part.done", **place, "part": _summary(text)}
        yield {"type": "response.output_item.done", "item": self.item()}

    def item(self) -> Json:
        """The whole item."""
        summary = [_summary("".join(self._pieces))] if self._pieces else []
        sealed = {"encrypted_content": self.signature} if self.signature else {}
        return {"id": self.id, "type": "reasoning", "summary": summary, **sealed}


def _summary(text: str) -> Json:
    return {"type": "summary_text", "text": text}


class CallItem:
    """A call of the client's own tool. A custom tool's text is known only when the whole arguments are."""

    def __init__(self, item_id: str, call_id: str, own: Own) -> None:
        self.id = item_id
        self._call_id = call_id
        self._own = own
        self._pieces: list[str] = []

    def begin(self) -> Iterator[Json]:
        """The event of its beginning."""
        yield {"type": "response.output_item.added", "item": self._item("in_progress", "")}

    def add(self, text: str) -> Iterator[Json]:
        """A piece of its arguments."""
        self._pieces.append(text)
        if text and self._own.kind == "function":
            yield {"type": "response.function_call_arguments.delta", "item_id": self.id, "delta": text}

    def end(self) -> Iterator[Json]:
        """The events of its end."""
        said = self._said()
        if self._own.kind == "custom":
            yield {"type": "response.custom_tool_call_input.delta", "item_id": self.id, "delta": said}
            yield {"type": "response.custom_tool_call_input.done", "item_id": self.id, "input": said}
        else:
            if not any(self._pieces):
                yield {"type": "response.function_call_arguments.delta", "item_id": self.id, "delta": said}
            done = {"item_id": self.id, "name": self._own.name, "arguments": said}
            yield {"type": "response.function_call_arguments.done", **done}
        yield {"type": "response.output_item.done", "item": self.item()}

    def item(self) -> Json:
        """The whole item."""
        return self._item("completed", self._said())

    def _said(self) -> str:
        arguments = "".join(self._pieces) or "{}"
        return custom_input(arguments) if self._own.kind == "custom" else arguments

    def _item(self, status: str, said: str) -> Json:
        own = self._own
        namespace = {"namespace": own.namespace} if own.namespace else {}
        item = {"id": self.id, "status": status, "call_id": self._call_id, "name": own.name, **namespace}
        if own.kind == "custom":
            return {"type": "custom_tool_call", **item, "input": said}
        return {"type": "function_call", **item, "arguments": said}


OutputItem = MessageItem | ReasoningItem | CallItem
