"""Signing in with an API key: it is pasted, never renewed, and known by its digest."""

from __future__ import annotations

from switchgear import Login, LoginFailed
from switchgear_kiro.account import Credential

PREFIX = "ksk_"


async def sign_in_with_key(login: Login) -> Credential:
    """Ask for the key.

    Raises:
        LoginFailed: that is none.
    """
    pasted = (await login.ask("Paste the Kiro API key (it starts with ksk_)", secret=True)).strip()
    if not pasted.startswith(PREFIX) or not pasted.isascii() or not pasted.isprintable() or " " in pasted:
        raise LoginFailed("that is no Kiro API key: one starts with ksk_ and is shown once, when it is made")
    return Credential("api-key", access_token=pasted)
