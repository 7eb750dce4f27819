"""Sealing the secrets of auth files: AES-256-GCM under one key, bound to the provider and account they belong to.

The key comes from, in this order: a file that ``SWITCHGEAR_AUTH_KEY_FILE`` names (containers, services), the variable
``SWITCHGEAR_AUTH_KEY``, the operating system's keyring (desktops), or a key file beside the auth directory. That one
protects no better than its permissions, and is said so. What was sealed under one of them is opened with that one,
whichever comes first now.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import tempfile
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from switchgear.errors import AuthFileError
from switchgear.references import KEYRING_SERVICE, UnsafeKeyring, accept, system_keyring, with_keyring
from switchgear.secret import Secret

KEY_FILE_VARIABLE = "SWITCHGEAR_AUTH_KEY_FILE"
KEY_VARIABLE = "SWITCHGEAR_AUTH_KEY"
KEYRING_NAME = "auth-key"
SHORTEST_KEY = 32
VERSION = 1
NONCE_BYTES = 12

log = structlog.get_logger("switchgear.sealing")


class UnsealError(ValueError):
    """A sealed text was changed, or belongs to another account."""


class UnknownKeyError(ValueError):
    """A sealed text's key cannot be had now; nothing is wrong with the text."""


class NoKeyYet(UnsafeKeyring):
    """The keyring can be used, and holds no sealing key."""


@dataclass(frozen=True, slots=True)
class Key:
    """A sealing key. ``source`` says where it is kept, in words."""

    id: str
    source: str
    value: Secret

    @classmethod
    def of(cls, text: str, source: str) -> Key:
        """The key that ``text``, 32 characters or more, stands for."""
        if len(text) < SHORTEST_KEY:
            raise ValueError(f"the sealing key from {source} is shorter than {SHORTEST_KEY} characters")
        return cls(hashlib.sha256(b"switchgear key id\0" + text.encode()).hexdigest()[:8], source, Secret(text))

    def derived(self) -> bytes:
        """The 32 bytes that seal (HKDF, RFC 5869)."""
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        return HKDF(SHA256(), 32, salt=None, info=b"switchgear auth files").derive(self.value.reveal().encode())


