"""Where the gateway of a configuration answers, for those on its own machine."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address

from switchgear.config.schema import Config

ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where a gateway listens, not we


def local_host(config: Config) -> str:
    """The address or name to connect to; loopback where it listens on all of them."""
    return ANY_ADDRESS.get(config.host, config.host)


def local_url(config: Config) -> str | None:
    """The base URL; ``None`` where the port is a free one, chosen at the start."""
    if config.port == 0:
        return None
    host = local_host(config)
    try:
        host = f"[{host}]" if isinstance(ip_address(host), IPv6Address) else host
    except ValueError:
        pass  # a name
    return f"http://{host}:{config.port}"
