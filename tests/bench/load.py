"""The load client: closed loop, keep-alive, one process. It checks every answer and prints one JSON line.

``python -m tests.bench.load --port 9000 --clients 32 --seconds 4`` asks for whole answers; with ``--stream`` for
streams. What counts is what happens between the warm-up and the end; with ``--each``, a fixed number of requests from
the first to the last answer, for a server so slow that a window would hold less than one round of its clients. With ``--pid`` it also takes the CPU time and the
memory of that process (and its children) over exactly this window; an ``--ours`` does not count as noise.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from dataclasses import asdict

from tests.bench import measure
from tests.bench.connection import MESSAGE_STOP, Connection, Result, Run, percentile, request_of
from tests.bench.upstream import events_of


async def client(run: Run, port: int, delay_s: float, connections: set[Connection]) -> None:
    """One client, for ever: connects again whenever the server hangs up."""
    await asyncio.sleep(delay_s)
    while not run.stopping:
        _, connection = await asyncio.get_running_loop().create_connection(lambda: Connection(run), "127.0.0.1", port)
        connections.add(connection)
        await connection.closed
        connections.discard(connection)


async def watch_memory(pids: list[int], result: Result) -> None:
    while True:
        result.rss_peak_mb = max(result.rss_peak_mb or 0.0, measure.rss_mb(pids))
        await asyncio.sleep(0.1)


async def measured(args: argparse.Namespace) -> Result:
    """The whole run: ramp and warm-up, the window that counts, then a short grace for what is under way."""
    request = request_of(args.port, args.model, args.stream, args.key, anthropic=args.anthropic)
    events = events_of(args.model, anthropic=args.anthropic) + args.more_events
    run = Run(request, events if args.stream else 0)
    if args.anthropic:
        run.last_event = MESSAGE_STOP
    result = run.result
    pids = measure.tree(args.pid) if args.pid else []
    ours = [os.getpid(), *args.ours]
    if args.each:
        run.left = run.to_finish = args.each * args.clients
    connections: set[Connection] = set()
    ramp_s = args.ramp_ms / 1000
    tasks = [asyncio.create_task(client(run, args.port, n * ramp_s, connections)) for n in range(args.clients)]
    if pids:
        result.rss_idle_mb = measure.rss_mb(pids)
        tasks.append(asyncio.create_task(watch_memory(pids, result)))
    loop = asyncio.get_running_loop()
    if not args.each:
        await asyncio.sleep(ramp_s * args.clients + args.warm)
    begin = loop.time(), measure.cpu_s(pids), measure.cpu_s(ours), measure.machine_busy_s()
    run.measuring = True
    if args.each:
        try:
            await asyncio.wait_for(run.complete.wait(), args.seconds)
        except TimeoutError:
            run.bad(f"only {result.requests} of {args.each * args.clients} answers came in {args.seconds:g} s")
    else:
        await asyncio.sleep(args.seconds)
    run.measuring, run.stopping = False, True
    end = loop.time(), measure.cpu_s(pids), measure.cpu_s(ours), measure.machine_busy_s()
    wall_s, cpu_s, ours_s, busy_s = (after - before for before, after in zip(begin, end, strict=True))
    result.open_streams = sum(1 for connection in connections if connection.first)
    for _ in range(int(args.grace / 0.05)):
        if not any(connection.asked for connection in connections):
            break
        await asyncio.sleep(0.05)
    for task in tasks:
        task.cancel()
    for connection in connections:
        connection.abort()
    failures = [e for e in await asyncio.gather(*tasks, return_exceptions=True) if isinstance(e, Exception)]
    for failure in failures:
        run.bad(f"cannot connect: {failure!r}")
    result.rps = result.requests / wall_s
    result.chunks_per_s = result.chunks / wall_s
    result.latency_p50, result.latency_p99 = (percentile(run.latencies, share) for share in (0.5, 0.99))
    result.ttft_p50, result.ttft_p99 = (percentile(run.ttfts, share) for share in (0.5, 0.99))
    result.noise_pct = max(100 * (busy_s - cpu_s - ours_s) / wall_s, 0.0)
    if pids:
        result.cpu_s = cpu_s
        result.cpu_us_per_request = 1e6 * cpu_s / result.requests if result.requests else None
        result.cpu_us_per_chunk = 1e6 * cpu_s / result.chunks if result.chunks else None
    return result


def main() -> None:
    """Run once, and print the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--model", default="fake")
    parser.add_argument("--stream", action="store_true")
    parser.add_argument("--anthropic", action="store_true", help="ask in Anthropic's Messages; streams only")
    parser.add_argument("--more-events", type=int, default=0, help="a stream has, than the fake upstream's own")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--each", type=int, default=0, help="so many requests a client on average; no warm-up")
    parser.add_argument("--seconds", type=float, default=4.0, help="that count; with --each, at most")
    parser.add_argument("--warm", type=float, default=0.5, help="seconds before the window that counts")
    parser.add_argument("--ramp-ms", type=float, default=0.0, help="between two clients' first requests")
    parser.add_argument("--grace", type=float, default=1.0, help="seconds for what is under way at the end")
    parser.add_argument("--key", default="none")
    parser.add_argument("--pid", type=int)
    parser.add_argument("--ours", type=int, action="append", default=[])
    print(json.dumps(asdict(asyncio.run(measured(parser.parse_args())))), flush=True)


if __name__ == "__main__":
    main()
