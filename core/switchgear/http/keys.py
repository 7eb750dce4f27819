"""Who may ask: client keys, compared in constant time, with their limits; and who asks from this machine."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from ipaddress import ip_address

from starlette.types import Scope

from switchgear.assembly import Service
from switchgear.config import ClientKey
from switchgear.errors import Refusal

MAX_PRESENTED = 2
MAX_PRESENTED_CHARS = 1024
FORWARDED = frozenset({b"forwarded", b"x-forwarded-for", b"x-real-ip"})


class KeyLimits:
    """A client key at work: its scope, its rate (a token bucket) and its requests in flight."""

    def __init__(self, key: ClientKey, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.key = key
        self.name = key.name
        self._now = monotonic
        self._tokens = float(key.requests_per_minute or 0)
        self._filled_at = monotonic()
        self.in_flight = 0

    def allows(self, model: str) -> bool:
        """Whether the public model name is in the key's scope."""
        return self.key.allows(model)

    @contextmanager
    def use(self) -> Iterator[None]:
        """Hold one of the key's slots for the length of a request.

        Raises:
            Refusal: 429; the operator's own limit for this key is reached.
        """
        most = self.key.max_concurrency
        if most is not None and self.in_flight >= most:
            raise Refusal(
                429,
                "key_concurrency_limit",
                f"the key {self.name!r} has {most} requests in flight, which is its limit",
                retry_after_s=1.0,
            )
        self._take()
        self.in_flight += 1
        try:
            yield
        finally:
            self.in_flight -= 1

    def _take(self) -> None:
        rate = self.key.requests_per_minute
        if rate is None:
            return
        now = self._now()
        self._tokens = min(float(rate), self._tokens + (now - self._filled_at) * rate / 60)
        self._filled_at = now
        if self._tokens < 1:
            wait_s = (1 - self._tokens) * 60 / rate
            raise Refusal(
                429,
                "key_rate_limit",
                f"the key {self.name!r} may make {rate} requests a minute",
                retry_after_s=wait_s,
            )
        self._tokens -= 1


class KeyRing:
    """All client keys of a configuration."""

    def __init__(self, keys: Sequence[ClientKey], management: ClientKey | None = None) -> None:
        self._keys = [KeyLimits(key) for key in keys]
        self._management = None if management is None else management.digest

    def find(self, scope: Scope) -> KeyLimits:
        """The key a request presents, as ``Authorization: Bearer`` or ``x-api-key``.

        Raises:
            Refusal: 401; none, or an unknown one.
        """
        presented = _presented(scope)
        if not presented:
            raise Refusal(
                401,
                "missing_api_key",
                "no API key was sent; send one of the gateway's client keys as 'Authorization: Bearer KEY'",
            )
        found: KeyLimits | None = None
        for digest in map(_digest, presented):
            for limits in self._keys:  # all of them, always: the time tells nothing
                if hmac.compare_digest(limits.key.digest, digest):
                    found = found or limits
        if found is None:
            raise Refusal(
                401,
                "invalid_api_key",
                "the API key is not one of this gateway's client keys; they stand under api-keys in its config.yaml",
            )
        return found

    def is_management(self, scope: Scope) -> bool | None:
        """Whether the request presents the management key; ``None`` when it presents no key at all."""
        presented = _presented(scope)
        if not presented:
            return None
        right = [hmac.compare_digest(self._management or bytes(32), digest) for digest in map(_digest, presented)]
        return self._management is not None and any(right)

    def may_read_metrics(self, scope: Scope) -> bool:
        """Whether the request presents the management key, or a client key with the scope ``metrics:read``."""
        allowed = False
        for digest in map(_digest, _presented(scope)):
            if self._management is not None and hmac.compare_digest(self._management, digest):
                allowed = True
            for limits in self._keys:
                if hmac.compare_digest(limits.key.digest, digest) and "metrics:read" in limits.key.scopes:
                    allowed = True
        return allowed


class Keys:
    """The key ring of the current configuration; a key's counters live as long as its configuration."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._config = service.current.config
        self._ring = KeyRing(self._config.api_keys, self._config.management_key)

    @property
    def ring(self) -> KeyRing:
        """The ring, made anew after a reload."""
        config = self._service.current.config
        if config is not self._config:
            self._config = config
            self._ring = KeyRing(config.api_keys, config.management_key)
        return self._ring


def _digest(presented: bytes) -> bytes:
    return hashlib.sha256(presented).digest()


def _presented(scope: Scope) -> list[bytes]:
    """The keys in the request's headers, at most two of 1 KiB each: a client may send another login's beside ours."""
    keys: list[bytes] = []
    for name, value in scope["headers"]:
        key: bytes | None = None
        if name == b"authorization":
            scheme, _, rest = value.partition(b" ")
            key = rest.strip() if scheme.lower() == b"bearer" else None
        elif name == b"x-api-key":
            key = value.strip()
        if key and len(keys) < MAX_PRESENTED:
            keys.append(key if len(key) <= MAX_PRESENTED_CHARS else b"\x00")
    return keys


def is_loopback(scope: Scope) -> bool:
    """Whether the request comes from this machine and not through a proxy that says it speaks for others."""
    client = scope.get("client")
    if not client or any(name in FORWARDED for name, _ in scope["headers"]):
        return False
    try:
        address = ip_address(client[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
