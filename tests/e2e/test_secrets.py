"""A canary secret on every failure path, and text that wants to look like a log line (faults X2, X3)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from switchgear import logs
from switchgear.testing import Exchange, LoopbackServer
from tests.gateways import HELLO, KEY, SSE, completion, gateway, wired

CANARY = "token-of-one-0"


async def echoes_status(exchange: Exchange) -> None:
    """Quote the key in an error, as some upstreams do; it cannot be refreshed."""
    if exchange.path == "/token":
        await exchange.respond(400)
        return
    status = int(json.loads(exchange.body)["status"])
    message = f"Incorrect API key provided: {exchange.headers['authorization']}"
    await exchange.respond(status, json.dumps({"error": {"message": message, "code": CANARY, "param": CANARY}}))


async def echoes_html(exchange: Exchange) -> None:
    await exchange.respond(500, f"<html><p>{CANARY}</p></html>", content_type="text/html")


async def echoes_in_band(exchange: Exchange) -> None:
    await exchange.respond(200, json.dumps({"error": CANARY}))


async def echoes_before_output(exchange: Exchange) -> None:
    await exchange.start(200, SSE)
    await exchange.send(b'data: {"error": {"message": "%s"}}\n\n' % CANARY.encode())


async def echoes_after_output(exchange: Exchange) -> None:
    await exchange.start(200, SSE)
    await exchange.send(
        HELLO + b'data: {"error": {"message": "%s", "type": "%s"}}\n\n' % (CANARY.encode(), CANARY.encode())
    )


async def echoes_in_garbage(exchange: Exchange) -> None:
    await exchange.start(200, SSE)
    await exchange.send(HELLO + b"data: %s\n\n" % CANARY.encode())


async def echoes_in_header(exchange: Exchange) -> None:
    await exchange.respond(429, "{}", {"x-your-key": CANARY, "retry-after": CANARY, "content-type": CANARY})


PATHS = [
    *(pytest.param(echoes_status, {"status": s}, id=f"status {s}") for s in (400, 401, 403, 404, 422, 429, 500, 503)),
    pytest.param(echoes_html, {}, id="HTML"),
    pytest.param(echoes_in_band, {}, id="an error inside a 200"),
    pytest.param(echoes_before_output, {"stream": True}, id="an event before output"),
    pytest.param(echoes_after_output, {"stream": True}, id="an event after output"),
    pytest.param(echoes_in_garbage, {"stream": True}, id="garbage after output"),
    pytest.param(echoes_in_header, {}, id="headers"),
]


@pytest.mark.parametrize(("handle", "fields"), PATHS)
async def test_x2_no_failure_shows_the_upstreams_key(
    tmp_path: Path, handle: Any, fields: dict[str, Any], log_output: pytest.CaptureFixture[str]
) -> None:
    async with LoopbackServer(handle) as upstream:
        config = {**wired(upstream), "request-retry": 0, "max-retry-interval": 0}
        async with gateway(tmp_path, config) as running:
            response = await running.chat(**fields)
            seen = [response.text, str(response.headers)]
            pages = ("/health", "/v1/metrics/providers?by=account", "/v1/models")
            seen += [(await running.client.get(page)).text for page in pages]
    captured = log_output.readouterr()
    for text in (*seen, captured.out, captured.err):
        assert CANARY not in text
        assert KEY not in text
    assert '"event": "attempt"' in captured.err


async def test_x2_a_client_key_is_in_no_output(tmp_path: Path, log_output: pytest.CaptureFixture[str]) -> None:
    async def handle(exchange: Exchange) -> None:
        await exchange.respond(200, completion())

    async with LoopbackServer(handle) as upstream, gateway(tmp_path, wired(upstream)) as running:
        for key in (KEY, KEY + "x", "sg-a-guess-that-is-logged-nowhere"):
            running.client.headers["authorization"] = f"Bearer {key}"
            assert key not in (await running.chat()).text
    assert "sg-" not in log_output.readouterr().err


async def test_x2_a_traceback_shows_no_secret(log_output: pytest.CaptureFixture[str]) -> None:
    import structlog

    from switchgear import Secret

    secret = Secret("canary-in-a-traceback")
    try:
        raise ValueError(f"request with {secret.reveal()} failed")
    except ValueError:
        structlog.get_logger("test").exception("failed", key=secret, header=f"Bearer {secret.reveal()}")
    err = log_output.readouterr().err
    assert "canary-in-a-traceback" not in err
    assert "ValueError: request with *** failed" in err


@pytest.mark.parametrize("format_", ["json", "text"])
async def test_x3_nothing_from_outside_makes_a_log_line(
    tmp_path: Path, format_: Any, log_output: pytest.CaptureFixture[str]
) -> None:
    evil = "x\n2026-11-24 INFO forged \x1b[31mred\x1b[0m\r\u2028next\x9b"

    async def handle(exchange: Exchange) -> None:
        await exchange.respond(500, json.dumps({"error": {"message": evil, "code": evil}}))

    async with LoopbackServer(handle) as upstream:
        async with gateway(tmp_path, {**wired(upstream), "request-retry": 0}) as running:
            logs.configure(format_, "info")
            log_output.readouterr()
            await running.chat()
            await running.chat(evil)
    lines = log_output.readouterr().err.splitlines()
    assert len([line for line in lines if "attempt" in line or "request" in line]) == 3
    for line in lines:
        assert line.isprintable()
        assert not line.startswith("2026-11-24 INFO forged")
