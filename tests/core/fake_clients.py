"""A plain client of the fake OpenAI-compatible upstream."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from switchgear.testing import FakeOpenAI


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


def chat(model: str, text: str = "Hello, big world", **fields: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], **fields}


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
