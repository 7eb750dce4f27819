"""The good plugin again, with a ``forward`` that yields events; and bad ones that handle the stream wrongly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import msgspec

from switchgear import (
    Account,
    Conversation,
    Event,
    Failure,
    Finish,
    ForwardRequest,
    Provider,
    ProviderInfo,
    Reply,
    Text,
    ToolCallDelta,
    ToolResult,
    UpstreamClient,
    UpstreamError,
    Usage,
    hookimpl,
)
from switchgear.dialects import OPENAI_CHAT
from tests.core.bad_plugins.good import Acme, Settings


class AcmeOfEvents(Acme):
    """As good as the other."""

    @hookimpl
    def provider_info(self) -> ProviderInfo:
        return ProviderInfo("Acme", settings=Settings, login_methods=("device",))

    @hookimpl
    async def forward(  # type: ignore[override]  # the contract has two colours for it
        self, provider: Provider, request: ForwardRequest, account: Account, client: UpstreamClient
    ) -> AsyncIterator[Event]:
        async for event in self.events(provider, request, account, client):
            yield event

    async def events(
        self, provider: Provider, request: ForwardRequest, account: Account, client: UpstreamClient
    ) -> AsyncIterator[Event]:
        reply = await self.begun(provider, request, account, client)
        try:
            async for event in self.read(reply):
                yield event
        finally:
            await reply.aclose()

    async def begun(
        self, provider: Provider, request: ForwardRequest, account: Account, client: UpstreamClient
    ) -> Reply:
        body = OPENAI_CHAT.render_request(self.conversation(request), request.model, stream=True).body
        call = self.request("POST", provider, "/chat/completions", account, content=body)
        reply = await client.reply(call, request.timeouts)
        if reply.status != 200:
            try:
                content = b"".join([part async for part in reply.body])
            finally:
                await reply.aclose()
            raise UpstreamError(Failure("status", reply.status, reply.headers, content, model=request.model))
        return reply

    def conversation(self, request: ForwardRequest) -> Conversation:
        return request.conversation

    async def read(self, reply: Reply) -> AsyncIterator[Event]:
        ended = False
        async for data in self.datas(reply):
            if data == b"[DONE]":
                return
            chunk = self.chunk(data, reply)
            for choice in chunk.get("choices") or []:
                if text := choice["delta"].get("content"):
                    yield Text(text)
                for call in choice["delta"].get("tool_calls") or []:
                    yield self.called(call)
                if choice.get("finish_reason"):
                    ended = True
                    yield Finish(choice["finish_reason"])
            if usage := self.usage(chunk):
                yield usage
        if not ended:
            raise UpstreamError(Failure("protocol", message="the stream has no end"))

    async def datas(self, reply: Reply) -> AsyncIterator[bytes]:
        rest = b""
        async for part in reply.body:
            *whole, rest = (rest + part).split(b"\n\n")
            for event in whole:
                yield event.removeprefix(b"data: ")
        if rest.strip():
            yield rest

    def chunk(self, data: bytes, reply: Reply) -> dict[str, Any]:
        try:
            chunk: dict[str, Any] = msgspec.json.decode(data, type=dict[str, Any])
        except msgspec.DecodeError:
            raise UpstreamError(Failure("protocol", message="no JSON")) from None
        if "error" in chunk:
            raise UpstreamError(Failure("in_band", 200, reply.headers, data))
        return chunk

    def called(self, call: dict[str, Any]) -> Event:
        function = call["function"]
        return ToolCallDelta(call["index"], function.get("arguments", ""), call.get("id", ""), function.get("name", ""))

    def usage(self, chunk: dict[str, Any]) -> Usage | None:
        usage = chunk.get("usage")
        return Usage(usage["prompt_tokens"], usage["completion_tokens"]) if usage else None


class InventsAFinish(AcmeOfEvents):
    """A stream that breaks off ends as if it had ended by itself."""

    async def datas(self, reply: Reply) -> AsyncIterator[bytes]:
        said = False
        try:
            async for data in super().datas(reply):
                said = True
                yield data
        except UpstreamError:
            if not said:
                raise
            yield b"[DONE]"


class AsksAgain(AcmeOfEvents):
    """A stream that breaks off is asked for once more, after its output has gone out."""

    async def events(
        self, provider: Provider, request: ForwardRequest, account: Account, client: UpstreamClient
    ) -> AsyncIterator[Event]:
        said = False
        try:
            async for event in super().events(provider, request, account, client):
                said = True
                yield event
        except UpstreamError:
            if not said:
                raise
            async for event in super().events(provider, request, account, client):
                yield event


class SwallowsCancellation(AcmeOfEvents):
    """A client that leaves does not end the call."""

    async def datas(self, reply: Reply) -> AsyncIterator[bytes]:
        body = reply.body
        rest = b""
        while True:
            reading = asyncio.ensure_future(anext(body, b""))
            while not reading.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait({reading})
            part = reading.result()
            *whole, rest = (rest + part).split(b"\n\n")
            for event in whole:
                yield event.removeprefix(b"data: ")
            if not part:
                break
        if rest.strip():
            yield rest


class SwallowsEarlyCancellation(AcmeOfEvents):
    """A client that leaves before the answer begins does not end the call, and a time limit does not either."""

    async def begun(
        self, provider: Provider, request: ForwardRequest, account: Account, client: UpstreamClient
    ) -> Reply:
        beginning = asyncio.ensure_future(super().begun(provider, request, account, client))
        while not beginning.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait({beginning})
        return beginning.result()


class LosesUsage(AcmeOfEvents):
    """The upstream's count of tokens is dropped."""

    def usage(self, chunk: dict[str, Any]) -> Usage | None:
        return None


class TakesAnErrorForAnAnswer(AcmeOfEvents):
    """An error object inside a 200 is an answer without choices."""

    def chunk(self, data: bytes, reply: Reply) -> dict[str, Any]:
        chunk: dict[str, Any] = msgspec.json.decode(data, type=dict[str, Any])
        return {"choices": [{"delta": {"content": "?"}, "finish_reason": "stop"}]} if "error" in chunk else chunk


class TakesAPageForAnAnswer(AcmeOfEvents):
    """Whatever is no JSON is text."""

    def chunk(self, data: bytes, reply: Reply) -> dict[str, Any]:
        try:
            return super().chunk(data, reply)
        except UpstreamError as error:
            if error.failure.cause != "protocol":
                raise
            return {"choices": [{"delta": {"content": data.decode()}, "finish_reason": "stop"}]}


class SaysWhatItWouldCall(AcmeOfEvents):
    """A tool call is told in words."""

    def called(self, call: dict[str, Any]) -> Event:
        return Text(f"I would call {call['function'].get('name', '')}")


class LosesToolNames(AcmeOfEvents):
    """A tool is called by the name that the upstream was told, cut to its limit."""

    def called(self, call: dict[str, Any]) -> Event:
        function = call["function"]
        return super().called({**call, "function": {**function, "name": function.get("name", "")[:40]}})


class LosesToolResults(AcmeOfEvents):
    """What a tool gave is replaced by a word."""

    def conversation(self, request: ForwardRequest) -> Conversation:
        messages = request.conversation.messages
        return replace(
            request.conversation,
            messages=tuple(
                replace(
                    message,
                    parts=tuple(
                        replace(part, parts=(Text("done"),)) if isinstance(part, ToolResult) else part
                        for part in message.parts
                    ),
                )
                for message in messages
            ),
        )
