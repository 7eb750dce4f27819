"""Measure full-duplex calls: ``python -m tests.bench.duplex``; ``make bench`` runs it last.

One process holds 200 calls over TLS, as the gateway would, and is measured; an upstream in another sends each call a
chunk every 50 ms (4000 a second) and reads a heartbeat of each every second.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import trustme

from switchgear import Duplex, Timeouts, UpstreamError
from switchgear.duplex import DuplexPool
from switchgear.testing import Http2Exchange, Http2Server
from tests.bench import measure
from tests.bench.subjects import ROOT, cores, pinned, python

INTERVAL_S = 0.05
HEARTBEAT_S = 1.0
CHUNK = b"x" * 200
WARM_S = 1.0


async def speak(exchange: Http2Exchange) -> None:
    """A chunk at each interval, until the client leaves; a client that falls silent is told so."""
    await exchange.start()
    beginning = time.monotonic()
    for number in range(1, sys.maxsize):
        await exchange.pause(beginning + number * INTERVAL_S - time.monotonic())
        silent_s = time.monotonic() - beginning - exchange.received * HEARTBEAT_S
        if silent_s > 5 * HEARTBEAT_S:
            raise AssertionError(f"no heartbeat for {silent_s:.1f} s")
        await exchange.send(CHUNK)


async def serve(authority_file: Path) -> None:
    """The upstream: its port on standard output, until standard input ends."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority_file.write_bytes(authority.cert_pem.bytes())
    async with Http2Server(speak, ssl=context) as server:
        print(server.port, flush=True)
        await asyncio.to_thread(sys.stdin.read)


class Calls:
    """The calls under way, and what they have read."""

    def __init__(self, pool: DuplexPool, url: str) -> None:
        self._pool = pool
        self._url = url
        self.chunks = 0

    async def hold(self) -> None:
        """One call, until it is cancelled."""
        call = await self._pool.open(httpx2.Request("POST", self._url), Timeouts())
        beating = asyncio.create_task(beat(call))
        try:
            async for data in call:
                self.chunks += len(data) // len(CHUNK)
        finally:
            beating.cancel()
            await call.aclose()


async def beat(call: Duplex) -> None:
    with contextlib.suppress(UpstreamError):
        while True:
            await call.send(b".")
            await asyncio.sleep(HEARTBEAT_S)


async def load(url: str, authority_file: Path, calls: int, seconds: float) -> dict[str, float]:
    """The figures of ``seconds`` under load, and of the memory before and in the course of it."""
    context = ssl.create_default_context(cafile=str(authority_file))
    context.set_alpn_protocols(["h2"])
    pool = DuplexPool(None, lambda: context, lambda: context)
    held = Calls(pool, url)
    us = [os.getpid()]
    idle_mb = measure.rss_mb(us)
    tasks = [asyncio.create_task(held.hold()) for _ in range(calls)]
    await asyncio.sleep(WARM_S)
    chunks, cpu_s, warm_mb, began = held.chunks, measure.cpu_s(us), measure.rss_mb(us), time.monotonic()
    await asyncio.sleep(seconds)
    took_s = time.monotonic() - began
    chunks, cpu_s, end_mb = held.chunks - chunks, measure.cpu_s(us) - cpu_s, measure.rss_mb(us)
    broken = [task for task in tasks if task.done()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await pool.aclose()
    return {
        "calls": calls - len(broken),
        "chunks/s": round(chunks / took_s),
        "CPU us/chunk": round(cpu_s / chunks * 1e6, 1),
        "CPU %": round(cpu_s / took_s * 100),
        "idle MB": round(idle_mb, 1),
        "MB at the beginning": round(warm_mb, 1),
        "MB at the end": round(end_mb, 1),
    }


@contextlib.contextmanager
def upstream(authority_file: Path, core: int | None) -> Iterator[str]:
    """The upstream in a process of its own; its URL."""
    command = python("tests.bench.duplex", "--serve", str(authority_file))
    with pinned(core):
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield f"https://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(10)


def main() -> int:
    """Measure, print a table; 1 when a call broke."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.duplex", description=__doc__)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        asyncio.run(serve(args.serve))
        return 0
    pair = cores()
    with tempfile.TemporaryDirectory(prefix="switchgear-bench-") as directory:
        authority_file = Path(directory) / "authority.pem"
        with upstream(authority_file, pair[1] if pair else None) as url, pinned(pair[0] if pair else None):
            figures = asyncio.run(load(url, authority_file, args.calls, args.seconds))
    print(f"## duplex-{args.calls}: full-duplex calls over TLS, a chunk each {INTERVAL_S * 1000:g} ms to each\n")
    print("| " + " | ".join(figures) + " |\n" + "| ---: " * len(figures) + "|")
    print("| " + " | ".join(f"{figure:g}" for figure in figures.values()) + " |")
    return 0 if figures["calls"] == args.calls else 1


if __name__ == "__main__":
    sys.exit(main())