class Sealer:
    """Seals and opens. Where the key is kept is found out when it is first needed; call it in a thread, it may block.

    Args:
        key_file: the last resort, made on first use with mode 0600.
        require_keyring: the last resort is refused.
    """

    def __init__(self, key_file: Path, *, require_keyring: bool = False) -> None:
        self._key_file = key_file
        self._require_keyring = require_keyring
        self._known: dict[str, Key] = {}
        self._sealing: Key | None = None

    def seal(self, text: str, owner: str) -> Mapping[str, str]:
        """``text`` sealed for ``owner``.

        Raises:
            AuthFileError: there is no key to seal with.
        """
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key = self.sealing_key()
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = AESGCM(key.derived()).encrypt(nonce, text.encode(), _bound_to(owner, key))
        return {"key": key.id, "kept-in": key.source, "data": b64encode(nonce + sealed).decode()}

    def open(self, sealed: Mapping[str, str], owner: str) -> str:
        """The text that was sealed for ``owner``.

        Raises:
            UnknownKeyError: its key is not here.
            UnsealError: it was changed, or sealed for another owner.
        """
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key = self._key(sealed["key"], sealed.get("kept-in", "?"))
        try:
            data = b64decode(sealed["data"], validate=True)
            text = AESGCM(key.derived()).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], _bound_to(owner, key))
        except (InvalidTag, ValueError):
            raise UnsealError("its secrets were changed, or belong to another account") from None
        return text.decode()

    def sealing_key(self) -> Key:
        """The key that seals now.

        Raises:
            AuthFileError: there is none, or ``secrets: require-keyring`` forbids the one there is.
        """
        if self._sealing is None:
            self._sealing = self._find()
            self._known[self._sealing.id] = self._sealing
        return self._sealing

    def look(self) -> Key | None:
        """The key that would seal now; ``None`` where the first one has yet to be made. Nothing is made here.

        Raises:
            AuthFileError: the one that is named, or the key file, cannot be used; or the keyring is required and has
                none.
        """
        for source in (_from_key_file, _from_environment):
            if (key := source()) is not None:
                return key
        try:
            return with_keyring(_from_keyring)
        except NoKeyYet:
            return None
        except ValueError as error:
            if self._require_keyring:
                raise AuthFileError(f"secrets: require-keyring is set, and {error}") from None
        return self._own_key_if_made()

    def _find(self) -> Key:
        from filelock import FileLock

        problems = []
        for source in (_from_key_file, _from_environment):
            key = source()
            if key is not None:
                return key
        try:
            self._key_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with FileLock(f"{self._key_file}.lock"):  # else two processes could each put a key there
                return with_keyring(lambda: _from_keyring(make=True))
        except OSError as error:
            raise AuthFileError(f"{self._key_file.parent} cannot be written: {error.strerror}") from None
        except ValueError as error:
            problems.append(str(error))
        if self._require_keyring:
            raise AuthFileError(
                f"secrets: require-keyring is set, and {problems[0]}; unlock it, or give a key in {KEY_FILE_VARIABLE}"
            )
        key = self._own_key()
        log.warning(
            "auth_key_in_a_file",
            file=str(self._key_file),
            problem=f"auth files are protected by file permissions only: {problems[0]}",
            advice=f"set {KEY_FILE_VARIABLE} to a file that only the service can read",
        )
        return key

    def _key(self, key_id: str, kept_in: str) -> Key:
        """The key of a sealed text, wherever it is kept."""
        if key_id not in self._known:
            problems: list[str] = []
            sources: tuple[Callable[[], Key | None], ...] = (
                _from_key_file,
                _from_environment,
                self._own_key_if_made,
                lambda: with_keyring(_from_keyring),
            )
            for source in sources:
                try:
                    key = source()
                except (ValueError, AuthFileError) as error:
                    problems.append(str(error))
                    continue
                if key is not None:
                    self._known[key.id] = key
                if key_id in self._known:
                    break
            else:
                why = f" ({'; '.join(problems)})" if problems else ""
                raise UnknownKeyError(f"it is sealed with key {key_id} from {kept_in}, which cannot be had now{why}")
        return self._known[key_id]

    def _own_key(self) -> Key:
        try:
            if not self._key_file.exists():
                _make_key_file(self._key_file)
            return Key.of(self._key_file.read_text().strip(), "the key file")
        except OSError as error:
            raise AuthFileError(f"the key file {self._key_file} cannot be used: {error.strerror}") from None

    def _own_key_if_made(self) -> Key | None:
        return self._own_key() if self._key_file.exists() else None


def _make_key_file(path: Path) -> None:
    """A new key, there whole or not at all; where two processes make one, the first one's stays."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(name, path)
    finally:
        Path(name).unlink()


def _bound_to(owner: str, key: Key) -> bytes:
    return f"{VERSION}|{owner}|{key.id}".encode()


def _from_key_file() -> Key | None:
    name = os.environ.get(KEY_FILE_VARIABLE)
    if not name:
        return None
    try:
        return Key.of(accept(Path(name).expanduser().read_text()), KEY_FILE_VARIABLE)
    except OSError as error:
        raise AuthFileError(f"{KEY_FILE_VARIABLE} names {name}, which cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise AuthFileError(f"{KEY_FILE_VARIABLE}: {error}") from None


_environment: list[Key] = []


def _from_environment() -> Key | None:
    """The variable is taken out of the environment when read, so that no child process inherits it."""
    text = os.environ.pop(KEY_VARIABLE, None)
    if text:
        try:
            _environment[:] = [Key.of(accept(text), KEY_VARIABLE)]
        except ValueError as error:
            raise AuthFileError(f"{KEY_VARIABLE}: {error}") from None
    return _environment[0] if _environment else None


def _from_keyring(make: bool = False) -> Key:
    keyring = system_keyring()
    text = keyring.get_password(KEYRING_SERVICE, KEYRING_NAME)
    if text is None and make:
        keyring.set_password(KEYRING_SERVICE, KEYRING_NAME, secrets.token_urlsafe(32))
        text = keyring.get_password(KEYRING_SERVICE, KEYRING_NAME)  # a keyring that forgets is none
    if text is None:
        if make:
            raise UnsafeKeyring("the keyring forgets what it is given")
        raise NoKeyYet("the keyring holds no sealing key")
    return Key.of(text, "the keyring")
