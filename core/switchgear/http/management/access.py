"""Who may use the management API: the operator's key, from this machine, and not after guessing."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address

from starlette.types import Scope

from switchgear.assembly import Service
from switchgear.audit import AuditLog, Deed
from switchgear.errors import Refusal
from switchgear.http.keys import Keys, is_loopback

WRONG_KEYS = 5
WITHIN_S = 600.0
LOCKED_S = 900.0
ADDRESSES = 1024
REFUSALS_WRITTEN = 60
"""So many refusals a minute get an audit line each; a flood of them would push everything else out of the file."""
NOT_WRITTEN = "further refusals of this minute are not written"


@dataclass(slots=True)
class _Guesses:
    at: list[float] = field(default_factory=list)
    locked_until: float = float("-inf")


class Lockout:
    """Wrong keys by address: five within ten minutes, and the address is refused for a quarter of an hour."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._now = monotonic
        self._guesses: OrderedDict[str, _Guesses] = OrderedDict()

    def __len__(self) -> int:
        return len(self._guesses)

    def seconds_left(self, address: str) -> float:
        """How long the address is refused; 0 when it is not."""
        guesses = self._guesses.get(address)
        return 0.0 if guesses is None else max(0.0, guesses.locked_until - self._now())

    def wrong(self, address: str) -> None:
        """The address presented a wrong key. The addresses that guessed longest ago are forgotten beyond 1024."""
        now = self._now()
        guesses = self._guesses.setdefault(address, _Guesses())
        self._guesses.move_to_end(address)
        guesses.at = [*(at for at in guesses.at if now - at < WITHIN_S), now]
        if len(guesses.at) >= WRONG_KEYS:
            guesses.at = []
            guesses.locked_until = now + LOCKED_S
        while len(self._guesses) > ADDRESSES:
            self._guesses.popitem(last=False)


class Access:
    """Lets a request in, or refuses it; refusals are written into the audit log."""

    def __init__(
        self, service: Service, keys: Keys, audit: AuditLog, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._service = service
        self._keys = keys
        self._audit = audit
        self._now = monotonic
        self._lockout = Lockout(monotonic)
        self._minute = float("-inf")
        self._written = 0

    async def check(self, scope: Scope) -> None:
        """Return when the request may go on.

        Raises:
            Refusal: 404, there is no management API; 403, not from elsewhere; 401, no or a wrong key; 429, too many of
                them.
        """
        config = self._service.current.config
        if config.management_key is None:
            raise Refusal(
                404,
                "management_off",
                "there is no management API here; to switch it on, set management-key in config.yaml to a key of your "
                "own, made with: switchgear keys new",
            )
        try:
            self._check(scope, remote=config.management_remote)
        except Refusal as refusal:
            await self._record(refusal, client_address(scope))
            raise

    def _check(self, scope: Scope, *, remote: bool) -> None:
        if not remote and not is_loopback(scope):
            raise Refusal(
                403,
                "management_local_only",
                "the management API answers this machine only; management-remote: true in config.yaml changes that",
            )
        address = _network(client_address(scope))
        right = self._keys.ring.is_management(scope)
        left_s = self._lockout.seconds_left(address)
        if left_s > 0:
            raise Refusal(
                429,
                "management_locked_out",
                f"too many wrong keys came from this address; it is refused for {math.ceil(left_s / 60)} more minutes, "
                "with the right key too",
                retry_after_s=left_s,
            )
        if right is None:
            raise Refusal(
                401, "missing_management_key", "send the management key as 'Authorization: Bearer KEY' or 'x-api-key'"
            )
        if not right:
            self._lockout.wrong(address)
            raise Refusal(
                401, "invalid_management_key", "this is not the management-key of config.yaml; client keys do not count"
            )

    async def _record(self, refusal: Refusal, address: str) -> None:
        now = self._now()
        if now - self._minute >= 60:
            self._minute, self._written = now, 0
        self._written += 1
        if self._written <= REFUSALS_WRITTEN:
            result = refusal.code if self._written < REFUSALS_WRITTEN else f"{refusal.code}; {NOT_WRITTEN}"
            await self._audit.record(Deed("management", "authorise", result, address=address))


def client_address(scope: Scope) -> str:
    """The peer's address, an IPv4 one in its own form; what a header claims does not count."""
    client = scope.get("client")
    try:
        address = ip_address(client[0]) if client else None
    except ValueError:
        address = None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return "?" if address is None else str(mapped or address)


def _network(address: str) -> str:
    """What one guesser has to themselves: an IPv4 address, or the first 64 bits of an IPv6 one."""
    if ":" not in address or address == "::1":
        return address
    return str(IPv6Address(int(IPv6Address(address)) >> 64 << 64))
