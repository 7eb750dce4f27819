"""Texts that cannot be sent: surrogates without their partner. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

T = TypeVar("T")


def scrubbed(value: T) -> T:
    """The value with U+FFFD for each surrogate without a partner, in all texts of it; those with one are joined."""
    clean: Any = _scrubbed(value)
    return clean  # type: ignore[no-any-return]  # it is of the same type as what went in


def _scrubbed(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, tuple | list):
        return type(value)(map(_scrubbed, value))
    if isinstance(value, Mapping):
        return {_scrubbed(name): _scrubbed(inner) for name, inner in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{one.name: _scrubbed(getattr(value, one.name)) for one in fields(value)})
    return value
