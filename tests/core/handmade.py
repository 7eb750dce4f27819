"""A plugin made of a test's own hooks, as if it were installed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any

import pytest

from switchgear import hookimpl
from switchgear.loading import Installed


def installed_as(monkeypatch: pytest.MonkeyPatch, name: str, **hooks: Callable[..., Any]) -> dict[str, Installed]:
    """The plugin ``name`` with these hooks, for the ``available`` of a test's gateway."""
    module = ModuleType(f"{name}_of_a_test")
    module.__dict__.update({hook: hookimpl(function, specname=hook) for hook, function in hooks.items()})
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return {name: Installed(name, "tests", "1", (EntryPoint(name, module.__name__, "switchgear"),))}
