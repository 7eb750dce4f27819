"""Configurations for tests: plugins' settings models, the three steps of loading, and tables of cases."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, Field, model_validator

from switchgear.config import ProviderEntry, RawConfig, check_names, read_config, validate_entries
from switchgear.errors import ConfigError
from switchgear.secret import Secret
from switchgear.settings import ProviderSettings, SettingsModel

CANARY = "sk-canary-0a1b2c3d4e5f"
KEY = "client-key-of-24-letters"
KEYS = f"api-keys: [{KEY}]\n"


def _no_colour(value: str) -> str:
    if value not in {"red", "blue"}:
        raise ValueError(f"{value!r} is no colour")
    return value


class Credential(SettingsModel):
    api_key: Secret
    headers: Mapping[str, str] = Field(default_factory=dict)


class Nested(SettingsModel):
    number: int = 0


class AcmeSettings(ProviderSettings):
    """What a plugin may come up with; its validators quote their input, which must not get out."""

    base_url: Annotated[str, Field(pattern="^https?://")] = "https://acme.invalid"
    api_key_entries: Annotated[tuple[Credential, ...], Field(strict=False)] = ()
    colour: Annotated[str, AfterValidator(_no_colour)] = "red"
    either: Nested | bool | None = None

    @model_validator(mode="after")
    def _consistent(self) -> AcmeSettings:
        if self.colour == "blue" and self.base_url:
            raise ValueError(f"no blue with {self.base_url} or {[c.api_key.reveal() for c in self.api_key_entries]}")
        return self


PLUGINS: dict[str, type[ProviderSettings]] = {"acme": AcmeSettings, "basic": ProviderSettings}


def read(text: str, installed: Mapping[str, object] = PLUGINS) -> RawConfig:
    return read_config(Path("config.yaml"), text, installed=installed.keys())


def entries_of(text: str) -> tuple[ProviderEntry, ...]:
    return validate_entries(read(text), PLUGINS)


def names_of(text: str) -> None:
    """All three steps; an entry without a prefix of its own has none."""
    raw = read(text)
    check_names(raw, [(entry, entry.settings.prefix or "") for entry in validate_entries(raw, PLUGINS)])


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        names_of(text)
    return [str(problem).removeprefix("config.yaml:") for problem in caught.value.problems]


def cases(table: str) -> list[Any]:
    """Parameters from a table: ``# what it is``, the file, and after ``=>`` one of the problems that it has.

    An expected problem that ends in ``...`` goes on.
    """
    found = []
    for case in table.strip().split("\n\n"):
        head, _, expected = case.replace("$KEY", KEY).partition("\n=> ")
        name, _, text = head.partition("\n")
        found.append(pytest.param(text, expected, id=name.removeprefix("# ")))
    return found


def has_problem(text: str, expected: str) -> None:
    found = problems(text)
    begins = expected.removesuffix("...")
    assert any(line == expected or (begins != expected and line.startswith(begins)) for line in found), found
