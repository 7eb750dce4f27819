"""The gateway's port: is it free, is it a gateway of ours that answers there, and does it have this configuration."""

from __future__ import annotations

import socket
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx2

from switchgear.checks import Check
from switchgear.config import Config
from switchgear.config.address import local_host, local_url
from switchgear.config.diff import DOCUMENT, LoadedOutline, compare
from switchgear.configured import outline_of
from switchgear.doctor.configuration import Seen
from switchgear.state import StateStore
from switchgear.upstream import tls_context

LIMIT_S = 3.0
SAME_LOAD_S = 5.0
"""``/health`` tells in whole seconds when the configuration was loaded."""


async def checks(path: Path, seen: Seen) -> list[Check]:
    """Who has the port; and of a gateway of ours, whether it is well and has this file."""
    url = local_url(seen.config)
    if url is None:
        return [Check("port", "skipped", "port: 0 takes a free one, so it cannot be known here")]
    async with httpx2.AsyncClient(
        base_url=url, trust_env=False, verify=tls_context(), timeout=httpx2.Timeout(LIMIT_S)
    ) as client:
        try:
            service = _object(await client.get("/")).get("service")
            health = _object(await client.get("/health")) if service == "switchgear" else {}
        except (httpx2.ConnectError, httpx2.ConnectTimeout):
            return [_free(seen.config), Check("gateway", "skipped", f"none runs at {url}", "switchgear serve")]
        except httpx2.TransportError:
            health = {}
    if "status" not in health:
        detail = f"something else than a gateway of this program answers at {url}"
        return [Check("port", "failed", detail, "stop it, or choose another port in config.yaml")]
    return [Check("port", "ok", f"a gateway of ours answers at {url}"), _gateway(path, seen, health)]


def _object(response: httpx2.Response) -> dict[str, Any]:
    try:
        answer = response.json()
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _free(config: Config) -> Check:
    """Whether a gateway could listen there."""
    host, port = local_host(config), config.port
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(config.host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
    except OSError as error:
        return Check("port", "failed", f"{host}:{port} cannot be listened on: {error.strerror}", "see host and port")
    return Check("port", "ok", f"{host}:{port} is free")


def _gateway(path: Path, seen: Seen, health: dict[str, Any]) -> Check:
    running, here = health.get("version"), version("switchgear")
    said = [f"version {running}, {health['status']}"]
    loaded = health.get("config", {})
    if loaded.get("rejected"):
        return Check(
            "gateway", "failed", "; ".join([*said, "it refused the file as it is now"]), "switchgear config check"
        )
    if running != here:
        said.append(f"this program is version {here}")
        return Check("gateway", "attention", "; ".join(said), "start it again to run what is installed")
    known = _last_loaded(seen, time.time() - float(loaded.get("loaded_seconds_ago", 0)))
    if seen.loaded is None or known is None:
        return Check("gateway", "ok", "; ".join([*said, "which configuration it has cannot be told"]))
    if known.file != str(path.absolute()):
        advice = "name the file it runs on with --config"
        return Check("gateway", "attention", "; ".join([*said, f"it runs on another file, {known.file}"]), advice)
    changes = compare(known.outline, outline_of(seen.loaded, known.outline.salt))
    if changes:
        advice = "switchgear config diff; save the file again, or start the gateway anew"
        return Check("gateway", "attention", "; ".join([*said, "it does not have the file as it is now"]), advice)
    return Check("gateway", "ok", "; ".join([*said, "it has this very configuration"]))


def _last_loaded(seen: Seen, loaded_at: float) -> LoadedOutline | None:
    """What the gateway kept of its configuration, if it is this gateway's."""
    document = StateStore(seen.config.state_dir).read(DOCUMENT)
    kept = None if document is None else LoadedOutline.read(document)
    return kept if kept is not None and abs(kept.loaded_at - loaded_at) < SAME_LOAD_S else None
