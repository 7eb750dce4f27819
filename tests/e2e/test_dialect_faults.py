"""Faults S1 to S6 and S8 for every client's dialect over every upstream's: nine pairs, on real sockets."""

from __future__ import annotations

import asyncio
import itertools
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from switchgear.testing import Exchange, LoopbackServer
from tests.gateways import SSE, Running, gateway, wired
from tests.wires import WIRES, Wire, error_in, events, is_finished, text_in

PAIRS = [
    pytest.param(client, upstream, id=f"{client.name} over {upstream.name}")
    for client, upstream in itertools.product(WIRES, WIRES)
]
both = pytest.mark.parametrize(("client", "upstream"), PAIRS)


def sends(*parts: bytes, cut: bool = False) -> Any:
    async def handle(exchange: Exchange) -> None:
        await exchange.start(200, SSE)
        for part in parts:
            await exchange.send(part)
        if cut:
            await exchange.pause(0.02)
            exchange.cut()

    return handle


def config(server: LoopbackServer, upstream: Wire, **settings: Any) -> dict[str, Any]:
    return wired(server, dialects=[upstream.name], **settings)


async def ask(running: Running, client: Wire, *, stream: bool = True, **fields: Any) -> httpx2.Response:
    return await running.client.post(client.path, json=client.body(stream=stream, **fields))


@both
async def test_a_stream_and_a_whole_answer_say_the_same(tmp_path: Path, client: Wire, upstream: Wire) -> None:
    async def handle(exchange: Exchange) -> None:
        if json.loads(exchange.body).get("stream"):
            await sends(upstream.opening, upstream.hello, upstream.finish, upstream.done)(exchange)
        else:
            await exchange.respond(200, json.dumps(upstream.whole))

    async with LoopbackServer(handle) as server, gateway(tmp_path, config(server, upstream)) as running:
        streamed = await ask(running, client)
        whole = await ask(running, client, stream=False)
        assert text_in(client, events(streamed)) == "Hello"
        assert is_finished(client, events(streamed))
        assert "Hello" in json.dumps(whole.json())
        assert sorted(whole.json()) == sorted({**whole.json(), **client.whole}), (
            "the dialect's own fields are all there"
        )
        for response in (streamed, whole):
            converted = response.headers.get("x-switchgear-converted")
            assert converted == (None if client is upstream else upstream.name)
        counted = await running.counted("wired")
        assert (counted["tokens"]["input"], counted["tokens"]["output"]) == (6, 10)
        if client is upstream:
            assert streamed.content == upstream.opening + upstream.hello + upstream.finish + upstream.done
            assert whole.json() == upstream.whole


@pytest.mark.parametrize("cut", [True, False], ids=["reset", "ended early"])
@both
async def test_s1_a_broken_stream_ends_with_the_dialects_own_error(
    tmp_path: Path, client: Wire, upstream: Wire, cut: bool
) -> None:
    async with LoopbackServer(sends(upstream.opening, upstream.hello, cut=cut)) as server:
        async with gateway(tmp_path, config(server, upstream, accounts=["one", "two"])) as running:
            stream = events(await ask(running, client))
            assert error_in(client, stream)["message"]
            assert text_in(client, stream[:-1]) == "Hello"
            assert not is_finished(client, stream[:-1]), "no invented finish"
            assert len(server.requests) == 1, "nothing is retried after the first byte"
            counted = await running.counted("wired")
            assert (counted["failures"], counted["successes"]) == (1, 0)


@both
async def test_s2_an_error_before_output_falls_back(tmp_path: Path, client: Wire, upstream: Wire) -> None:
    async def handle(exchange: Exchange) -> None:
        if "token-of-one" in exchange.headers["authorization"]:
            await sends(upstream.opening, upstream.error)(exchange)
        else:
            await sends(upstream.opening, upstream.hello, upstream.finish, upstream.done)(exchange)

    async with LoopbackServer(handle) as server:
        settings = {**config(server, upstream, accounts=["one", "two"]), "routing": {"strategy": "fill-first"}}
        async with gateway(tmp_path, settings) as running:
            response = await ask(running, client)
            assert text_in(client, events(response)) == "Hello"
            assert response.headers["x-switchgear-account"] == "two"


@both
async def test_s2_an_error_that_stays_is_an_error_status(tmp_path: Path, client: Wire, upstream: Wire) -> None:
    async with LoopbackServer(sends(upstream.opening, upstream.error)) as server:
        async with gateway(tmp_path, {**config(server, upstream), "request-retry": 0}) as running:
            response = await ask(running, client)
            assert response.status_code >= 500
            assert response.json()["error"]["message"] == "too busy"
            assert (response.json().get("type") == "error") is (client.name == "anthropic-messages")


@both
async def test_s3_an_error_after_output_is_the_dialects_own(tmp_path: Path, client: Wire, upstream: Wire) -> None:
    parts = (upstream.opening, upstream.hello, upstream.error, upstream.hello, upstream.done)
    async with LoopbackServer(sends(*parts)) as server:
        async with gateway(tmp_path, config(server, upstream, accounts=["one", "two"])) as running:
            stream = events(await ask(running, client))
            assert error_in(client, stream)["message"] == "too busy"
            assert text_in(client, stream[:-1]) == "Hello"
            assert len(server.requests) == 1


