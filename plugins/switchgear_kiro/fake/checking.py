"""What checks are made of: a condition that does not hold is a refusal."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from switchgear_kiro.fake.refusals import IMPROPER, Refusal

Json = dict[str, Any]


class Refused(Exception):
    """A body is refused."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__(refusal.message)


def need(condition: object, refusal: Refusal = IMPROPER) -> None:
    """Refuse unless it holds."""
    if not condition:
        raise Refused(refusal)


def as_object(value: object, allowed: Collection[str], refusal: Refusal = IMPROPER) -> Json:
    """A JSON object with no other members than these."""
    need(isinstance(value, dict) and set(value) <= set(allowed), refusal)
    return value  # type: ignore[return-value]  # the line above


def as_list(holder: Json, name: str, refusal: Refusal = IMPROPER) -> list[Any]:
    """A list; absent is fine and empty is not."""
    value = holder.get(name)
    need(name not in holder or (isinstance(value, list) and value), refusal)
    return value or []
