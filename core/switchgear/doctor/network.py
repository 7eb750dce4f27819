"""The way to the upstreams: a connection to each host in a provider's settings, with no credential and no question."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx2

from switchgear.accounts import Entry
from switchgear.checks import Check
from switchgear.errors import UpstreamError
from switchgear.kept_lists import urls_of
from switchgear.secret import Secret
from switchgear.types import Timeouts
from switchgear.upstream import UpstreamClient, UpstreamClients

LIMIT_S = 3.0
MOST_WAYS = 12
"""Hosts times proxies of one provider; the others are like these."""


@dataclass(frozen=True, slots=True)
class Reached:
    """One host that was tried.

    Attributes:
        problem: why no connection came about; empty when one did.
        clock_offset_s: how far its clock is ahead of ours; ``None`` when it did not tell.
    """

    host: str
    proxied: bool
    problem: str = ""
    clock_offset_s: float | None = None


async def reach(entry: Entry) -> tuple[Check, list[Reached]]:
    """Connect to every host of the entry, through its accounts' proxies; gives what answered, too."""
    name = f"way to {entry.name}"
    if entry.provider.settings.disabled:
        return Check(name, "skipped", "the entry is disabled"), []
    if entry.info.retired:
        return Check(name, "skipped", f"not looked at, the service {entry.info.retired}"), []
    ways = list(dict.fromkeys(_ways(entry)))[:MOST_WAYS]
    if not ways:
        return Check(name, "skipped", "its settings name no host"), []
    clients = UpstreamClients()
    try:
        tried = await asyncio.gather(*(_try(clients.through(proxy), origin, proxy) for origin, proxy in ways))
    finally:
        await clients.aclose()
    return _judged(name, tried), tried


def _ways(entry: Entry) -> Iterator[tuple[str, Secret | None]]:
    proxies = {account.proxy_url for account in entry.accounts if not account.disabled} or {None}
    for url in urls_of(entry.provider):
        parts = urlsplit(url)
        for proxy in proxies:
            yield f"{parts.scheme}://{parts.netloc}", proxy


def _judged(name: str, tried: list[Reached]) -> Check:
    failed = [each for each in tried if each.problem]
    facts = {"hosts": [{"host": each.host, "proxied": each.proxied, "problem": each.problem} for each in tried]}
    if not failed:
        hosts = ", ".join(dict.fromkeys(_shown(each) for each in tried))
        return Check(name, "ok", f"{hosts} can be reached", facts=facts)
    detail = "; ".join(f"{_shown(each)}: {each.problem}" for each in failed)
    advice = "look at the network, the proxy and the firewall; is the address in config.yaml right?"
    return Check(name, "failed" if len(failed) == len(tried) else "attention", detail, advice, facts)


def _shown(reached: Reached) -> str:
    return f"{reached.host} through its proxy" if reached.proxied else reached.host


async def _try(client: UpstreamClient, origin: str, proxy: Secret | None) -> Reached:
    """Connect, as the gateway would: any answer will do, and so does none, once the connection stands."""
    host, proxied = urlsplit(origin).netloc, proxy is not None
    began = time.time()
    try:
        async with asyncio.timeout(2 * LIMIT_S):
            response = await client.send(
                httpx2.Request("HEAD", f"{origin}/"), Timeouts(LIMIT_S, LIMIT_S, LIMIT_S, 2 * LIMIT_S)
            )
            await response.aclose()
    except UpstreamError as error:
        connected = not isinstance(error.__cause__, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.ProxyError)
        return Reached(host, proxied, "" if connected else error.failure.message)
    except TimeoutError:
        return Reached(host, proxied, f"no connection within {2 * LIMIT_S:g} s")
    return Reached(host, proxied, clock_offset_s=_offset(response.headers.get("date"), (began + time.time()) / 2))


def _offset(date: str | None, now: float) -> float | None:
    try:
        return None if date is None else parsedate_to_datetime(date).timestamp() - now
    except ValueError:
        return None
