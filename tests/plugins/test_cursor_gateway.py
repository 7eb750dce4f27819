"""Cursor in a whole gateway, its runs over HTTP/2 with TLS: every dialect's clients, and what goes wrong on the wire."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import trustme

from switchgear_cursor.fake.agent import FakeAgent
from switchgear_cursor.fake.agent_answers import THOUGHT, saying
from tests.core.duplexes import authority as authority
from tests.gateways import Running
from tests.plugins.cursor_service import MODEL, THINKER, events, served

WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}}
PARIS = {"city": "text"}
"""What the fake's model calls a tool with."""
GONE_S = 1.0


async def ask(running: Running, model: str = MODEL, **fields: Any) -> tuple[int, Any]:
    response = await running.chat(model, **fields)
    return response.status_code, response.json()


def said(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


# -- clients -----------------------------------------------------------------------------------------------------


async def test_an_account_is_asked_over_tls(tmp_path: Path, authority: trustme.CA) -> None:
    async with served(tmp_path, authority=authority) as (running, fake):
        assert fake.agent.server.url.startswith("https://")
        status, answer = await ask(running)
        assert (status, answer["choices"][0]["message"]["content"]) == (200, "You said: Hello")
        assert answer["usage"]["prompt_tokens_details"]["cached_tokens"] == 250
        streamed = await running.chat(MODEL, stream=True)
        pieces = [event["choices"][0]["delta"].get("content") or "" for event in events(streamed.content)]
        assert "".join(pieces) == "You said: Hello"
        assert len(pieces) > 3
        assert (await running.counted("cursor"))["successes"] == 2
        assert [run.person for run in fake.agent.runs] == ["ada", "ada"]
        assert fake.agent.server.connections_made == 1


async def test_a_chat_clients_tools(tmp_path: Path, authority: trustme.CA) -> None:
    async with served(tmp_path, authority=authority) as (running, fake):
        tools = [
            {"type": "function", "function": {"name": name, "parameters": WEATHER}} for name in ("weather", "read")
        ]
        messages: list[Any] = [{"role": "system", "content": "Be brief."}, *said("Use the tool")]
        fake.agent.play(saying("Let me see.", ("weather", {"city": "Paris"}), ("read_tool", {"n": 3, "deep": [1.5]})))
        _, first = await ask(running, messages=messages, tools=tools)
        (choice,) = first["choices"]
        calls = choice["message"]["tool_calls"]
        assert (choice["finish_reason"], choice["message"]["content"]) == ("tool_calls", "Let me see.")
        assert [call["function"]["name"] for call in calls] == ["weather", "read"]
        assert [json.loads(call["function"]["arguments"]) for call in calls] == [
            {"city": "Paris"},
            {"n": 3, "deep": [1.5]},
        ]
        assert len({call["id"] for call in calls}) == 2
        assert "\n" not in calls[0]["id"]
        await fake.agent.server.wait_for(lambda: fake.agent.runs[0].was_left)
        results = [{"role": "tool", "tool_call_id": call["id"], "content": f"r{at}"} for at, call in enumerate(calls)]
        _, second = await ask(running, messages=[*messages, choice["message"], *results], tools=tools)
        assert second["choices"][0]["message"]["content"] == "The tool said: r0 r1"
        assert second["choices"][0]["finish_reason"] == "stop"
        _, third = await ask(
            running,
            messages=[*messages, choice["message"], *results, second["choices"][0]["message"], *said("tool again")],
            tools=tools,
        )
        assert json.loads(third["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]) == PARIS


async def test_a_messages_clients_tools(tmp_path: Path, authority: trustme.CA) -> None:
    async with served(tmp_path, authority=authority) as (running, _):
        body: dict[str, Any] = {
            "model": THINKER,
            "max_tokens": 4096,
            "system": "Be brief.",
            "tools": [{"name": "weather", "input_schema": WEATHER}],
        }
        question = said("Use the tool")
        first = (await running.client.post("/v1/messages", json={**body, "messages": question})).json()
        assert (first["stop_reason"], first["content"][0]["thinking"]) == ("tool_use", THOUGHT)
        used = first["content"][-1]
        assert (used["name"], used["input"]) == ("weather", PARIS)
        result = {"type": "tool_result", "tool_use_id": used["id"], "content": "Rain"}
        turns = [*question, {"role": "assistant", "content": first["content"]}, {"role": "user", "content": [result]}]
        second = await running.client.post("/v1/messages", json={**body, "messages": turns, "stream": True})
        texts = [event["delta"].get("text", "") for event in events(second.content) if "delta" in event]
        assert "".join(texts) == "The tool said: Rain"
        assert events(second.content)[-1]["type"] == "message_stop"


async def test_a_responses_clients_tools(tmp_path: Path, authority: trustme.CA) -> None:
    async with served(tmp_path, authority=authority) as (running, _):
        body: dict[str, Any] = {
            "model": MODEL,
            "store": False,
            "tools": [{"type": "function", "name": "weather", "parameters": WEATHER}],
        }
        question = said("Use the tool")
        first = (await running.client.post("/v1/responses", json={**body, "input": question})).json()
        (call,) = [item for item in first["output"] if item["type"] == "function_call"]
        assert (call["name"], json.loads(call["arguments"])) == ("weather", PARIS)
        output = {"type": "function_call_output", "call_id": call["call_id"], "output": "Rain"}
        second = await running.client.post(
            "/v1/responses", json={**body, "input": [*question, call, output], "stream": True}
        )
        last = events(second.content)[-1]
        assert last["type"] == "response.completed"
        assert last["response"]["output"][-1]["content"][0]["text"] == "The tool said: Rain"


async def test_an_image_is_seen(tmp_path: Path) -> None:
    async with served(tmp_path) as (running, fake):
        content = [
            {"type": "text", "text": "What is it?"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
        ]
        _, answer = await ask(running, messages=[{"role": "user", "content": content}])
        assert answer["choices"][0]["message"]["content"] == "I see 1 image. You said: What is it?"
        assert fake.agent.runs[0].asked.images[0][0] == "image/png"


async def test_what_the_wire_has_no_field_for_is_reported(tmp_path: Path) -> None:
    async with served(tmp_path) as (running, _):
        response = await running.chat(MODEL, temperature=0.1, seed=7)
        assert response.status_code == 200
        assert response.headers["x-switchgear-dropped"] == "sampling.seed, sampling.temperature"


async def test_unions_in_a_tools_schema_do_not_fail_the_request(tmp_path: Path) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
        "$defs": {"deep": {"items": [{"oneOf": [{"type": "string"}, {"allOf": [{}]}]}]}},
    }
    async with served(tmp_path) as (running, fake):
        tools = [{"type": "function", "function": {"name": "weather", "parameters": schema}}]
        status, _ = await ask(running, messages=said("Use the tool"), tools=tools)
        assert status == 200
        assert fake.agent.runs[0].asked.tools["weather"].schema["properties"] == {"city": {"type": "string"}}


# -- what the service wants --------------------------------------------------------------------------------------


async def test_everything_on_this_machine_is_refused_in_its_own_form(tmp_path: Path) -> None:
    async with served(tmp_path) as (running, _):
        status, answer = await ask(running, messages=said("[play native]"))
        assert (status, answer["choices"][0]["message"]["content"]) == (200, "It is all refused.")


async def test_a_tool_that_nobody_offered_is_not_found(tmp_path: Path) -> None:
    async with served(tmp_path) as (running, _):
        _, answer = await ask(running, messages=said("[play unknown_tool]"))
        assert answer["choices"][0]["message"]["content"] == "The tool was not found."


async def test_a_call_that_is_taken_back_is_never_seen(tmp_path: Path) -> None:
    async with served(tmp_path) as (running, fake):
        tools = [{"type": "function", "function": {"name": "weather", "parameters": WEATHER}}]
        _, answer = await ask(running, messages=said("Use the tool [play taken_back]"), tools=tools)
        calls = answer["choices"][0]["message"]["tool_calls"]
        assert [json.loads(call["function"]["arguments"]) for call in calls] == [PARIS]
        assert fake.agent.runs[0].late == []


async def test_a_counter_of_the_whole_account_is_no_usage(tmp_path: Path) -> None:
    async with served(tmp_path) as (running, _):
        _, answer = await ask(running, messages=said("[play counter]"))
        assert answer["usage"]["prompt_tokens"] < 1000
        assert not (answer["usage"].get("prompt_tokens_details") or {}).get("cached_tokens")


# -- what goes wrong ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param("cut", id="S1: reset in the middle"),
        pytest.param("endless", id="S1: an end without the end frame"),
        pytest.param("open_call", id="S1: an end in the middle of a tool call"),
        pytest.param("in_band_late", id="S3: an error after output"),
    ],
)
async def test_a_stream_that_breaks_off_says_so(tmp_path: Path, fault: str) -> None:
    async with served(tmp_path, "ada", "ben") as (running, fake):
        fake.agent.play(fault)
        response = await running.chat(MODEL, stream=True)
        told = events(response.content)
        assert "You" in response.text
        assert told[-1]["error"]
        assert not [event for event in told if (event.get("choices") or [{}])[0].get("finish_reason")]
        assert len(fake.agent.runs) == 1
        counted = await running.counted("cursor")
        assert (counted["attempts"], counted["successes"]) == (1, 0)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param("in_band", id="S2: an error before output"),
        pytest.param("silent_turn", id="S1: an end without a word"),
        pytest.param("empty", id="an empty body"),
        pytest.param("html", id="a page"),
        pytest.param("cut_before", id="a reset instead of an answer"),
    ],
)
async def test_what_fails_before_output_is_asked_again(tmp_path: Path, fault: str) -> None:
    async with served(tmp_path, "ada", "ben") as (running, fake):
        fake.agent.play(fault)
        response = await running.chat(MODEL, stream=True)
        assert (response.status_code, events(response.content)[-1].get("error")) == (200, None)
        counted = await running.counted("cursor")
        assert (counted["attempts"], counted["successes"]) == (2, 1)


