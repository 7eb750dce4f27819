"""Signing in, three ways, and the session token of those who signed in by ticket.

Source: packages/cloud/src/WebAuthService.ts, src/activate/handleUri.ts and apps/cli/src/commands/auth/login.ts of
RooCodeInc/Roo-Code, read 2026-11. The loopback redirect of the ticket flow was on a branch that was never merged
(2026-04-15): whether the web app takes it is not known, so the address can also be pasted.
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlencode

from switchgear import Account, Failure, Login, LoginFailed, LoginRequired, Secret, UpstreamClient
from switchgear.oauth import CallbackListener
from switchgear_roo import clerk
from switchgear_roo.claims import read_claims
from switchgear_roo.identity import (
    CLIENT_TOKEN,
    FLOW,
    NO_ORGANIZATION,
    ORGANIZATION,
    SESSION,
    SESSION_TOKEN,
    TOKEN,
    ClerkSession,
    clerk_account,
    token_account,
    unfit_token,
)
from switchgear_roo.settings import Settings

METHODS = ("cli", "clerk", "static")
CLERK_CALLBACK = "/auth/clerk/callback"
MARGIN_S = 10.0
"""A session token with less left is not used."""
TOO_OLD = "it has expired; make a new one, and sign in again"


async def sign_in(settings: Settings, login: Login, client: UpstreamClient) -> Account:
    """One account by ``login.method``; not saved yet.

    Raises:
        LoginCancelled: the person gave up.
        LoginFailed: the answer does not do.
        UpstreamError: Clerk could not be asked, or failed.
    """
    match login.method:
        case "clerk":
            return await _by_ticket(settings, login, client)
        case "static":
            return await _by_key(login)
    return await _by_cli_page(settings, login)


async def _by_cli_page(settings: Settings, login: Login) -> Account:
    """The page sends a token of 90 days to the callback: no code, nothing to exchange, nothing to refresh.

    The callback's ``state`` is looked at before its ``error``, else any page on this machine could end the sign-in.
    """
    page = f"{settings.endpoints.app}/cli/sign-in"
    state = _new_state()
    async with CallbackListener(state, landing=lambda came: _landing(page, came)) as listener:
        await login.show(f"{page}?{urlencode({'state': state, 'callback': listener.redirect_uri})}")
        came = await listener.wait(login)
    token = came.get("token", "")
    claims = read_claims(token)
    if unfit_token(token) or claims is None or not claims.user_id:
        raise LoginFailed("the page sent no token that says whose it is; start again with: switchgear login")
    if claims.expires_at is not None and claims.expires_at <= time.time():
        raise LoginFailed("the page sent a token that has expired; look at this machine's clock, and start again")
    return token_account("cli", Secret(token), login.label)


def _landing(page: str, came: Mapping[str, str]) -> str:
    """Where the browser is sent on to. Nothing of what came is repeated there."""
    if "error" in came:
        problem = {"error": "error-in-callback", "message": "the sign-in was refused"}
        return f"{page}?{urlencode(problem)}"
    if not came.get("token"):
        problem = {"error": "missing-token", "message": "the callback held no token"}
        return f"{page}?{urlencode(problem)}"
    return f"{page}?success=true"


async def _by_ticket(settings: Settings, login: Login, client: UpstreamClient) -> Account:
    state = _new_state()
    async with CallbackListener(state, path=CLERK_CALLBACK) as listener:
        redirect = listener.redirect_uri.removesuffix(CLERK_CALLBACK)
        page = f"{settings.endpoints.app}/extension/sign-in"
        await login.show(f"{page}?{urlencode({'state': state, 'auth_redirect': redirect})}")
        came = await listener.wait(login)
    ticket = came.get("code", "")
    if not ticket:
        raise LoginFailed("the callback held no ticket; start again with: switchgear login")
    await login.progress("trading the ticket for a session")
    base = settings.endpoints.auth
    client_token, session_id = await clerk.redeem(client, base, ticket)
    user_id, email = await clerk.who(client, base, client_token)
    org_id = came.get("organizationId", "")
    org_id = "" if org_id in NO_ORGANIZATION else org_id
    org = await clerk.organization_name(client, base, client_token, org_id) if org_id else ""
    return clerk_account(ClerkSession(client_token, session_id, user_id, org_id, org, email), login.label)


async def _by_key(login: Login) -> Account:
    key = Secret((await login.ask("Paste the API key", secret=True)).strip())
    if problem := unfit_token(key.reveal()):
        raise LoginFailed(f"the API key {problem}; start again with: switchgear login")
    account = token_account("static", key, login.label)
    if account.expires_at is not None and account.expires_at <= time.time():
        raise LoginFailed(f"the API key is of no use: {TOO_OLD}")
    return account


def _new_state() -> str:
    """32 hexadecimal digits, as the pages were sent."""
    return secrets.token_hex(16)


# -- afterwards ------------------------------------------------------------------------------------------------


async def refresh(settings: Settings, account: Account, client: UpstreamClient) -> Account:
    """The account with a new session token; one of the other flows cannot be refreshed.

    Raises:
        LoginRequired: the session is over, or there is nothing to refresh with.
        UpstreamError: Clerk could not be asked, or failed; the session may still be good.
    """
    if account.details.get(FLOW) != "clerk":
        old = account.expires_at is not None and account.expires_at <= time.time()
        what = "the token has expired" if old else "the token was refused"
        message = f"{what}, and there is nothing to refresh it with; sign in again with: switchgear login"
        raise LoginRequired(Failure("status", 401, message=message))
    minted = await clerk.mint(
        client,
        settings.endpoints.auth,
        account.secrets[CLIENT_TOKEN],
        account.details[SESSION],
        account.details.get(ORGANIZATION),
    )
    kept = {CLIENT_TOKEN: minted.client_token or account.secrets[CLIENT_TOKEN], SESSION_TOKEN: minted.jwt}
    return replace(account, secrets=kept, expires_at=minted.expires_at, refresh_at=math.inf)


def saved(account: Account) -> Account:
    """The account as its file has it: a session token is never written."""
    if account.details.get(FLOW) != "clerk":
        return account
    return replace(account, secrets={CLIENT_TOKEN: account.secrets[CLIENT_TOKEN]}, expires_at=0.0, refresh_at=math.inf)


def bearer(account: Account) -> Secret | None:
    """What a request is sent with; ``None`` where no session token was minted yet."""
    return account.secrets.get(SESSION_TOKEN if account.details.get(FLOW) == "clerk" else TOKEN)


async def bearer_for_once(settings: Settings, account: Account, client: UpstreamClient) -> Secret:
    """Likewise, with a session token minted for this one call where there is none that lasts.

    Core sees to that before it has a request sent, and not before it asks for a list or a quota.

    Raises:
        LoginRequired: the session is over.
        UpstreamError: Clerk could not be asked, or failed.
    """
    found = bearer(account)
    lasts = account.details.get(FLOW) != "clerk" or (account.expires_at or 0.0) - time.time() >= MARGIN_S
    if found is not None and lasts:
        return found
    return (await refresh(settings, account, client)).secrets[SESSION_TOKEN]
