"""Stop sequences, kept by the gateway: the wire has no field for them. Sans-IO."""

from __future__ import annotations

from collections.abc import Sequence


class StopTexts:
    """Looks for stop sequences in a text that comes in pieces, and holds back what may be the beginning of one.

    ``found`` is the sequence that ended the text; ``None`` so far.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""
        self.found: str | None = None

    def feed(self, text: str) -> str:
        """Take the next piece; give what may be shown. After a stop sequence that is nothing.

        >>> stops = StopTexts(["END"])
        >>> stops.feed("one EN"), stops.feed("Dless"), stops.found
        ('one ', '', 'END')
        """
        if not self._stops:
            return text
        if self.found is not None:
            return ""
        text = self._held + text
        hits = [(at, stop) for stop in self._stops if (at := text.find(stop)) >= 0]
        if hits:
            at, self.found = min(hits, key=lambda hit: (hit[0], -len(hit[1])))
            self._held = ""
            return text[:at]
        keep = max(_overlap(text, stop) for stop in self._stops)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def rest(self) -> str:
        """What was held back: the text goes on with something else, or is over."""
        held, self._held = self._held, ""
        return held


def _overlap(text: str, stop: str) -> int:
    """How many letters at the end of ``text`` begin ``stop``."""
    return next((size for size in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:size])), 0)
