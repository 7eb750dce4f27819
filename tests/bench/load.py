"""The load client: one process that checks every answer and prints one JSON line.

``python -m tests.bench.load --port 9000 --clients 32 --seconds 4`` asks for whole answers; with ``--stream`` for
streams. What counts is what happens between the warm-up and the end. With ``--pid`` it also takes the CPU time and the
memory of that process (and its children) over exactly this window; an ``--ours`` does not count as noise.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import asdict

from tests.bench import measure
from tests.bench.answers import DIALECTS
from tests.bench.asking import ask
from tests.bench.clients import Clients
from tests.bench.result import Result

WATCH_S = 0.1


def measured(args: argparse.Namespace) -> Result:
    """The whole run: ramp and warm-up, the window that counts, then a short grace for what is under way."""
    asked = ask(
        args.model,
        port=args.port,
        key=args.key,
        dialect=args.dialect,
        stream=args.stream,
        refused=args.refused,
        leave_after=args.leave_after,
    )
    clients = Clients(asked, args.port, args.clients, rate=args.rate)
    pids = measure.tree(args.pid) if args.pid else []
    ours = [os.getpid(), *args.ours]
    idle_mb = peak_mb = measure.rss_mb(pids)

    def run(until: float) -> None:
        nonlocal peak_mb
        while (now := time.monotonic()) < until:
            clients.run(min(now + WATCH_S, until))
            peak_mb = max(peak_mb, measure.rss_mb(pids))

    def mark() -> tuple[float, ...]:
        return time.monotonic(), measure.cpu_s(pids), measure.cpu_s(ours), measure.machine_busy_s()

    clients.start(args.ramp)
    run(time.monotonic() + args.ramp + args.warm)
    clients.figures.measuring = True
    begin = mark()
    run(time.monotonic() + args.seconds)
    end = mark()
    clients.figures.measuring = False
    clients.stop(args.grace)
    wall_s, cpu_s, ours_s, busy_s = (after - before for before, after in zip(begin, end, strict=True))
    result = clients.figures.result(wall_s)
    result.noise_pct = max(100 * (busy_s - cpu_s - ours_s) / wall_s, 0.0)
    if pids:
        result.cpu_s = cpu_s
        result.cpu_us_per_request = 1e6 * cpu_s / result.requests if result.requests else None
        result.cpu_us_per_chunk = 1e6 * cpu_s / result.chunks if result.chunks else None
        result.rss_idle_mb, result.rss_peak_mb = idle_mb, peak_mb
    return result


def main() -> None:
    """Run once, and print the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--model", default="fake")
    parser.add_argument("--dialect", choices=DIALECTS, default="chat", help="what is asked in")
    parser.add_argument("--stream", action="store_true")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument(
        "--rate", type=float, default=0.0, help="requests a second of all clients; 0: as many as they can"
    )
    parser.add_argument("--seconds", type=float, default=4.0, help="that count")
    parser.add_argument("--warm", type=float, default=0.5, help="seconds before the window that counts")
    parser.add_argument(
        "--ramp", type=float, default=0.0, help="seconds from the first to the last client's first request"
    )
    parser.add_argument("--grace", type=float, default=1.0, help="seconds for what is under way at the end")
    parser.add_argument("--refused", action="store_true", help="a refusal is the right answer")
    parser.add_argument("--leave-after", type=int, default=0, metavar="N", help="hang up after N text chunks")
    parser.add_argument("--key", default="none")
    parser.add_argument("--pid", type=int)
    parser.add_argument("--ours", type=int, action="append", default=[])
    print(json.dumps(asdict(measured(parser.parse_args()))), flush=True)


if __name__ == "__main__":
    main()
