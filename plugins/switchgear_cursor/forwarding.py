"""A request's way to the agent: whose, to which model, over which line."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import msgspec

from switchgear import Account, Event, Failure, ForwardRequest, Ignored, Provider, UpstreamClient, UpstreamError
from switchgear_cursor.account import Credential
from switchgear_cursor.calls import identification
from switchgear_cursor.chat import Asking, chat
from switchgear_cursor.errors import is_quota
from switchgear_cursor.settings import CursorSettings
from switchgear_cursor.wires import Line


async def forward(
    provider: Provider, request: ForwardRequest, account: Account, client: UpstreamClient
) -> AsyncGenerator[Event]:
    """See the hook ``forward``."""
    settings: CursorSettings = provider.settings
    memory, token = settings.memory, Credential.of(account).access_token
    known = memory.of(account.id)
    picked = known.catalogue.pick(request.model, request.conversation)

    async def line(anew: bool) -> Line:
        return await memory.lines.of(settings, token, client, anew=anew)

    asking = Asking(
        headers=identification(settings, token),
        choices=picked.choices,
        context_length=picked.context_length,
        line=line,
        ids=memory.ids,
        lessons=memory.lessons,
    )
    if picked.not_kept:
        yield Ignored(picked.not_kept)
    try:
        async with aclosing(chat(asking, request, account, client)) as events:
            async for event in events:
                yield event
    except UpstreamError as error:
        failure = with_reset(error.failure, known.quota_resets_at)
        if failure is error.failure:
            raise
        raise UpstreamError(failure) from error


def with_reset(failure: Failure, resets_at: float | None) -> Failure:
    """The failure with when the billing cycle ends, where that is what it waits for and the usage call has told."""
    if resets_at is None or resets_at <= time.time() or not is_quota(failure):
        return failure
    said: dict[str, Any] = msgspec.json.decode(failure.body)
    told = said if isinstance(said.get("error"), dict) else {"error": said}
    return replace(failure, body=msgspec.json.encode({**told, "quota": {"resets_at": resets_at}}))
