"""The fake upstream's faults and quirks at ``/messages`` and ``/responses``, each in the dialect's own way."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx2
import pytest

from switchgear.testing import THOUGHT
from switchgear.testing.openai_faults import FAULTS
from switchgear.testing.openai_quirks import ARGUMENTS, ARGUMENTS_TOO, QUIRKS
from tests.core.fake_clients import VERSION, Client, fake, message, named_events
from tests.core.test_testing_openai_faults import BROKEN, ENDLESS

BOTH = pytest.mark.parametrize("endpoint", ["/messages", "/responses"])
FORMS = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
SAID = "You said: Hello, big world"
STARTS = {"/messages": "message_start", "/responses": "response.created"}
ENDS = {"/messages": "message_stop", "/responses": "response.completed"}
IN_STATUS_200 = {"html-200", "err-200-body"}
OTHER_STATUS = {"/messages": {"err-quota": 400}, "/responses": {"err-quota": 429}}


async def events(client: Client, endpoint: str, model: str, **fields: Any) -> list[dict[str, Any]]:
    answer = await client.ask(endpoint, model, stream=True, **fields)
    assert answer.status_code == 200, answer.text
    return named_events(answer.content)


def types(found: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in found]


def text(found: list[dict[str, Any]]) -> str:
    """The text that a stream of either dialect says."""
    spoken = "".join(e["delta"] for e in found if e["type"] == "response.output_text.delta")
    return spoken + "".join(e["delta"].get("text", "") for e in found if e["type"] == "content_block_delta")


def thought(found: list[dict[str, Any]]) -> str:
    """The reasoning that a stream of either dialect gives."""
    spoken = "".join(e["delta"] for e in found if e["type"] == "response.reasoning_summary_text.delta")
    return spoken + "".join(e["delta"].get("thinking", "") for e in found if e["type"] == "content_block_delta")


@BOTH
@FORMS
@pytest.mark.parametrize("model", sorted((FAULTS.keys() | QUIRKS.keys()) - ENDLESS - BROKEN - {"gzip-bomb"}))
async def test_everything_ends_in_an_answer(endpoint: str, model: str, stream: bool) -> None:
    async with fake() as (upstream, client):
        answer = await client.ask(endpoint, model, stream=stream)
        named = int(model[4:7]) if model[4:7].isdigit() and model not in IN_STATUS_200 else 200
        named = {"err-html": 502, "err-context": 400, "err-filter": 400, **OTHER_STATUS[endpoint]}.get(model, named)
        assert answer.status_code == named
        assert upstream.calls[0].answered


@BOTH
@FORMS
@pytest.mark.parametrize("model", sorted(BROKEN))
async def test_broken_connections(endpoint: str, model: str, stream: bool) -> None:
    async with fake() as (upstream, client):
        with pytest.raises(httpx2.TransportError):
            await client.ask(endpoint, model, stream=stream)
        assert not upstream.cancelled


@BOTH
async def test_a_cut_comes_after_some_output(endpoint: str) -> None:
    parts: list[bytes] = []

    async def read(client: Client) -> None:
        body = message("cut") if endpoint == "/messages" else {"model": "cut", "input": "Hello, big world"}
        asked = client.stream("POST", f"/v1{endpoint}", json={**body, "stream": True}, headers=VERSION)
        async with asked as answer:
            async for part in answer.aiter_raw():
                parts.append(part)  # noqa: PERF401 - what came before the cut is kept

    async with fake() as (_, client):
        with pytest.raises(httpx2.TransportError):
            await read(client)
        found = named_events(b"".join(parts))
        assert (found[0]["type"], text(found)) == (STARTS[endpoint], "You said: ")


@BOTH
@FORMS
@pytest.mark.parametrize("model", sorted(ENDLESS))
async def test_what_never_ends_ends_with_its_client(endpoint: str, model: str, stream: bool) -> None:
    async with fake() as (upstream, client):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await client.ask(endpoint, model, stream=stream)
        await upstream.wait_for_cancelled(1)
        await upstream.server.wait_for(lambda: upstream.server.open_connections == 0)


# -- errors in a stream --------------------------------------------------------------------------------------

OVERLOADED = {"type": "overloaded_error", "message": "Overloaded"}
OPENED = ["response.created", "response.in_progress"]


@pytest.mark.parametrize(
    ("model", "before"),
    [("err-instream-first", ""), ("err-instream-mid", "You said: "), ("err-event", "You said: ")],
    ids=["first", "mid", "event"],
)
async def test_a_message_breaks_off_with_an_error_event(model: str, before: str) -> None:
    async with fake() as (_, client):
        found = await events(client, "/messages", model)
        assert (found[0]["type"], text(found)) == ("message_start", before)
        assert (found[-1]["type"], found[-1]["error"]) == ("error", OVERLOADED)
        assert "message_delta" not in types(found)
        whole = await client.messages(model)
        assert (whole.json()["type"], whole.json()["error"]) == ("error", OVERLOADED)


@pytest.mark.parametrize(
    ("model", "before", "last"),
    [
        pytest.param("err-instream-first", "", "response.failed", id="first"),
        pytest.param("err-instream-mid", "You said: ", "response.failed", id="mid"),
        pytest.param("err-event", "You said: ", "error", id="event"),
    ],
)
async def test_a_response_breaks_off_in_failure(model: str, before: str, last: str) -> None:
    async with fake() as (_, client):
        found = await events(client, "/responses", model)
        assert (types(found)[:2], text(found), found[-1]["type"]) == (OPENED, before, last)
        assert [event["sequence_number"] for event in found] == list(range(len(found)))
        if last == "error":
            assert found[-1]["code"] == "server_error"
        else:
            failed = found[-1]["response"]
            assert (failed["status"], failed["error"]["code"], failed["usage"]) == ("failed", "server_error", None)
        assert (await client.responses(model)).json()["status"] == "failed"


async def test_an_abort_is_an_end_of_its_own() -> None:
    async with fake() as (_, client):
        found = await events(client, "/messages", "abort")
        assert (found[-2]["delta"]["stop_reason"], found[-1]["type"], text(found)) == (
            "abort",
            "message_stop",
            "You said: ",
        )
        assert (await client.messages("abort")).json()["stop_reason"] == "abort"
        found = await events(client, "/responses", "abort")
        ended = found[-1]["response"]
        assert (found[-1]["type"], ended["incomplete_details"]) == ("response.incomplete", {"reason": "abort"})
        assert (await client.responses("abort")).json()["status"] == "incomplete"


# -- how a stream ends, and its usage ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("endpoint", "model", "last"),
    [
        pytest.param("/messages", "no-done", "message_delta", id="message without its stop"),
        pytest.param("/messages", "no-finish", "content_block_stop", id="message without a reason"),
        pytest.param("/messages", "no-end", "content_block_stop", id="message that just stops"),
        pytest.param("/responses", "no-done", "response.completed", id="response, which needs no more"),
        pytest.param("/responses", "no-finish", "response.output_item.done", id="response without completion"),
        pytest.param("/responses", "no-end", "response.output_item.done", id="response that just stops"),
    ],
)
async def test_how_a_stream_ends(endpoint: str, model: str, last: str) -> None:
    async with fake() as (_, client):
        found = await events(client, endpoint, model)
        assert (found[-1]["type"], text(found)) == (last, SAID)


@BOTH
async def test_nothing_is_said_when_empty(endpoint: str) -> None:
    async with fake() as (_, client):
        found = await events(client, endpoint, "empty")
        assert (found[0]["type"], found[-1]["type"], len(found)) == (STARTS[endpoint], ENDS[endpoint], 3)
        whole = (await client.ask(endpoint, "empty")).json()
        assert whole["content" if endpoint == "/messages" else "output"] == []


@pytest.mark.parametrize(
    ("model", "counts"),
    [
        pytest.param("demo-model", [(True, 1), (True, 6)], id="plain"),
        pytest.param("usage-none", [], id="none"),
        pytest.param("usage-zero", [(False, 0), (False, 0)], id="zero"),
        pytest.param("usage-twice", [(True, 1), (True, 6), (True, 6)], id="twice"),
    ],
)
async def test_a_messages_usage(model: str, counts: list[tuple[bool, int]]) -> None:
    async with fake() as (_, client):
        found = [event.get("message", event).get("usage") for event in await events(client, "/messages", model)]
        assert [(bool(usage["input_tokens"]), usage["output_tokens"]) for usage in found if usage] == counts
        assert ("usage" in (await client.messages(model)).json()) is (model != "usage-none")


@pytest.mark.parametrize(
    ("model", "counts"),
    [
        pytest.param("demo-model", [6], id="plain"),
        pytest.param("usage-none", [], id="none"),
        pytest.param("usage-zero", [0], id="zero"),
        pytest.param("usage-twice", [6, 6, 6], id="twice"),
    ],
)
async def test_a_responses_usage(model: str, counts: list[int]) -> None:
    async with fake() as (_, client):
        found = [
            event["response"]["usage"] for event in await events(client, "/responses", model) if "response" in event
        ]
        assert [usage["output_tokens"] for usage in found if usage] == counts
        assert ((await client.responses(model)).json()["usage"] is None) is (model == "usage-none")


# -- tools, reasoning, framing -------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["tools", "tools-noindex", "tools-sameindex", "tools-late-name"])
async def test_two_tool_calls(model: str) -> None:
    async with fake() as (_, client):
        found = await events(client, "/messages", model)
        starts = {event["index"]: event["content_block"] for event in found if event["type"] == "content_block_start"}
        assert [(block["id"], block["name"], block["input"]) for block in starts.values()] == [
            ("call_a", "weather", {}),
            ("call_b", "weather", {}),
        ]
        deltas = [event for event in found if event["type"] == "content_block_delta"]
        for index, arguments in enumerate((ARGUMENTS, ARGUMENTS_TOO)):
            assert "".join(d["delta"]["partial_json"] for d in deltas if d["index"] == index) == arguments
        order = [delta["index"] for delta in deltas]
        assert (order != sorted(order)) is (model == "tools")
        whole = (await client.messages(model)).json()
        assert [block["input"]["city"] for block in whole["content"]] == ["Zürich", "Genève"]
        assert whole["stop_reason"] == found[-2]["delta"]["stop_reason"] == "tool_use"


@pytest.mark.parametrize("model", ["tools", "tools-noindex", "tools-sameindex", "tools-late-name"])
async def test_two_function_calls(model: str) -> None:
    async with fake() as (_, client):
        found = await events(client, "/responses", model)
        deltas = [event for event in found if event["type"] == "response.function_call_arguments.delta"]
        items = found[-1]["response"]["output"]
        assert [(item["call_id"], item["arguments"]) for item in items] == [
            ("call_a", ARGUMENTS),
            ("call_b", ARGUMENTS_TOO),
        ]
        for item in items:
            assert "".join(d["delta"] for d in deltas if d["item_id"] == item["id"]) == item["arguments"]
        order = [delta["output_index"] for delta in deltas]
        assert (order != sorted(order)) is (model == "tools")
        assert [item["type"] for item in (await client.responses(model)).json()["output"]] == ["function_call"] * 2


@BOTH
@pytest.mark.parametrize("model", ["reasoning", "reasoning_content", "details"])
async def test_reasoning_by_model(endpoint: str, model: str) -> None:
    async with fake() as (_, client):
        found = await events(client, endpoint, model)
        assert thought(found) == THOUGHT
        assert THOUGHT in (await client.ask(endpoint, model)).text
        assert found[-1]["type"] == ENDS[endpoint]


@BOTH
@pytest.mark.parametrize("model", ["crlf", "bom", "comments", "split-every-byte", "slow-keepalive", "trickle", "slow"])
async def test_odd_framing_says_the_same(endpoint: str, model: str) -> None:
    async with fake() as (_, client):
        found = await events(client, endpoint, model)
        assert (text(found), found[-1]["type"]) == (SAID, ENDS[endpoint])


@BOTH
async def test_split_characters_are_whole_again(endpoint: str) -> None:
    async with fake() as (_, client):
        assert text(await events(client, endpoint, "split-utf8")).startswith("Grüße, 世界 🌍!")


async def test_a_waiting_message_pings() -> None:
    async with fake() as (_, client):
        assert types(await events(client, "/messages", "slow-keepalive"))[:5] == ["ping"] * 5


@BOTH
async def test_json_instead_of_a_stream(endpoint: str) -> None:
    async with fake() as (_, client):
        answer = await client.ask(endpoint, "json-instead-of-sse", stream=True)
        assert answer.headers["content-type"] == "application/json"
        assert SAID in json.dumps(answer.json())


@BOTH
async def test_a_huge_text_is_one_event(endpoint: str) -> None:
    async with fake() as (_, client):
        found = await events(client, endpoint, "huge-body")
        assert text(found) == "a" * 4 * 1024 * 1024
