"""One scripted answer, said at every endpoint."""

from __future__ import annotations

import json
from typing import Any

import pytest

from switchgear.testing import saying, signature_of
from switchgear.testing.seals import is_own_seal
from tests.core.fake_clients import fake, message, named_events, said, tool_calls

CALLS: list[tuple[str, dict[str, Any] | str]] = [("f", {"n": 1}), ("g", '{"broken')]
ENDPOINTS = ["/chat/completions", "/messages", "/responses"]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_all_of_it_is_said(endpoint: str, stream: bool) -> None:
    async with fake() as (upstream, client):
        upstream.script(behaviour=saying("Let me see.", reasoning="Hm, hm.", tool_calls=[("f", {"n": 1}), ("g", {})]))
        text = (await client.ask(endpoint, stream=stream)).text
        if stream:
            text = "".join(_deltas(endpoint, text))
        for piece in ("Let me see.", "Hm, hm."):
            assert piece in text
        assert '"n": 1' in text.replace("\\", "")


def _deltas(endpoint: str, text: str) -> list[str]:
    """Every piece of text, of reasoning and of arguments in a stream."""
    if endpoint == "/chat/completions":
        events = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]
        deltas = [choice["delta"] for event in events for choice in event["choices"]]
        calls = [call["function"]["arguments"] for delta in deltas for call in delta.get("tool_calls", ())]
        return [*(d.get("reasoning") or "" for d in deltas), *(d.get("content") or "" for d in deltas), *calls]
    names = ("text", "thinking", "partial_json")
    found = [event["delta"] for event in named_events(text.encode()) if event["type"].endswith(".delta")]
    blocks = [event["delta"] for event in named_events(text.encode()) if event["type"] == "content_block_delta"]
    return [*found, *(delta.get(name, "") for delta in blocks for name in names)]


async def test_chats_form() -> None:
    async with fake() as (upstream, client):
        upstream.script(behaviour=saying("Hi", reasoning="Hm.", tool_calls=CALLS, cached_tokens=2))
        whole = (await client.chat()).json()
        told = whole["choices"][0]["message"]
        assert (told["content"], told["reasoning"]) == ("Hi", "Hm.")
        assert told["reasoning_details"][0]["signature"] == signature_of("Hm.")
        assert [call["function"]["arguments"] for call in told["tool_calls"]] == ['{"n": 1}', '{"broken']
        assert whole["usage"]["prompt_tokens_details"] == {"cached_tokens": 2}
        assert whole["usage"]["completion_tokens_details"]["reasoning_tokens"] > 0
        events = await client.events(stream_options={"include_usage": True})
        assert (said(events), events[-2]["usage"]) == ("Hi", whole["usage"])
        details = [d for e in events[:-2] for d in e["choices"][0]["delta"].get("reasoning_details", ())]
        assert "".join(detail.get("text", "") for detail in details) == "Hm."
        assert details[-1]["signature"] == signature_of("Hm.")
        first = [call for call in tool_calls(events) if call["index"] == 0]
        assert "".join(call["function"]["arguments"] for call in first) == '{"n": 1}'
        assert len({call["id"] for call in told["tool_calls"]}) == 2


async def test_messages_form() -> None:
    async with fake() as (upstream, client):
        upstream.script(behaviour=saying("Hi", reasoning="Hm.", tool_calls=CALLS, cached_tokens=3))
        whole = (await client.messages()).json()
        assert [block["type"] for block in whole["content"]] == ["thinking", "text", "tool_use", "tool_use"]
        assert [block["input"] for block in whole["content"][2:]] == [{"n": 1}, {}]
        plain_tokens = whole["usage"]["input_tokens"] + whole["usage"]["cache_read_input_tokens"]
        upstream.unscript()
        assert (await client.messages()).json()["usage"]["input_tokens"] == plain_tokens


async def test_responses_form() -> None:
    async with fake() as (upstream, client):
        upstream.script(behaviour=saying("Hi", reasoning="Hm.", tool_calls=CALLS, cached_tokens=1))
        whole = (await client.responses()).json()
        assert [item["type"] for item in whole["output"]] == ["reasoning", "message", "function_call", "function_call"]
        assert [item["arguments"] for item in whole["output"][2:]] == ['{"n": 1}', '{"broken']
        assert whole["usage"]["input_tokens_details"]["cached_tokens"] == 1


