"""Kiro IDE's token file, ``kiro-auth-token.json``, with its client registration beside it: read, and written back.

The IDE rewrites the file in place, so it may be half-written when it is read. Its registration is in a file named after
the start URL: two Builder ID users share the name, and the one who signed in last has the file.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from switchgear import LoginFailed
from switchgear_kiro.account import Credential
from switchgear_kiro.credential_fields import Document, credential_of, registration_name, spelled, written

PLACE = Path(".aws/sso/cache/kiro-auth-token.json")
"""In the home directory, on every system."""
MOST_BYTES = 1024 * 1024
READS = 10
PAUSE_S = 0.05


@dataclass(frozen=True, slots=True)
class IdeFile:
    """A token file as it was read.

    Attributes:
        content: its bytes, by which it is known whether somebody wrote it since.
        document: its JSON object.
        credential: what is in it and in its registration.
    """

    path: Path
    content: bytes
    document: Document
    credential: Credential


def is_token(document: Document) -> bool:
    """Whether it looks like the IDE's token file; its registrations and other programs' tokens do not."""
    return (
        "type" not in document
        and {"accessToken", "refreshToken"} <= document.keys()
        and bool(document.keys() & {"authMethod", "provider", "profileArn", "clientIdHash"})
    )


def read(path: Path, pause: Callable[[float], None] = time.sleep) -> IdeFile:
    """Read the file. Blocks; one that is half-written is read again after a moment.

    Args:
        pause: waits so many seconds.

    Raises:
        LoginFailed: it is missing, damaged, or lacks something.
    """
    for attempt in range(READS):
        if attempt:
            pause(PAUSE_S)
        content = _bytes(path)
        document = _object(content)
        if document is not None:
            registration = _registration(path, document)
            return IdeFile(path, content, document, credential_of(document, registration))
    raise LoginFailed("it is damaged: no JSON object")


def unchanged(file: IdeFile) -> bool:
    """Whether nobody has written the file since it was read. Blocks."""
    try:
        return _bytes(file.path) == file.content
    except LoginFailed:
        return False


def updated(document: Document, fresh: Credential) -> dict[str, Any]:
    """``document`` with the new tokens, in its own spelling; everything else in it stays as it is."""
    values = {"access_token": fresh.access_token, "refresh_token": fresh.refresh_token}
    if fresh.expires_at is not None:
        values["expired" if "expired" in document else "expires_at"] = written(fresh.expires_at)
    if fresh.profile_arn and spelled(document, "profile_arn") in document:
        values["profile_arn"] = fresh.profile_arn
    return {**document, **{spelled(document, name): value for name, value in values.items()}}


def is_read_only(path: Path) -> bool:
    """Whether the file certainly cannot be replaced. Blocks, and touches nothing."""
    return not os.access(path.resolve().parent, os.W_OK)


def check_writable(path: Path) -> None:
    """See whether the file could be replaced, before a token is spent. Blocks.

    Raises:
        OSError: it could not.
    """
    with tempfile.NamedTemporaryFile(dir=path.resolve().parent, prefix=f".{path.name}."):
        pass


def write(path: Path, document: Mapping[str, Any]) -> None:
    """Replace the file, whole or not at all; its mode and its owner stay. Blocks.

    One that is mounted by itself, as into a container, cannot be replaced; it is written as the IDE does, from the top.

    Raises:
        OSError: it could not be written.
    """
    target = path.resolve()  # a link stays one
    facts, content = target.stat(), json.dumps(document, indent=2).encode()
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), stat.S_IMODE(facts.st_mode))
            if (facts.st_uid, facts.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(file.fileno(), facts.st_uid, facts.st_gid)
        try:
            Path(name).replace(target)
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            with target.open("r+b") as file:
                file.write(content)
                file.truncate()
                os.fsync(file.fileno())
    finally:
        Path(name).unlink(missing_ok=True)


def _registration(path: Path, document: Document) -> Document | None:
    name = registration_name(document)
    if not name:
        return None
    try:
        return _object(_bytes(path.with_name(name))) or {}
    except LoginFailed:
        return {}


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise LoginFailed("it is no file")
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise LoginFailed("there is no such file") from None
    except OSError as error:
        raise LoginFailed(f"it cannot be read: {error.strerror}") from None
    if len(content) > MOST_BYTES:
        raise LoginFailed("it is too large for a token file")
    return content


def _object(content: bytes) -> Document | None:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
