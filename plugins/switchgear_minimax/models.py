"""The models that are known, and the model lists. Pure.

Source: the vendor's documentation and models.dev, read 2026-11. Whether ids are case-sensitive upstream is open; they
are matched without regard to case here, and sent as they are written below: right either way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from switchgear import Model

M2_CONTEXT, M2_OUTPUT = 204_800, 131_072
OWNER = "minimax"
LONGEST_ID_CHARS = 256


def _m2(id_: str, created: int) -> Model:
    return Model(id_, owned_by=OWNER, created=created, context_length=M2_CONTEXT, max_output_tokens=M2_OUTPUT)


FALLBACK = (
    Model("MiniMax-M3", None, OWNER, 1_780_272_000, context_length=1_000_000, max_output_tokens=524_288),
    _m2("MiniMax-M2.7", 1_773_799_200),
    _m2("MiniMax-M2.7-highspeed", 1_773_799_200),
    _m2("MiniMax-M2.5", 1_770_948_000),
    _m2("MiniMax-M2.5-highspeed", 1_770_948_000),
    _m2("MiniMax-M2.1", 1_766_455_200),
    _m2("MiniMax-M2.1-highspeed", 1_766_455_200),
    _m2("MiniMax-M2", 1_761_530_400),
)
"""Listed while no list can be had. ``-highspeed`` needs a higher plan; ``MiniMax-M3.1-Flash-Preview`` is on some plans
only, and is listed where the service lists it."""

_KNOWN = {model.id.lower(): model for model in FALLBACK}


def canonical(id_: str) -> str:
    """The id as the service writes it; one that is not known stays as it is."""
    known = _KNOWN.get(id_.lower())
    return id_ if known is None else known.id


def max_output_tokens(id_: str) -> int | None:
    """The most tokens an answer may have; ``None`` where it is not known."""
    known = _KNOWN.get(id_.lower())
    return None if known is None else known.max_output_tokens


def always_thinks(id_: str) -> bool:
    """Whether every answer begins with reasoning: all of M2, and M3.1-Flash-Preview; M3 decides for itself."""
    return id_.lower().startswith(("minimax-m2", "minimax-m3.1-flash"))


def models_in(page: object) -> list[Model]:
    """The models of one page, in the form of either list (OpenAI's or Anthropic's).

    Raises:
        ValueError: it is no list of models.
    """
    entries = page.get("data") if isinstance(page, dict) else None
    if not isinstance(entries, list):
        raise ValueError("the answer is no list of models")
    found = (_model(entry) for entry in entries if isinstance(entry, dict))
    return [model for model in found if model is not None]


def next_page(page: object) -> str | None:
    """The id after which the next page begins, where there is one."""
    last = page.get("last_id") if isinstance(page, dict) and page.get("has_more") is True else None
    return last if isinstance(last, str) and last else None


def _model(entry: Mapping[str, Any]) -> Model | None:
    id_, name, created = entry.get("id"), entry.get("display_name"), entry.get("created")
    if not isinstance(id_, str) or not id_.isprintable() or not 0 < len(id_.strip()) <= LONGEST_ID_CHARS:
        return None
    id_ = canonical(id_.strip())
    known = _KNOWN.get(id_.lower(), Model(id_))
    return Model(
        id_,
        display_name=name if isinstance(name, str) and name and name != id_ else None,
        owned_by=OWNER,
        created=created if isinstance(created, int) and created > 0 else known.created,
        context_length=known.context_length,
        max_output_tokens=known.max_output_tokens,
    )
