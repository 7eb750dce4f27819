"""CPU time and memory of processes, from ``/proc``; Linux only."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
PROC = Path("/proc")


def _stat(pid: int) -> list[str]:
    """The fields of ``/proc/PID/stat`` from the third (state) on; empty when the process is gone."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def tree(pid: int) -> list[int]:
    """``pid`` and its descendants."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, todo = [], [pid]
    while todo:
        found.append(todo.pop())
        todo += children.get(found[-1], [])
    return found


def cpu_s(pids: list[int]) -> float:
    """User and system time used so far, to a tick (10 ms)."""
    ticks = 0
    for pid in pids:
        if fields := _stat(pid):
            ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS_A_SECOND


def fine_cpu_us(pid: int) -> float:
    """Time on a core used so far by the process's living threads, to the nanosecond."""
    total = 0
    for thread in (PROC / str(pid) / "task").iterdir():
        with contextlib.suppress(OSError):
            total += int((thread / "schedstat").read_text().split()[0])
    return total / 1000


def rss_mb(pids: list[int]) -> float:
    """Resident memory now."""
    pages = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            pages += int((PROC / str(pid) / "statm").read_text().split()[1])
    return pages * PAGE_BYTES / 1e6


def open_files(pid: int) -> int:
    """File descriptors in use."""
    return sum(1 for _ in (PROC / str(pid) / "fd").iterdir())


def threads(pid: int) -> int:
    """Threads alive."""
    return int(_stat(pid)[17])


def machine_busy_s() -> float:
    """Seconds that all cores together were busy since boot, without what the host took."""
    user, nice, system, idle, iowait, irq, softirq, *_ = map(int, (PROC / "stat").read_text().split()[1:9])
    del idle, iowait
    return (user + nice + system + irq + softirq) / TICKS_A_SECOND
