"""``config.example.yaml`` is the schema: every key, every default, and nothing that works unedited."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from ruamel.yaml import YAML

from switchgear.config import Config, check_names, read_config, validate_entries
from switchgear.config.places import KeyPath, show_path
from switchgear.config.spelling import known_keys
from switchgear.errors import ConfigError
from switchgear.settings import ProviderSettings

EXAMPLE = Path(__file__).parents[2] / "config.example.yaml"
TEXT = EXAMPLE.read_text()
DATA: dict[str, Any] = YAML(typ="safe", pure=True).load(TEXT)
TEMPLATE = re.compile(r"<[a-z-]+>")
BLOCK = "openai-compatibility"

settings = pytest.importorskip("switchgear_openai_compatibility.settings")
PLUGIN: type[ProviderSettings] = settings.Settings

SHOWN = {"api-keys[1].name", "management-key", "prefix", "models", "models[0].alias", "api-key-entries"}
"""Where the example shows something other than the default, because the default is nothing at all."""


def load(text: str) -> Config:
    raw = read_config(EXAMPLE, text, installed=[BLOCK])
    entries = validate_entries(raw, {BLOCK: PLUGIN})
    check_names(raw, [(entry, entry.settings.prefix or "") for entry in entries])
    return raw.config


def edited() -> str:
    numbers = itertools.count()
    return TEMPLATE.sub(lambda _: f"a-key-of-your-very-own-{next(numbers)}", TEXT)


def test_as_it_stands_it_is_refused_for_its_template_values_alone() -> None:
    with pytest.raises(ConfigError) as caught:
        load(TEXT)
    lines = [number for number, line in enumerate(TEXT.splitlines(), 1) if TEMPLATE.search(line.partition(" #")[0])]
    assert [problem.line for problem in caught.value.problems] == lines
    assert all("still the example's value" in problem.message for problem in caught.value.problems)


def test_edited_it_loads() -> None:
    config = load(edited())
    assert [key.name for key in config.api_keys] == ["key-1", "batch"]


def _levels(data: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, set[str]]]:
    """Each mapping's path and keys; the items of a list count as one."""
    if isinstance(data, dict):
        yield path, set(data)
        for key, value in data.items():
            yield from _levels(value, (*path, key))
    elif isinstance(data, list):
        mappings = [item for item in data if isinstance(item, dict)]
        if mappings:
            merged = {key: value for item in mappings for key, value in item.items()}
            yield from _levels(merged, (*path, 0))


@pytest.mark.parametrize(
    ("model", "data"), [pytest.param(Config, DATA, id="core"), pytest.param(PLUGIN, DATA[BLOCK][0], id=BLOCK)]
)
def test_every_key_occurs(model: type[BaseModel], data: Any) -> None:
    missing = {show_path(path): set(known_keys(model, path)) - keys for path, keys in _levels(data)}
    assert {path: keys for path, keys in missing.items() if keys} == {}


def _defaults(model: type[BaseModel], data: dict[str, Any], path: KeyPath = ()) -> Iterator[tuple[str, Any, Any]]:
    """Path, default and what the example says, for every key that has a default."""
    for name, field in model.model_fields.items():
        key = field.alias or name
        default = field.get_default(call_default_factory=True)
        if isinstance(default, BaseModel):
            yield from _defaults(type(default), data[key], (*path, key))
        elif not field.is_required() and show_path((*path, key)) not in SHOWN | {"api-keys"}:
            yield show_path((*path, key)), default, data[key]


def test_every_default_is_the_schemas() -> None:
    from switchgear.config.schema import ClientKeyEntry
    from switchgear.settings import ModelEntry

    entry = DATA[BLOCK][0]
    found = [
        *_defaults(Config, DATA),
        *_defaults(ClientKeyEntry, DATA["api-keys"][1], ("api-keys", 1)),
        *_defaults(PLUGIN, entry),
        *_defaults(ModelEntry, entry["models"][0], ("models", 0)),
        *_defaults(settings.KeyEntry, entry["api-key-entries"][0], ("api-key-entries", 0)),
    ]
    wrong = [each for each in found if each[2] != _as_yaml(each[1])]
    assert wrong == []
    assert len(found) > 30


def _as_yaml(default: Any) -> Any:
    return list(default) if isinstance(default, tuple) else str(default) if isinstance(default, Path) else default
