"""Asking the proxy for its models."""

from __future__ import annotations

from typing import Literal

import httpx2
import msgspec

from switchgear import Account, Failure, Model, Secret, Timeouts, UpstreamClient, UpstreamError
from switchgear_roo.auth import bearer_for_once
from switchgear_roo.models import Listed, listed_in
from switchgear_roo.settings import Settings
from switchgear_roo.sunset import ENDED, says_ended
from switchgear_roo.wire import MODELS_PATH

TIMEOUTS = Timeouts(connect_s=10.0, first_byte_s=10.0, idle_s=10.0, total_s=10.0)
MAX_FAILURE_BYTES = 65_536


async def list_models(settings: Settings, account: Account, client: UpstreamClient) -> list[Model]:
    """The models this account may use; what is deprecated is not shown.

    Raises:
        UpstreamError: there is no list, or the account cannot ask for it.
    """
    token = await bearer_for_once(settings, account, client)
    return [listed.model for listed in await _list(settings, token, client) if not listed.deprecated]


async def learn(settings: Settings, token: Secret, client: UpstreamClient) -> None:
    """Ask once what models can be told, where core never asks: when the models are configured, or after a reload.

    Without an answer they count as unknown.
    """
    book = settings.book
    if not book.wants_list:
        return
    async with book.listing:
        if book.wants_list:
            try:
                await _list(settings, token, client)
            except UpstreamError:
                return  # the request itself will tell


async def _list(settings: Settings, token: Secret, client: UpstreamClient) -> list[Listed]:
    settings.book.tried()
    headers = {"authorization": f"Bearer {token.reveal()}", "accept": "application/json"}
    url = settings.endpoints.provider_v1 + MODELS_PATH
    response = await client.fetch(httpx2.Request("GET", url, headers=headers), TIMEOUTS)
    if response.status_code >= 300:
        raise _failed(response, "status", f"the model list answered HTTP {response.status_code}")
    try:
        page = msgspec.json.decode(response.content)
        models = listed_in(page)
    except (msgspec.DecodeError, RecursionError, ValueError):
        raise _failed(response, "protocol", "the answer is no list of models") from None
    settings.book.take(models)
    return models


def _failed(response: httpx2.Response, cause: Literal["status", "protocol"], message: str) -> UpstreamError:
    body = response.content[:MAX_FAILURE_BYTES]
    said = f"{ENDED}: {message}" if says_ended(body.decode(errors="replace")) else message
    return UpstreamError(Failure(cause, response.status_code, dict(response.headers.items()), body, said))