@pytest.mark.parametrize(
    ("ended_by", "chats", "messages", "responses"),
    [
        pytest.param("", "stop", "end_turn", None, id="of its own accord"),
        pytest.param("length", "length", "max_tokens", "max_output_tokens", id="token limit"),
        pytest.param("content_filter", "content_filter", "refusal", "content_filter", id="filter"),
    ],
)
async def test_why_it_ended(ended_by: str, chats: str, messages: str, responses: str | None) -> None:
    async with fake() as (upstream, client):
        upstream.script(behaviour=saying("Hi", ended_by=ended_by))
        assert (await client.chat()).json()["choices"][0]["finish_reason"] == chats
        assert (await client.messages()).json()["stop_reason"] == messages
        whole = (await client.responses()).json()
        assert whole["incomplete_details"] == (None if responses is None else {"reason": responses})
        assert whole["status"] == ("completed" if responses is None else "incomplete")


async def test_redacted_reasoning_is_sealed() -> None:
    async with fake() as (upstream, client):
        upstream.script(behaviour=saying("Hi", reasoning="secret thought", redacted=True))
        for endpoint in ENDPOINTS:
            for stream in (False, True):
                assert "secret thought" not in (await client.ask(endpoint, stream=stream)).text
        (detail,) = (await client.chat()).json()["choices"][0]["message"]["reasoning_details"]
        thinking = (await client.messages()).json()["content"][0]
        item = (await client.responses()).json()["output"][0]
        assert (detail["type"], thinking["type"], item["summary"]) == ("reasoning.encrypted", "redacted_thinking", [])
        for seal in (detail["data"], thinking["data"], item["encrypted_content"]):
            assert is_own_seal(seal)


async def test_a_signature_of_someone_elses_is_given_but_not_taken_back() -> None:
    async with fake() as (upstream, client):
        upstream.script(behaviour=saying("Hi", reasoning="Hm.", signature="Zm9yZWlnbg=="), times=1)
        content = (await client.messages()).json()["content"]
        assert content[0]["signature"] == "Zm9yZWlnbg=="
        user = {"role": "user", "content": "hi"}
        answer = await client.messages(messages=[user, {"role": "assistant", "content": content}, user])
        assert (answer.status_code, "Invalid `signature`" in answer.text) == (400, True)


async def test_pieces_are_streamed_as_they_are() -> None:
    async with fake() as (upstream, client):
        upstream.script(behaviour=saying(pieces=["a b", "", "c\n"]))
        events = await client.events()
        pieces = [event["choices"][0]["delta"].get("content") for event in events[1:-2]]
        assert (pieces, said(events)) == (["a b", "", "c\n"], "a bc\n")
        assert (await client.messages()).json()["content"] == [{"type": "text", "text": "a bc\n"}]
    with pytest.raises(ValueError, match="pieces"):
        saying("abc", pieces=["ab"])


async def test_nothing_at_all_can_be_said() -> None:
    async with fake() as (upstream, client):
        upstream.script(behaviour=saying())
        assert (await client.chat()).json()["choices"][0]["message"]["content"] == ""
        assert (await client.messages()).json()["content"] == []
        assert (await client.responses()).json()["output"] == []


async def test_what_is_refused_is_not_answered() -> None:
    async with fake() as (upstream, client):
        upstream.script(behaviour=saying("Hi"))
        body: dict[str, Any] = message("demo-model")
        answer = await client.post("/v1/messages", json=body)
        assert (answer.status_code, "anthropic-version" in answer.text) == (400, True)
        assert (await client.chat(tools=[])).status_code == 400
        assert (await client.responses(stop="x")).status_code == 400


async def test_a_script_for_one_endpoint() -> None:
    async with fake() as (upstream, client):
        upstream.script(behaviour=saying("Hi"), endpoint="/messages")
        upstream.script(behaviour="err-529", endpoint="/responses", times=1)
        assert (await client.messages()).json()["content"][0]["text"] == "Hi"
        assert (await client.responses()).status_code == 529
        assert (await client.responses()).json()["output"][0]["content"][0]["text"].startswith("You said")
