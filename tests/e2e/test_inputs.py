"""Bad inputs from clients: faults I1 to I6 of a whole gateway on real sockets."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest

from switchgear.testing import Exchange, LoopbackServer
from switchgear.upstream import tls_context
from tests.gateways import KEY, Running, completion, gateway, wired


async def answers(exchange: Exchange) -> None:
    await exchange.respond(200, completion())


async def raw(running: Running, data: bytes, *, end: bool = False) -> bytes:
    """Send bytes as they are; give what comes back until the connection closes or falls silent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(data)
    if end:
        writer.write_eof()
    received = b""
    try:
        async with asyncio.timeout(1.0):
            while part := await reader.read(65536):
                received += part
                head, _, body = received.partition(b"\r\n\r\n")
                length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                if length and len(body) >= int(length[0].partition(b":")[2]):
                    break
    except (TimeoutError, ConnectionError):
        pass
    writer.transport.abort()
    return received


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


# -- I1: bodies -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        pytest.param(b"", 400, "invalid_json", id="empty"),
        pytest.param(b"hello", 400, "invalid_json", id="not JSON"),
        pytest.param(b'{"model": "m", "x":', 400, "invalid_json", id="truncated"),
        pytest.param(b'{"model": "m", "x": NaN}', 400, "invalid_json", id="NaN"),
        pytest.param(b'{"model":"m","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400, "invalid_json", id="nesting"),
        pytest.param('{"model": "m"}'.encode("utf-16"), 400, "invalid_json", id="wrong charset"),
        pytest.param(b'{"model":"m","model":"n"}', 400, "invalid_json", id="duplicate key"),
        pytest.param(b'{"model":"m","x":"\x00"}', 400, "invalid_json", id="null byte"),
        pytest.param(b'{"model":"m","x":"\\udc00"}', 400, "invalid_json", id="lone surrogate"),
        pytest.param(b'{"x": 1}', 400, "missing_model", id="no model"),
        pytest.param(b" " * (1024 * 1024 + 1), 413, "request_too_large", id="too large"),
    ],
)
async def test_i1_a_bad_body_is_refused_in_the_clients_dialect(
    tmp_path: Path, body: bytes, status: int, code: str
) -> None:
    async with (
        LoopbackServer(answers) as upstream,
        gateway(tmp_path, {**wired(upstream), "max-body-mib": 1}) as running,
    ):
        await running.chat()
        started = time.perf_counter()
        response = await running.client.post("/v1/chat/completions", content=body)
        spent_s = time.perf_counter() - started
        assert (response.status_code, response.json()["error"]["code"]) == (status, code)
        assert spent_s < 1.0, "bounded; the figure itself is the benchmark's"
        assert len(upstream.requests) == 1
        assert (await running.counted("wired"))["attempts"] == 1


async def test_i1_a_large_body_is_refused_by_its_length_before_it_is_sent(tmp_path: Path) -> None:
    async with (
        LoopbackServer(answers) as upstream,
        gateway(tmp_path, {**wired(upstream), "max-body-mib": 1}) as running,
    ):
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n"
        assert status_of(await raw(running, f"{head}content-length: 104857600\r\n\r\n".encode())) == 413
        chunk = b"80000\r\n" + b" " * 0x80000 + b"\r\n"
        assert status_of(await raw(running, f"{head}transfer-encoding: chunked\r\n\r\n".encode() + chunk * 4)) == 413


async def test_a_body_in_chunks_after_100_continue_is_taken(tmp_path: Path) -> None:
    async with LoopbackServer(answers) as upstream, gateway(tmp_path, wired(upstream)) as running:
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(f"{head}transfer-encoding: chunked\r\nexpect: 100-continue\r\n\r\n".encode())
        assert b"100" in await asyncio.wait_for(reader.readline(), 5)
        body = b'{"model": "m", "messages": []}'
        writer.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
        assert b"200" in (await asyncio.wait_for(reader.readuntil(b"HTTP/1.1 200"), 5))
        writer.transport.abort()


