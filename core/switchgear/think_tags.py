"""Reasoning that comes between tags, such as ``<think>…</think>``, at the start of an answer's text. Sans-IO."""

from __future__ import annotations

from switchgear.events import Reasoning, Text

Piece = Text | Reasoning


class ThinkTags:
    r"""Tells text and reasoning apart, however the tags are split between pieces. Make one for each answer.

    Only what stands before the first visible text counts: an opening tag there begins reasoning, which ends with the
    closing tag or, where there is none, with the answer. A tag that comes later, in code for instance, is text.

    Some models leave the opening tag out: a lone closing tag then turns what stands before it into reasoning. In a
    stream this takes holding text back, for text that has gone out cannot be called back, and the closing tag behind it
    is text like any other. ``held_chars`` says how much is held back.

    Args:
        held_chars: so many characters without any tag are held back for a lone closing tag to begin. 0 holds nothing
            but what may be a part of a tag: right for models that need not think. ``sys.maxsize`` waits for the end:
            right for whole answers of a model that always thinks.
        tag: the name of the tags.

    >>> tags = ThinkTags()
    >>> [*tags.feed("<thi"), *tags.feed("nk>Hm.</think>\n\nHi"), *tags.end()]
    [Reasoning(text='Hm.', signature='', redacted=False), Text(text='Hi', refusal=False)]
    """

    def __init__(self, held_chars: int = 0, *, tag: str = "think") -> None:
        self._held_chars = held_chars
        self._opening, self._closing = f"<{tag}>", f"</{tag}>"
        self._buffer = ""
        self._step = self._start
        self._after_reasoning = False

    def feed(self, text: str) -> list[Piece]:
        """Take the next piece of the answer's text; gives what is certain by now, no piece of it empty."""
        self._buffer += text
        pieces: list[Piece] = []
        while self._step(pieces):
            pass
        return pieces

    def end(self) -> list[Piece]:
        """The answer is over, or something else than text follows: what was held back."""
        rest, self._buffer = self._buffer, ""
        piece: Piece = Reasoning(rest) if self._step == self._reason else Text(self._visible(rest))
        self._step = self._speak
        return [piece] if piece.text else []

    # -- each step takes from the buffer, and says whether another can follow ----------------------------------

    def _start(self, pieces: list[Piece]) -> bool:
        """Nothing visible has come yet."""
        buffer = self._buffer
        seen = buffer.lstrip()
        if seen.startswith(self._opening):
            self._buffer, self._step = seen[len(self._opening) :], self._reason
            return True
        end = buffer.find(self._closing)
        if end >= 0 and (seen.startswith(self._closing) or end <= self._held_chars):
            if not seen.startswith(self._closing):
                pieces.append(Reasoning(buffer[:end]))
            self._reasoned(end)
            return True
        if end < 0 and (self._opening.startswith(seen) or self._closing.startswith(seen) or self._may_close_in_time()):
            return False
        self._step = self._speak
        self._buffer = self._visible(buffer)
        return True

    def _may_close_in_time(self) -> bool:
        """Whether a closing tag can still begin within the characters that are held back."""
        return len(self._buffer) - _overlap(self._buffer, self._closing) <= self._held_chars

    def _reason(self, pieces: list[Piece]) -> bool:
        end = self._buffer.find(self._closing)
        certain = end if end >= 0 else len(self._buffer) - _overlap(self._buffer, self._closing)
        if certain:
            pieces.append(Reasoning(self._buffer[:certain]))
        if end >= 0:
            self._reasoned(end)
            return True
        self._buffer = self._buffer[certain:]
        return False

    def _reasoned(self, end: int) -> None:
        """A closing tag stands at ``end``: from behind it on the answer starts anew, with nothing to hold back."""
        self._buffer = self._buffer[end + len(self._closing) :]
        self._step, self._held_chars, self._after_reasoning = self._start, 0, True

    def _speak(self, pieces: list[Piece]) -> bool:
        if self._buffer:
            pieces.append(Text(self._buffer))
            self._buffer = ""
        return False

    def _visible(self, text: str) -> str:
        """The blank lines between reasoning and text belong to neither."""
        return text.lstrip() if self._after_reasoning else text


def _overlap(text: str, tag: str) -> int:
    """How many of the last characters of ``text`` may be the beginning of ``tag``."""
    lengths = range(min(len(text), len(tag) - 1), 0, -1)
    return next((length for length in lengths if text.endswith(tag[:length])), 0)
