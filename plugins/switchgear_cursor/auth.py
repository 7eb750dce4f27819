"""Signing an account in: by which method, whose it is, and into which file."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from switchgear import Account, AuthStore, Login, LoginFailed, UpstreamClient, UpstreamError
from switchgear_cursor.account import Credential
from switchgear_cursor.api_keys import minted, named, sign_in_with_key
from switchgear_cursor.connect_errors import connect_error
from switchgear_cursor.deep_link import sign_in_with_browser
from switchgear_cursor.importing import take_over
from switchgear_cursor.renewal import fresh
from switchgear_cursor.settings import CursorSettings

METHODS = ("browser", "browser-session", "api-key", "import")
"""The sign-in methods, the default one first: a browser, and a key made with that; a browser, and its session kept; a
key that is there already; what another program on this machine has."""
LONGEST_LABEL_CHARS = 100
NO_KEY = (
    "Cursor made no API key for this account ({why}), so its browser session is kept instead: it ends in about 60 "
    "days, and then somebody has to sign in again"
)


async def sign_in(settings: CursorSettings, login: Login, store: AuthStore, client: UpstreamClient) -> Account:
    """See the hook ``authenticate``. The account is the one that is stored for the same person, or a new one."""
    credential = await _credential(settings, login, client)
    credential = await named(settings, credential, client)
    try:
        made_id = credential.made_id()
    except ValueError as error:
        raise LoginFailed(f"{error}, so it cannot be kept apart from others; sign in with: --method api-key") from None
    stored = await asyncio.to_thread(store.load)
    known = next((one for one in stored if one.id == made_id), None)
    label = (login.label or "").strip()[:LONGEST_LABEL_CHARS] or (known.label if known is not None else "")
    account = replace(credential, account_id=made_id, label=label).account()
    await store.save(account)
    return account


async def _credential(settings: CursorSettings, login: Login, client: UpstreamClient) -> Credential:
    match login.method:
        case "browser-session":
            return await sign_in_with_browser(settings, login, client)
        case "api-key":
            return await sign_in_with_key(settings, login, client)
        case "import":
            return await take_over(login, lambda found: fresh(settings, found, client))
        case _:
            session = await sign_in_with_browser(settings, login, client)
            return await _key_or(settings, session, login, client)


async def _key_or(settings: CursorSettings, session: Credential, login: Login, client: UpstreamClient) -> Credential:
    """A key made with the session, or the session where none is made."""
    await login.progress("making an API key, which outlives the session")
    try:
        return await minted(settings, session, client)
    except UpstreamError as error:
        said = connect_error(error.failure.body)
        why = said.words if said is not None and not said.is_bare else str(error)
        await login.progress(NO_KEY.format(why=why or "it does not say why"))
        return session
