"""Which models an account may call, and what the wire wants for each. Pure.

Two lists are needed. One has the ids that the account may call; the other has rows of the vendor's picker, each with
its variants: an id of the first list (there a variant's ``legacySlug``), and the parameters that belong to it. Ids and
parameters are only ever taken from these lists, never made up (captures, read 2026-11).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from switchgear import Model
from switchgear_cursor.catalogue import Catalogue, Listed
from switchgear_cursor.run_request import ModelChoice

AUTO = "default"
"""The id of the model that chooses one by itself; people know it as ``auto``."""
FALLBACK = (Model(AUTO, "Auto", aliases=("auto",)), Model("composer-2.5"), Model("composer-2.5-fast"))
"""Seen in every list so far (2026-11)."""

Parameters = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to call a row's model. ``slug`` is the id that means this way; it may be empty."""

    slug: str
    parameters: Parameters = ()
    max_mode: bool = False
    is_default: bool = False
    label: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One model of the picker.

    Attributes:
        name: its id without any variant's ending.
        label: for people.
        context_length: in tokens; ``None`` when it does not say.
        max_context_length: likewise, in Max Mode.
        only_max_mode: it serves no other.
        is_chat_model: it can be asked as an agent, and is shown to people.
        names: its other ids.
        variants: in the list's order.
    """

    name: str
    label: str = ""
    context_length: int | None = None
    max_context_length: int | None = None
    only_max_mode: bool = False
    is_chat_model: bool = True
    names: tuple[str, ...] = ()
    variants: tuple[Variant, ...] = ()


def catalogue_of(usable: Mapping[str, Any], available: Mapping[str, Any]) -> Catalogue:
    """The models that both lists make together.

    Args:
        usable: the answer of ``GetUsableModels``.
        available: the answer of ``AvailableModels``; empty where it could not be had, which costs sizes and variants.

    Raises:
        ValueError: ``usable`` is no list of models.
    """
    rows = [row for document in _objects(available.get("models")) if (row := _row(document)) is not None]
    by_slug = {variant.slug: (row, variant) for row in reversed(rows) for variant in reversed(row.variants)}
    by_name = {name: row for row in reversed(rows) for name in (*row.names, row.name)}
    models = usable.get("models")
    if not isinstance(models, list):
        raise ValueError("it has no list of models")
    found: dict[str, Listed] = {}
    for details in _objects(models):
        id_ = _text(details, "modelId", "displayModelId")
        row, variant = by_slug.get(id_) or (by_name.get(id_), None)
        if id_ and (row is None or row.is_chat_model):
            found.setdefault(id_, _listed(id_, details, row, variant))
    return Catalogue(_with_rows_names(found, rows))


def _listed(id_: str, details: Mapping[str, Any], row: Row | None, variant: Variant | None) -> Listed:
    max_mode = details.get("maxMode") is True or (variant is not None and variant.max_mode)
    max_mode = max_mode or (row is not None and row.only_max_mode)
    parameters = variant.parameters if variant is not None else ()
    choices = [ModelChoice(id_, parameters, max_mode)]
    label, context_length = "", None
    if row is not None:
        if parameters and row.name != id_:
            choices.append(ModelChoice(row.name, parameters, max_mode))
        label = (variant.label if variant is not None else "") or row.label
        context_length = (row.max_context_length if max_mode else None) or row.context_length
    aliases = {_clean(name) for name in details.get("aliases") or () if isinstance(name, str)} - {id_, ""}
    if id_ == AUTO:
        aliases.add("auto")
    name = _clean(_text(details, "displayName", "displayNameShort")) or label
    model = Model(id_, name or None, context_length=context_length, aliases=tuple(sorted(aliases)))
    return Listed(model, tuple(choices), row.name if row is not None else "")


def _with_rows_names(found: dict[str, Listed], rows: Iterable[Row]) -> dict[str, Listed]:
    """``found`` with the rows' own names as aliases of the variant that the picker takes first."""
    taken = {*found, *(alias for one in found.values() for alias in one.model.aliases)}
    for row in rows:
        slugs = [variant.slug for variant in sorted(row.variants, key=lambda one: not one.is_default)]
        first = next((slug for slug in (row.name, *row.names, *slugs) if slug in found), None)
        names = [name for name in dict.fromkeys((row.name, *row.names)) if name not in taken]
        if first is not None and names and found[first].row == row.name:
            listed = found[first]
            taken.update(names)
            aliases = (*listed.model.aliases, *names)
            model = Model(first, listed.model.display_name, context_length=listed.model.context_length, aliases=aliases)
            found[first] = Listed(model, listed.choices, listed.row)
    return found


def _row(document: Mapping[str, Any]) -> Row | None:
    name = _text(document, "name", "serverModelName")
    if not name:
        return None
    hidden = any(document.get(flag) is True for flag in ("isHidden", "isChatOnly", "onlySupportsCmdK"))
    names = [_text(document, "serverModelName")]
    names += [
        each for flag in ("legacySlugs", "idAliases") for each in document.get(flag) or () if isinstance(each, str)
    ]
    return Row(
        name,
        label=_clean(_text(document, "clientDisplayName", "name")),
        context_length=_tokens(document, "contextTokenLimit"),
        max_context_length=_tokens(document, "contextTokenLimitForMaxMode"),
        only_max_mode=document.get("supportsNonMaxMode") is False,
        is_chat_model=document.get("supportsAgent") is not False and not hidden,
        names=tuple(each for each in dict.fromkeys(names) if each and each != name),
        variants=tuple(_variant(each) for each in _objects(document.get("variants"))),
    )


def _variant(document: Mapping[str, Any]) -> Variant:
    values = _objects(document.get("parameterValues"))
    parameters = tuple((_text(each, "id"), _text(each, "value")) for each in values)
    return Variant(
        _text(document, "legacySlug", "variantStringRepresentation"),
        parameters=tuple(each for each in parameters if each[0]),
        max_mode=document.get("isMaxMode") is True,
        is_default=document.get("isDefaultNonMaxConfig") is True or document.get("isDefaultMaxConfig") is True,
        label=_clean(_text(document, "clientDisplayName", "displayName")),
    )


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _text(document: Mapping[str, Any], *names: str) -> str:
    return next((value for name in names if isinstance(value := document.get(name), str) and value), "")


def _tokens(document: Mapping[str, Any], name: str) -> int | None:
    """A number of tokens; the service writes large numbers as text."""
    value = document.get(name)
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _clean(label: str) -> str:
    """A label without the invisible characters and double spaces that some have."""
    return re.sub(r"\s+", " ", label.replace("\u200b", "")).strip()
