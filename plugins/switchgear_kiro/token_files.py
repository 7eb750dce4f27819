"""Accounts out of other programs' credential files that are used where they are, each in its own format.

Such an account *is* its file: whoever is signed in there is who is asked. A token that is renewed is written back, so
that the other program goes on with it; from a database, and from a file that cannot be written, tokens are only read,
for renewing one spends what the other program has.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import structlog

from switchgear import Account, Failure, LoginFailed, LoginRequired
from switchgear_kiro import cli_database, ide_file
from switchgear_kiro.account import Credential
from switchgear_kiro.settings import KiroSettings

USABLE_S = 60.0
"""A token with more than this left is taken as it is."""
DATABASE_ADVICE = "it is only read, so use kiro-cli (or Amazon Q) once, which renews it, or sign in again there"
READ_ONLY_ADVICE = "it cannot be written here, so the program that it belongs to has to renew it"

log = structlog.get_logger("switchgear.kiro")

Renew = Callable[[Credential], Awaitable[Credential]]
"""Trades a refresh token for a new credential, and saves nothing."""


def paths_of(settings: KiroSettings) -> tuple[Path, ...]:
    """The files of an entry, each once."""
    return tuple(dict.fromkeys(Path(name).expanduser().absolute() for name in settings.token_files))


async def accounts_in(settings: KiroSettings) -> list[Account]:
    """An account for each file, in the entry's order; one whose file cannot be used says why, and is not asked."""
    paths = paths_of(settings)
    names = [path.name for path in paths]
    labels = [path.name if names.count(path.name) == 1 else f"{path.parent.name} {path.name}" for path in paths]
    return [await asyncio.to_thread(_account, path, label) for path, label in zip(paths, labels, strict=True)]


async def renewed(account: Account, renew: Renew) -> Account:
    """The account with what its file holds by now, or with a new token, which is in the file then.

    Raises:
        LoginRequired: the token is spent, or is not ours to renew.
        UpstreamError: it could not be renewed now.
    """
    path = Path(Credential.of(account).token_file)
    try:
        file = await asyncio.to_thread(_read, path)
    except LoginFailed as error:
        raise _login_required(path, str(error)) from None
    here = file.credential if isinstance(file, ide_file.IdeFile) else file
    if _is_newer(here, account):
        account = _applied(here, account)
        if (here.expires_at or 0.0) - time.time() > USABLE_S:
            return account
    if not isinstance(file, ide_file.IdeFile):
        raise _login_required(path, f"its token has expired; {DATABASE_ADVICE}")
    try:
        await asyncio.to_thread(ide_file.check_writable, path)
    except OSError as error:
        raise _login_required(path, f"its token has expired; {READ_ONLY_ADVICE} ({error.strerror})") from None
    try:
        fresh = await renew(Credential.of(account))
    except LoginRequired as error:
        raise _login_required(path, f"{error}; sign in again with the program that it belongs to") from error
    await asyncio.to_thread(_write_back, file, fresh)
    return _applied(fresh, account)


def _write_back(file: ide_file.IdeFile, fresh: Credential) -> None:
    """Put the new token into the file, unless somebody wrote it meanwhile: what they wrote is newer than what we spent.

    Where it cannot be written the new token lives on in memory, and the next one is written.
    """
    if not ide_file.unchanged(file):
        log.warning("token_file_changed_meanwhile", file=str(file.path), advice="let one program alone renew it")
        return
    try:
        ide_file.write(file.path, ide_file.updated(file.document, fresh))
    except OSError as error:
        log.error("token_file_not_written", file=str(file.path), problem=error.strerror)


def _account(path: Path, label: str) -> Account:
    account = Account(f"file:{hashlib.sha256(str(path).encode()).hexdigest()[:16]}", label)
    try:
        file = _read(path)
    except LoginFailed as error:
        details = {"token_file": str(path)}
        return replace(account, details=details, problem=f"{path}: {error}")
    if isinstance(file, ide_file.IdeFile):
        applied = _applied(replace(file.credential, token_file=str(path)), account)
        renewable = not ide_file.is_read_only(path)
    else:
        applied, renewable = _applied(replace(file, token_file=str(path)), account), False
    # What is not ours to renew is good until it ends: it is looked for anew only when a request needs it.
    return applied if renewable else replace(applied, refresh_at=math.inf)


def _applied(credential: Credential, account: Account) -> Account:
    """``account`` with the credential; what only a refresh has found out of it stays."""
    known = Credential.of(account)
    told = {name: getattr(credential, name) or getattr(known, name) for name in ("token_file", "profile_arn")}
    applied = replace(credential, **told).applied_to(account)
    return replace(applied, refresh_at=math.inf) if account.refresh_at == math.inf else applied


def _read(path: Path) -> ide_file.IdeFile | Credential:
    return cli_database.read(path) if cli_database.is_database(path) else ide_file.read(path)


def _is_newer(here: Credential, account: Account) -> bool:
    known = Credential.of(account)
    same = (here.access_token, here.refresh_token) == (known.access_token, known.refresh_token)
    return not same and (here.expires_at or 0.0) > (known.expires_at or 0.0)


def _login_required(path: Path, problem: str) -> LoginRequired:
    return LoginRequired(Failure("protocol", message=f"{path}: {problem}"))
