"""The conformance kit's checks and faults, as the code has them."""

from __future__ import annotations

import inspect

import cog

from switchgear.testing import ProviderContract
from switchgear.testing.contract import BROKEN, REFRESH, TOLD, FakeProvider
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
    for name, value in vars(FakeProvider).items():
        if name.startswith("_"):
            continue
        shown = name
        if not isinstance(value, property):
            shown = f"{'await ' if inspect.iscoroutinefunction(value) else ''}{name}({_parameters(value)})"
        text = " ".join((inspect.getdoc(value) or "").split())
        cog.outl(f"| `{shown}` | {text.replace('``', '`').replace(':data:', '')} |")
    cog.outl(f"\nFaults that are told, by what they have to be called: {_named(TOLD)}.")
    cog.outl(f"Faults of a chat call that nobody tells: {_named(BROKEN)}. Of a refresh: {_named(REFRESH)}.")


def _parameters(method: object) -> str:
    assert callable(method)
    return ", ".join(name for name in inspect.signature(method).parameters if name != "self")


def _named(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)
