"""The program itself: Python, its packages, the certificates it trusts, and the system's keyring."""

from __future__ import annotations

import os
import platform
import re
import ssl
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from switchgear.checks import Check
from switchgear.config import Config
from switchgear.references import KEYRING_SERVICE, UnsafeKeyring, system_keyring, with_keyring
from switchgear.upstream import tls_context

PACKAGE = "switchgear"
SHOWN = ("httpx2", "hypercorn", "starlette", "pluggy", "pydantic")
NAMES_KEYRING = re.compile(r"^[^#\n]*keyring:", re.MULTILINE)
"""A reference in the file, and no comment."""


def checks() -> list[Check]:
    """Python and packages, and the trust in certificates."""
    return [_packages(), _tls()]


def _packages() -> Check:
    """The packages that the program needs, with the versions that are here."""
    needed = [line for line in requires(PACKAGE) or () if "extra ==" not in line]
    names = [re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0] for line in needed]
    versions = {name: _version(name) for name in names}
    missing = [name for name, found in versions.items() if found is None]
    here = f"{PACKAGE} {version(PACKAGE)} on Python {platform.python_version()}"
    facts = {"python": platform.python_version(), PACKAGE: version(PACKAGE), **versions}
    if missing:
        return Check("program", "failed", f"{here}; missing: {', '.join(missing)}", f"install {PACKAGE} again", facts)
    shown = ", ".join(f"{name} {versions[name]}" for name in SHOWN if name in versions)
    return Check("program", "ok", f"{here}; {shown}; all of {len(names)} packages are here", facts=facts)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _tls() -> Check:
    """Whether anybody is trusted to vouch for an upstream."""
    advice = "install the system's ca-certificates, or name a file of certificates in SSL_CERT_FILE"
    named = os.environ.get("SSL_CERT_FILE")
    if named and not Path(named).is_file():
        return Check("tls", "failed", f"SSL_CERT_FILE names {named}, which is no file", advice)
    try:
        loaded = tls_context().cert_store_stats()["x509_ca"]
    except (OSError, ssl.SSLError) as error:
        return Check("tls", "failed", f"the trusted certificates cannot be read: {error}", advice)
    folder = ssl.get_default_verify_paths().capath  # read one by one, as they are needed
    if not loaded and not (folder and any(Path(folder).iterdir())):
        return Check("tls", "failed", "no certificate authority is trusted, so no https upstream can be", advice)
    return Check("tls", "ok", f"{loaded or 'a folder of'} certificate authorities are trusted")


def keyring(config: Config, text: str) -> Check:
    """Whether the keyring answers; it is a fault only where the configuration needs it."""
    needed = config.secrets == "require-keyring" or NAMES_KEYRING.search(text) is not None
    try:
        name = with_keyring(_backend)
    except ValueError as error:
        if needed:
            advice = "unlock it, or use env:NAME or file:PATH in config.yaml"
            return Check("keyring", "failed", f"{error}, and config.yaml needs it", advice)
        why = str(error) if isinstance(error, UnsafeKeyring) else f"{error}; config.yaml does not need it"
        return Check("keyring", "skipped", why)
    return Check("keyring", "ok", f"{name} answers")


def _backend() -> str:
    found = system_keyring()
    found.get_password(KEYRING_SERVICE, "doctor")  # a locked one shows itself only when it is asked
    return str(found.name)
