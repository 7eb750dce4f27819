"""Sign-ins of other programs, taken over: out of a file that is given, or out of what is found on this machine.

They are only ever read. A session that is taken over is one session in two places; where it is renewed here, the other
program's may end.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from switchgear import Account, Login, LoginFailed, LoginRequired
from switchgear_cursor import ide_database
from switchgear_cursor.account import Credential
from switchgear_cursor.api_keys import PREFIX
from switchgear_cursor.claims import claims_of

CLIPROXYAPI, VENDOR = "cliproxyapi", "vendor"
IDE, CLI = "Cursor", "cursor-agent"
MOST_BYTES = 64 * 1024
USABLE_S = 60.0
KEYCHAIN = "; the macOS keychain, where the command line may have its sign-in, is not read"
STALE = (
    "the sign-in of {program} in {path} is of no use ({why}); sign in there once more, or here with another --method"
)
SHARED = "{program} and this gateway have one session now: signing out there ends it here"

Renew = Callable[[Credential], Awaitable[Credential]]
"""Gives a sign-in a new access token, and saves nothing."""


# -- a file that is given ------------------------------------------------------------------------------------


def imported(source: str, document: Mapping[str, Any]) -> Account | None:
    """See the hook ``import_account``: a ``cursor*.json`` of CLIProxyAPIPlus, or the command line's ``auth.json``.

    Raises:
        LoginFailed: a field is missing or cannot be right.
    """
    if source == CLIPROXYAPI and document.get("type") == "cursor":
        found = credential_of(document, ("access_token", "refresh_token", "api_key"), subject=_text(document, "sub"))
    elif source == VENDOR and ("accessToken" in document or "apiKey" in document):
        found = credential_of(document)
    else:
        return None
    try:
        return found.account()
    except ValueError as error:
        raise LoginFailed(f"{error}") from None


FIELDS = ("accessToken", "refreshToken", "apiKey")


def credential_of(
    document: Mapping[str, Any], fields: tuple[str, str, str] = FIELDS, *, subject: str = ""
) -> Credential:
    """The key in it, or else the session.

    Args:
        document: where it is.
        fields: what access token, refresh token and key are called there.
        subject: the ``sub``, where the file says it.

    Raises:
        LoginFailed: there is neither.
    """
    access, refresh, key = (_text(document, name) for name in fields)
    if key:
        if not key.startswith(PREFIX):
            raise LoginFailed(f"{fields[2]} is no Cursor API key: one starts with {PREFIX}")
        return Credential("api-key", api_key=key, subject=subject or claims_of(access).subject)
    if not access:
        raise LoginFailed(f"{fields[0]} is missing")
    return Credential("session", refresh_token=refresh, subject=subject).with_access(access, time.time())


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    return value.strip() if isinstance(value, str) else ""


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
        what = self.credential.email or self.credential.subject or "an API key"
        expired = ", expired" if self.credential.kind == "session" and _has_expired(self.credential) else ""
        return f"{self.program}: {what}{expired} ({self.path})"


def command_line_file(platform: str, home: Path, environ: Mapping[str, str]) -> Path:
    """Where the command line has its sign-in.

    Args:
        platform: ``sys.platform``.
    """
    match platform:
        case "win32":
            return Path(environ.get("APPDATA") or home / "AppData/Roaming") / "Cursor/auth.json"
        case "darwin":
            return home / ".cursor/auth.json"
        case _:
            return Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "cursor/auth.json"


def found_here() -> list[Found]:
    """Every place a sign-in may be, and what is there. Blocks."""
    home = Path.home()
    places = [(IDE, path) for path in ide_database.places(sys.platform, home, os.environ)]
    found = []
    for program, path in [*places, (CLI, command_line_file(sys.platform, home, os.environ))]:
        try:
            document = ide_database.read(path) if program == IDE else _document(path)
            credential = replace(credential_of(document), email=_text(document, "cachedEmail"))
        except LoginFailed as error:
            found.append(Found(program, path, None, str(error)))
        else:
            found.append(Found(program, path, credential))
    return found


async def take_over(login: Login, renew: Renew) -> Credential:
    """The sign-in of the IDE or the command line on this machine. Asks only where there are several.

    Raises:
        LoginFailed: there is none, or it is of no use any more.
        UpstreamError: it has to be renewed, and could not be now.
    """
    found = await asyncio.to_thread(found_here)
    usable = [each for each in found if each.credential is not None]
    if not usable:
        looked = "; ".join(map(str, found)) + (KEYCHAIN if sys.platform == "darwin" else "")
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
    if credential.kind == "session":
        await login.progress(SHARED.format(program=chosen.program))
    return credential


def _has_expired(credential: Credential) -> bool:
    """A key that was not exchanged yet counts as such: who it is comes out when it is."""
    return credential.expires_at - time.time() < USABLE_S


def _document(path: Path) -> Mapping[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise LoginFailed("there is no such file") from None
    except OSError as error:
        raise LoginFailed(f"it cannot be read: {error.strerror}") from None
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise LoginFailed("it is damaged: no JSON object")
    return document
