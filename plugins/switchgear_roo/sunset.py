"""The words by which the service says that it has ended. Pure.

It was seen answering with a text that begins "As part of our decision to sunset the Roo Code extension, we also ended
the Roo Code Router" (issue 770 of breaking-brake/cc-wf-studio, 2026-05-16, read 2026-11). Its status is not known, so
the words count at any, and also where they come as if a model had said them.
"""

from __future__ import annotations

import re

ENDED = "the service has ended"
OPENING = "as part of our decision to sunset the roo code"
_WORDS = re.compile(r"\bsunset(?:ting)?\s+the\s+roo\s+code\b|\bended\s+the\s+roo\s+code\s+router\b", re.IGNORECASE)


def says_ended(text: str) -> bool:
    """Whether an error, or any text that no model wrote, says so."""
    return _WORDS.search(text) is not None


def opens_with_it(said: str) -> bool | None:
    """Whether an answer that begins so is no model's; ``None`` while that is not to be told yet."""
    words = " ".join(said.split()).casefold()
    if words.startswith(OPENING):
        return True
    return None if OPENING.startswith(words) else False
