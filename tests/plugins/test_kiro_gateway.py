"""Kiro behind a whole gateway: clients of every dialect, tools, refresh, failures, and what the operator sees."""

from __future__ import annotations

import asyncio
import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from switchgear_kiro.fake import FakeKiro
from switchgear_kiro.fake.asked import THOUGHT, Said, words
from switchgear_kiro.fake.people import OTHER_ORGANISATION_URL
from switchgear_kiro.fake.refusals import TOLD
from switchgear_kiro.fake.streams import saying
from tests.gateways import KEY
from tests.plugins.kiro_service import PLAIN, THINKING, served

ALL = ["anthropic-messages", "openai-chat", "openai-responses"]


@pytest.mark.parametrize("chopped", [False, True], ids=["frame by frame", "in tiny pieces"])
async def test_every_client_is_answered(tmp_path: Path, chopped: bool) -> None:
    async with served(tmp_path) as up:
        await up.sign_in("ada")
        up.fake.runtime.chopped = chopped
        for dialect, stream in itertools.product(ALL, (False, True)):
            up.fake.runtime.script(saying(Said(words("Größe \u2603 from Kiro"))))
            response = await up.ask(dialect, stream=stream)
            assert response.status_code == 200, response.text
            assert text_in(dialect, response.text, stream=stream) == "Größe \u2603 from Kiro"
        counted = await up.running.counted("kiro")
        assert counted["tokens"]["output"] > 0
        assert counted["tokens"]["input"] > 0


def text_in(dialect: str, answer: str, *, stream: bool) -> str:
    """The text of an answer."""
    if stream:
        lines = [line.removeprefix("data: ") for line in answer.splitlines() if line.startswith("data: {")]
        events: list[Any] = [json.loads(line) for line in lines]
        match dialect:
            case "openai-chat":
                return "".join(choice["delta"].get("content") or "" for e in events for choice in e["choices"])
            case "anthropic-messages":
                return "".join(e["delta"].get("text", "") for e in events if e["type"] == "content_block_delta")
            case _:
                return "".join(e["delta"] for e in events if e["type"] == "response.output_text.delta")
    whole = json.loads(answer)
    match dialect:
        case "openai-chat":
            return str(whole["choices"][0]["message"]["content"])
        case "anthropic-messages":
            return "".join(block.get("text", "") for block in whole["content"])
        case _:
            return "".join(part["text"] for item in whole["output"] for part in item.get("content", ()))


LONG_NAME = "mcp__a_server_with_quite_a_long_name__and_a_tool_with_a_name_that_is_longer_still"
PARAMETERS = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_a_tool_is_called_and_its_result_goes_back(tmp_path: Path, stream: bool) -> None:
    """A long name is sent short, and comes back as the client knows it."""
    async with served(tmp_path) as up:
        await up.sign_in("ada")
        tools = [{"name": LONG_NAME, "description": "Read", "input_schema": PARAMETERS}]
        first = await up.ask("anthropic-messages", "Use the tool", stream=stream, tools=tools)
        (call,) = called(first.text, stream=stream)
        assert (call["name"], call["input"]) == (LONG_NAME, {"path": "text"})
        messages = [
            {"role": "user", "content": "Use the tool"},
            {"role": "assistant", "content": [{"type": "tool_use", **call}]},
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": call["id"], "content": "it says heliotrope"}],
            },
        ]
        second = await up.ask("anthropic-messages", stream=stream, tools=tools, messages=messages)
        assert text_in("anthropic-messages", second.text, stream=stream) == "The tool said: it says heliotrope"
        assert up.fake.runtime.refused == []


def called(answer: str, *, stream: bool) -> list[dict[str, Any]]:
    """The tool calls of a Messages answer."""
    if not stream:
        blocks = [block for block in json.loads(answer)["content"] if block["type"] == "tool_use"]
        return [{name: block[name] for name in ("id", "name", "input")} for block in blocks]
    events = [json.loads(line[6:]) for line in answer.splitlines() if line.startswith("data: {")]
    heads = [e["content_block"] for e in events if e["type"] == "content_block_start"]
    given = "".join(e["delta"].get("partial_json", "") for e in events if e["type"] == "content_block_delta")
    (head,) = [head for head in heads if head["type"] == "tool_use"]
    return [{"id": head["id"], "name": head["name"], "input": json.loads(given)}]


