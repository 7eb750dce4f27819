"""Signing in with a browser: a page is opened anywhere, and the service is asked until it was confirmed there.

Nothing comes back to this machine and no code is typed, so it works without a browser here. Source: the vendor's SDK
and independent clients, which agree, read 2026-11.
"""

from __future__ import annotations

import asyncio
import time
import uuid

import httpx2

from switchgear import Failure, Login, LoginFailed, Secret, UpstreamClient, UpstreamError
from switchgear.oauth import Pkce, new_pkce
from switchgear_cursor.account import Credential
from switchgear_cursor.calls import failure_of, object_in, post, sent, text_in, words_of
from switchgear_cursor.endpoints import POLL, SIGN_IN_PAGE
from switchgear_cursor.settings import CursorSettings
from switchgear_cursor.tokens import Tokens

MOST_POLLS = 150
SLOWER = 1.2
LONGEST_PAUSE_S = 10.0
FAILURES = 3
"""So many polls in a row without an answer end the sign-in."""
NOT_YET = "Not found"
"""The whole answer where the sign-in is not confirmed yet, as seen live. Another 404 may mean that nobody knows the
call."""

sleep = asyncio.sleep
"""Replaced in tests."""


async def sign_in_with_browser(settings: CursorSettings, login: Login, client: UpstreamClient) -> Credential:
    """Have a sign-in confirmed on the website; gives its session.

    Raises:
        LoginFailed: it was refused, or nobody confirmed it in time.
        UpstreamError: the service cannot be asked.
    """
    pkce, attempt = new_pkce(), str(uuid.uuid4())
    await login.show(_page(settings, pkce, attempt))
    await login.progress("waiting for the confirmation in the browser")
    tokens = await _polled(settings, pkce.verifier, attempt, client)
    session = Credential("session", refresh_token=tokens.refresh_token)
    return session.with_access(tokens.access_token, time.time())


def _page(settings: CursorSettings, pkce: Pkce, attempt: str) -> str:
    told = {"challenge": pkce.challenge, "uuid": attempt, "mode": "login", "redirectTarget": settings.client_type}
    return f"{settings.endpoints.website}{SIGN_IN_PAGE}?{httpx2.QueryParams(told)}"


async def _polled(settings: CursorSettings, verifier: Secret, attempt: str, client: UpstreamClient) -> Tokens:
    url, verb = settings.endpoints.api + POLL, "POST"
    told = {"uuid": attempt, "verifier": verifier.reveal()}
    pause_s, failures = settings.least_poll_seconds, 0
    for _ in range(MOST_POLLS):
        await sleep(pause_s)
        pause_s = min(pause_s * SLOWER, LONGEST_PAUSE_S)
        try:
            response = await _ask(client, url, verb, told)
            if response.status_code >= 500:
                raise UpstreamError(failure_of(response, f"the sign-in cannot be asked for: {words_of(response)}"))
        except UpstreamError:
            failures += 1
            if failures == FAILURES:
                raise
            continue
        failures = 0
        match response.status_code:
            case 200:
                return _tokens_in(response)
            case 404:
                if verb == "POST" and response.text.strip() != NOT_YET:
                    verb = "GET"  # a POST keeps the verifier out of addresses, but not every server knows it
            case 429:
                pass
            case _:
                raise LoginFailed(f"Cursor refused the sign-in ({words_of(response)}); start again")
    raise LoginFailed("nobody confirmed the sign-in in time; start again with: switchgear login")


async def _ask(client: UpstreamClient, url: str, verb: str, told: dict[str, str]) -> httpx2.Response:
    if verb == "POST":
        return await post(client, url, told)
    return await sent(client, httpx2.Request("GET", url, params=told, headers={"accept": "application/json"}))


def _tokens_in(response: httpx2.Response) -> Tokens:
    answer = object_in(response) or {}
    access = text_in(answer, "accessToken")
    if not access:
        raise UpstreamError(Failure("protocol", 200, message="the sign-in was confirmed, but no token came with it"))
    return Tokens(access, text_in(answer, "refreshToken"))
