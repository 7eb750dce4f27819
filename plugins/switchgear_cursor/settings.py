"""What an entry of the ``cursor`` block may say."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field

from switchgear import ProviderSettings, Secret
from switchgear_cursor.endpoints import Endpoints
from switchgear_cursor.memory import Memory

CLIENT_VERSION = "cli-2026.10.01-e373342"
"""The newest build of the vendor's command line that was seen to be served (2026-11). Too old a one is refused."""

ClientVersion = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class CursorSettings(ProviderSettings):
    """One entry.

    Attributes:
        api_keys: keys (``crsr_``) used beside the accounts that are signed in, in this order and first.
        endpoints: the hosts.
        client_type: the kind of client that the service is asked as; it serves no other.
        client_version: its version; the service refuses one that is too old, or of the other kind.
        privacy_mode: whether the service is told not to keep what it is sent.
        http1: whether runs go over HTTP/1.1 even where the service does not ask for that, as behind a proxy that
            breaks HTTP/2.
        key_days: how long a key is good that a sign-in makes; then somebody has to sign in again.
        least_poll_seconds: the first pause between two questions whether a sign-in was confirmed; then it grows.
    """

    api_keys: tuple[Secret, ...] = Field(default=(), strict=False)
    endpoints: Endpoints = Endpoints()
    client_type: Literal["cli", "sdk"] = "cli"
    client_version: ClientVersion = CLIENT_VERSION
    privacy_mode: bool = True
    http1: bool = False
    key_days: int = Field(default=90, ge=1, le=3650)
    least_poll_seconds: float = Field(default=1.0, gt=0, le=10)

    @cached_property
    def memory(self) -> Memory:
        """What the accounts' calls have shown so far."""
        return Memory()
