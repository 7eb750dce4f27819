"""Signing in with a key: asking for it, and finding the region that knows it."""

from __future__ import annotations

from switchgear import Account, Login, LoginFailed, Secret, UpstreamClient, UpstreamError
from switchgear_minimax.accounts import key_account, name_of
from switchgear_minimax.quota import ask, remains
from switchgear_minimax.settings import Region, Settings
from switchgear_minimax.wire import BALANCE_PATH, is_pay_as_you_go

REGIONS: tuple[Region, ...] = ("global", "cn")
SHORTEST_KEY_CHARS = 16


async def sign_in_with_key(settings: Settings, login: Login, client: UpstreamClient) -> Account:
    """The account of the key that the person types.

    Raises:
        LoginFailed: it is no key, or no region knows it.
        UpstreamError: a region that may know it could not be asked.
    """
    label = name_of(login.label or "")
    key = Secret((await login.ask("The API key (sk-cp-… of a plan, or sk-api-…)", secret=True)).strip())
    if len(key.reveal()) < SHORTEST_KEY_CHARS or not key.reveal().isascii() or not key.reveal().isprintable():
        raise LoginFailed(
            "that is no MiniMax key: they begin with sk-cp- or sk-api-; copy the whole key, and start again"
        )
    await login.progress("looking for the region that knows the key")
    unasked: UpstreamError | None = None
    for region in REGIONS:
        account = key_account(key, region, label)
        try:
            if await _is_known(settings, account, client):
                return account
        except UpstreamError as error:
            unasked = error
    if unasked is not None:
        raise unasked
    raise LoginFailed("neither region of MiniMax knows this key; see the key page of your console, and start again")


async def _is_known(settings: Settings, account: Account, client: UpstreamClient) -> bool:
    """Whether the account's region knows the key; its quota call tells, as the vendor's own program does it."""
    try:
        if is_pay_as_you_go(account):
            await ask(settings, account, client, BALANCE_PATH)
        else:
            await remains(settings, account, client)
    except UpstreamError as error:
        failure = error.failure
        if failure.cause == "in_band" or failure.status in {400, 401, 403}:
            return False
        raise
    return True