async def test_reasoning_reaches_the_client_and_goes_back_signed(tmp_path: Path) -> None:
    async with served(tmp_path) as up:
        await up.sign_in("ada")
        thinking: dict[str, Any] = {"thinking": {"type": "enabled", "budget_tokens": 2000}, "max_tokens": 4000}
        first = await up.ask("anthropic-messages", model=THINKING, **thinking)
        thought, text = first.json()["content"]
        assert (thought["thinking"], text["text"]) == (THOUGHT, "You said: Hello")
        messages = [
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": [thought, text]},
            {"role": "user", "content": "Go on"},
        ]
        second = await up.ask("anthropic-messages", model=THINKING, messages=messages, **thinking)
        assert second.status_code == 200
        assert up.fake.runtime.refused == []
        history = up.fake.runtime.calls[-1].body["conversationState"]["history"]
        assert history[1]["assistantResponseMessage"]["reasoningContent"]["reasoningText"]["text"] == THOUGHT


async def test_models_have_other_names_which_are_not_listed(tmp_path: Path) -> None:
    async with served(tmp_path) as up:
        await up.sign_in("ada")
        for name in (PLAIN, "claude-sonnet-4-5", "claude-sonnet-4-5-20250929", "kiro-claude-sonnet-4-5"):
            assert (await up.ask("openai-chat", model=name)).status_code == 200, name
        listed = [model["id"] for model in (await up.running.client.get("/v1/models")).json()["data"]]
        prefixed = [id_.removeprefix("kiro/") for id_ in listed if id_.startswith("kiro/")]
        assert sorted(prefixed) == sorted(model["modelId"] for model in up.fake.management.models)


async def test_the_fallback_list_serves_where_none_was_ever_had(tmp_path: Path) -> None:
    async with served(tmp_path) as up:
        up.fake.management.scripts["ListAvailableModels"] = [TOLD["server_error"]] * 9
        await up.sign_in("ada")
        assert (await up.ask("openai-chat", model="claude-opus-4.5")).status_code == 200


async def test_an_expired_token_is_refreshed_once_for_all(tmp_path: Path) -> None:
    async with served(tmp_path) as up:
        await up.sign_in("ada")
        up.fake.expire()
        asks = (up.ask("anthropic-messages", stream=number % 2 == 0) for number in range(10))
        assert [answer.status_code for answer in await asyncio.gather(*asks)] == [200] * 10
        assert up.fake.refreshes == 1


async def test_a_suspended_account_is_loud_and_final(tmp_path: Path) -> None:
    async with served(tmp_path) as up:
        ada = await up.sign_in("ada")
        ben = await up.sign_in("ben")
        up.fake.sign_in.people.user("ada", "Google").suspended = True
        statuses = [(await up.ask("openai-chat")).status_code for _ in range(4)]
        assert statuses.count(403) == 1  # whoever met it is told; the others go to ben
        states = [up.running.service.account_state(up.entry, account) for account in (ada, ben)]
        assert states == ["suspended", "ready"]
        assert up.fake.refreshes == 0


@pytest.mark.parametrize(
    ("fault", "calls", "status"),
    [
        ("quota_exhausted", 2, 200),
        ("rate_limited", 2, 200),
        ("forbidden", 2, 200),
        ("in_band", 2, 200),
        ("in_band_stream", 2, 200),
        ("cut_before", 2, 200),
        ("invalid_request", 1, 400),
        ("context_too_long", 1, 400),
    ],
)
async def test_what_another_account_is_asked_for(tmp_path: Path, fault: str, calls: int, status: int) -> None:
    async with served(tmp_path) as up:
        await up.sign_in("ada")
        await up.sign_in("ben")
        assert up.fake.fail(fault)
        response = await up.ask("anthropic-messages", stream=True)
        assert (response.status_code, len(up.fake.runtime.calls)) == (status, calls)
        assert len({call.user.name for call in up.fake.runtime.calls}) == calls


async def test_a_cut_stream_is_not_asked_for_again(tmp_path: Path) -> None:
    async with served(tmp_path) as up:
        await up.sign_in("ada")
        await up.sign_in("ben")
        for scenario in ("cut", "corrupt message", "exception after text: throttling"):
            up.fake.runtime.script(scenario)
            before = len(up.fake.runtime.calls)
            response = await up.ask("anthropic-messages", stream=True)
            assert "event: error" in response.text
            assert "message_stop" not in response.text
            assert len(up.fake.runtime.calls) == before + 1