async def test_text_without_an_end_of_the_turn_is_an_answer(tmp_path: Path) -> None:
    async with served(tmp_path) as (running, fake):
        fake.agent.play("unended")
        status, answer = await ask(running)
        assert (status, answer["choices"][0]["finish_reason"]) == (200, "stop")
        tokens = (await running.counted("cursor"))["tokens"]
        assert (tokens["input"], tokens["output"], tokens["usage_missing"]) == (0, 0, 1)  # S6


@pytest.mark.parametrize("scenario", ["slow", "beating"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_client_that_leaves_resets_its_run_alone(
    tmp_path: Path, authority: trustme.CA, scenario: str, when: str
) -> None:
    """S8; the connection stays."""
    async with served(tmp_path, authority=authority) as (running, fake):
        server = fake.agent.server
        fake.agent.play("stalled" if when == "before" else scenario)
        if when == "before":
            asking = asyncio.create_task(running.chat(MODEL, stream=True))
            await server.wait_for(lambda: server.open_streams == 1)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        else:
            body = {"model": MODEL, "messages": said("Hello"), "stream": True}
            async with running.client.stream("POST", "/v1/chat/completions", json=body) as response:
                await anext(aiter(response.aiter_raw()))
        await server.wait_for(lambda: server.open_streams == 0, GONE_S)
        assert server.exchanges[-1].reset_code == 8  # CANCEL
        assert (await ask(running))[0] == 200
        assert server.connections_made == 1
        counted = await running.counted("cursor")
        assert (counted["cancelled"], counted["successes"]) == (1, 1)


async def test_a_server_that_only_beats_is_left_in_the_end(tmp_path: Path) -> None:
    async with served(tmp_path, timeouts={"total-seconds": 0.5}) as (running, fake):
        fake.agent.play("beating", "beating", "beating", "beating")
        response = await running.chat(MODEL, stream=True)
        assert events(response.content)[-1]["error"]
        await fake.agent.server.wait_for(lambda: fake.agent.server.open_streams == 0, GONE_S)


# -- what is asked in another way --------------------------------------------------------------------------------


async def test_a_form_that_is_refused_is_remembered(tmp_path: Path) -> None:
    async with served(tmp_path) as (running, fake):
        fake.agent.play(*["needs_one_form"] * 3)
        for _ in range(2):
            assert (await ask(running, THINKER))[0] == 200
        asked = [(run.asked.has_details, dict(run.asked.parameters)) for run in fake.agent.runs]
        assert [has_details for has_details, _ in asked] == [True, False, False]
        assert asked[2][1] == {"effort": "medium", "fast": "false"}


async def test_max_mode_is_asked_for_where_it_is_needed(tmp_path: Path) -> None:
    async with served(tmp_path) as (running, fake):
        fake.agent.play(*["needs_max_mode"] * 3)
        for _ in range(2):
            assert (await ask(running))[0] == 200
        assert [run.asked.max_mode for run in fake.agent.runs] == [False, True, True]


async def test_a_region_is_left_for_the_host_that_the_service_names_now(tmp_path: Path) -> None:
    async with served(tmp_path) as (running, fake), FakeAgent(fake.services.people) as elsewhere:
        assert (await ask(running))[0] == 200
        fake.services.lists.agent_url = elsewhere.server.url
        fake.agent.play("region")
        for _ in range(2):
            assert (await ask(running))[0] == 200
        assert (len(fake.agent.runs), len(elsewhere.runs)) == (2, 2)
        assert fake.services.lists.asked.count("GetServerConfig") == 2


async def test_a_region_that_is_refused_is_no_reason_to_sign_in(tmp_path: Path) -> None:
    async with served(tmp_path) as (running, fake):
        fake.agent.play("region")
        assert (await ask(running))[0] == 403
        assert (await running.provider("cursor"))["accounts"]["auth_failed"] == 0


async def test_a_conversation_that_the_service_chokes_on_gets_another_id(tmp_path: Path) -> None:
    async with served(tmp_path) as (running, fake):
        fake.agent.play("exhausted")
        assert (await ask(running, user="u"))[0] == 200
        first, second = (run.asked.conversation_id for run in fake.agent.runs)
        assert first != second


async def test_without_http2_a_run_is_many_calls(tmp_path: Path) -> None:
    async with served(tmp_path, http1=True) as (running, fake):
        status, answer = await ask(running, THINKER, messages=said("[play native]"))
        assert (status, answer["choices"][0]["message"]["content"]) == (200, "It is all refused.")
        assert fake.http1.appended > 10
        assert fake.agent.server.connections_made == 0
        fake.agent.play("cut")
        response = await running.chat(MODEL, stream=True)
        assert events(response.content)[-1]["error"]


async def test_the_service_may_forbid_full_duplex(tmp_path: Path) -> None:
    async with served(tmp_path) as (running, fake):
        fake.services.lists.http2 = "HTTP2_CONFIG_FORCE_BIDI_DISABLED"
        assert (await ask(running))[0] == 200
        assert fake.agent.server.connections_made == 0
