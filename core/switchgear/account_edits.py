"""What an operator does to an account: settings, a refresh, its removal. Under the locks that a gateway takes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from switchgear.account_list import Found
from switchgear.accounts import Entry
from switchgear.assembly import Service
from switchgear.errors import AuthFileError, LoginRequired, PluginError, SwitchgearError, UpstreamError
from switchgear.health import ANY_MODEL
from switchgear.secret import redact
from switchgear.types import Account, Kind, Verdict


class EditError(SwitchgearError):
    """It cannot be done; the message says what can."""


async def edit(entry: Entry, account: Account, changes: Mapping[str, Any]) -> Account:
    """Change what the operator decides about an account; gives it as it is then.

    Args:
        changes: ``label``, ``disabled``, ``priority``, ``weight``, ``proxy_url``; ``None`` goes back to what the plugin
            says.

    Raises:
        EditError: a value does not do, or another account has the label.
        AuthFileError: it cannot be written.
    """
    label = changes.get("label")
    if label is not None and any(other.label == label and other.id != account.id for other in entry.accounts):
        raise EditError(f"another account of {entry.name} is called {label!r}")
    async with entry.store.lock(account.id):  # else two edits at once could lose one

        def write() -> None:
            entry.settings.write(account.id, replace(entry.settings.read(account.id), **changes))

        try:
            await asyncio.to_thread(write)
        except ValueError as error:
            raise EditError(redact(str(error))) from None
    await entry.load()
    return next((now for now in entry.accounts if now.id == account.id), account)


async def remove(entry: Entry, found: Found) -> None:
    """Take an account away: its file, and what the operator decided about it.

    Raises:
        EditError: it has no file.
        AuthFileError: it cannot be removed.
    """
    if found.account is None:
        await asyncio.to_thread(_unlink, entry, found.file)
    elif not entry.store.path(found.account.id).exists():
        raise EditError(f"{found.account.label} is no file; it stands under {entry.name} in config.yaml")
    else:
        await entry.store.remove(found.account)
        await asyncio.to_thread(entry.settings.remove, found.account.id)
    await entry.load()


def _unlink(entry: Entry, file: str) -> None:
    path = entry.store.path("").with_name(file)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise AuthFileError(f"{path} cannot be removed: {error.strerror}") from None


async def refresh(service: Service, entry: Entry, account: Account) -> Account:
    """Refresh the account's credential now; gives the account with the new one.

    Where another process is at it, its result is waited for and taken.

    Raises:
        EditError: it has nothing to refresh; it was refused; or it could not be asked for now.
    """
    if not entry.can_refresh:
        raise EditError(f"accounts of {entry.name} are not refreshed: their credential is good until it is withdrawn")
    try:
        return await entry.refresh(account)
    except LoginRequired as error:
        verdict = Verdict(Kind.LOGIN_REQUIRED, message=str(error))
        service.health.failed(entry.name, account.id, ANY_MODEL, verdict)
        raise EditError(
            f"login required: {redact(str(error))}; sign in again with: switchgear login {entry.name}"
        ) from None
    except (UpstreamError, PluginError) as error:
        raise EditError(f"not refreshed: {redact(str(error))}; the account is as it was, so try again") from None
