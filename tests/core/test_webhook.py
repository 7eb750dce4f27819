"""The webhook: signed, tried again, bounded."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
import trustme

from switchgear import upstream, webhook
from switchgear.testing import Exchange, LoopbackServer
from switchgear.webhook import QUEUE_LENGTH, TRIES, Webhook
from tests.core.webhooks import SECRET, Pauses, answers, delivering, settings, until

NOON = 1_767_268_800.0
PAGE = Path(__file__).parents[2] / "docs" / "alerts.md"


# -- what is sent ------------------------------------------------------------------------------------------


async def test_what_the_receiver_gets() -> None:
    async with LoopbackServer(answers(204)) as receiver:
        async with delivering(settings(f"{receiver.url}/hook?team=a"), wall=lambda: NOON) as hook:
            hook.offer("alert", {"rule": "provider-429", "state": "firing"})
            await until(hook, "delivered")
    [request] = receiver.requests
    assert (request.method, request.target) == ("POST", "/hook?team=a")
    assert request.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["x-switchgear-timestamp"] == "1767268800"
    message = json.loads(request.body)
    assert message.pop("id") == request.headers["x-switchgear-delivery"]
    assert message == {"object": "alert", "schema_version": 1, "alert": {"rule": "provider-429", "state": "firing"}}


async def test_the_documented_verifier_believes_the_genuine_and_nothing_else() -> None:
    [source] = re.findall(r"```python\n(import hashlib.*?)```", PAGE.read_text(), re.DOTALL)
    namespace: dict[str, Any] = {}
    exec(source, namespace)
    genuine = namespace["genuine"]
    async with LoopbackServer(answers(200)) as receiver, delivering(settings(receiver.url)) as hook:
        hook.offer("alert", {"rule": "r"})
        await until(hook, "delivered")
    [request] = receiver.requests
    headers, body = dict(request.headers), request.body
    assert genuine(SECRET, headers, body)
    assert not genuine(SECRET, headers, body + b" ")
    assert not genuine("another-secret-of-someone", headers, body)
    earlier = str(int(headers["x-switchgear-timestamp"]) - 1)
    assert not genuine(SECRET, {**headers, "x-switchgear-timestamp": earlier}, body)
    old = webhook.sign(SECRET, "1767268800", body)
    assert not genuine(SECRET, {**headers, "x-switchgear-timestamp": "1767268800", "x-switchgear-signature": old}, body)


async def test_the_certificate_is_the_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """The call goes to an address, the certificate is checked for the name in the URL."""
    ca = trustme.CA()
    server, client = (webhook_context(ca, side) for side in ("server", "client"))
    monkeypatch.setattr(upstream, "tls_context", lambda: client)

    async def here(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    async with LoopbackServer(answers(200), ssl=server) as receiver:
        for host, word in (("pager.example", "delivered"), ("other.example", "failed")):
            chosen = settings(f"https://{host}:{receiver.port}/")
            async with delivering(chosen, resolver=here, sleep=Pauses()) as hook:
                hook.offer("alert", {})
                await until(hook, word)
    assert [request.headers["host"] for request in receiver.requests] == [f"pager.example:{receiver.port}"]


def webhook_context(ca: trustme.CA, side: str) -> Any:
    import ssl

    if side == "client":
        context = ssl.create_default_context()
        ca.configure_trust(context)
        return context
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("pager.example").configure_cert(context)
    return context


# -- when it fails -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_tried_again_with_longer_pauses_and_the_same_id(status: int) -> None:
    pauses = Pauses()
    async with LoopbackServer(answers(status, status, 200)) as receiver:
        async with delivering(settings(receiver.url), sleep=pauses) as hook:
            hook.offer("alert", {"rule": "r"})
            await until(hook, "delivered")
    assert len({request.headers["x-switchgear-delivery"] for request in receiver.requests}) == 1
    first, second = pauses.seconds
    assert 0.5 <= first <= 1 <= second <= 2
    assert hook.counts == {"delivered": 1, "failed": 0, "dropped": 0}


async def test_given_up_after_the_last_try_and_the_next_one_has_its_turn() -> None:
    pauses = Pauses()
    async with LoopbackServer(answers(*[503] * TRIES, 200)) as receiver:
        async with delivering(settings(receiver.url), sleep=pauses) as hook:
            hook.offer("alert", {"rule": "lost"})
            hook.offer("alert", {"rule": "next"})
            await until(hook, "delivered")
    assert hook.counts == {"delivered": 1, "failed": 1, "dropped": 0}
    assert json.loads(receiver.requests[-1].body)["alert"] == {"rule": "next"}
    assert len(pauses.seconds) == TRIES - 1
    assert sum(pauses.seconds) <= 91


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 401, 403, 404, 410])
async def test_a_final_answer_is_final_and_a_redirect_is_not_followed(
    status: int, log_output: pytest.CaptureFixture[str]
) -> None:
    async with LoopbackServer(answers(status)) as receiver, delivering(settings(receiver.url)) as hook:
        hook.offer("alert", {"rule": "r"})
        await until(hook, "failed")
    assert [request.path for request in receiver.requests] == ["/"]
    assert "webhook_failed" in log_output.readouterr().err


async def test_no_answer_in_time_is_tried_again() -> None:
    async def silent(exchange: Exchange) -> None:
        if receiver.hits("/") > 1:
            await exchange.respond(200)
        else:
            await exchange.closed.wait()

    receiver = LoopbackServer(silent)
    async with receiver, delivering(settings(receiver.url, **{"timeout-seconds": 0.2}), sleep=Pauses()) as hook:
        hook.offer("alert", {"rule": "r"})
        await until(hook, "delivered")
    assert receiver.hits("/") == 2


async def test_nobody_there_and_then_somebody(log_output: pytest.CaptureFixture[str]) -> None:
    async with LoopbackServer(answers(200)) as gone:
        url = f"{gone.url}/T0/secret-part-of-the-url"
    async with delivering(settings(url), sleep=Pauses()) as hook:
        hook.offer("alert", {"rule": "r"})
        await until(hook, "failed")
    logged = log_output.readouterr().err
    assert logged.count("webhook_tried") == TRIES - 1
    assert "secret-part-of-the-url" not in logged
    assert SECRET not in logged


async def test_the_oldest_is_dropped_when_too_many_wait() -> None:
    hook = Webhook(lambda: settings("http://127.0.0.1:9/"))
    for number in range(QUEUE_LENGTH + 3):
        hook.offer("alert", {"number": number})
    assert hook.counts["dropped"] == 3
    async with LoopbackServer(answers(200)) as receiver:
        hook._settings = lambda: settings(receiver.url)
        running = asyncio.create_task(hook.run())
        await until(hook, "delivered", QUEUE_LENGTH)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    numbers = [json.loads(request.body)["alert"]["number"] for request in receiver.requests]
    assert numbers == list(range(3, QUEUE_LENGTH + 3))


async def test_without_a_webhook_nothing_waits() -> None:
    hook = Webhook(lambda: None)
    for _ in range(1000):
        hook.offer("alert", {})
    assert hook.counts == {"delivered": 0, "failed": 0, "dropped": 0}


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with LoopbackServer(answers(200)) as proxy, LoopbackServer(answers(200)) as receiver:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        async with delivering(settings(receiver.url)) as hook:
            hook.offer("alert", {})
            await until(hook, "delivered")
    assert (len(proxy.requests), len(receiver.requests)) == (0, 1)


async def test_a_long_answer_is_delivered_all_the_same() -> None:
    async def long(exchange: Exchange) -> None:
        await exchange.respond(200, b"x" * 10_000_000)

    async with LoopbackServer(long) as receiver, delivering(settings(receiver.url)) as hook:
        hook.offer("alert", {})
        await until(hook, "delivered")
    assert len(receiver.requests) == 1
