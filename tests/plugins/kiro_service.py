"""Kiro's plugin over its fake: called directly, or behind a whole gateway."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from switchgear import (
    Account,
    Conversation,
    Event,
    Finish,
    ForwardRequest,
    Message,
    Model,
    Provider,
    Quota,
    Reasoning,
    Text,
    Timeouts,
    Tool,
    ToolCall,
    UpstreamError,
    Verdict,
)
from switchgear.testing.person import Person
from switchgear.upstream import UpstreamClient, UpstreamClients
from switchgear_kiro import chat, listing, quota
from switchgear_kiro.account import Credential, Method
from switchgear_kiro.arns import SOCIAL_ARN
from switchgear_kiro.errors import verdict
from switchgear_kiro.fake import FakeKiro
from switchgear_kiro.fake.people import (
    BUILDER_ID_URL,
    ORGANISATION_ARN,
    ORGANISATION_URL,
    OTHER_ORGANISATION_ARN,
    OTHER_ORGANISATION_URL,
)
from switchgear_kiro.fake.runtime import Call
from switchgear_kiro.settings import KiroSettings
from tests.gateways import Running, gateway

PLAIN, THINKING = "claude-sonnet-4.5", "claude-sonnet-4.6"
READ_FILE = Tool("read_file", "Read a file", {"type": "object", "properties": {"path": {"type": "string"}}})
LIST_FILES = Tool("list_files", "List files")

KINDS: Mapping[str, tuple[str, Credential]] = {
    "builder-id": (BUILDER_ID_URL, Credential("builder-id", sso_region="us-east-1")),
    "idc": (ORGANISATION_URL, Credential("idc", sso_region="us-east-1", profile_arn=ORGANISATION_ARN)),
    "idc in Europe": (
        OTHER_ORGANISATION_URL,
        Credential("idc", sso_region="eu-west-1", profile_arn=OTHER_ORGANISATION_ARN),
    ),
    "idc without a profile": (OTHER_ORGANISATION_URL, Credential("idc", sso_region="eu-west-1")),
    "social": ("Google", Credential("social", profile_arn=SOCIAL_ARN)),
    "social without an ARN": ("Github", Credential("social")),
    "api-key": ("api-key", Credential("api-key")),
}
"""What kinds of account there are: the directory of the fake, and what is known of it beside the token."""


def said(text: str = "Hello", *tools: Tool, **fields: Any) -> Conversation:
    """A person's one message."""
    return Conversation((Message("user", (Text(text),)),), tools, **fields)


class Line:
    """The plugin's hooks, called directly.

    Attributes:
        fake: what answers.
        settings: the entry's.
    """

    def __init__(self, fake: FakeKiro, client: UpstreamClient, settings: KiroSettings) -> None:
        self.fake = fake
        self.client = client
        self.settings = settings
        self.provider = Provider("kiro", "kiro", "kiro", settings)

    def account(self, kind: str = "social", name: str = "ada") -> Account:
        """An account of this kind, signed in."""
        directory, credential = KINDS[kind]
        people = self.fake.sign_in.people
        if kind == "api-key":
            token = people.api_key(name)
        else:
            token = people.issue(people.begin(people.user(name, directory)))["accessToken"]
        return replace(credential, access_token=token, account_id=f"{kind} of {name}").account()

    async def events(
        self,
        conversation: Conversation | None = None,
        account: Account | None = None,
        *,
        model: str = PLAIN,
        headers: Mapping[str, str] | None = None,
        limit_s: float = 5.0,
    ) -> list[Event]:
        """What one call gives."""
        asked = conversation or said()
        timeouts = Timeouts(limit_s, limit_s, limit_s, limit_s)
        request = ForwardRequest(
            "r1", "openai-chat", "openai-chat", model, b"{}", True, headers or {}, timeouts, lambda: asked
        )
        return [event async for event in chat.forward(self.provider, request, account or self.account(), self.client)]

    async def failed(self, *args: Any, **fields: Any) -> Verdict:
        """What a call that fails is called."""
        with pytest.raises(UpstreamError) as raised:
            await self.events(*args, **fields)
        found = verdict(raised.value.failure)
        assert found is not None, raised.value.failure
        return found

    async def models(self, account: Account | None = None) -> list[Model]:
        return await listing.list_all(self.settings, account or self.account(), self.client)

    async def quota(self, account: Account | None = None) -> list[Quota]:
        return await quota.read(self.settings, account or self.account(), self.client)

    @property
    def calls(self) -> list[Call]:
        """The chats that were in order."""
        return self.fake.runtime.calls

    @property
    def variants(self) -> list[str]:
        """How they came."""
        return [call.variant for call in self.calls]

    @property
    def refused(self) -> list[tuple[int, str | None]]:
        """Status and reason of the chats that were not."""
        return [(refusal.status, refusal.reason) for refusal in self.fake.runtime.refused]


