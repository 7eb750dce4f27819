"""A new plugin's package, written from templates: it installs, passes the conformance kit untouched, and serves.

The templates are a whole plugin called ``acme``; a new one is that with its own name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal, get_args

from switchgear.errors import SwitchgearError

Auth = Literal["api-key", "device", "pkce"]
AUTHS: tuple[Auth, ...] = get_args(Auth)
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LONGEST_NAME = 40
PARTS: dict[Auth, tuple[str, ...]] = {
    "api-key": ("every", "api-key"),
    "device": ("every", "oauth", "device"),
    "pkce": ("every", "oauth", "pkce"),
}
SUFFIX = ".txt"
"""Of the templates, so that no tool takes one for code of ours."""


class ScaffoldError(SwitchgearError):
    """The package cannot be written."""


def write_package(name: str, auth: Auth, folder: Path) -> list[Path]:
    """Write the package of a plugin called ``name`` into ``folder``, which must not exist or be empty.

    Args:
        name: the plugin's entry-point name, which is the key of its block in ``config.yaml``.
        auth: how its accounts sign in.
        folder: the package's own.

    Returns:
        The files, in the order of their names.

    Raises:
        ScaffoldError: the name does not do, or the folder is in use.
    """
    if not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise ScaffoldError(
            f"{name!r} does not do as a plugin's name: small letters, digits and single dashes, a letter first, "
            f"{LONGEST_NAME} at most"
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ScaffoldError(f"{folder} is there already; name another folder with --into, or remove it")
    written = []
    for relative, content in _templates(auth):
        path = folder / _renamed(relative.removesuffix(SUFFIX), name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_renamed(content, name))
        written.append(path)
    return sorted(written)


def _templates(auth: Auth) -> Iterator[tuple[str, str]]:
    """Each template's path within the package, and what stands in it."""
    root = files(__name__) / "template"
    for part in PARTS[auth]:
        yield from _files_of(root / part, "")


def _files_of(folder: Traversable, prefix: str) -> Iterator[tuple[str, str]]:
    for entry in folder.iterdir():
        path = f"{prefix}{entry.name}"
        if entry.is_dir():
            yield from _files_of(entry, f"{path}/")
        elif entry.name.endswith(SUFFIX):
            yield path, entry.read_text()


def _renamed(text: str, name: str) -> str:
    """``text`` with the template's name replaced: as an identifier, a class, a title, and as it is."""
    title = " ".join(part.capitalize() for part in name.split("-"))
    identifier = name.replace("-", "_")
    for old, new in (
        ("switchgear_acme", f"switchgear_{identifier}"),
        ("test_acme", f"test_{identifier}"),
        ("FakeAcme", f"Fake{title.replace(' ', '')}"),
        ("TestAcme", f"Test{title.replace(' ', '')}"),
        ("Acme", title),
        ("ACME", identifier.upper()),
        ("acme", name),
    ):
        text = text.replace(old, new)
    return text
