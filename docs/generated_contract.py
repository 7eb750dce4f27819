"""The conformance kit's checks and faults, as the code has them."""

from __future__ import annotations

import inspect
import re

import cog

from switchgear.testing import ProviderContract
from switchgear.testing.contract import BROKEN, OPTIONAL, REFRESH, TOLD, FakeProvider
from switchgear.testing.contract.base import LEVELS


def checks() -> None:
    """Every check, by level."""
    for level, title in LEVELS.items():
        cog.outl(f"\n### Level {level}: {title}\n")
        cog.outl("| check | what it proves |")
        cog.outl("| --- | --- |")
        for check in ProviderContract.checks():
            if check.level == level:
                cog.outl(f"| `{check.name}` | {check.proves.replace('``', '`')} |")


def fake() -> None:
    """What a fake has, and what each is."""
    cog.outl("\n| of the fake | what it is |")
    cog.outl("| --- | --- |")
    _members(FakeProvider)
    cog.outl(f"\nFaults that are told, by what they have to be called: {_named(TOLD)}.")
    cog.outl(f"Faults of a chat call that nobody tells: {_named(BROKEN)}. Of a refresh: {_named(REFRESH)}.")


def optional() -> None:
    """What a fake may have beside that."""
    cog.outl("\n| a fake may have | for | what it is |")
    cog.outl("| --- | --- | --- |")
    for protocol in OPTIONAL:
        _members(protocol, f"{_words(protocol)} | ")


def _members(protocol: type, before: str = "") -> None:
    for name, value in vars(protocol).items():
        if name.startswith("_"):
            continue
        shown = name
        if not isinstance(value, property):
            shown = f"{'await ' if inspect.iscoroutinefunction(value) else ''}{name}({_parameters(value)})"
        cog.outl(f"| `{shown}` | {before}{_words(value)} |")


def _words(documented: object) -> str:
    text = " ".join((inspect.getdoc(documented) or "").split())
    return re.sub(r":(?:data|class):`(\w+)`", r"`\1`", text.replace("``", "`"))


def _parameters(method: object) -> str:
    assert callable(method)
    return ", ".join(name for name in inspect.signature(method).parameters if name != "self")


def _named(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)
