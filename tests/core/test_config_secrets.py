"""No error about a configuration shows a secret, wherever the operator put it (C3)."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from ruamel.yaml import YAML

from switchgear.errors import ConfigError
from tests.core.configs import CANARY, KEY, KEYS, names_of, problems

VALID = f"""
host: localhost
port: 1
auth-dir: dir
api-keys: [{KEY}, {{name: batch, key: {KEY}-2, models: ["*"], scopes: ["metrics:read"], max-concurrency: 1}}]
management-key: {KEY}-3
force-model-prefix: true
drain-seconds: 1
routing: {{strategy: fill-first, fallbacks: {{p: [q]}}, cooldown-floor-seconds: 2}}
metrics: {{loopback-open: false}}
log: {{format: json, level: info}}
acme:
  - name: one
    prefix: p
    base-url: https://acme.invalid
    colour: red
    either: {{number: 1}}
    api-key-entries: [{{api-key: provider-key, headers: {{x: y}}}}]
    models: [{{name: m, alias: n, context-length: 3}}]
    excluded-models: ["*-x"]
    timeouts: {{idle-seconds: 3}}
  - {{prefix: q, disabled: false}}
"""


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for step, inner in steps for found in _paths(inner, (*path, step)))]


@pytest.mark.parametrize("shape", ["text", "number", "env", "keyring", "list", "mapping", "key", "nested"])
def test_no_error_ever_shows_a_secret_wherever_it_was_put(shape: str) -> None:
    canary = 918273645546372 if shape == "number" else CANARY
    wrong: Any = {
        "text": CANARY,
        "number": canary,
        "env": f"env:{CANARY}",
        "keyring": f"keyring:{CANARY}/",
        "list": [CANARY],
        "mapping": {"value": CANARY},
        "key": {CANARY: "value"},
        "nested": [{"api-key": CANARY, "colour": CANARY}],
    }[shape]
    refused = 0
    names_of(VALID)
    valid = YAML(typ="safe", pure=True).load(VALID)
    for path in _paths(valid):
        data = copy.deepcopy(valid)
        if path:
            place = data
            for step in path[:-1]:
                place = place[step]
            place[path[-1]] = wrong
        else:
            data = wrong
        found = _all_problems(json.dumps(data))  # JSON is YAML too, and is written quickly
        refused += bool(found)
        if not _is_name(path):  # a prefix or alias is public: an error about it names it
            assert str(canary) not in found, path
    assert refused > 20


def _all_problems(text: str) -> str:
    try:
        names_of(text)
    except ConfigError as error:
        return str(error)
    return ""


def _is_name(path: tuple[Any, ...]) -> bool:
    return bool(path) and (path[-1] in {"prefix", "alias", "name", "models"} or "fallbacks" in path)


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(f"{{colour: {CANARY}}}", id="a field's validator"),
        pytest.param(f"{{colour: blue, base-url: 'https://{CANARY}'}}", id="an entry's validator"),
        pytest.param(f"{{colour: blue, api-key-entries: [{{api-key: {CANARY}}}]}}", id="a literal that was revealed"),
        pytest.param("{colour: blue, api-key-entries: [{api-key: env:SG_CANARY}]}", id="a reference that was revealed"),
    ],
)
def test_a_plugins_validator_that_quotes_its_input_is_masked(entry: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SG_CANARY", CANARY)
    (found,) = problems(f"{KEYS}acme: {entry}\n")
    assert "***" in found
    assert CANARY not in found
