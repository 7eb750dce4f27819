"""The credit an account has left.

Source: packages/cloud/src/CloudAPI.ts of RooCodeInc/Roo-Code, read 2026-11.
"""

from __future__ import annotations

import math
import time

import httpx2
import msgspec

from switchgear import Account, Failure, Quota, Timeouts, UpstreamClient, UpstreamError
from switchgear_roo.auth import bearer_for_once
from switchgear_roo.settings import Settings

TIMEOUTS = Timeouts(connect_s=10.0, first_byte_s=10.0, idle_s=10.0, total_s=10.0)
UNIT = "USD"
MAX_FAILURE_BYTES = 65_536


async def read(settings: Settings, account: Account, client: UpstreamClient) -> list[Quota]:
    """One row: ``limit`` is the balance, of which nothing is used yet; both are ``None`` where it is not to be had.

    Raises:
        UpstreamError: 401, the account cannot ask; or nobody answered.
    """
    token = await bearer_for_once(settings, account, client)
    headers = {"authorization": f"Bearer {token.reveal()}", "accept": "application/json"}
    url = f"{settings.endpoints.app}/api/extension/credit-balance"
    response = await client.fetch(httpx2.Request("GET", url, headers=headers), TIMEOUTS)
    if response.status_code == 401:
        body = response.content[:MAX_FAILURE_BYTES]
        raise UpstreamError(
            Failure("status", 401, dict(response.headers.items()), body, "the credit balance is refused")
        )
    balance = _balance(response)
    used = None if balance is None else 0.0
    return [Quota(UNIT, balance, used, None, "reported", time.time())]


def _balance(response: httpx2.Response) -> float | None:
    """``{"balance": 12.5}``; one that is overdrawn has nothing left."""
    if response.status_code != 200:
        return None
    try:
        answer = msgspec.json.decode(response.content)
    except (msgspec.DecodeError, RecursionError):
        return None
    balance = answer.get("balance") if isinstance(answer, dict) else None
    usable = isinstance(balance, int | float) and not isinstance(balance, bool) and math.isfinite(balance)
    return max(float(balance), 0.0) if usable and isinstance(balance, int | float) else None
