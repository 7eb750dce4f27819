"""Counts what lives in a gateway: ``python -m tests.bench.census OUT MODULE ARGUMENTS`` runs the module as ``__main__``.

At SIGUSR1 it writes ``OUT``: a JSON object with the loop's tasks, the interpreter's allocated memory blocks, and the bytes in
the metrics' histograms. Outside nobody can count these, and the gateway itself has no use for them. The metrics keep two minutes
instead of fifteen: memory that still fills, by design, would look like a leak for as long. What the allocator keeps although it is
free goes back to the system first, where the C library can: for ten minutes it keeps more and more, and it is no leak either.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import json
import runpy
import signal
import sys
from pathlib import Path
from types import FrameType

from switchgear.metrics import windows
from switchgear.metrics.histogram import Histogram

KEPT_BUCKETS = 12


def main() -> None:
    """Run the module named on the command line."""
    out, module, *arguments = sys.argv[1:]
    path = Path(out).resolve()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", lambda _: 0)

    def count(number: int, frame: FrameType | None) -> None:
        gc.collect()
        trim(0)
        found = {
            "tasks": len(asyncio.all_tasks()),
            "blocks": sys.getallocatedblocks(),
            "metrics_bytes": sum(sys.getsizeof(one.counts) for one in gc.get_objects() if isinstance(one, Histogram)),
        }
        unfinished = path.with_suffix(".part")
        unfinished.write_text(json.dumps(found))
        unfinished.replace(path)

    windows._BUCKETS = KEPT_BUCKETS  # type: ignore[misc]
    signal.signal(signal.SIGUSR1, count)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
