"""Model lists, in the shapes that upstreams give them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from switchgear import Model

LONGEST_ID_CHARS = 256
UNSTEADY_CREATED = frozenset({"vllm", "sglang"})
"""Owners whose ``created`` is the time of the question (vLLM and SGLang, read 2026-11)."""
TOGETHER_TYPES = frozenset({"chat", "language", "code"})
"""The values of Together's ``type`` that are served here."""

_CONTEXT = ("context_length", "context_window", "max_context_length", "max_model_len")
_OUTPUT = ("max_completion_tokens", "max_output_tokens")


def models_in(page: object) -> list[Model]:
    """The models of a list: ``{"data": […]}`` or ``null``, ``{"models": […]}`` or a bare array, of objects or texts.

    Duplicates (Mistral repeats a model for each alias), empty ids and models that cannot chat are left out.

    Raises:
        ValueError: it is no list of models.
    """
    found: dict[str, Model] = {}
    for entry in _entries(page):
        model = _model(entry)
        if model is not None:
            found.setdefault(model.id, model)
    return list(found.values())


def _entries(page: object) -> list[Any]:
    if isinstance(page, dict):
        if "data" in page:
            page = page["data"] or []  # Ollama without a model says null
        elif "models" in page:
            page = page["models"] or []
    if not isinstance(page, list):
        raise ValueError("the answer is no list of models")
    return page


def _model(entry: object) -> Model | None:
    if isinstance(entry, str):
        id_ = _id(entry)
        return None if id_ is None else Model(id_)
    if not isinstance(entry, dict) or not _usable(entry):
        return None
    id_ = next((id_ for key in ("id", "name", "model") if (id_ := _id(entry.get(key))) is not None), None)
    if id_ is None:
        return None
    owner = _text(entry.get("owned_by"))
    name = _text(entry.get("display_name")) or _text(entry.get("name"))
    created = None if owner in UNSTEADY_CREATED else _whole(entry.get("created"))
    return Model(
        id=id_,
        display_name=name if name != id_ else None,
        owned_by=owner,
        created=created,
        context_length=_first(entry, _CONTEXT) or _first(entry.get("meta"), ("n_ctx_train",)) or _top(entry, _CONTEXT),
        max_output_tokens=_first(entry, _OUTPUT) or _top(entry, _OUTPUT),
    )


def _usable(entry: Mapping[str, Any]) -> bool:
    """Groq marks retired models ``active: false``; Mistral and Together list models that do not chat."""
    if entry.get("active") is False:
        return False
    capabilities = entry.get("capabilities")
    if isinstance(capabilities, dict) and capabilities.get("completion_chat") is False:
        return False
    kind = entry.get("type")
    return not isinstance(kind, str) or kind == "model" or kind in TOGETHER_TYPES


def _id(value: object) -> str | None:
    """An id that clients can ask for; Gemini's come as ``models/ID`` and are accepted without."""
    text = _text(value)
    if text is None:
        return None
    text = text.removeprefix("models/")
    wrong = not text.isprintable() or any(c.isspace() for c in text) or len(text) > LONGEST_ID_CHARS
    return None if wrong or not text else text


def _top(entry: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    return _first(entry.get("top_provider"), names)


def _first(entry: object, names: tuple[str, ...]) -> int | None:
    numbers: Iterator[int | None] = (_whole(entry.get(name)) for name in names) if isinstance(entry, dict) else iter(())
    return next((number for number in numbers if number is not None), None)


def _whole(value: object) -> int | None:
    usable = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 2**53
    return int(value) if usable and isinstance(value, int | float) else None


def _text(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None
