"""The client's stop sequences, enforced here: the service has no field for them. Sans-IO."""

from __future__ import annotations

from collections.abc import Iterable


class StopSequences:
    """Finds the first stop sequence that is complete, however the text is cut. Make one for each answer.

    >>> stops = StopSequences(["END"])
    >>> stops.feed("one E"), stops.feed("N"), stops.feed("D two"), stops.found
    ('one ', '', '', 'END')

    Attributes:
        found: the sequence that ended the text; ``None`` so far.
    """

    def __init__(self, stops: Iterable[str]) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""
        self.found: str | None = None

    def __bool__(self) -> bool:
        """Whether there is any to look for."""
        return bool(self._stops)

    def feed(self, text: str) -> str:
        """Take the next piece; gives what surely stands before a stop sequence, nothing once one was found."""
        if self.found is not None:
            return ""
        text = self._held + text
        ends = [(start + len(stop), start, stop) for stop in self._stops if (start := text.find(stop)) >= 0]
        if ends:
            _, start, self.found = min(ends)
            self._held = ""
            return text[:start]
        kept = max((_overlap(text, stop) for stop in self._stops), default=0)
        certain = len(text) - kept
        self._held = text[certain:]
        return text[:certain]

    def rest(self) -> str:
        """The text is over, or something else follows: what was held back."""
        rest, self._held = self._held, ""
        return rest


def _overlap(text: str, stop: str) -> int:
    """How many of the last characters of ``text`` may be the beginning of ``stop``."""
    lengths = range(min(len(text), len(stop) - 1), 0, -1)
    return next((length for length in lengths if text.endswith(stop[:length])), 0)
