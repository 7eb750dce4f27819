"""The proxy's model list. Pure, but for the book that remembers it.

Source: packages/types/src/providers/roo.ts and src/api/providers/fetchers/roo.ts of RooCodeInc/Roo-Code, read 2026-11.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from switchgear import Model
from switchgear_roo.reasoning import UNKNOWN, Thinking

LONGEST_ID_CHARS = 256
TRIED_AGAIN_S = 300.0


@dataclass(frozen=True, slots=True)
class Listed:
    """One language model. ``deprecated``: it still answers, and is not shown."""

    model: Model
    thinking: Thinking
    deprecated: bool


def listed_in(page: object) -> list[Listed]:
    """The language models of ``{"object": "list", "data": […]}``; an odd row costs itself, not the list.

    Raises:
        ValueError: it is no list of models.
    """
    rows = page.get("data") if isinstance(page, dict) else None
    if not isinstance(rows, list):
        raise ValueError("the answer is no list of models")
    found: dict[str, Listed] = {}
    for row in rows:
        if isinstance(row, dict) and row.get("type") == "language":
            listed = _listed(row)
            if listed is not None:
                found.setdefault(listed.model.id, listed)
    return list(found.values())


def _listed(row: Mapping[str, Any]) -> Listed | None:
    id_, name = _text(row.get("id")), _text(row.get("name"))
    if not id_ or len(id_) > LONGEST_ID_CHARS or not id_.isprintable() or any(c.isspace() for c in id_):
        return None
    tags = row.get("tags")
    said = {tag for tag in tags if isinstance(tag, str)} if isinstance(tags, list) else set()
    required = "reasoning-required" in said
    model = Model(
        id_,
        display_name=name if name != id_ else None,
        owned_by=_text(row.get("owned_by")),
        created=_whole(row.get("created")),
        context_length=_whole(row.get("context_window")),
        max_output_tokens=_whole(row.get("max_tokens")),
    )
    return Listed(model, Thinking("reasoning" in said or required, required), row.get("deprecated") is True)


def _text(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _whole(value: object) -> int | None:
    """A positive number; ``created`` is 0 where nobody knows."""
    usable = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 2**53
    return int(value) if usable and isinstance(value, int | float) else None


class ModelBook:
    """What models can be told, as last listed. It outlives no reload of the configuration.

    Attributes:
        listing: held by whoever lists, so that the first requests wait for one list.
    """

    def __init__(self) -> None:
        self.listing = asyncio.Lock()
        self._thinking: dict[str, Thinking] | None = None
        self._tried_at = float("-inf")

    @property
    def wants_list(self) -> bool:
        """Whether no list came yet, and none was asked for in the last five minutes."""
        return self._thinking is None and time.monotonic() - self._tried_at >= TRIED_AGAIN_S

    def tried(self) -> None:
        """A list is being asked for."""
        self._tried_at = time.monotonic()

    def take(self, models: list[Listed]) -> None:
        """Remember a list, beside what other accounts were shown."""
        self._thinking = {**(self._thinking or {}), **{listed.model.id: listed.thinking for listed in models}}

    def thinking(self, model: str) -> Thinking:
        """What the model can be told."""
        return (self._thinking or {}).get(model, UNKNOWN)
