"""Notes who a client would talk to beyond loopback: a proxy on loopback that lets nobody through."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.clients.stack import loopback_only

LOCAL = "127.0.0.1,localhost,::1"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


@contextmanager
def watched(folder: Path) -> Iterator[dict[str, str]]:
    """An environment in which a program of any language that honours proxy variables reaches loopback only.

    Its home is an empty folder below ``folder``. At the end, that it never tried to go further.
    """
    asked: list[str] = []

    class Refuse(BaseHTTPRequestHandler):
        def answer(self) -> None:
            asked.append(f"{self.command} {self.path}")
            self.send_error(403, "nothing leaves loopback")

        do_CONNECT = do_GET = do_HEAD = do_POST = answer  # noqa: N815 - the parent looks for these names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's name for it
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Refuse) as proxy, loopback_only(folder) as env:
        url = f"http://127.0.0.1:{proxy.server_address[1]}"
        thread = threading.Thread(target=proxy.serve_forever)
        thread.start()
        try:
            yield {**env, **dict.fromkeys(PROXIES, url), "NO_PROXY": LOCAL, "no_proxy": LOCAL}
        finally:
            proxy.shutdown()
            thread.join()
    assert not asked, f"it went beyond loopback: {asked}"
