"""The accounts of an entry: its keys, those that are signed in, and the files of other programs."""

from __future__ import annotations

import asyncio

from switchgear import Account, AuthStore
from switchgear_kiro.account import Credential
from switchgear_kiro.settings import KiroSettings
from switchgear_kiro.token_files import accounts_in


async def accounts(settings: KiroSettings, store: AuthStore) -> list[Account]:
    """See the hook ``load_accounts``. A key that was signed in, too, is one account."""
    inline = [Credential("api-key", access_token=key.reveal()).account() for key in settings.api_keys]
    stored = await asyncio.to_thread(store.load)
    found: dict[str, Account] = {}
    for account in (*inline, *stored, *await accounts_in(settings)):
        found.setdefault(account.id, account)
    return list(found.values())
