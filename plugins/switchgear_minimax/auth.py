"""Signing in and refreshing: a user-code flow of the service's own, with PKCE; no device code and no redirect."""

from __future__ import annotations

import asyncio
import time

from switchgear import (
    Account,
    AuthStore,
    Failure,
    Login,
    LoginFailed,
    LoginRequired,
    Timeouts,
    UpstreamClient,
    UpstreamError,
)
from switchgear.oauth import Pkce, Wait, new_pkce, new_state, poll_device
from switchgear_minimax.accounts import name_of, refreshed, signed_in
from switchgear_minimax.calls import TIMEOUTS, failure_of, object_in
from switchgear_minimax.keys import sign_in_with_key
from switchgear_minimax.settings import Region, Settings
from switchgear_minimax.tokens import (
    Tokens,
    checked_start,
    is_spent,
    post_form,
    state_of,
    tokens_in,
    words_of,
)
from switchgear_minimax.wire import CLIENT_ID, REFRESH_TOKEN, region_of

METHODS: dict[str, Region] = {"oauth": "global", "oauth-cn": "cn"}
KEY_METHOD = "api-key"
CODE_PATH, TOKEN_PATH = "/oauth2/device/code", "/oauth2/token"
LONGEST_WAIT_S = 900.0
"""For the person to confirm, whatever the code's own deadline (CLIProxyAPI)."""
REFRESH_TIMEOUTS = Timeouts(connect_s=10.0, first_byte_s=10.0, idle_s=10.0, total_s=10.0)
REFRESH_ATTEMPTS = 3
REFRESH_PAUSE_S = 0.5
"""After the first attempt; twice as long after the second."""
SPENT_KEY = (
    "MiniMax refuses this key (or it belongs to the other region), and a key cannot be refreshed: write a new one"
)


async def sign_in(settings: Settings, login: Login, store: AuthStore, client: UpstreamClient) -> Account:
    """See the hook ``authenticate``."""
    if login.method == KEY_METHOD:
        account = await sign_in_with_key(settings, login, client)
    else:
        account = await _sign_in_with_code(settings, METHODS[login.method], login, store, client)
    await store.save(account)
    return account


async def _sign_in_with_code(
    settings: Settings, region: Region, login: Login, store: AuthStore, client: UpstreamClient
) -> Account:
    name = await _name(login, store, region)
    host, oauth, pkce, state = settings.endpoints.of(region).account, settings.oauth_client, new_pkce(), new_state()
    form = {
        "client_id": oauth.client_id,
        "scope": oauth.scope,
        "code_challenge": pkce.challenge,
        "code_challenge_method": pkce.method,
        "state": state,
    }
    now = time.time()
    answer = await post_form(client, host + CODE_PATH, form, TIMEOUTS)
    code, url, deadline, interval_s = checked_start(answer, state, now)
    await login.show(url, code)
    await login.progress("waiting for the confirmation in the browser")
    tokens = await poll_device(
        lambda: _poll(settings, host, code, pkce, client),
        expires_in_s=min(deadline - now, LONGEST_WAIT_S),
        interval_s=max(interval_s or 0.0, settings.least_poll_seconds),
    )
    if tokens.notice:
        await login.progress(f"MiniMax says: {tokens.notice}")
    return signed_in(tokens, region, name, oauth)


async def _name(login: Login, store: AuthStore, region: Region) -> str:
    """What the account is called: it is how a second sign-in of the same account is known to be one."""
    if login.label is not None:
        return name_of(login.label)
    stored = await asyncio.to_thread(store.load)
    known = ", ".join(sorted(account.label for account in stored if region_of(account) == region))
    hint = (
        f"known: {known}; one of these is signed in anew" if known else "the same name later signs in this account anew"
    )
    return name_of(await login.ask(f"A name for this account ({hint})"))


async def _poll(settings: Settings, host: str, code: str, pkce: Pkce, client: UpstreamClient) -> Tokens | Wait:
    oauth = settings.oauth_client
    form = {
        "grant_type": oauth.grant_type,
        "client_id": oauth.client_id,
        "user_code": code,
        "code_verifier": pkce.verifier.reveal(),
    }
    response = await post_form(client, host + TOKEN_PATH, form, TIMEOUTS)
    match state_of(response):
        case "slow_down":
            return Wait.SLOW_DOWN
        case "refused":
            raise LoginFailed(f"MiniMax refused the sign-in ({words_of(response)}); start again")
        case "success":
            tokens = tokens_in(object_in(response), time.time())
            if tokens is None or tokens.refresh_token is None:
                raise LoginFailed("MiniMax confirmed the sign-in without giving tokens; start again")
            return tokens
        case "unclear" if response.status_code == 429 or response.status_code >= 500:
            raise UpstreamError(failure_of(response, f"the sign-in cannot be asked for: {words_of(response)}"))
        case _:
            return Wait.PENDING


# -- refresh -------------------------------------------------------------------------------------------------


async def refresh(settings: Settings, account: Account, store: AuthStore, client: UpstreamClient) -> Account:
    """See the hook ``refresh_token``."""
    token = account.secrets.get(REFRESH_TOKEN)
    if token is None:
        raise LoginRequired(Failure("protocol", message=SPENT_KEY))
    form = {
        "grant_type": "refresh_token",
        "client_id": account.details.get(CLIENT_ID) or settings.oauth_client.client_id,
        "refresh_token": token.reveal(),
    }
    url = settings.endpoints.of(region_of(account)).account + TOKEN_PATH
    fresh = refreshed(account, await _refresh(client, url, form))
    await store.save(fresh)
    return fresh


async def _refresh(client: UpstreamClient, url: str, form: dict[str, str]) -> Tokens:
    for attempt in range(1, REFRESH_ATTEMPTS + 1):
        try:
            response = await post_form(client, url, form, REFRESH_TIMEOUTS)
        except UpstreamError as error:
            if error.failure.cause not in {"connection", "timeout"} or attempt == REFRESH_ATTEMPTS:
                raise
        else:
            passing = response.status_code in {408, 429} or response.status_code >= 500
            if not passing or attempt == REFRESH_ATTEMPTS:
                break
        await asyncio.sleep(REFRESH_PAUSE_S * attempt)
    if is_spent(response):
        failure = failure_of(response, f"the refresh token is spent ({words_of(response)}): sign in again")
        raise LoginRequired(failure)
    tokens = tokens_in(object_in(response), time.time()) if state_of(response) == "success" else None
    if tokens is None:
        raise UpstreamError(failure_of(response, f"not refreshed: {words_of(response)}"))
    return tokens
