"""Sign-ins of other programs, taken over: out of a file that is given, or out of what is found on this machine.

A refresh token is good once. Whoever renews first has the sign-in, so what is taken over should be used here alone.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from switchgear import Account, Login, LoginFailed, LoginRequired
from switchgear_kiro import cli_database, ide_file
from switchgear_kiro.account import PENDING, Credential
from switchgear_kiro.credential_fields import Document, credential_of, registration_name, text
from switchgear_kiro.token_files import USABLE_S, Renew

CLIPROXYAPI, VENDOR = "cliproxyapi", "vendor"
IDE = "Kiro IDE"
ALONE = (
    "from now on this gateway renews the sign-in, and {program} loses it with the first renewal; where both shall have "
    "it, remove this account and write the file into token-files"
)
STALE = (
    "the token of {program} in {path} has expired, and Kiro refused to renew it: {why}. {program} may have renewed it "
    "without writing that down, or another program did. Sign in there once more and repeat this, or sign in here with "
    "another --method"
)


# -- a file that is given ------------------------------------------------------------------------------------


def imported(source: str, document: Document, beside: Mapping[str, Document]) -> Account | None:
    """See the hook ``import_account``: a ``kiro-*.json`` of CLIProxyAPIPlus, or the IDE's token file.

    Nobody is asked who it is; the first refresh finds that out, and the account keeps the id it gets here.

    Raises:
        LoginFailed: a field is missing or cannot be right.
    """
    if not (source == CLIPROXYAPI and document.get("type") == "kiro") and not ide_file.is_token(document):
        return None
    registration = None
    if not text(document, "client_secret") and (name := registration_name(document)):
        registration = beside.get(name, {})
    credential = credential_of(document, registration)
    return replace(credential, account_id=_id(credential)).account()


def _id(credential: Credential) -> str:
    """Of an account nobody was asked about: the same file twice is one account, and two people's never share one."""
    if credential.email:
        return credential.made_id()
    return PENDING + hashlib.sha256(credential.refresh_token.encode()).hexdigest()[:16]


# -- what is found on this machine ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """A place where a sign-in may be. ``credential`` is ``None`` where ``problem`` says why there is none."""

    program: str
    path: Path
    credential: Credential | None
    problem: str = ""

    def __str__(self) -> str:
        if self.credential is None:
            return f"{self.path}: {self.problem}"
        expired = ", token expired" if _has_expired(self.credential) else ""
        return f"{self.program}: {self.credential.idp or self.credential.method}{expired} ({self.path})"


def found_here() -> list[Found]:
    """Every place a sign-in may be, and what is there. Blocks."""
    home = Path.home()
    found = []
    for program, path in [(IDE, home / ide_file.PLACE), *cli_database.places(sys.platform, home, os.environ)]:
        try:
            read = ide_file.read(path).credential if program == IDE else cli_database.read(path)
        except LoginFailed as error:
            found.append(Found(program, path, None, str(error)))
        else:
            found.append(Found(program, path, read))
    return found


async def take_over(login: Login, renew: Renew) -> Credential:
    """The sign-in of the IDE or a command line on this machine. Asks only where there are several.

    Its identity is pending, and an organisation's profile may be unknown.

    Raises:
        LoginFailed: there is none, or it is of no use any more.
        UpstreamError: it has to be renewed, and could not be now.
    """
    found = await asyncio.to_thread(found_here)
    usable = [each for each in found if each.credential is not None]
    if not usable:
        looked = "; ".join(map(str, found))
        raise LoginFailed(f"no sign-in was found on this machine ({looked}); sign in here with another --method")
    position = 0
    if len(usable) > 1:
        position = await login.choose("Whose sign-in shall be taken over?", [str(each) for each in usable])
    chosen = usable[position]
    credential = chosen.credential
    assert credential is not None
    await login.progress(f"taking over {chosen}")
    if _has_expired(credential):
        try:
            credential = await renew(credential)
        except LoginRequired as error:
            raise LoginFailed(STALE.format(program=chosen.program, path=chosen.path, why=error)) from error
    await login.progress(ALONE.format(program=chosen.program))
    return credential


def _has_expired(credential: Credential) -> bool:
    return (credential.expires_at or 0.0) - time.time() < USABLE_S