async def test_a_health_probe_in_http_1_0_is_answered(tmp_path: Path) -> None:
    async with LoopbackServer(answers) as upstream, gateway(tmp_path, wired(upstream)) as running:
        assert status_of(await raw(running, b"GET /health/live HTTP/1.0\r\n\r\n")) == 200


# -- I2: names ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model",
    ["nope", "../m", "..%2fm", "m/../../etc/passwd", "\u043c", "m\u200b", "M ", "m\x00", "w/" * 50, "*", "m?x=1#y"],
    ids=[
        "unknown",
        "dots",
        "escaped",
        "path",
        "look-alike",
        "zero width",
        "space",
        "null",
        "slashes",
        "wildcard",
        "query",
    ],
)
async def test_i2_an_unknown_model_is_a_404_and_nothing_else(tmp_path: Path, model: str) -> None:
    async with LoopbackServer(answers) as upstream, gateway(tmp_path, wired(upstream)) as running:
        response = await running.chat(model)
        assert (response.status_code, response.json()["error"]["code"]) == (404, "model_not_found")
        retrieved = await running.client.get("/v1/models/" + quote(model))
        assert retrieved.status_code == 404
        assert len(upstream.requests) == 0


async def test_i2_the_nearest_names_are_given(tmp_path: Path) -> None:
    async with LoopbackServer(answers) as upstream:
        models = [{"name": "kimi-k2"}, {"name": "glm-4.6"}]
        async with gateway(tmp_path, wired(upstream, models=models, prefix="or")) as running:
            assert "did you mean or/kimi-k2" in (await running.chat("or/kimi-k3")).json()["error"]["message"]
            assert "or/glm-4.6" in (await running.chat("xx/glm-4.6")).json()["error"]["message"]


# -- I3: hosts and paths --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_line",
    [
        pytest.param("GET /v1/models HTTP/1.1\r\nhost: a@b", id="an at sign in the host"),
        pytest.param("GET /v1/models HTTP/1.1\r\nhost: evil#/health", id="a hash in the host"),
        pytest.param("GET /v1/models HTTP/1.1\r\nhost: x/health?", id="a path in the host"),
        pytest.param("GET http://x/v1/models HTTP/1.1\r\nhost: x", id="absolute form"),
        pytest.param("GET //v1/models HTTP/1.1\r\nhost: x", id="double slash"),
        pytest.param("GET /health/../v1/models HTTP/1.1\r\nhost: x", id="dots"),
        pytest.param("GET /health%2f..%2fv1/models HTTP/1.1\r\nhost: x", id="escaped dots"),
        pytest.param("GET /v1/models;/health HTTP/1.1\r\nhost: x", id="a semicolon"),
    ],
)
async def test_i3_no_host_or_path_trick_gets_past_the_key(tmp_path: Path, request_line: str) -> None:
    async with LoopbackServer(answers) as upstream, gateway(tmp_path, wired(upstream)) as running:
        answer = await raw(running, f"{request_line}\r\n\r\n".encode())
        assert status_of(answer) in {0, 400, 401, 404}
        assert b'"m"' not in answer
        assert (await running.client.get("/health/live")).status_code == 200


async def test_i3_a_proxys_word_does_not_open_the_metrics(tmp_path: Path) -> None:
    async with LoopbackServer(answers) as upstream, gateway(tmp_path, wired(upstream)) as running:
        async with httpx2.AsyncClient(base_url=running.url, trust_env=False, verify=tls_context()) as stranger:
            assert (await stranger.get("/v1/metrics/providers")).status_code == 200
            proxied = await stranger.get("/v1/metrics/providers", headers={"x-forwarded-for": "127.0.0.1"})
            assert proxied.status_code == 401
            assert "providers" not in (await stranger.get("/health", headers={"x-forwarded-for": "9.9.9.9"})).json()


