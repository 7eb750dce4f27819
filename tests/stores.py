"""Auth files of one provider entry in a folder, as the gateway makes them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from switchgear.authfile import DirectoryStore
from switchgear.sealing import Sealer


def store(
    folder: Path,
    provider: str = "acme",
    plugin: str | None = None,
    permissions: Literal["fix", "refuse"] = "fix",
    with_sealer: Sealer | None = None,
) -> DirectoryStore:
    """The store of an entry; its plugin is called like it, and its key lies beside the folder, unless told otherwise."""
    sealer = with_sealer or Sealer(folder.parent / f"{folder.name}.key")
    return DirectoryStore(folder, provider, plugin or provider, sealer, permissions)
