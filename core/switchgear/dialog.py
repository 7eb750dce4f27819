"""The dialog with the person who signs in: all of a plugin's talking goes through a :class:`Login`.

The same dialog runs on a terminal, as JSON lines for a script, and over the management API for a page.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Login(Protocol):
    """One sign-in, as ``authenticate`` sees it.

    Every method that waits for the person raises :class:`~switchgear.errors.LoginCancelled` when they give up.

    Attributes:
        method: the sign-in method that was chosen, one of ``ProviderInfo.login_methods``.
        label: what the operator wants the account to be called; ``None`` when they did not say.
    """

    method: str
    label: str | None

    async def show(self, url: str, code: str | None = None) -> None:
        """Show the address to open and, in a device flow, the code to enter there."""

    async def ask(self, question: str, *, secret: bool = False) -> str:
        """Ask for one line. Cancel the call when the answer is no longer needed."""

    async def choose(self, question: str, choices: Sequence[str]) -> int:
        """Have one of ``choices`` picked; gives its position, from 0."""

    async def progress(self, text: str) -> None:
        """Say what is being waited for."""
