"""Where something stands in the file: as line and column, and as the path of keys that leads to it."""

from __future__ import annotations

from dataclasses import dataclass

from switchgear.references import looks_secret

KeyPath = tuple[str | int, ...]
"""The keys and list positions that lead to a value; ``()`` is the whole document."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place in a text file; both count from 1."""

    line: int
    column: int


def show_key(key: str) -> str:
    """A key as messages show it: cut where somebody may have put a secret in a key's place.

    >>> show_key("base-url"), show_key("sk-or-v1-0a1b2c3d4e5f")
    ('base-url', 'sk-o…')
    """
    return f"{key[:4]}…" if looks_secret(key) else key


def show_path(path: KeyPath) -> str:
    """A path as messages show it.

    >>> show_path(("acme", 0, "api-key-entries", 1, "api-key"))
    'acme[0].api-key-entries[1].api-key'
    """
    steps = (f"[{step}]" if isinstance(step, int) else f".{show_key(step)}" for step in path)
    return "".join(steps).removeprefix(".")
