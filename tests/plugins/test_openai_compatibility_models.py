"""Model lists in every shape."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from switchgear import Model
from switchgear.testing import PERSONALITIES
from switchgear_openai_compatibility.models import models_in

IDS = ("demo-model", "demo-mini")


@pytest.mark.parametrize(
    ("page", "ids"),
    [
        pytest.param({"object": "list", "data": [{"id": "a"}, {"id": "b"}]}, ["a", "b"], id="openai"),
        pytest.param({"data": [{"id": "a"}]}, ["a"], id="without object"),
        pytest.param({"object": "list", "data": None}, [], id="ollama without a model"),
        pytest.param({"data": []}, [], id="empty"),
        pytest.param({"models": [{"name": "a"}, {"model": "b"}]}, ["a", "b"], id="models, by name and model"),
        pytest.param({"models": None}, [], id="models null"),
        pytest.param([{"id": "a"}, "b"], ["a", "b"], id="bare array, plain texts"),
        pytest.param({"data": [{"id": "a"}, {"id": "a"}, {"id": ""}, {"id": None}, {}, 7]}, ["a"], id="duplicates, junk"),
        pytest.param({"data": [{"id": "models/gemini-x"}, "models/gemini-y"]}, ["gemini-x", "gemini-y"], id="gemini"),
        pytest.param({"data": [{"id": "accounts/f/models/m"}]}, ["accounts/f/models/m"], id="fireworks keeps its path"),
        pytest.param({"data": [{"id": "a", "active": False}, {"id": "b", "active": True}]}, ["b"], id="groq, retired"),
        pytest.param(
            [{"id": "a", "type": "chat"}, {"id": "b", "type": "image"}, {"id": "c", "type": "code"}],
            ["a", "c"],
            id="together, by type",
        ),
        pytest.param(
            {"data": [{"id": "a", "capabilities": {"completion_chat": True}}, {"id": "b", "capabilities": {
                "completion_chat": False}}]},
            ["a"],
            id="mistral, what cannot chat",
        ),
        pytest.param({"data": [{"id": "a b"}, {"id": "a\nb"}, {"id": "x" * 300}]}, [], id="ids nobody can ask for"),
        pytest.param({"data": [{"id": "llama3:8b"}]}, ["llama3:8b"], id="a tag"),
    ],
)  # fmt: skip
def test_ids(page: object, ids: list[str]) -> None:
    assert [model.id for model in models_in(page)] == ids


@pytest.mark.parametrize("page", [{}, {"error": "no"}, "text", 7, None, {"data": {"a": 1}}, {"data": "x"}])
def test_what_is_no_list(page: object) -> None:
    with pytest.raises(ValueError, match="no list of models"):
        models_in(page)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        pytest.param(
            {"id": "a", "object": "model", "created": 1700000000, "owned_by": "openai"},
            Model("a", owned_by="openai", created=1700000000),
            id="openai",
        ),
        pytest.param(
            {"id": "v/m", "name": "V: M", "context_length": 9, "top_provider": {"max_completion_tokens": 5}},
            Model("v/m", display_name="V: M", context_length=9, max_output_tokens=5),
            id="openrouter",
        ),
        pytest.param(
            {"id": "a", "context_window": 9, "max_completion_tokens": 5},
            Model("a", context_length=9, max_output_tokens=5),
            id="groq",
        ),
        pytest.param(
            {"id": "a", "created": 1700000000, "owned_by": "vllm", "max_model_len": 9},
            Model("a", owned_by="vllm", context_length=9),
            id="vllm, whose created is now",
        ),
        pytest.param({"id": "a", "max_context_length": 9}, Model("a", context_length=9), id="mistral"),
        pytest.param({"id": "a", "meta": {"n_ctx_train": 9}}, Model("a", context_length=9), id="llama.cpp"),
        pytest.param({"id": "a", "display_name": "A"}, Model("a", display_name="A"), id="together"),
        pytest.param(
            {"id": "a", "created": True, "context_length": "9", "owned_by": 7, "meta": []}, Model("a"), id="odd types"
        ),
        pytest.param({"id": "a", "context_length": 0, "created": -1}, Model("a"), id="numbers that say nothing"),
    ],
)
def test_facts(entry: dict[str, Any], expected: Model) -> None:
    assert models_in([entry]) == [expected]


@pytest.mark.parametrize("personality", [p for p in PERSONALITIES if p.name != "azure"], ids=lambda p: p.name)
def test_every_known_upstream(personality: Any) -> None:
    page = msgspec.json.decode(msgspec.json.encode(personality.models(IDS)))
    assert [model.id for model in models_in(page)] == list(IDS)
