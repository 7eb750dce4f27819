"""A whole gateway inside a test: real configuration, real server, real sockets, its way upstream watched.

Nothing happens in it by itself: accounts are loaded and models listed when it starts and when the test says so, so that
a test sees what follows from what it does.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx2

from switchgear.accounts import Entry
from switchgear.assembly import Service, load
from switchgear.cli.server import listen
from switchgear.hookspecs import hookimpl
from switchgear.http.app import App
from switchgear.loading import Installed
from switchgear.sealing import KEY_FILE_VARIABLE
from switchgear.server.serving import serve
from switchgear.testing.logbook import Logbook
from switchgear.testing.traffic import Traffic, gateway_task
from switchgear.types import AttemptRecord
from switchgear.upstream import UpstreamClients, tls_context

CLIENT_KEY = "sg-key-of-the-conformance-kit"
CLIENT_LIMIT_S = 20.0
STOP_LIMIT_S = 3.0


class Attempts:
    """Observes every finished attempt, as a plugin would.

    Attributes:
        records: so far, oldest first.
    """

    def __init__(self) -> None:
        self.records: list[AttemptRecord] = []
        self._more = asyncio.Event()

    @hookimpl
    def attempt_finished(self, record: AttemptRecord) -> None:
        """See the hook."""
        self.records.append(record)
        more, self._more = self._more, asyncio.Event()
        more.set()

    async def wait_for(self, count: int, timeout_s: float = 2.0) -> None:
        """Wait until there are so many.

        Raises:
            TimeoutError: there are not, within ``timeout_s``.
        """
        async with asyncio.timeout(timeout_s):
            while len(self.records) < count:
                await self._more.wait()


@dataclass(slots=True)
class RunningGateway:
    """A gateway that serves one entry of one plugin. ``client`` presents its client key.

    Attributes:
        folder: where its configuration and auth files are.
        attempts: every finished attempt.
        logbook: every log line.
        traffic: what went upstream.
    """

    folder: Path
    url: str
    service: Service
    client: httpx2.AsyncClient
    traffic: Traffic
    logbook: Logbook
    attempts: Attempts = field(default_factory=Attempts)

    @property
    def entry(self) -> Entry:
        """The entry."""
        return self.service.current.entries[0]

    @property
    def auth_files(self) -> dict[str, bytes]:
        """The auth files by name."""
        return {path.name: path.read_bytes() for path in sorted((self.folder / "auth").glob("*.json"))}

    async def reload(self) -> None:
        """Load the accounts anew, and list their models."""
        await gateway_task(self.service.load_accounts(self.service.current))
        await gateway_task(self.service.current.catalog.refresh())


@asynccontextmanager
async def running_gateway(
    folder: Path, plugin: Installed, settings: Mapping[str, Any], traffic: Traffic, logbook: Logbook, **config: Any
) -> AsyncIterator[RunningGateway]:
    """Serve one entry with ``settings`` on a free port of loopback.

    A failed attempt is followed by another only where another account can be asked at once. The auth files of an
    earlier gateway in the same ``folder`` are this one's, too.

    Args:
        folder: for its files.
        plugin: whose entry it is.
        settings: the entry, with kebab-case keys.
        traffic: watches what goes upstream.
        logbook: keeps what is logged; open it around the gateway.
        config: further top-level keys, with underscores.

    Raises:
        ConfigError: the configuration is wrong.
        RuntimeError: the plugin cannot be used; the message says why.
    """
    path = folder / "config.yaml"
    whole = {
        "api-keys": [{"name": "kit", "key": CLIENT_KEY, "scopes": ["metrics:read"]}],
        "port": 0,
        "auth-dir": str(folder / "auth"),
        "state-dir": str(folder / "state"),
        "request-retry": 2,
        "max-retry-interval": 0,
        "drain-seconds": 0,
        **{name.replace("_", "-"): value for name, value in config.items()},
        plugin.name: [dict(settings)],
    }
    path.write_text(json.dumps(whole, indent=1))  # JSON is YAML
    sealing_key = folder / "sealing.key"  # nobody's own keyring is touched
    if not sealing_key.exists():
        sealing_key.write_text(secrets.token_urlsafe(32))
    with traffic.watched(), patch.dict(os.environ, {KEY_FILE_VARIABLE: str(sealing_key)}):
        available = {plugin.name: plugin}
        loaded = await asyncio.to_thread(load, path, None, available)
        clients = UpstreamClients(traffic.transport, traffic.duplexes)
        service = Service(path, loaded, available=available, clients=clients)
        for problem in service.current.broken.values():
            raise RuntimeError(f"the plugin cannot be used: it {problem}")
        async with _served(service) as url:
            headers = {"authorization": f"Bearer {CLIENT_KEY}"}
            transport = httpx2.AsyncHTTPTransport(verify=tls_context(), trust_env=False)
            async with httpx2.AsyncClient(
                base_url=url, headers=headers, timeout=CLIENT_LIMIT_S, transport=transport
            ) as client:
                gateway = RunningGateway(folder, url, service, client, traffic, logbook)
                service.current.plugins.register("conformance kit", gateway.attempts)
                service.metrics.keep([entry.name for entry in service.current.entries])
                await gateway.reload()
                yield gateway


@asynccontextmanager
async def _served(service: Service) -> AsyncIterator[str]:
    listener = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    stop = asyncio.Event()
    app = App(service)
    serving = gateway_task(serve(app, listener, stop.wait))
    try:
        yield url
    finally:
        stop.set()
        _, left = await asyncio.wait({serving}, timeout=STOP_LIMIT_S)
        if left:  # something in it does not let itself be cancelled
            serving.cancel()
        await asyncio.wait_for(service.aclose(), STOP_LIMIT_S)
