"""Signing in: with a browser here, with one elsewhere, with a browser's cookie, or with a key."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import httpx2

from switchgear import Account, AuthStore, Login, LoginFailed, Secret, UpstreamClient, UpstreamError
from switchgear.oauth import CallbackListener, new_state
from switchgear_iflow.accounts import (
    API_KEY_METHOD,
    COOKIE,
    COOKIE_METHOD,
    METHOD,
    OAUTH_CODE,
    cookie_account,
    key_account,
    oauth_account,
)
from switchgear_iflow.platform_keys import DEAD, issued_key, session_cookie, shown_key
from switchgear_iflow.service import NO_CLIENT_SECRET, Refused, exchange, user_info
from switchgear_iflow.settings import Settings

CALLBACK_PATH = "/oauth2callback"
SIGN_IN_S = 300.0
"""How long the person may take."""
WRONG_CODE = "that is neither the code nor the address of this sign-in"


async def sign_in(settings: Settings, login: Login, store: AuthStore, client: UpstreamClient) -> Account:
    """Sign one account in, and save it.

    Raises:
        LoginFailed: it did not work; the message says what to do.
        LoginCancelled: the person gave up.
        UpstreamError: iFlow could not be asked, or failed.
    """
    stored = store.load()
    if login.method == COOKIE_METHOD:
        account = await _with_cookie(settings, login, client, stored)
    elif login.method == API_KEY_METHOD:
        account = await _with_key(login)
    else:
        account = await _with_browser(settings, login, client, stored)
    known = next((one for one in stored if one.id == account.id), None)
    label = login.label or ("" if known is None else known.label)
    if label:
        account = replace(account, label=label)
    await store.save(account)
    return account


async def _with_browser(settings: Settings, login: Login, client: UpstreamClient, stored: Sequence[Account]) -> Account:
    if settings.client_secret is None:
        raise LoginFailed(NO_CLIENT_SECRET)
    state = new_state()
    if login.method == OAUTH_CODE:
        redirect_uri = settings.endpoints.code_display
        await login.show(authorize_url(settings, redirect_uri, state))
        code = await _pasted_code(login, state)
    else:
        code, redirect_uri = await _code_from_callback(settings, login, state)
    await login.progress("asking iFlow for the account's API key")
    try:
        tokens = await exchange(settings, client, code, redirect_uri)
        if tokens.refresh_token is None:
            raise LoginFailed("iFlow gave no refresh token; sign in again")
        identity, api_key = await user_info(settings, client, tokens.access_token)
    except Refused as error:
        raise LoginFailed(f"{error}; start again with: switchgear login") from error
    except UpstreamError as error:
        if error.failure.cause == "protocol":
            raise LoginFailed(f"{error}; try again, or another --method") from error
        raise
    account = oauth_account(
        identity, api_key, tokens.access_token, tokens.refresh_token, tokens.expires_at, **tokens.details
    )
    return replace(account, id=identity.id_among(stored, api_key), details={**account.details, METHOD: login.method})


def authorize_url(settings: Settings, redirect_uri: str, state: str) -> str:
    """The page to open. Its parameters are iFlow's own: ``redirect``, and no PKCE (read 2026-11)."""
    parameters = {
        "loginMethod": "phone",
        "type": "phone",
        "redirect": redirect_uri,
        "state": state,
        "client_id": settings.client_id,
    }
    return str(httpx2.URL(settings.endpoints.authorize, params=parameters))


async def _code_from_callback(settings: Settings, login: Login, state: str) -> tuple[str, str]:
    endpoints = settings.endpoints

    def landing(parameters: Mapping[str, str]) -> str:
        return endpoints.success if parameters.get("code") else endpoints.error

    listener = CallbackListener(
        state, path=CALLBACK_PATH, host="localhost", port=settings.callback_port, landing=landing
    )
    async with listener:
        await login.show(authorize_url(settings, listener.redirect_uri, state))
        parameters = await listener.wait(login, limit_s=SIGN_IN_S)
    code = parameters.get("code", "")
    if not code:
        raise LoginFailed("the browser came back without a code; start again with: switchgear login")
    return code, listener.redirect_uri


async def _pasted_code(login: Login, state: str) -> str:
    """The code that iFlow's page shows, bare or within the page's address."""
    while True:
        pasted = (await login.ask("Paste the code that the page shows", secret=True)).strip()
        if "://" not in pasted and "=" not in pasted:
            if pasted:
                return pasted
        else:
            query = parse_qs(urlsplit(pasted).query)
            code, given = query.get("code", [""])[0], query.get("state", [""])[0]
            if code and hmac.compare_digest(given.encode(), state.encode()):
                return code
        await login.progress(WRONG_CODE)


async def _with_cookie(settings: Settings, login: Login, client: UpstreamClient, stored: Sequence[Account]) -> Account:
    pasted = await login.ask("Paste the BXAuth cookie of your signed-in browser at platform.iflow.cn", secret=True)
    cookie = session_cookie(pasted)
    if cookie is None:
        raise LoginFailed("there is no BXAuth=... in that; copy the Cookie header of a request to platform.iflow.cn")
    try:
        shown = await shown_key(settings, client, cookie)
        account_id = cookie_account(shown.name, cookie, "", None).id
        twin = next((one for one in stored if one.secrets.get(COOKIE) == cookie and one.id != account_id), None)
        if twin is not None:
            raise LoginFailed(f"this browser session is {twin.label}'s already; sign in with another one")
        key = await issued_key(settings, client, cookie, shown.name)
    except Refused as error:
        raise LoginFailed(DEAD) from error
    return cookie_account(shown.name, cookie, key.api_key, key.expires_at or shown.expires_at)


async def _with_key(login: Login) -> Account:
    pasted = (await login.ask("Paste the API key from platform.iflow.cn", secret=True)).strip()
    if not pasted or not pasted.isascii() or not pasted.isprintable() or " " in pasted:
        raise LoginFailed("that is no API key; copy it whole from platform.iflow.cn, where it is shown once")
    return key_account(Secret(pasted))
