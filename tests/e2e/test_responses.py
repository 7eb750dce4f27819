"""OpenAI's Responses over a whole gateway, above all its memory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from switchgear.testing import Exchange, LoopbackServer
from tests.gateways import KEY, SSE, Running, gateway, wired
from tests.wires import WIRES, Wire, events

OTHER_KEY = "sg-other-key-0123456789"
KEYS = {"api-keys": [{"name": "tester", "key": KEY, "scopes": ["metrics:read"]}, {"name": "other", "key": OTHER_KEY}]}
over_each = pytest.mark.parametrize("upstream", [pytest.param(wire, id=f"over {wire.name}") for wire in WIRES])


class Upstream:
    """An upstream of one dialect that says Hello; ``asked`` are the bodies it got. Each answer has an id of its own."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.asked: list[dict[str, Any]] = []

    async def __call__(self, exchange: Exchange) -> None:
        body = json.loads(exchange.body)
        self.asked.append(body)
        own = f"resp_up_{len(self.asked)}"
        if body.get("stream"):
            await exchange.start(200, SSE)
            wire = self.wire
            whole = wire.opening + wire.hello + wire.finish + wire.done
            await exchange.send(whole.replace(b"resp_up", own.encode()))
            await exchange.end()
        else:
            await exchange.respond(200, json.dumps(self.wire.whole).replace("resp_up", own))

    def said(self) -> str:
        """The last body, as one text to look into."""
        return json.dumps(self.asked[-1])


async def create(running: Running, *, stream: bool = False, **fields: Any) -> dict[str, Any]:
    """The response object, whichever way it came."""
    response = await running.client.post("/v1/responses", json={"model": "m", "stream": stream, **fields})
    assert response.status_code == 200, response.text
    found: dict[str, Any] = events(response)[-1][1]["response"] if stream else response.json()
    return found


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@over_each
async def test_a_client_goes_on_from_an_earlier_response(tmp_path: Path, upstream: Wire, stream: bool) -> None:
    fake = Upstream(upstream)
    async with LoopbackServer(fake) as server:
        async with gateway(tmp_path, wired(server, dialects=[upstream.name])) as running:
            first = await create(running, input="My name is Ann.", instructions="Be brief.", stream=stream)
            second = await create(running, input="Who am I?", previous_response_id=first["id"], stream=stream)
            third = await create(
                running,
                input=[{"role": "user", "content": "And again?"}],
                previous_response_id=second["id"],
                stream=stream,
            )
            assert len({first["id"], second["id"], third["id"]}) == 3
            if upstream.name != "openai-responses":  # there the answer is the upstream's own
                assert (first["previous_response_id"], second["previous_response_id"]) == (None, first["id"])
                assert second["store"] is True
            said = fake.said()
            order = [said.index(words) for words in ("My name is Ann.", "Hello", "Who am I?", "And again?")]
            assert order == sorted(order), "the whole conversation, in order"
            assert "Be brief." not in said, "instructions hold for one request"
            assert "previous_response_id" not in said


@over_each
async def test_a_response_can_be_had_again_and_deleted(tmp_path: Path, upstream: Wire) -> None:
    async with LoopbackServer(Upstream(upstream)) as server:
        async with gateway(tmp_path, {**wired(server, dialects=[upstream.name]), **KEYS}) as running:
            made = await create(running, input="Hi")
            path = f"/v1/responses/{made['id']}"
            assert (await running.client.get(path)).json() == made
            stranger = {"authorization": f"Bearer {OTHER_KEY}"}
            assert (await running.client.get(path, headers=stranger)).status_code == 404
            assert (await running.client.delete(path, headers=stranger)).status_code == 404
            assert (await running.client.delete(path)).json()["deleted"] is True
            gone = await running.client.get(path)
            assert (gone.status_code, gone.json()["error"]["code"]) == (404, "response_not_found")


@pytest.mark.parametrize(
    "first",
    [
        pytest.param({"store": False}, id="it was not to be stored"),
        pytest.param(None, id="it never was"),
    ],
)
async def test_an_id_that_is_gone_is_a_clear_error(tmp_path: Path, first: dict[str, Any] | None) -> None:
    fake = Upstream(WIRES[0])
    async with LoopbackServer(fake) as server, gateway(tmp_path, wired(server)) as running:
        previous = "resp_gone" if first is None else (await create(running, input="Hi", **first))["id"]
        asked = len(fake.asked)
        body = {"model": "m", "input": "Go on", "previous_response_id": previous}
        response = await running.client.post("/v1/responses", json=body)
        error = response.json()["error"]
        assert (response.status_code, error["code"]) == (400, "previous_response_not_found")
        assert (error["param"], previous in error["message"]) == ("previous_response_id", True)
        assert len(fake.asked) == asked


async def test_another_key_cannot_go_on_from_it(tmp_path: Path) -> None:
    async with LoopbackServer(Upstream(WIRES[0])) as server, gateway(tmp_path, {**wired(server), **KEYS}) as running:
        made = await create(running, input="My secret is 17.")
        body = {"model": "m", "input": "What is it?", "previous_response_id": made["id"]}
        stranger = {"authorization": f"Bearer {OTHER_KEY}"}
        response = await running.client.post("/v1/responses", json=body, headers=stranger)
        assert response.json()["error"]["code"] == "previous_response_not_found"


async def test_a_failed_answer_is_not_kept(tmp_path: Path) -> None:
    chat = WIRES[0]

    async def breaks_off(exchange: Exchange) -> None:
        await exchange.start(200, SSE)
        await exchange.send(chat.opening + chat.hello)
        await exchange.end()

    async with LoopbackServer(breaks_off) as server, gateway(tmp_path, wired(server)) as running:
        response = await running.client.post("/v1/responses", json={"model": "m", "input": "Hi", "stream": True})
        response_id = events(response)[0][1]["response"]["id"]
        assert (await running.client.get(f"/v1/responses/{response_id}")).status_code == 404


async def test_the_limits_are_the_operators(tmp_path: Path) -> None:
    config = {"responses": {"ttl-seconds": 0.001}}
    async with LoopbackServer(Upstream(WIRES[0])) as server, gateway(tmp_path, {**wired(server), **config}) as running:
        made = await create(running, input="Hi")
        assert (await running.client.get(f"/v1/responses/{made['id']}")).status_code == 404


async def test_a_native_upstream_is_asked_to_keep_nothing(tmp_path: Path) -> None:
    fake = Upstream(WIRES[2])
    async with LoopbackServer(fake) as server:
        async with gateway(tmp_path, wired(server, dialects=["openai-responses"])) as running:
            await create(running, input="Hi")
            assert fake.asked[-1]["store"] is False


async def test_the_wrong_input_is_refused(tmp_path: Path) -> None:
    async with LoopbackServer(Upstream(WIRES[0])) as server, gateway(tmp_path, wired(server)) as running:
        response = await running.client.post("/v1/responses", json={"model": "m", "input": 7})
        error = response.json()["error"]
        assert (response.status_code, error["code"], error["param"]) == (400, "invalid_request", "input")