# -- I4: headers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"GET /health HTTP/1.1\r\nhost: x\r\nx: " + b"a" * 300_000 + b"\r\n\r\n", id="oversized header"),
        pytest.param(b"GET /health HTTP/1.1\r\nhost: x\r\n" + b"x: y\r\n" * 30_000 + b"\r\n", id="too many headers"),
        pytest.param(
            b"POST /health HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            id="two lengths (CL.TE)",
        ),
        pytest.param(
            b"GET /health HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab", id="CL.CL"
        ),
        pytest.param(b"GET /health HTTP/1.1\r\nhost: x\r\n folded: y\r\n: z\r\n\r\n", id="no header name"),
        pytest.param(b"GET /health HTTP/1.1\r\nhost: x\r\nbad name: y\r\n\r\n", id="a space in a header name"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="TLS to a plain port"),
        pytest.param(b"GET\r\n\r\n", id="no target"),
    ],
)
async def test_i4_a_malformed_request_is_refused_and_harms_nobody(tmp_path: Path, data: bytes) -> None:
    async with LoopbackServer(answers) as upstream, gateway(tmp_path, wired(upstream)) as running:
        answer = await raw(running, data)
        assert status_of(answer) in {0, 400, 404, 405, 431, 501}
        assert answer.count(b"HTTP/1.1 200") == 0
        assert (await running.chat()).status_code == 200


async def test_i4_headers_that_never_end_are_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchgear.server.limits.KEEP_ALIVE_S", 0.3)
    async with LoopbackServer(answers) as upstream, gateway(tmp_path, wired(upstream)) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(b"GET /health HTTP/1.1\r\nhost: x\r\n")
        assert (await asyncio.wait_for(reader.read(-1), 5)).startswith(b"HTTP/1.1 408 ")
        writer.close()


async def test_i4_no_header_of_ours_can_be_injected(tmp_path: Path) -> None:
    async def handle(exchange: Exchange) -> None:
        await exchange.respond(200, completion(), {"x-evil": "1", "set-cookie": "a=b", "server": "up"})

    async with LoopbackServer(handle) as upstream, gateway(tmp_path, wired(upstream)) as running:
        response = await running.chat()
        assert {"x-evil", "set-cookie", "server"} & set(response.headers) == set()


# -- I5: keys -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        pytest.param({}, "missing_api_key", id="none"),
        pytest.param({"authorization": "Basic dXNlcjpwYXNz"}, "missing_api_key", id="another scheme"),
        pytest.param({"authorization": "Bearer"}, "missing_api_key", id="an empty one"),
        pytest.param({"authorization": "Bearer wrong"}, "invalid_api_key", id="a wrong one"),
        pytest.param({"authorization": f"Bearer {KEY[:-1]}"}, "invalid_api_key", id="almost right"),
        pytest.param({"authorization": f"Bearer {KEY}x"}, "invalid_api_key", id="right and more"),
        pytest.param({"authorization": "Bearer ' OR 1=1 --"}, "invalid_api_key", id="looks like SQL"),
        pytest.param({"x-api-key": "w" * 20_000}, "invalid_api_key", id="a very long one"),
        pytest.param({"authorization": b"Bearer \xff\xfe"}, "invalid_api_key", id="not ASCII"),
    ],
)
async def test_i5_a_wrong_key_is_a_401(tmp_path: Path, headers: dict[str, str], code: str) -> None:
    async with LoopbackServer(answers) as upstream, gateway(tmp_path, wired(upstream)) as running:
        async with httpx2.AsyncClient(base_url=running.url, trust_env=False, verify=tls_context()) as stranger:
            response = await stranger.post("/v1/chat/completions", json={"model": "m"}, headers=headers)
            assert (response.status_code, response.json()["error"]["code"]) == (401, code)
            assert response.headers["www-authenticate"].startswith("Bearer")
            assert (await stranger.get("/v1/models", headers=headers)).status_code == 401
        assert len(upstream.requests) == 0


