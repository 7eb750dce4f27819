"""What a plugin of events says it could not ask its upstream for: told to the client in a header, and in the log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from switchgear import Finish, Ignored, Model, Text
from switchgear.testing.logbook import Logbook
from tests.core.handmade import installed_as
from tests.gateways import gateway

BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": [{"role": "user", "content": "Hello"}]},
    "/v1/messages": {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 9},
    "/v1/responses": {"input": "Hello"},
}


async def list_models() -> list[Model]:
    return [Model("x")]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("path", BODIES)
async def test_the_client_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, stream: bool) -> None:
    async def forward() -> Any:
        yield Ignored(("sampling.top_k", "cache_hints"))
        yield Ignored(("metadata",))
        yield Text("Hi")
        yield Ignored(("too_late",))
        yield Finish()

    available = installed_as(monkeypatch, "deaf", list_models=list_models, forward=forward)
    book = Logbook()
    with book.open():
        async with gateway(tmp_path, {"deaf": [{}]}, available=available) as running:
            await running.service.list_models()
            response = await running.client.post(path, json={"model": "x", "stream": stream, **BODIES[path]})
    assert response.status_code == 200
    names = response.headers["x-switchgear-dropped"].split(", ")
    assert names[:3] == ["cache_hints", "metadata", "sampling.top_k"]
    assert ("too_late" in names) == (not stream), "the head of a stream is gone by then"
    assert "x-switchgear-converted" not in response.headers
    assert "Hi" in response.text
    assert "too_late" not in response.text
    [line] = book.named("request")
    assert line["dropped"] == response.headers["x-switchgear-dropped"]


async def test_it_is_no_answer_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def forward() -> Any:
        yield Ignored(("metadata",))

    available = installed_as(monkeypatch, "deaf", list_models=list_models, forward=forward)
    async with gateway(tmp_path, {"deaf": [{}], "request-retry": 0}, available=available) as running:
        await running.service.list_models()
        response = await running.chat("x")
        assert (response.status_code, "yielded no event" in response.text) == (502, True)
        assert "x-switchgear-dropped" not in response.headers


async def test_it_adds_to_what_no_conversation_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def forward(request: Any) -> Any:
        yield Ignored(("sampling.seed",))
        yield Text(request.last_text)

    available = installed_as(monkeypatch, "deaf", list_models=list_models, forward=forward)
    async with gateway(tmp_path, {"deaf": [{}]}, available=available) as running:
        await running.service.list_models()
        response = await running.chat("x", seed=1, no_such_field=True)
        assert response.headers["x-switchgear-dropped"] == "no_such_field, sampling.seed"
        assert json.loads(response.content)["choices"][0]["message"]["content"] == "Hello"
