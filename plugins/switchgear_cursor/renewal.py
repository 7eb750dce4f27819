"""A new access token for an account, saved before anything is asked with it.

A key is exchanged as often as need be. Whether a session can be renewed, sources disagree (read 2026-11): the IDE does
it at ``/oauth/token``, six projects do it at the exchange, and two measurements found that there is nothing to renew it
with. So both are tried a day before its end; where neither gives one, the session serves until it ends.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace

import structlog

from switchgear import Account, AuthStore, LoginRequired, Provider, UpstreamClient
from switchgear_cursor.account import Credential
from switchgear_cursor.api_keys import exchanged
from switchgear_cursor.settings import CursorSettings
from switchgear_cursor.tokens import TokenRefused, Tokens, exchange, renew

SIGN_IN = "sign in again with: switchgear login"
USABLE_S = 60.0
"""A token with more than this left is good."""
ENDED = "the Cursor session has ended ({words}), and no refresh brings it back; {advice}"
SPENT_KEY = "Cursor does not take this API key any more ({words}); {advice}"

log = structlog.get_logger("switchgear.cursor")


async def renewed(provider: Provider, account: Account, store: AuthStore, client: UpstreamClient) -> Account:
    """See the hook ``refresh_token``. A key of the configuration is not written anywhere."""
    settings: CursorSettings = provider.settings
    credential, now = Credential.of(account), time.time()
    ahead = account.refresh_at is not None and account.refresh_at <= now < credential.expires_at - USABLE_S
    try:
        new = (await fresh(settings, credential, client)).applied_to(account)
    except LoginRequired as error:
        if not ahead:
            raise
        log.warning("session_not_renewed", account=account.label, problem=str(error), advice=SIGN_IN)
        new = replace(account, refresh_at=math.inf)
    if not credential.in_configuration:
        await store.save(new)
    return new


async def fresh(settings: CursorSettings, credential: Credential, client: UpstreamClient) -> Credential:
    """``credential`` with a new access token; saves nothing.

    Raises:
        LoginRequired: nobody gives one for it any more.
        UpstreamError: anything that may pass.
    """
    try:
        if credential.kind == "api-key":
            return await exchanged(settings, credential, client)
        tokens = await _session_tokens(settings, credential.refresh_token or credential.access_token, client)
    except TokenRefused as error:
        text = SPENT_KEY if credential.kind == "api-key" else ENDED
        raise LoginRequired(replace(error.failure, message=text.format(words=error.words, advice=SIGN_IN))) from error
    kept = replace(credential, refresh_token=tokens.refresh_token or credential.refresh_token)
    return kept.with_access(tokens.access_token, time.time())


async def _session_tokens(settings: CursorSettings, token: str, client: UpstreamClient) -> Tokens:
    try:
        return await renew(settings, token, client)
    except TokenRefused as error:
        if error.failure.status == 200:  # it was the service that ended the session
            raise
        try:
            return await exchange(settings, token, client)
        except TokenRefused:
            raise error from None  # the exchange calls everything a bad key
