"""The directories: who may read the auth files, where their key is kept, and whether state can be written."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from switchgear.authfile import OTHERS_MAY
from switchgear.checks import Check
from switchgear.config import Config
from switchgear.errors import AuthFileError
from switchgear.sealing import KEY_FILE_VARIABLE, Sealer

SHOWN = 5
LEAST_FREE_BYTES = 64 * 1024 * 1024


def checks(config: Config) -> list[Check]:
    """The auth directory, its files, their key, and the state directory. It blocks."""
    return [*_auth_dir(config), _sealing_key(config), _state_dir(config.state_dir)]


def _auth_dir(config: Config) -> Iterator[Check]:
    folder = config.auth_dir
    if not folder.exists():
        yield _to_be_made("auth-dir", folder)
        return
    mode = _mode(folder)
    if not folder.is_dir() or not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield Check("auth-dir", "failed", f"{folder} is no directory that this user may write", "see auth-dir")
        return
    if mode & OTHERS_MAY:
        detail = f"{folder} has mode {mode:04o}: others see which accounts there are"
        yield Check("auth-dir", "attention", detail, f"chmod 700 {folder}")
    else:
        yield Check("auth-dir", "ok", f"{folder} is this user's alone")
    yield _auth_files(config)


def _auth_files(config: Config) -> Check:
    found = sorted(config.auth_dir.rglob("*.json"))
    open_ = [path.name for path in found if _mode(path) & OTHERS_MAY]
    if not open_:
        return Check("auth files", "ok", f"{len(found)} files, none of which others may read")
    shown = ", ".join(open_[:SHOWN]) + (f" and {len(open_) - SHOWN} more" if len(open_) > SHOWN else "")
    advice = f"chmod 600 them in {config.auth_dir}; if others were here, sign those accounts in again"
    if config.auth_file_permissions == "refuse":
        return Check("auth files", "failed", f"others may read {shown}, so they are left out", advice)
    return Check(
        "auth files", "attention", f"others may read {shown}; a gateway closes them to others when it starts", advice
    )


def _sealing_key(config: Config) -> Check:
    """Where the key that seals auth files is kept; never the key."""
    name, path = "sealing key", config.auth_key_file
    if path.exists() and _mode(path) & OTHERS_MAY:
        advice = f"chmod 600 {path}; if others were here, sign the accounts in again"
        return Check(name, "failed", f"others may read the key file {path}", advice)
    try:
        key = Sealer(path, require_keyring=config.secrets == "require-keyring").look()
    except (AuthFileError, ValueError) as error:
        return Check(name, "failed", str(error), f"unlock the keyring, or name a key file in {KEY_FILE_VARIABLE}")
    if key is None:
        return Check(name, "ok", "there is none yet; the first sign-in makes it")
    detail = f"it is kept in {key.source}"
    if key.source == "the key file":
        advice = f"a keyring, or {KEY_FILE_VARIABLE}, protects it better"
        detail = f"{detail} {path}: file permissions are all that protects the accounts"
        return Check(name, "attention", detail, advice)
    return Check(name, "ok", detail)


def _state_dir(folder: Path) -> Check:
    if not folder.exists():
        return _to_be_made("state-dir", folder)
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor.") as file:
            file.write(b"\0")
            file.flush()
    except OSError as error:
        detail = f"{folder} cannot be written ({error.strerror}): a restart would forget cooldowns and shifts"
        return Check("state-dir", "failed", detail, "give this user the right to, or set state-dir")
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE_BYTES:
        advice = "make room: tokens that are renewed must be saved"
        return Check("state-dir", "attention", f"{folder}: only {free // 1024 // 1024} MiB are free", advice)
    return Check("state-dir", "ok", f"{folder} can be written")


def _to_be_made(name: str, folder: Path) -> Check:
    """A directory that is not there yet is made when it is needed, if it can be."""
    above = next(parent for parent in folder.absolute().parents if parent.exists())
    if above.is_dir() and os.access(above, os.W_OK | os.X_OK):
        return Check(name, "ok", f"{folder} is not there yet; it is made when it is needed")
    return Check(name, "failed", f"{folder} cannot be made: {above} may not be written", f"set {name}")


def _mode(path: Path) -> int:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:  # it went meanwhile
        return 0
