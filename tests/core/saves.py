"""Run as a process: save an account again and again, killed at another step each time.

Prints, for each step, what the file held afterwards. Called with a folder and a free file name.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from switchgear import Account, Secret, logs
from tests.stores import store

OLD = Account("ada", label="old", secrets={"access": Secret("old-token-of-ada")})
NEW = Account("ada", label="new", secrets={"access": Secret("new-token-of-ada")})


def save_and_die(folder: Path, step: int) -> bool:
    """Save ``NEW`` in a child that is killed before its ``step``-th call of the system; whether it lived to the end."""
    child = os.fork()
    if child == 0:
        files, left = store(folder), step

        def count(frame: FrameType, event: str, argument: Any) -> None:
            nonlocal left
            if event == "c_call" and _asks_the_system(argument):
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.setprofile(count)
        files.write(NEW)
        sys.setprofile(None)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0


def _asks_the_system(function: Any) -> bool:
    """Whether it is one of the system's calls, or a method of an open file."""
    owner = getattr(function, "__self__", None)
    return getattr(owner, "__name__", "") in {"posix", "fcntl", "_io"} or type(owner).__module__ == "_io"


def main(folder: Path) -> None:
    logs.configure("json", "critical")
    files = store(folder)
    step, ended = 0, False
    while not ended:
        step += 1
        files.write(OLD)
        ended = save_and_die(folder, step)
        found = files.load()
        print(step, *(account.label for account in found), *files.problems.values(), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
