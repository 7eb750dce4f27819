"""A new credential for an account, saved before anything is asked with it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import structlog

from switchgear import Account, AuthStore, Provider, UpstreamClient, UpstreamError
from switchgear_kiro import token_files
from switchgear_kiro.account import Credential, twins_of
from switchgear_kiro.identity import identified
from switchgear_kiro.refreshing import refreshed
from switchgear_kiro.settings import KiroSettings

log = structlog.get_logger("switchgear.kiro")


async def renewed(provider: Provider, account: Account, store: AuthStore, client: UpstreamClient) -> Account:
    """See the hook ``refresh_token``. An account that lives in another program's file is renewed there."""
    settings: KiroSettings = provider.settings
    credential = Credential.of(account)
    if credential.token_file:
        return await token_files.renewed(account, lambda kept: refreshed(settings, kept, client))

    async def reread() -> Credential | None:
        stored = await asyncio.to_thread(store.load)
        return next((Credential.of(one) for one in stored if one.id == account.id), None)

    credential = await refreshed(settings, credential, client, reread)
    fresh = credential.applied_to(account)
    # The old refresh token may be spent by now: nothing may come between the answer and this.
    await store.save(fresh)
    if not credential.is_pending:
        return fresh
    return await _identified(settings, credential, fresh, store, client)


async def _identified(
    settings: KiroSettings, credential: Credential, account: Account, store: AuthStore, client: UpstreamClient
) -> Account:
    """Find out at last who it is. The account keeps its id; by the user id the next sign-in finds it."""
    try:
        known = await identified(settings, credential, client)
    except UpstreamError:  # suspended: the token is good nevertheless, and the next request meets the same
        return account
    if known.is_pending:
        return account
    fresh = replace(known, account_id=account.id).applied_to(account)
    await store.save(fresh)
    twins = twins_of(fresh, await asyncio.to_thread(store.load))
    if twins:
        log.warning(
            "same_person_twice",
            account=account.label,
            other=twins[0].label,
            advice="sign in again: it puts the two together",
        )
    return fresh
