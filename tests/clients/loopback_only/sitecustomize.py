"""On a client's ``PYTHONPATH``: refuse every connection and every look-up that is not loopback, and write it down.

It runs in the client's own Python, so it imports nothing of ours.
"""

from __future__ import annotations

import os
import sys

LOOPBACK = {"127.0.0.1", "::1", "localhost", "0.0.0.0", "::", "", "None"}


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if event in {"socket.connect", "socket.sendto"}:
        address = arguments[-1]
        if not isinstance(address, tuple):
            return  # a socket in the file system
        host = address[0]
    elif event in {"socket.getaddrinfo", "socket.gethostbyname"}:
        host = arguments[0]
    else:
        return
    name = host.decode(errors="replace") if isinstance(host, bytes) else str(host)
    if name not in LOOPBACK:
        with open(os.environ["STRAY_CONNECTIONS"], "a") as file:  # noqa: PTH123 - pathlib is slow to import
            file.write(f"{event} {name}\n")
        raise OSError(f"{name} is not loopback")


sys.addaudithook(_watch)