async def test_a_client_that_leaves_takes_the_call_with_it(tmp_path: Path) -> None:
    async with served(tmp_path) as up:
        await up.sign_in("ada")
        for dialect in ALL:
            up.fake.runtime.script("slow")
            asking = asyncio.create_task(up.ask(dialect, stream=True))
            await up.fake.server.wait_for(lambda: up.fake.runtime.under_way > 0)
            asking.cancel()
            await up.fake.server.wait_for(lambda: not up.fake.runtime.under_way, timeout_s=1.0)


async def test_what_an_answer_cost_is_logged(tmp_path: Path, log_output: pytest.CaptureFixture[str]) -> None:
    async with served(tmp_path) as up:
        account = await up.sign_in("ada")
        await up.ask("openai-chat")
    lines = [json.loads(line) for line in log_output.readouterr().err.splitlines() if line.startswith("{")]
    (line,) = [line for line in lines if line["event"] == "answered"]
    assert (line["account"], line["model"], line["variant"]) == (account.label, PLAIN, "runtime-json")
    assert line["credits"] == 0.031


async def test_what_is_ignored_is_told(tmp_path: Path) -> None:
    async with served(tmp_path) as up:
        await up.sign_in("ada")
        response = await up.ask("openai-chat", temperature=0.5, seed=7)
        assert response.headers["x-switchgear-dropped"] == "sampling.seed, sampling.temperature"


async def test_stop_sequences_are_kept_here(tmp_path: Path) -> None:
    async with served(tmp_path) as up:
        await up.sign_in("ada")
        response = await up.ask("anthropic-messages", "one two three", stop_sequences=["two"])
        answer = response.json()
        assert answer["content"][0]["text"] == "You said: one "
        assert (answer["stop_reason"], answer["stop_sequence"]) == ("stop_sequence", "two")


# -- accounts ----------------------------------------------------------------------------------------------------


async def test_a_key_that_was_withdrawn_is_the_operators_affair(tmp_path: Path) -> None:
    async with served(tmp_path) as up:
        account = await up.sign_in("kim", "api-key")
        assert (await up.ask("openai-chat")).status_code == 200
        up.fake.sign_in.people.keys.clear()
        assert (await up.ask("openai-chat")).status_code == 401
        assert up.fake.refreshes == 0
        assert up.running.service.account_state(up.entry, account) == "auth_failed"


async def test_keys_of_the_entry_are_accounts_beside_those_that_signed_in(tmp_path: Path) -> None:
    async with FakeKiro() as fake:
        keys = [fake.sign_in.people.api_key(name) for name in ("kim", "lee")]
        async with served(tmp_path, fake, api_keys=keys) as up:
            ada = await up.sign_in("ada")
            kim = await up.sign_in("kim", "api-key")  # whose key stands in the entry, too
            assert [account.id for account in up.entry.accounts] == [kim.id, up.entry.accounts[1].id, ada.id]
            assert (await up.ask("openai-chat")).status_code == 200


async def test_one_address_in_two_organisations_is_two_accounts(tmp_path: Path) -> None:
    async with served(tmp_path) as up:
        here = await up.sign_in("ada", "idc")
        there = await up.sign_in("ada", "idc", {"start URL": OTHER_ORGANISATION_URL, "region": "eu-west-1"})
        assert here.id != there.id
        assert here.details["email"] == there.details["email"]
        assert {(await up.ask("openai-chat", f"Hello {number}")).status_code for number in range(4)} == {200}
        assert {call.region for call in up.fake.runtime.calls} == {"us-east-1", "eu-central-1"}


# -- what leaves the gateway ---------------------------------------------------------------------------------------


async def test_nothing_that_is_said_holds_a_secret(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    texts: list[str] = []
    async with served(tmp_path) as up:
        for method in ("social", "builder-id", "idc-code", "api-key"):
            await up.sign_in("ada", method)
        up.fake.expire()
        up.fake.fail("invalid_request")
        texts += [(await up.ask(dialect)).text for dialect in ALL]
        pages = ("/health", "/v1/metrics/providers", "/metrics", "/v1/models")
        texts += [(await up.running.client.get(page)).text for page in pages]
        texts += [path.read_text() for path in (tmp_path / "auth").glob("*.json")]
        texts += [repr(up.entry.accounts), repr(up.entry.provider)]
        secrets = up.fake.secrets()
    texts += capfd.readouterr()
    assert len(secrets) > 12
    assert [text for text in texts for secret in secrets if secret in text] == []
    assert KEY not in json.dumps(texts)