@both
async def test_s4_a_stream_in_single_bytes_is_the_same(tmp_path: Path, client: Wire, upstream: Wire) -> None:
    whole = upstream.opening + upstream.hello + upstream.finish + upstream.done
    odd = whole.replace(b"\n\n", b"\n\n: still here\r\n\r\n", 2)

    async def bytewise(exchange: Exchange) -> None:
        await sends(*(odd[i : i + 1] for i in range(len(odd))))(exchange)

    async with LoopbackServer(bytewise) as server, gateway(tmp_path, config(server, upstream)) as running:
        stream = events(await ask(running, client))
        assert text_in(client, stream) == "Hello"
        assert is_finished(client, stream)


@both
async def test_s5_a_tool_call_in_fragments_is_whole(tmp_path: Path, client: Wire, upstream: Wire) -> None:
    parts = (upstream.opening, upstream.hello, *upstream.tool, upstream.tool_finish, upstream.done)
    async with LoopbackServer(sends(*parts)) as server, gateway(tmp_path, config(server, upstream)) as running:
        stream = events(await ask(running, client))
        assert (_tool_name(client, stream), _tool_arguments(client, stream)) == ("weather", {"city": "Oslo"})


def _tool_name(wire: Wire, stream: list[tuple[str, Any]]) -> str:
    for _, data in stream:
        if wire.name == "openai-chat" and data != "[DONE]":
            for choice in data["choices"]:
                for call in choice["delta"].get("tool_calls", ()):
                    if call["function"].get("name"):
                        return str(call["function"]["name"])
        elif wire.name == "anthropic-messages" and data.get("content_block", {}).get("type") == "tool_use":
            return str(data["content_block"]["name"])
        elif wire.name == "openai-responses" and data.get("item", {}).get("type") == "function_call":
            return str(data["item"]["name"])
    return ""


def _tool_arguments(wire: Wire, stream: list[tuple[str, Any]]) -> Any:
    pieces = []
    for _, data in stream:
        if wire.name == "openai-chat" and data != "[DONE]":
            calls = [c for choice in data["choices"] for c in choice["delta"].get("tool_calls", ())]
            pieces += [call["function"].get("arguments", "") for call in calls]
        elif wire.name == "anthropic-messages":
            pieces.append(data.get("delta", {}).get("partial_json", ""))
        elif wire.name == "openai-responses" and data["type"] == "response.function_call_arguments.delta":
            pieces.append(data["delta"])
    return json.loads("".join(pieces))


@both
async def test_s6_a_stream_without_usage_is_counted_once(tmp_path: Path, client: Wire, upstream: Wire) -> None:
    ending = upstream.finish + upstream.done
    for usage in (b'"input_tokens": 3', b'"output_tokens": 5', b'"prompt_tokens": 3', b'"completion_tokens": 5'):
        ending = ending.replace(usage, b'"unknown": 0')
    opening = upstream.opening.replace(b'"usage": {"input_tokens": 0, "output_tokens": 0}', b'"usage": {}')
    async with LoopbackServer(sends(opening, upstream.hello, ending)) as server:
        async with gateway(tmp_path, config(server, upstream)) as running:
            stream = events(await ask(running, client))
            assert is_finished(client, stream)
            counted = await running.counted("wired")
            assert counted["attempts"] == counted["tokens"]["usage_missing"] == 1


@both
async def test_s8_a_hang_up_reaches_the_upstream_within_a_second(tmp_path: Path, client: Wire, upstream: Wire) -> None:
    async def starts_and_goes_on(exchange: Exchange) -> None:
        await exchange.start(200, SSE)
        await exchange.send(upstream.opening + upstream.hello)
        await exchange.closed.wait()

    async with LoopbackServer(starts_and_goes_on) as server, gateway(tmp_path, config(server, upstream)) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        body = json.dumps(client.body()).encode()
        key = running.client.headers["authorization"]
        head = f"POST {client.path} HTTP/1.1\r\nhost: x\r\nauthorization: {key}\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await reader.readuntil(b"Hello")
        writer.transport.abort()
        await server.wait_for(lambda: server.open_connections == 0, timeout_s=1.0)
        counted = await running.counted("wired")
        assert (counted["cancelled"], counted["failures"]) == (1, 0)


@both
async def test_a_status_and_its_words_are_kept(tmp_path: Path, client: Wire, upstream: Wire) -> None:
    async def too_long(exchange: Exchange) -> None:
        error = {"message": "prompt is too long", "type": "invalid_request_error", "code": "context_length_exceeded"}
        await exchange.respond(400, json.dumps({"type": "error", "error": error}))

    async with LoopbackServer(too_long) as server, gateway(tmp_path, config(server, upstream)) as running:
        response = await ask(running, client)
        assert response.status_code == 400
        assert response.json()["error"]["message"] == "prompt is too long"
        if client.name != "anthropic-messages":
            assert response.json()["error"]["code"] == "context_length_exceeded"
        assert len(server.requests) == 1
