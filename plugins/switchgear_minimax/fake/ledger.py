"""What the fake remembers: who may do what, and which codes, tokens and keys were ever given out."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from itertools import count

CLIENTS = {
    "659cf4c1-615c-45f6-a5f6-4bf15eb476e5": (
        "openid profile coding_plan",
        "urn:ietf:params:oauth:grant-type:device_code",
    ),
    "78257093-7e40-4613-99e0-527b14b39113": (
        "group_id profile model.completion",
        "urn:ietf:params:oauth:grant-type:user_code",
    ),
}
"""Each client's scope and the grant type of its polls: they are not mixed."""


@dataclass(slots=True)
class Code:
    """A sign-in under way. ``person`` confirmed it; ``denied`` says that somebody declined."""

    region: str
    client_id: str
    challenge: str
    person: str | None = None
    denied: bool = False


@dataclass(frozen=True, slots=True)
class Grant:
    """Whom a token or a key is for, and where it is good. ``client_id`` is empty for keys."""

    person: str
    region: str
    client_id: str = ""


@dataclass(slots=True)
class Ledger:
    """All of it. What is refused stays in ``seen``."""

    codes: dict[str, Code] = field(default_factory=dict)
    access: dict[str, Grant] = field(default_factory=dict)
    refresh: dict[str, Grant] = field(default_factory=dict)
    keys: dict[str, Grant] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    _numbers: count[int] = field(default_factory=lambda: count(1))

    def new_code(self, code: Code) -> str:
        """A user code, as it is shown."""
        user_code = f"{secrets.token_hex(2)}-{next(self._numbers):04}".upper()
        self.codes[user_code] = code
        return user_code

    def new_tokens(self, grant: Grant) -> tuple[str, str]:
        """An access token and a refresh token."""
        number = next(self._numbers)
        access, refresh = (f"mm-{kind}-{number:04}-{secrets.token_hex(16)}" for kind in ("access", "refresh"))
        self.access[access], self.refresh[refresh] = grant, grant
        self.seen |= {access, refresh}
        return access, refresh

    def new_key(self, person: str, region: str, prefix: str = "sk-cp-") -> str:
        """A key; ``sk-api-`` is the pay-as-you-go API's."""
        key = f"{prefix}{secrets.token_hex(20)}"
        self.keys[key] = Grant(person, region)
        self.seen.add(key)
        return key

    def holder(self, credential: str, region: str) -> Grant | None:
        """Whose credential it is; ``None`` where this region does not know it."""
        grant = self.access.get(credential) or self.keys.get(credential)
        return grant if grant is not None and grant.region == region else None
