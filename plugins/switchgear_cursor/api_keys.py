"""Keys: one that is pasted, and one that a sign-in makes, which can be exchanged long after the session has ended.

Source: the vendor's SDK, which signs in so, read 2026-11.
"""

from __future__ import annotations

import time
from dataclasses import replace

from switchgear import Failure, Login, LoginFailed, UpstreamClient, UpstreamError
from switchgear_cursor.account import Credential
from switchgear_cursor.calls import ask, text_in
from switchgear_cursor.endpoints import CREATE_KEY, ME
from switchgear_cursor.settings import CursorSettings
from switchgear_cursor.tokens import TokenRefused, exchange

PREFIX = "crsr_"
KEY_NAME = "Switchgear"
DAY_S = 86_400


async def sign_in_with_key(settings: CursorSettings, login: Login, client: UpstreamClient) -> Credential:
    """Ask for a key, and see whether it is taken.

    Raises:
        LoginFailed: it is none, or is not taken.
        UpstreamError: that cannot be found out now.
    """
    pasted = (await login.ask(f"Paste the Cursor API key (it starts with {PREFIX})", secret=True)).strip()
    if not pasted.startswith(PREFIX) or not pasted.isascii() or not pasted.isprintable() or " " in pasted:
        raise LoginFailed(f"that is no Cursor API key: one starts with {PREFIX}; make one on cursor.com, API keys")
    try:
        return await exchanged(settings, Credential("api-key", api_key=pasted), client)
    except TokenRefused as error:
        message = f"Cursor does not take this key ({error.words}); make a new one on cursor.com, API keys"
        raise LoginFailed(message) from error


async def exchanged(settings: CursorSettings, credential: Credential, client: UpstreamClient) -> Credential:
    """A key's credential with a new access token.

    Raises:
        TokenRefused: the key is not taken (any more).
        UpstreamError: anything that may pass.
    """
    tokens = await exchange(settings, credential.api_key, client)
    return credential.with_access(tokens.access_token, time.time())


async def minted(settings: CursorSettings, session: Credential, client: UpstreamClient) -> Credential:
    """A key made with a session, and exchanged; nothing of the session is kept in it.

    Raises:
        UpstreamError: none is made (a team may forbid them), or it is not taken.
    """
    expires_at = int(time.time()) + settings.key_days * DAY_S
    asked = {"name": KEY_NAME, "expiresAt": str(expires_at * 1000)}
    answer = await ask(settings, session.access_token, client, CREATE_KEY, asked)
    key = text_in(answer, "apiKey", "api_key")
    if not key:
        raise UpstreamError(Failure("protocol", message="no key is in the answer"))
    made = Credential("api-key", api_key=key, subject=session.subject, key_expires_at=float(expires_at))
    return await exchanged(settings, made, client)


async def named(settings: CursorSettings, credential: Credential, client: UpstreamClient) -> Credential:
    """The credential with its owner's e-mail address, for people; as it is where that cannot be had."""
    try:
        answer = await ask(settings, credential.access_token, client, ME)
    except UpstreamError:
        return credential
    return replace(credential, email=text_in(answer, "email") or credential.email)
