"""Where the webhook may lead, and where it never does (fault X1)."""

from __future__ import annotations

import pytest

from switchgear.testing import LoopbackServer
from switchgear.webhook import TRIES, is_public
from tests.core.webhooks import Pauses, answers, delivering, settings, until

FORBIDDEN = {
    "loopback": "127.0.0.1",
    "loopback elsewhere": "127.8.8.8",
    "this host": "0.0.0.0",
    "private ten": "10.1.2.3",
    "private 172": "172.31.255.1",
    "private 192": "192.168.1.1",
    "shared": "100.64.0.1",
    "metadata": "169.254.169.254",
    "metadata of a cloud in shared space": "100.100.100.200",
    "metadata at a public address": "168.63.129.16",
    "multicast": "224.0.0.1",
    "broadcast": "255.255.255.255",
    "reserved": "240.0.0.1",
    "documentation": "192.0.2.1",
    "benchmark": "198.18.0.1",
    "v6 loopback": "::1",
    "v6 unspecified": "::",
    "v6 link-local": "fe80::1",
    "v6 link-local with a zone": "fe80::1%eth0",
    "v6 unique local": "fd00:ec2::254",
    "v6 multicast": "ff02::1",
    "v6 mapped loopback": "::ffff:127.0.0.1",
    "v6 mapped metadata": "::ffff:a9fe:a9fe",
    "v6 compatible": "::127.0.0.1",
    "6to4 of a private one": "2002:0a00:0001::1",
    "NAT64 of metadata": "64:ff9b::a9fe:a9fe",
    "local NAT64": "64:ff9b:1::1",
    "Teredo of a private one": "2001:0:4136:e378:8000:63bf:f5ff:fffe",
    "site-local": "fec0::1",
}
PUBLIC = {
    "v4": "93.184.215.14",
    "v6": "2606:2800:21f:cb07::1",
    "mapped": "::ffff:93.184.215.14",
    "NAT64": "64:ff9b::5db8:d70e",
}


@pytest.mark.parametrize("address", FORBIDDEN.values(), ids=FORBIDDEN)
async def test_an_address_that_is_not_public_is_refused(address: str, log_output: pytest.CaptureFixture[str]) -> None:
    assert not is_public(address)

    async def lookup(host: str, port: int) -> list[str]:
        return ["93.184.215.14", address]  # one such address among good ones is enough

    chosen = settings("http://pager.example/hook", **{"allow-private": False})
    async with delivering(chosen, resolver=lookup) as hook:
        hook.offer("alert", {})
        await until(hook, "failed")
    assert "private address" in log_output.readouterr().err


@pytest.mark.parametrize("address", PUBLIC.values(), ids=PUBLIC)
def test_a_public_address_is_not(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    ["localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "127.1", "0"],
    ids=lambda host: f"as {host}",
)
async def test_this_machine_is_not_reached_under_any_name(host: str, log_output: pytest.CaptureFixture[str]) -> None:
    """The operating system's own lookup, which takes the odd spellings of numbers too."""
    async with LoopbackServer(answers(200)) as receiver:
        chosen = settings(f"http://{host}:{receiver.port}/", **{"allow-private": False})
        async with delivering(chosen, sleep=Pauses()) as hook:
            hook.offer("alert", {})
            await until(hook, "failed")
    assert receiver.connections_made == 0
    assert "webhook_failed" in log_output.readouterr().err


async def test_a_name_is_looked_up_once_a_try_and_the_call_goes_there() -> None:
    """A name that leads elsewhere the second time it is asked (DNS rebinding) is not asked a second time."""
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    async with LoopbackServer(answers(200)) as receiver:
        async with delivering(settings(f"http://pager.example:{receiver.port}/"), resolver=rebinding) as hook:
            hook.offer("alert", {})
            await until(hook, "delivered")
    assert asked == ["pager.example"]
    assert receiver.requests[0].headers["host"] == f"pager.example:{receiver.port}"


async def test_an_address_that_is_out_of_reach_is_not_tried_for_ever() -> None:
    async def two(host: str, port: int) -> list[str]:
        return ["127.0.0.2", "127.0.0.1"]  # nobody listens at the first

    async with LoopbackServer(answers(200)) as receiver:
        chosen = settings(f"http://pager.example:{receiver.port}/")
        async with delivering(chosen, resolver=two, sleep=Pauses()) as hook:
            hook.offer("alert", {})
            await until(hook, "delivered")


async def test_a_name_that_nobody_knows_is_tried_again() -> None:
    pauses = Pauses()

    async def unknown(host: str, port: int) -> list[str]:
        raise OSError(-2, "Name or service not known")

    async with delivering(settings("http://pager.example/"), resolver=unknown, sleep=pauses) as hook:
        hook.offer("alert", {})
        await until(hook, "failed")
    assert len(pauses.seconds) == TRIES - 1