@asynccontextmanager
async def line(**fields: Any) -> AsyncIterator[Line]:
    """The plugin over a fresh fake; ``fields`` are of the entry."""
    clients = UpstreamClients()
    async with FakeKiro() as fake:
        entry = {**fake.settings, **{name.replace("_", "-"): value for name, value in fields.items()}}
        try:
            yield Line(fake, clients.through(None), KiroSettings.model_validate(entry))
        finally:
            await clients.aclose()


def calls_by(method: Method, **fields: Any) -> dict[str, Any]:
    """``calls`` of an entry, for one kind of account."""
    return {method: {name.replace("_", "-"): value for name, value in fields.items()}}


def text_of(events: Sequence[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Text))


def reasoning_of(events: Sequence[Event]) -> tuple[str, str]:
    """The reasoning's text and its signatures."""
    found = [event for event in events if isinstance(event, Reasoning)]
    return "".join(event.text for event in found), "".join(event.signature for event in found)


def calls_of(events: Sequence[Event]) -> list[tuple[str, Any]]:
    """The tool calls, with their arguments."""
    return [(event.name, json.loads(event.arguments)) for event in events if isinstance(event, ToolCall)]


def finish_of(events: Sequence[Event]) -> str:
    found = [event.reason for event in events if isinstance(event, Finish)]
    assert len(found) == 1
    return found[0]


# -- behind a whole gateway ------------------------------------------------------------------------------------


class Served:
    """A gateway over the fake."""

    def __init__(self, fake: FakeKiro, running: Running) -> None:
        self.fake = fake
        self.running = running

    @property
    def entry(self) -> Any:
        return next(entry for entry in self.running.service.current.entries if entry.provider.key == "kiro")

    async def sign_in(self, name: str, method: str = "social", typed: Mapping[str, str] | None = None) -> Account:
        """Sign somebody in; ``typed`` has the answers to questions with these words in them."""

        async def visit(url: str, code: str | None) -> None:
            await self.fake.visit(url, code, name)

        def answer(question: str) -> str:
            given = (text for words, text in (typed or {}).items() if words in question)
            return next(given, None) or self.fake.answer(question, name)

        runtime, entry = self.running.service.current, self.entry
        async with Person(method, visit, answer) as person:
            account: Account = await runtime.plugins.authenticate(
                entry.provider, person, entry.store, entry.client(Account("new"))
            )
        await self.running.service.reload_accounts(runtime)
        return account

    async def ask(
        self, dialect: str, text: str = "Hello", *, stream: bool = False, model: str = PLAIN, **fields: Any
    ) -> httpx2.Response:
        said: dict[str, Any] = {"messages": [{"role": "user", "content": text}]}
        path, body = {
            "anthropic-messages": ("/v1/messages", {**said, "max_tokens": 999}),
            "openai-chat": ("/v1/chat/completions", said),
            "openai-responses": ("/v1/responses", {"input": text}),
        }[dialect]
        return await self.running.client.post(path, json={"model": f"kiro/{model}", "stream": stream, **body, **fields})


@asynccontextmanager
async def served(
    folder: Path, fake: FakeKiro | None = None, *, others: Mapping[str, Any] | None = None, **fields: Any
) -> AsyncIterator[Served]:
    """A gateway over a fake that is given, or over a fresh one; ``fields`` are of the entry."""
    if fake is None:
        async with FakeKiro() as fresh, served(folder, fresh, others=others, **fields) as found:
            yield found
        return
    entry = {**fake.settings, **{name.replace("_", "-"): value for name, value in fields.items()}}
    async with gateway(folder, {"kiro": [entry], **(others or {})}) as running:
        yield Served(fake, running)
