"""What an account has left: the two windows of a plan, or a balance. Pure but for the asking.

The plan's counts are a trap: ``*_usage_count`` was what is left in the API's early days, and is what is used to newer
clients (MiniMax-AI/cli issue 70, read 2026-11). So only ``*_remaining_percent`` is believed; without it the limit is
told, and not what is used of it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from switchgear import Account, Quota, UpstreamClient, UpstreamError
from switchgear_minimax.calls import TIMEOUTS, Json, failure_of, object_in
from switchgear_minimax.errors import read_error
from switchgear_minimax.settings import Settings
from switchgear_minimax.tokens import moment
from switchgear_minimax.wire import BALANCE_PATH, QUOTA_PATHS, get, is_pay_as_you_go

NO_SUCH_LIMIT = 3
"""The ``*_status`` of a limit that the plan does not have; 1 is one that holds."""
WINDOWS = (("current_interval", "end_time", "5-hour window"), ("current_weekly", "weekly_end_time", "week"))
"""Of each window: what its fields begin with, the field of its end, and its name here."""
TEXT_MODELS = ("general", "minimax-m")
"""What the entry for text models is called, today and earlier; others are for speech, pictures and films."""


async def read(settings: Settings, account: Account, client: UpstreamClient) -> list[Quota]:
    """See the hook ``read_quota``."""
    if is_pay_as_you_go(account):
        return balance_in(await ask(settings, account, client, BALANCE_PATH), time.time())
    return windows_in(await remains(settings, account, client), time.time())


async def remains(settings: Settings, account: Account, client: UpstreamClient) -> Json:
    """The plan's windows as the service tells them, at today's path or the older one.

    Raises:
        UpstreamError: they cannot be had; a refused credential is HTTP 200 with code 1004.
    """
    try:
        return await ask(settings, account, client, QUOTA_PATHS[0])
    except UpstreamError as error:
        if error.failure.status != 404:
            raise
    return await ask(settings, account, client, QUOTA_PATHS[1])


async def ask(settings: Settings, account: Account, client: UpstreamClient, path: str) -> Json:
    """The answer of a native endpoint, where HTTP 200 alone proves nothing.

    Raises:
        UpstreamError: it is an error, in whichever envelope, or none of the service's.
    """
    response = await client.fetch(get(settings, account, path), TIMEOUTS)
    answer = object_in(response)
    said = read_error(answer)
    if response.status_code >= 400:
        raise UpstreamError(failure_of(response, said.message or f"HTTP {response.status_code}"))
    if said.code is None:
        raise UpstreamError(failure_of(response, "the answer is none of MiniMax's", "protocol"))
    if said.code != 0:
        raise UpstreamError(failure_of(response, f"{said.message} ({said.code})"))
    return answer


def windows_in(answer: Json, now: float) -> list[Quota]:
    """The limits that hold for text models."""
    entries = [entry for entry in answer.get("model_remains") or () if isinstance(entry, dict)]
    named = (entry for entry in entries if str(entry.get("model_name")).lower().startswith(TEXT_MODELS))
    entry = next(named, entries[0] if entries else None)
    return [] if entry is None else list(_windows(entry, now))


def _windows(entry: Json, now: float) -> Iterator[Quota]:
    for prefix, end, name in WINDOWS:
        percent = _number(entry.get(f"{prefix}_remaining_percent"))
        total = _number(entry.get(f"{prefix}_total_count"))
        if entry.get(f"{prefix}_status") == NO_SUCH_LIMIT:
            continue
        resets_at = moment(entry.get(end), now)
        if percent is not None:
            yield Quota(f"percent of the {name}", 100.0, 100.0 - percent, resets_at, "reported", now)
        elif total:
            yield Quota(f"requests of the {name}", total, None, resets_at, "reported", now)


def balance_in(answer: Json, now: float) -> list[Quota]:
    """What is left of a balance; the service does not say of how much, nor in which currency."""
    try:
        available = float(str(answer["available_amount"]))
    except (KeyError, ValueError):
        return []
    return [Quota("balance left", available, None, None, "reported", now)]


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
