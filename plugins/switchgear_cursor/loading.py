"""The accounts of an entry: its keys, and those that are signed in."""

from __future__ import annotations

import asyncio

from switchgear import Account, AuthStore
from switchgear_cursor.account import API_KEY, Credential
from switchgear_cursor.settings import CursorSettings


async def accounts(settings: CursorSettings, store: AuthStore) -> list[Account]:
    """See the hook ``load_accounts``. A key that was signed in with, too, is one account: the signed-in one."""
    stored = await asyncio.to_thread(store.load)
    known = {account.secrets[API_KEY] for account in stored if API_KEY in account.secrets}
    keys = dict.fromkeys(key for key in settings.api_keys if key not in known)
    inline = [Credential("api-key", api_key=key.reveal(), in_configuration=True) for key in keys]
    return [*(credential.account() for credential in inline), *stored]
