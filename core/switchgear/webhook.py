"""Telling somebody else: signed JSON to the operator's webhook, with retries, never in a request's way.

The address is looked up once for each try, checked, and connected to as it was found, so that a name cannot lead
somewhere else between the check and the call. Redirects are not followed and the environment's proxies are not used.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import random
import secrets
import socket
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
import msgspec
import structlog

from switchgear.config import WebhookSettings
from switchgear.errors import UpstreamError
from switchgear.secret import redact
from switchgear.types import Timeouts
from switchgear.upstream import UpstreamClient, direct_transport

QUEUE_LENGTH: Final = 100
"""So many wait at most; then the oldest is dropped, and counted."""
TRIES: Final = 8
"""Over a minute and a half at most, and the time the tries themselves take."""
BACK_OFF_FIRST_S: Final = 1.0
BACK_OFF_LONGEST_S: Final = 30.0
SIGNATURE: Final = "x-switchgear-signature"
TIMESTAMP: Final = "x-switchgear-timestamp"
DELIVERY: Final = "x-switchgear-delivery"

TRY_AGAIN: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers that may be another next time; any other refusal is final."""

NAT64: Final = IPv6Network("64:ff9b::/96")
UNICAST: Final = IPv6Network("2000::/3")
"""All of IPv6 that is given out for the internet (IANA, read 2026-11)."""
METADATA: Final = frozenset({IPv4Address("168.63.129.16")})
"""A cloud's own services at an address that looks public (Azure's, read 2026-11); those of others are not public."""

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""The addresses of a host name."""

log = structlog.get_logger("switchgear.webhook")


class Undeliverable(Exception):
    """One try failed. ``final``: another would not help."""

    def __init__(self, message: str, *, final: bool) -> None:
        super().__init__(message)
        self.final = final


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The value of the signature header: ``sha256=`` and the HMAC of timestamp, dot and body, in hexadecimal."""
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def is_public(text: str) -> bool:
    """Whether an address is one of the internet's; those inside other addresses count too.

    >>> is_public("93.184.215.14"), is_public("10.0.0.1"), is_public("::ffff:127.0.0.1")
    (True, False, False)
    """
    address: IPv4Address | IPv6Address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if address in NAT64:
            inner = IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None:
            return is_public(str(inner))
        return address in UNICAST and address.is_global
    return address.is_global and not address.is_multicast and not address.is_reserved and address not in METADATA


async def resolve(host: str, port: int) -> list[str]:
    """The operating system's answer.

    Raises:
        OSError: there is none.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(row[4][0]) for row in found))


class Webhook:
    """Delivers what is offered, one after another, in order.

    Args:
        settings: the webhook of the current configuration; ``None`` when there is none.
        resolver: looks a name up.
        sleep: waits between two tries.

    Attributes:
        counts: ``delivered``, ``failed`` (given up) and ``dropped`` (the queue was full), since the start.
    """

    def __init__(
        self,
        settings: Callable[[], WebhookSettings | None],
        resolver: Resolve = resolve,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._resolve = resolver
        self._sleep = sleep
        self._wall = wall
        self._queue: deque[tuple[str, bytes]] = deque()
        self._filled = asyncio.Event()
        self.counts = {"delivered": 0, "failed": 0, "dropped": 0}

    def offer(self, kind: str, content: Mapping[str, Any]) -> None:
        """Queue one message: ``content`` under the name ``kind``. Never waits; does nothing without a webhook."""
        if self._settings() is None:
            return
        delivery = f"dlv_{secrets.token_hex(12)}"
        message = {"object": kind, "schema_version": 1, "id": delivery, kind: content}
        if len(self._queue) >= QUEUE_LENGTH:
            dropped, _ = self._queue.popleft()
            self.counts["dropped"] += 1
            log.warning("webhook_dropped", delivery=dropped, problem=f"{QUEUE_LENGTH} are waiting already")
        self._queue.append((delivery, msgspec.json.encode(message)))
        self._filled.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            while self._queue:
                await self._deliver(*self._queue.popleft())
            self._filled.clear()
            await self._filled.wait()

    async def _deliver(self, delivery: str, body: bytes) -> None:
        for number in range(1, TRIES + 1):
            settings = self._settings()
            if settings is None:  # a reload took it away
                return
            try:
                await self._try(settings, number, delivery, body)
            except Undeliverable as error:
                problem = redact(str(error))
                if error.final or number == TRIES:
                    self.counts["failed"] += 1
                    log.error("webhook_failed", delivery=delivery, tries=number, problem=problem)
                    return
                longest_s = min(BACK_OFF_FIRST_S * 2 ** (number - 1), BACK_OFF_LONGEST_S)
                log.warning("webhook_tried", delivery=delivery, tries=number, problem=problem)
                await self._sleep(longest_s * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret
            else:
                self.counts["delivered"] += 1
                return

    async def _try(self, settings: WebhookSettings, number: int, delivery: str, body: bytes) -> None:
        url = urlsplit(settings.url.reveal())
        host = url.hostname or ""
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            async with asyncio.timeout(settings.timeout_seconds):
                addresses = await self._addresses(host, port, allow_private=settings.allow_private)
                address = addresses[(number - 1) % len(addresses)]  # one may be out of reach from here
                await self._post(settings, address, port, delivery, body)
        except TimeoutError:
            raise Undeliverable(f"no answer within {settings.timeout_seconds:g} s", final=False) from None
        except UpstreamError as error:
            raise Undeliverable(str(error), final=False) from error

    async def _addresses(self, host: str, port: int, *, allow_private: bool) -> list[str]:
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise Undeliverable(f"its host cannot be looked up: {error}", final=False) from error
        if not addresses:
            raise Undeliverable("its host has no address", final=False)
        if not allow_private and not all(is_public(address) for address in addresses):
            message = "its host is at a private address; if that is meant: alerts: {webhook: {allow-private: true}}"
            raise Undeliverable(message, final=True)
        return addresses

    async def _post(self, settings: WebhookSettings, address: str, port: int, delivery: str, body: bytes) -> None:
        url = urlsplit(settings.url.reveal())
        shown = f"[{address}]" if ":" in address else address
        target = f"{url.path or '/'}{'?' + url.query if url.query else ''}"
        timestamp = str(int(self._wall()))
        request = httpx2.Request(
            "POST",
            f"{url.scheme}://{shown}:{port}{target}",
            headers={
                "host": url.netloc,
                "content-type": "application/json",
                DELIVERY: delivery,
                TIMESTAMP: timestamp,
                SIGNATURE: sign(settings.secret.reveal(), timestamp, body),
            },
            content=body,
            extensions={"sni_hostname": url.hostname},  # the certificate is the name's, not the address's
        )
        limit = settings.timeout_seconds
        transport = direct_transport()
        try:
            answer = await UpstreamClient(transport).send(request, Timeouts(limit, limit, limit, limit))
            await answer.aclose()  # its status is all that counts
        finally:
            await transport.aclose()
        status = answer.status_code
        if not 200 <= status < 300:
            what = "a redirect, which is not followed" if 300 <= status < 400 else f"status {status}"
            raise Undeliverable(f"it answered with {what}", final=status not in TRY_AGAIN)