async def test_i5_a_bearer_of_a_megabyte_is_refused_by_the_server(tmp_path: Path) -> None:
    async with LoopbackServer(answers) as upstream, gateway(tmp_path, wired(upstream)) as running:
        head = b"GET /v1/models HTTP/1.1\r\nhost: x\r\nauthorization: Bearer " + b"k" * 1024 * 1024 + b"\r\n\r\n"
        assert status_of(await raw(running, head)) in {0, 400, 431}
        assert (await running.chat()).status_code == 200


async def test_either_header_carries_the_key(tmp_path: Path) -> None:
    async with LoopbackServer(answers) as upstream, gateway(tmp_path, wired(upstream)) as running:
        async with httpx2.AsyncClient(
            base_url=running.url, headers={"x-api-key": KEY}, trust_env=False, verify=tls_context()
        ) as client:
            assert (await client.get("/v1/models")).status_code == 200


async def test_a_keys_scope_and_limits_hold(tmp_path: Path) -> None:
    hold = asyncio.Event()

    async def handle(exchange: Exchange) -> None:
        if b"wait" in exchange.body:
            await hold.wait()
        await exchange.respond(200, completion())

    narrow = "sg-narrow-key-0123456789"
    keys = [KEY, {"name": "narrow", "key": narrow, "models": ["a/*"], "max-concurrency": 1}]
    keys.append({"name": "slow", "key": narrow + "-slow", "requests-per-minute": 2})
    async with LoopbackServer(handle) as upstream:
        blocks = [{"name": n, "prefix": n, "base-url": upstream.url, "models": [{"name": "m"}]} for n in ("a", "b")]
        async with gateway(tmp_path, {"wired": blocks, "api-keys": keys}) as running:
            running.client.headers["authorization"] = f"Bearer {narrow}"
            assert [m["id"] for m in (await running.client.get("/v1/models")).json()["data"]] == ["a/m", "m"]
            assert (await running.chat("b/m")).status_code == 404
            assert (await running.chat("a/m")).status_code == 200
            waiting = asyncio.create_task(running.chat("a/m", wait=True))
            await upstream.wait_for(lambda: len(upstream.requests) == 2)
            assert (await running.chat("a/m")).json()["error"]["code"] == "key_concurrency_limit"
            hold.set()
            assert (await waiting).status_code == 200

            running.client.headers["authorization"] = f"Bearer {narrow}-slow"
            statuses = [(await running.chat("a/m")).status_code for _ in range(3)]
            assert statuses == [200, 200, 429]


# -- I6: what a client must not send on ----------------------------------------------------------------------------


async def test_i6_credentials_and_hop_headers_stay_here(tmp_path: Path) -> None:
    sent = {
        "x-api-key": KEY,
        "cookie": "session=1",
        "proxy-authorization": "Basic x",
        "te": "trailers",
        "x-custom": "mine",
        "api-key": "client-secret",
    }
    async with LoopbackServer(answers) as upstream, gateway(tmp_path, wired(upstream)) as running:
        body = json.dumps({"model": "m", "messages": []})
        await running.client.post("/v1/chat/completions", content=body, headers=sent)
        (request,) = upstream.requests
        assert KEY not in str(request.raw_headers)
        assert (
            set(request.headers) & {"cookie", "proxy-authorization", "te", "x-api-key", "api-key", "x-custom"} == set()
        )
        assert request.headers["authorization"] == "Bearer token-of-one-0"


async def test_a_client_may_look_whether_anybody_is_there(tmp_path: Path) -> None:
    async with LoopbackServer(answers) as upstream, gateway(tmp_path, wired(upstream)) as running:
        async with httpx2.AsyncClient(base_url=running.url, trust_env=False, verify=tls_context()) as stranger:
            assert (await stranger.head("/")).status_code == 200
            missing = await stranger.post("/chat/completions", json={})
            assert (missing.status_code, "did you mean /v1/chat/completions" in missing.text) == (404, True)
            wrong = await stranger.get("/v1/chat/completions")
            assert (wrong.status_code, wrong.json()["error"]["code"]) == (405, "method_not_allowed")
