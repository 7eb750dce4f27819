"""A plain client of the fake upstream, in every dialect."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from switchgear.testing import FakeOpenAI

VERSION = {"anthropic-version": "2023-06-01"}


class Client(httpx2.AsyncClient):
    """Asks the fake as a plain client would."""

    async def chat(self, model: str = "demo-model", text: str = "Hello, big world", **fields: Any) -> httpx2.Response:
        return await self.post("/v1/chat/completions", json=chat(model, text, **fields))

    async def events(self, model: str = "demo-model", **fields: Any) -> list[Any]:
        answer = await self.chat(model, stream=True, **fields)
        assert answer.status_code == 200
        lines = answer.content.decode().lstrip("\ufeff").splitlines()
        datas = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
        return [data if data == "[DONE]" else json.loads(data) for data in datas]

    async def messages(
        self, model: str = "demo-model", text: str = "Hello, big world", **fields: Any
    ) -> httpx2.Response:
        return await self.post("/v1/messages", json=message(model, text, **fields), headers=VERSION)

    async def responses(
        self, model: str = "demo-model", text: str = "Hello, big world", **fields: Any
    ) -> httpx2.Response:
        return await self.post("/v1/responses", json={"model": model, "input": text, **fields})

    async def ask(self, endpoint: str, model: str = "demo-model", **fields: Any) -> httpx2.Response:
        asks = {"/chat/completions": self.chat, "/messages": self.messages, "/responses": self.responses}
        return await asks[endpoint](model, **fields)


def chat(model: str, text: str = "Hello, big world", **fields: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], **fields}


def message(model: str, text: str = "Hello, big world", **fields: Any) -> dict[str, Any]:
    return {**chat(model, text), "max_tokens": 4096, **fields}


def named_events(data: bytes) -> list[dict[str, Any]]:
    """The events of a stream whose names are their types, as every event's must be."""
    found = []
    for block in data.decode("utf-8-sig").replace("\r\n", "\n").split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in fields:
            event = json.loads(fields["data"])
            assert event["type"] == fields["event"]
            found.append(event)
    return found


def said(events: list[Any]) -> str:
    return "".join(c["delta"].get("content") or "" for e in events if e != "[DONE]" for c in e["choices"])


def tool_calls(events: list[Any]) -> list[Any]:
    return [c for e in events if e != "[DONE]" for ch in e["choices"] for c in ch["delta"].get("tool_calls") or ()]


@asynccontextmanager
async def fake(*keys: str) -> AsyncIterator[tuple[FakeOpenAI, Client]]:
    async with FakeOpenAI(keys) as upstream:
        upstream.timings.big_bytes = 4 * 1024 * 1024
        upstream.timings.pause_s = upstream.timings.trickle_s = upstream.timings.slow_s = 0.0
        async with Client(base_url=upstream.url, timeout=5, trust_env=False, verify=False) as client:
            yield upstream, client
