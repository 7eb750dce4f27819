"""A request's way from the hooks to the agent: whose token, which model, which host."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from switchgear import (
    Account,
    Conversation,
    Event,
    ForwardRequest,
    Kind,
    ReasoningOptions,
    Text,
    Timeouts,
    UpstreamError,
)
from switchgear.testing import Http2Exchange, Http2Server
from switchgear_cursor import errors, listing, plugin, quota
from switchgear_cursor.fake.lists import THINKER
from switchgear_cursor.proto.agent_pb2 import AgentRunRequest
from tests.plugins.cursor_agent import Seat, agent, saying, without_ignored
from tests.plugins.cursor_desk import Desk, desk
from tests.plugins.cursor_frames import END_OK, conversation, error_end, text, turn_ended

ANSWER = (text("Hello"), turn_ended(input_tokens=10, output_tokens=1), END_OK)


class Line:
    """The plugin's ``forward`` over the fake services; ``runs`` are the agents' requests so far."""

    def __init__(self, here: Desk) -> None:
        self.here = here
        self.dropped: list[str] = []
        self.runs: list[AgentRunRequest] = []

    async def listed(self) -> Account:
        account = self.here.account()
        await listing.list_all(self.here.settings, account, self.here.client)
        return account

    def agent(self, *frames: bytes) -> Callable[[Http2Exchange], Awaitable[None]]:
        async def script(seat: Seat, request: AgentRunRequest) -> None:
            self.runs.append(request)
            await saying(*frames)(seat, request)

        return agent(script)

    async def ask(self, account: Account, asked: Conversation, model: str = THINKER) -> list[Event]:
        request = ForwardRequest("r1", "openai-chat", "openai-chat", model, b"{}", True, {}, Timeouts(), lambda: asked)
        events = plugin.forward(self.here.provider, request, account, self.here.client)
        async with aclosing(events):
            return without_ignored([event async for event in events], self.dropped)


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    async with desk(tmp_path) as here:
        yield Line(here)


def thinking(effort: str) -> Conversation:
    return Conversation(conversation().messages, reasoning=ReasoningOptions(effort=effort))


async def test_the_account_asks_the_host_it_was_told_for_the_variant_that_is_wanted(line: Line) -> None:
    account = await line.listed()
    async with Http2Server(line.agent(*ANSWER)) as host:
        line.here.services.lists.agent_url = host.url
        assert (await line.ask(account, thinking("high")))[0] == Text("Hello")
        headers: dict[str, Any] = dict(host.exchanges[0].request.headers)
    requested = line.runs[0].requested_model
    assert requested.model_id == "claude-opus-5-5-high"
    assert {each.id: each.value for each in requested.parameters} == {"effort": "high", "fast": "false"}
    assert headers["authorization"] == f"Bearer {account.secrets['access_token'].reveal()}"
    assert (headers["x-cursor-client-type"], headers["x-ghost-mode"]) == ("cli", "true")
    assert headers["x-cursor-client-version"] == line.here.settings.client_version
    assert headers["user-agent"].startswith("switchgear/")
    assert not [name for name in headers if "checksum" in name or name == "cookie"]


async def test_what_no_variant_has_is_said(line: Line) -> None:
    account = await line.listed()
    async with Http2Server(line.agent(*ANSWER)) as host:
        line.here.services.lists.agent_url = host.url
        await line.ask(account, thinking("high"), "composer-2.5")
    assert "reasoning.effort" in line.dropped


async def test_a_model_is_asked_for_before_any_list_was_had(line: Line) -> None:
    async with Http2Server(line.agent(*ANSWER)) as host:
        line.here.services.lists.agent_url = host.url
        await line.ask(line.here.account(), conversation())
    assert (line.runs[0].requested_model.model_id, list(line.runs[0].requested_model.parameters)) == (THINKER, [])


async def test_a_region_that_is_refused_is_asked_elsewhere_once(line: Line) -> None:
    lists, account = line.here.services.lists, line.here.account()
    refusal = error_end("unauthenticated", "UNAUTHORIZED", "This region is not yet available for your team")

    async with Http2Server(line.agent(*ANSWER)) as other:

        async def script(seat: Seat, request: AgentRunRequest) -> None:
            lists.agent_url = other.url
            await saying(refusal)(seat, request)

        async with Http2Server(agent(script)) as host:
            lists.agent_url = host.url
            assert (await line.ask(account, conversation()))[0] == Text("Hello")
            assert len(host.exchanges) == len(other.exchanges) == 1
            assert (await line.ask(account, conversation()))[0] == Text("Hello")
            assert (len(host.exchanges), len(other.exchanges)) == (1, 2)


async def test_a_region_that_is_refused_everywhere_is_forbidden_and_no_login(line: Line) -> None:
    refusal = error_end("unauthenticated", "UNAUTHORIZED", "This region is not yet available for your team")
    async with Http2Server(line.agent(refusal)) as host:
        line.here.services.lists.agent_url = host.url
        with pytest.raises(UpstreamError) as caught:
            await line.ask(line.here.account(), conversation())
    found = errors.verdict(caught.value.failure)
    assert found is not None
    assert (found.kind, found.status) == (Kind.FORBIDDEN, 403)


async def test_a_spent_quota_comes_back_with_the_billing_cycle(line: Line) -> None:
    account = line.here.account()
    rows = await quota.read(line.here.settings, account, line.here.client)
    async with Http2Server(line.agent(error_end("resource_exhausted", "PRO_USER_USAGE_LIMIT"))) as host:
        line.here.services.lists.agent_url = host.url
        with pytest.raises(UpstreamError) as caught:
            await line.ask(account, conversation())
    found = errors.verdict(caught.value.failure)
    assert found is not None
    assert (found.kind, found.reset_at) == (Kind.QUOTA_EXHAUSTED, rows[0].resets_at)


async def test_only_the_requests_own_account_is_asked(line: Line) -> None:
    account = line.here.account()
    line.here.people.expire()
    async with Http2Server(line.agent(error_end("unauthenticated", "AUTH_TOKEN_EXPIRED"))) as host:
        line.here.configure(
            endpoints={**line.here.services.settings(line.here.server.url)["endpoints"], "agent": host.url}
        )
        with pytest.raises(UpstreamError) as caught:
            await line.ask(account, conversation())
    found = errors.verdict(caught.value.failure)
    assert found is not None
    assert found.kind is Kind.TOKEN_EXPIRED
