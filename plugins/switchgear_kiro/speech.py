"""The text of an answer on its way to the client: thinking between tags taken out, stop sequences enforced. Sans-IO."""

from __future__ import annotations

from collections.abc import Iterable

from switchgear import Event, Reasoning, Text, ThinkTags
from switchgear_kiro.stop_sequences import StopSequences

THINKING_TAG = "thinking"
"""Where thinking was asked for in the prompt, the text begins with it between tags of this name."""


class Speech:
    """Takes the pieces of text. What may yet become a tag or a stop sequence is held back.

    Args:
        stop: the client's stop sequences.
        thinking_tags: the text may begin with thinking between tags.
    """

    def __init__(self, stop: Iterable[str], *, thinking_tags: bool) -> None:
        self._stops = StopSequences(stop)
        self._tags = ThinkTags(tag=THINKING_TAG) if thinking_tags else None
        self._plain = not self._stops and self._tags is None

    @property
    def stopped_by(self) -> str | None:
        """The stop sequence that ended the text; ``None`` so far."""
        return self._stops.found

    def feed(self, text: str) -> list[Event]:
        """Take the next piece; gives what is certain by now."""
        if self._plain:
            return [Text(text)]
        return self._until_stop([Text(text)] if self._tags is None else self._tags.feed(text))

    def rest(self) -> list[Event]:
        """Something else than text follows, or nothing: what was held back."""
        if self._plain or self._stops.found is not None:
            return []
        events = self._until_stop([] if self._tags is None else self._tags.end())
        held = self._stops.rest()
        return [*events, Text(held)] if held else events

    def _until_stop(self, pieces: Iterable[Text | Reasoning]) -> list[Event]:
        events: list[Event] = []
        for piece in pieces:
            if isinstance(piece, Reasoning):
                events.append(piece)
                continue
            text = self._stops.feed(piece.text)
            if text:
                events.append(Text(text))
            if self._stops.found is not None:
                break
        return events
