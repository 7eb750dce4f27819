"""The wired test provider, for the chaos test: it notes every call before it makes it, and how the gateway judged it."""

from __future__ import annotations

from typing import Protocol

import httpx2

from switchgear import Account, AttemptRecord, ForwardRequest, Provider, Reply, UpstreamClient, hookimpl
from tests.wired_plugin import PATHS, classify_error, list_models, load_accounts, provider_info, refresh_token

__all__ = ["attempt_finished", "classify_error", "forward", "list_models", "load_accounts", "provider_info"]
__all__ += ["refresh_token"]


class Notes(Protocol):
    """Who takes note."""

    def called(self, request: ForwardRequest, provider: str, account: str) -> int:
        """A call begins, in the very turn in which its account was chosen; gives the call's number."""

    def ended(self, record: AttemptRecord) -> None:
        """The gateway's own word on it, in the turn in which it is held against the account."""


taking_notes: list[Notes] = []
"""The chaos under way, alone."""


@hookimpl
async def forward(provider: Provider, request: ForwardRequest, account: Account, client: UpstreamClient) -> Reply:
    number = taking_notes[-1].called(request, provider.name, account.id)
    headers = {
        "authorization": f"Bearer {account.secrets['token'].reveal()}",
        "content-type": "application/json",
        "x-call": str(number),
    }
    url = provider.settings.base_url + PATHS[request.dialect]
    return await client.reply(httpx2.Request("POST", url, headers=headers, content=request.body), request.timeouts)


@hookimpl
def attempt_finished(record: AttemptRecord) -> None:
    taking_notes[-1].ended(record)
