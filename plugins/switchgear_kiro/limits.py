"""What the usage call says: who it is, which plan, and what is left. Pure but for the asking."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from switchgear import UpstreamClient
from switchgear_kiro.account import Credential
from switchgear_kiro.control_plane import Json, ask, control_arn
from switchgear_kiro.settings import KiroSettings

MILLISECONDS_FROM = 1e11
"""Moments are seconds, but ``freeTrialExpiry`` was captured in milliseconds: no quota ends in the year 5138."""


async def usage_limits(settings: KiroSettings, credential: Credential, client: UpstreamClient) -> Json:
    """The usage call.

    Raises:
        UpstreamError: it failed; a suspended account is told so here, too.
    """
    fields: dict[str, str | int | bool] = {
        "origin": settings.origin_of(credential.method),
        "resourceType": "AGENTIC_REQUEST",
        "isEmailRequired": True,
    }
    if arn := control_arn(settings, credential):
        fields["profileArn"] = arn
    return await ask(settings, credential, client, "GetUsageLimits", fields)


def object_at(value: object, name: str) -> Mapping[str, Any]:
    """The JSON object of this name; an empty one where there is none."""
    found = value.get(name) if isinstance(value, Mapping) else None
    return found if isinstance(found, dict) else {}


def objects_at(value: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The JSON objects of a list of this name."""
    found = value.get(name)
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def text_at(value: Mapping[str, Any], *names: str) -> str:
    """The first text that is not empty."""
    return next((found for name in names if isinstance(found := value.get(name), str) and found), "")


def amount(value: Mapping[str, Any], name: str) -> float | None:
    """A number; the twin that is not cut to an integer, where there is one."""
    for found in (value.get(f"{name}WithPrecision"), value.get(name)):
        if isinstance(found, int | float) and not isinstance(found, bool) and math.isfinite(found):
            return float(found)
    return None


def moment(value: object) -> float | None:
    """A point in time as Unix seconds: given in seconds, milliseconds or as an ISO text; ``None`` for none.

    >>> moment(1797000000000), moment("2026-12-11T00:00:00Z")
    (1797000000.0, 1796947200.0)
    """
    if isinstance(value, str):
        try:
            parsed = datetime.fromisoformat(value)
        except ValueError:
            return None
        return parsed.replace(tzinfo=parsed.tzinfo or UTC).timestamp()
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value) or value <= 0:
        return None
    return value / 1000 if value > MILLISECONDS_FROM else float(value)
