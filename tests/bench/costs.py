"""What one thing costs: ``python -m tests.bench.costs``, the gateway's CPU time with it and without.

Both are measured in turn, in short slices, as :mod:`tests.bench.compare` does with two trees: a busy machine slows both alike.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from statistics import median

from tests.bench import keeping
from tests.bench.answers import DIALECTS
from tests.bench.compare import WHOLE_SLICES, Asked, Whole, alternating, middle
from tests.bench.scenarios import SHOWN
from tests.bench.subjects import BenchError, Certificates, cores, gateway_config, pinned, python, running

STREAMED = "fake-n20-i5"
CONVERSIONS = {
    f"{client}-{upstream}": Asked(f"{upstream}/{STREAMED}", client, stream=True)
    for client, upstream in permutations(DIALECTS, 2)
}
KINDS = {
    "whole": Asked("chat/fake"),
    "TLS": Asked("tls/fake"),
    "chat": Asked(f"chat/{STREAMED}", stream=True),
    "messages": Asked(f"messages/{STREAMED}", "messages", stream=True),
    "responses": Asked(f"responses/{STREAMED}", "responses", stream=True),
    **CONVERSIONS,
}


@dataclass(frozen=True, slots=True)
class Pair:
    """With it and without: what is asked, and of the gateway that logs or of the one that does not."""

    name: str
    unit: str
    dearer: str
    cheaper: str
    cheaper_logs: bool = True


PAIRS = (
    Pair("the access log", "request", "whole", "whole", cheaper_logs=False),
    Pair("TLS to the upstream", "request", "TLS", "whole"),
    *(
        Pair(f"{SHOWN[client]} converted to {SHOWN[upstream]} and back", "chunk", f"{client}-{upstream}", client)
        for client, upstream in permutations(DIALECTS, 2)
    ),
)


@contextlib.contextmanager
def gateways(directory: Path) -> Iterator[tuple[Whole, Whole]]:
    """One that writes an access log, and one that does not."""
    core, other = cores() or (None, None)
    certificates = Certificates.make(directory)
    with contextlib.ExitStack() as stack:
        command = python("tests.bench.upstream", "--certificate", str(certificates.served))
        upstream = stack.enter_context(running("upstream", command, core=other, log=directory / "upstream.log"))
        stack.enter_context(pinned(other))
        started = []
        for name in ("logs", "silent"):
            folder = directory / name
            folder.mkdir()
            config, key = gateway_config(folder, upstream, access_log=name == "logs")
            command = python("switchgear", "serve", "--config", str(config))
            trust = {"SSL_CERT_FILE": str(certificates.trusted)}
            gateway = running(name, command, core=core, log=folder / "log", key=key, environment=trust)
            started.append(Whole(stack.enter_context(gateway), KINDS))
        yield started[0], started[1]


def measured(pair: Pair, logs: Whole, silent: Whole, rounds: int) -> keeping.Cost:
    """One pair."""
    count = WHOLE_SLICES["json" if pair.unit == "request" else "sse"]
    without = logs if pair.cheaper_logs else silent
    dearer, cheaper = alternating(
        lambda: logs.slice(pair.dearer, count), lambda: without.slice(pair.cheaper, count), rounds
    )
    ratio, low, high = middle([more / less for more, less in zip(dearer, cheaper, strict=True)])
    return keeping.Cost(pair.name, pair.unit, median(cheaper), ratio, low, high)


def main() -> int:
    """Measure every pair, and print."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.costs", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=100, help="slices of each")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="keep the figures there")
    args = parser.parse_args()
    found = []
    try:
        with (
            tempfile.TemporaryDirectory(prefix="switchgear-costs-") as folder,
            gateways(Path(folder)) as (logs, silent),
        ):
            print("| | without it, CPU us | with it |\n|---|---|---|", flush=True)
            for pair in PAIRS:
                found.append(measured(pair, logs, silent, args.rounds))
                print(found[-1].row(), flush=True)
    except BenchError as error:
        print(f"costs: {error}", file=sys.stderr)
        return 1
    if args.keep:
        keeping.keep_costs(args.keep, found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
