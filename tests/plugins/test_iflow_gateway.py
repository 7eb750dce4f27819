"""iflow through a whole gateway: chats, refreshes, one call at a time, fallbacks, and what the client sees of errors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from switchgear import Account
from switchgear.testing.person import Person
from switchgear_iflow.accounts import REFRESH_TOKEN
from switchgear_iflow.fake import FakeIFlow
from tests.gateways import Running, gateway

PUBLIC = "iflow/glm-4.6"


@asynccontextmanager
async def serving(
    folder: Path, *people: str, method: str = "oauth", **entry: Any
) -> AsyncIterator[tuple[Running, FakeIFlow]]:
    """A gateway over a fresh fake, with these people signed in."""
    async with FakeIFlow() as fake:
        config = {"iflow": [{**fake.settings, **{name.replace("_", "-"): value for name, value in entry.items()}}]}
        async with gateway(folder, {**config, "request-retry": 3, "max-retry-interval": 0}) as running:
            for person in people:
                await sign_in(running, fake, person, method)
            await running.service.reload_accounts(running.service.current)
            yield running, fake


async def sign_in(running: Running, fake: FakeIFlow, who: str, method: str) -> Account:
    async def visit(url: str, code: str | None) -> None:
        await fake.visit(url, code, who)

    runtime = running.service.current
    [entry] = [one for one in runtime.catalog.entries if one.name == "iflow"]
    person = Person(method, visit, lambda question: fake.answer(question, who))
    async with person:
        return await runtime.plugins.authenticate(entry.provider, person, entry.store, entry.client(Account("new")))


def accounts(running: Running) -> list[Account]:
    [entry] = running.service.current.catalog.entries
    return list(entry.store.load())


def text_of(body: str) -> str:
    datas = [line.removeprefix("data: ") for line in body.splitlines() if line.startswith("data: {")]
    return "".join(c["delta"].get("content") or "" for data in datas for c in json.loads(data)["choices"])


# -- answers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["oauth", "oauth-code", "cookie", "api-key"])
async def test_a_chat_whole_and_streamed(tmp_path: Path, method: str) -> None:
    async with serving(tmp_path, "ada", method=method) as (running, fake):
        whole = await running.chat(PUBLIC)
        assert (whole.status_code, whole.json()["choices"][0]["message"]["content"]) == (200, "Hello from iFlow.")
        streamed = await running.chat(PUBLIC, stream=True)
        assert text_of(streamed.text) == "Hello from iFlow."
        assert streamed.text.endswith("data: [DONE]\n\n")
        assert len(fake.chat.bodies) == 2


@pytest.mark.parametrize(
    "habits",
    [
        pytest.param({"json-for-stream", "wrapped"}, id="a whole answer where a stream was due"),
        pytest.param({"octet-stream", "no-space", "wrapped"}, id="a stream by another name"),
    ],
)
async def test_odd_answers_to_a_stream(tmp_path: Path, habits: set[str]) -> None:
    async with serving(tmp_path, "ada") as (running, fake):
        fake.chat.habits |= habits
        streamed = await running.chat(PUBLIC, stream=True)
        assert streamed.headers["content-type"].startswith("text/event-stream")
        assert text_of(streamed.text) == "Hello from iFlow."


async def test_a_messages_client_gets_the_signed_reasoning(tmp_path: Path) -> None:
    async with serving(tmp_path, "ada") as (running, fake):
        fake.chat.habits |= {"reasoning", "signature", "cached"}
        body: dict[str, Any] = {"model": PUBLIC, "max_tokens": 99, "messages": [{"role": "user", "content": "Hello"}]}
        answer = (await running.client.post("/v1/messages", json=body)).json()
        thought = {"type": "thinking", "thinking": "Let me think.", "signature": "signed-thought"}
        assert answer["content"] == [thought, {"type": "text", "text": "Hello from iFlow."}]
        assert answer["usage"]["cache_read_input_tokens"] == 40
        again = [*body["messages"], {"role": "assistant", "content": answer["content"]}, body["messages"][0]]
        assert (await running.client.post("/v1/messages", json={**body, "messages": again})).status_code == 200
        replayed = fake.chat.bodies[-1]["messages"][1]
        assert (replayed["reasoning_content"], replayed["signature"]) == ("Let me think.", "signed-thought")


async def test_a_stream_without_events_is_no_answer(tmp_path: Path) -> None:
    async with serving(tmp_path, "ada") as (running, fake):
        fake.chat.habits.add("no-events")
        assert (await running.chat(PUBLIC, stream=True)).status_code == 502


# -- accounts ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["oauth", "cookie"])
async def test_many_requests_on_an_expired_key_refresh_once(tmp_path: Path, method: str) -> None:
    async with serving(tmp_path, "ada", method=method) as (running, fake):
        before = accounts(running)[0]
        fake.expire()
        answers = await asyncio.gather(*(running.chat(PUBLIC) for _ in range(5)))
        assert [answer.status_code for answer in answers] == [200] * 5
        assert fake.refreshes == 1
        [after] = accounts(running)
        assert after.id == before.id
        assert after.secrets["api-key"] != before.secrets["api-key"]


async def test_a_spent_refresh_token_puts_the_account_out_and_the_other_serves(tmp_path: Path) -> None:
    async with serving(tmp_path, "ada", "ben") as (running, fake):
        fake.expire()
        fake.people._refresh_tokens.pop(accounts(running)[0].secrets[REFRESH_TOKEN].reveal())
        answers = [(await running.chat(PUBLIC)).status_code for _ in range(4)]
        assert answers == [200] * 4
        assert fake.refreshes == 2
        counted = (await running.provider("iflow"))["accounts"]
        assert (counted["ready"], counted["auth_failed"]) == (1, 1)


async def test_an_account_answers_one_call_at_a_time(tmp_path: Path) -> None:
    async with serving(tmp_path, "ada") as (running, fake):
        fake.chat.gate.clear()
        calls = [asyncio.create_task(running.chat(PUBLIC, stream=n % 2 == 0)) for n in range(4)]
        await fake.server.wait_for(lambda: fake.server.hits("/v1/chat/completions") == 1)
        fake.chat.gate.set()
        assert [(await call).status_code for call in calls] == [200] * 4
        assert fake.server.hits("/v1/chat/completions") == 4  # none was refused, none repeated


async def test_a_blocked_key_is_out_and_nothing_is_tried_around_it(tmp_path: Path) -> None:
    async with serving(tmp_path, "ada", "ben") as (running, fake):
        fake.fail("suspended")
        answer = await running.chat(PUBLIC)
        assert answer.status_code == 403
        assert "nothing is tried around it" in answer.json()["error"]["message"]
        assert fake.server.hits("/v1/chat/completions") == 1
        assert fake.refreshes == 0
        counted = (await running.provider("iflow"))["accounts"]
        assert (counted["ready"], counted["suspended"]) == (1, 1)


# -- models --------------------------------------------------------------------------------------------------


async def test_an_alias_falls_to_the_next_model(tmp_path: Path) -> None:
    async with serving(tmp_path, "ada") as (running, fake):
        fake.chat.served -= {"glm-4.6"}
        fake.chat.cli_only -= {"glm-4.7"}
        fake.chat.served.add("glm-4.7")
        assert (await running.chat("iflow/iflow-glm", stream=True)).status_code == 200
        assert [body["model"] for body in fake.chat.bodies] == ["glm-4.7"]


async def test_the_operators_name_for_an_alias(tmp_path: Path) -> None:
    async with serving(tmp_path, "ada", models=[{"name": "iflow-glm", "alias": "glm"}]) as (running, _):
        assert (await running.chat("iflow/glm")).status_code == 200


@pytest.mark.parametrize(
    ("model", "status", "code"),
    [
        pytest.param("iflow/deepseek-r1", 404, "435", id="435 in a 200"),
        pytest.param("iflow/glm-5", 403, "forbidden", id="406 without a body"),
    ],
)
async def test_a_model_that_is_refused(tmp_path: Path, model: str, status: int, code: str) -> None:
    async with serving(tmp_path, "ada") as (running, _):
        answer = await running.chat(model, stream=True)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
        assert (await running.chat(PUBLIC)).status_code == 200


async def test_it_is_out_of_service_unless_the_operator_says_so(tmp_path: Path) -> None:
    async with FakeIFlow() as fake:
        entry = {name: value for name, value in fake.settings.items() if name != "disabled"}
        async with gateway(tmp_path, {"iflow": [{**entry, "api-keys": ["sk-configured-one"]}]}) as running:
            assert (await running.client.get("/v1/models")).json()["data"] == []
            assert (await running.chat(PUBLIC)).status_code == 404
            assert list(fake.server.requests) == []
