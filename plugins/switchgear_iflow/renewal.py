"""A new credential for an account: from its refresh token, or from its browser session."""

from __future__ import annotations

import time
from dataclasses import replace

import structlog

from switchgear import Account, AuthStore, Failure, LoginRequired, Secret, UpstreamClient, UpstreamError
from switchgear_iflow.accounts import (
    ACCESS_TOKEN,
    API_KEY,
    COOKIE,
    COOKIE_AHEAD_S,
    KEY_NAME,
    OAUTH_AHEAD_S,
    REFRESH_TOKEN,
)
from switchgear_iflow.platform_keys import DEAD, issued_key
from switchgear_iflow.service import Refused, refresh, user_info
from switchgear_iflow.settings import Settings

SOON_S = 600.0
"""When a key is asked for again that could not be had with new tokens."""
NO_RENEWAL = (
    "iFlow does not take this API key (any more): a key lives about seven days and is renewed by hand; make a new "
    "one at platform.iflow.cn, and sign in with it or write it as api-keys"
)

log = structlog.get_logger("switchgear.iflow")


async def renewed(settings: Settings, account: Account, store: AuthStore, client: UpstreamClient) -> Account:
    """The account with a new credential, saved.

    Raises:
        LoginRequired: only the operator can help.
        UpstreamError: anything that may pass.
    """
    if REFRESH_TOKEN in account.secrets:
        return await _with_tokens(settings, account, store, client)
    if COOKIE in account.secrets:
        return await _with_session(settings, account, store, client)
    raise LoginRequired(Failure("protocol", message=NO_RENEWAL))


async def _with_tokens(settings: Settings, account: Account, store: AuthStore, client: UpstreamClient) -> Account:
    try:
        tokens = await refresh(settings, client, account.secrets[REFRESH_TOKEN])
    except UpstreamError as error:
        # The vendor's client never refreshes after the end; that it works then is not known, so it is tried once.
        if _is_over(account) and error.failure.cause == "protocol" and error.failure.status == 200:
            raise LoginRequired(error.failure) from error
        raise
    refresh_token = tokens.refresh_token or account.secrets[REFRESH_TOKEN]
    secrets = {**account.secrets, ACCESS_TOKEN: tokens.access_token, REFRESH_TOKEN: refresh_token}
    fresh = replace(
        account,
        secrets=secrets,
        details={**account.details, **tokens.details},
        expires_at=tokens.expires_at,
        refresh_at=min(time.time() + SOON_S, tokens.expires_at),
    )
    # The old refresh token may be spent by now: nothing may come between the answer and this.
    await store.save(fresh)
    try:
        identity, api_key = await user_info(settings, client, tokens.access_token)
    except Refused:
        # Terminal, and nothing that is to be tried again soon.
        await store.save(replace(fresh, refresh_at=tokens.expires_at - OAUTH_AHEAD_S))
        raise
    except UpstreamError as error:
        log.warning("api_key_not_renewed", account=account.label, problem=str(error), next_try_s=SOON_S)
        return fresh
    fresh = replace(
        fresh,
        secrets={**secrets, API_KEY: Secret(api_key)},
        details={**fresh.details, **identity.details},
        refresh_at=tokens.expires_at - OAUTH_AHEAD_S,
    )
    await store.save(fresh)
    return fresh


async def _with_session(settings: Settings, account: Account, store: AuthStore, client: UpstreamClient) -> Account:
    try:
        key = await issued_key(settings, client, account.secrets[COOKIE], account.details[KEY_NAME])
    except Refused as error:
        raise LoginRequired(Failure("status", error.failure.status, message=DEAD)) from error
    fresh = replace(
        account,
        secrets={**account.secrets, API_KEY: Secret(key.api_key)},
        expires_at=key.expires_at,
        refresh_at=None if key.expires_at is None else key.expires_at - COOKIE_AHEAD_S,
    )
    await store.save(fresh)
    return fresh


def _is_over(account: Account) -> bool:
    return account.expires_at is not None and account.expires_at <= time.time()
