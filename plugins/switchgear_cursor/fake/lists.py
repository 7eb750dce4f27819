"""The fake lists: where runs go, which models may be called, and the rows of the picker."""

from __future__ import annotations

from typing import Any

from switchgear.testing import Exchange
from switchgear_cursor.endpoints import AVAILABLE_MODELS, SERVER_CONFIG, USABLE_MODELS
from switchgear_cursor.fake.people import Grant, People
from switchgear_cursor.fake.refusals import Refusal
from switchgear_cursor.fake.unary import answer_unary

Json = dict[str, Any]

COMPOSER, THINKER = "composer-2.5", "claude-opus-5-5-medium"
"""A model without parameters, and one with a whole family of variants."""


def usable(id_: str, name: str = "", *aliases: str, **more: Any) -> Json:
    """A model that may be called."""
    return {"modelId": id_, "displayModelId": id_, "displayName": name or id_, "aliases": list(aliases), **more}


def variant(slug: str, label: str = "", *, max_mode: bool = False, default: bool = False, **values: str) -> Json:
    """A variant of a row."""
    return {
        "parameterValues": [{"id": name, "value": value} for name, value in values.items()],
        "displayName": label,
        "isMaxMode": max_mode,
        "isDefaultMaxConfig": default and max_mode,
        "isDefaultNonMaxConfig": default and not max_mode,
        "legacySlug": slug,
    }


def row(name: str, label: str, *variants: Json, **more: Any) -> Json:
    """A row of the picker."""
    common = {"name": name, "clientDisplayName": label, "serverModelName": name, "supportsAgent": True}
    sizes = {"contextTokenLimit": 200_000, "contextTokenLimitForMaxMode": 1_000_000, "supportsNonMaxMode": True}
    return {**common, **sizes, "supportsThinking": True, "variants": list(variants), **more}


EFFORTS = ("low", "medium", "high")
USABLE: list[Any] = [
    usable("default", "Auto"),
    usable(COMPOSER, "Composer\u200b  2.5"),
    *(usable(f"claude-opus-5-5-{effort}", f"Opus 5.5 {effort.title()}") for effort in EFFORTS),
    usable("claude-opus-5-5-high-fast", "Opus 5.5 High Fast"),
    usable("claude-opus-5-5-max", "Opus 5.5 Max", "opus-max", maxMode=True),
    usable("gpt-5.6-sol-medium", "GPT-5.6 Sol"),
    usable("kimi-k3-low", "Kimi K3"),
    usable("cmd-k-only", "Cmd K"),
    {"displayName": "nameless"},
    "no model at all",
]
AVAILABLE: list[Any] = [
    row("default", "Auto", contextTokenLimit=None),
    row(COMPOSER, "Composer 2.5", contextTokenLimit="200000"),
    row(
        "claude-opus-5-5",
        "Claude Opus 5.5",
        *(
            variant(
                f"claude-opus-5-5-{effort}", effort.title(), default=effort == "medium", effort=effort, fast="false"
            )
            for effort in EFFORTS
        ),
        variant("claude-opus-5-5-high-fast", "High Fast", effort="high", fast="true"),
        variant("claude-opus-5-5-max", "Max", max_mode=True, effort="high", fast="false", context="1m"),
        idAliases=["opus"],
        legacySlugs=["claude-5.5-opus"],
    ),
    row(
        "gpt-5.6-sol", "Sol", variant("gpt-5.6-sol-medium", default=True, reasoning="medium"), supportsNonMaxMode=False
    ),
    row("cmd-k-only", "Cmd K", onlySupportsCmdK=True),
    {"clientDisplayName": "nameless"},
    7,
]


class FakeLists:
    """Part of the service.

    Attributes:
        agent_url: where runs go, as the service says; empty to say nothing.
        agentn_url: likewise, outside privacy mode.
        http2: what it says of HTTP/2.
        usable: the models that may be called.
        available: the rows of the picker.
        refusals: what the coming calls are refused with, by method name.
        asked: the methods that were called, oldest first.
    """

    def __init__(self, people: People) -> None:
        self._people = people
        self.agent_url = self.agentn_url = ""
        self.http2 = "HTTP2_CONFIG_UNSPECIFIED"
        self.usable: list[Any] = list(USABLE)
        self.available: list[Any] = list(AVAILABLE)
        self.refusals: dict[str, list[Refusal]] = {}
        self.asked: list[str] = []
        self._methods = {
            SERVER_CONFIG: self._config,
            USABLE_MODELS: lambda grant, body: {"models": self.usable},
            AVAILABLE_MODELS: self._available,
        }

    async def answer(self, exchange: Exchange) -> bool:
        """Answer one request, if it is for here; whether it was."""
        script = self.refusals.get(exchange.path.rpartition("/")[2])
        methods = self._methods
        if script and exchange.path in methods:
            refusal = script.pop(0)
            methods = {exchange.path: lambda grant, body: refusal}
        return await answer_unary(exchange, self._people, methods, self.asked)

    def _config(self, grant: Grant, body: Json) -> Json | Refusal:
        named = {"agentUrl": self.agent_url, "agentnUrl": self.agentn_url}
        hosts = {name: url for name, url in named.items() if url}
        return {"configVersion": "1", "http2Config": self.http2, **({"agentUrlConfig": hosts} if hosts else {})}

    def _available(self, grant: Grant, body: Json) -> Json | Refusal:
        if body.get("useModelParameters") is not True:
            return {"models": [{**each, "variants": []} if isinstance(each, dict) else each for each in self.available]}
        return {"models": self.available}
