"""Finding, importing and checking plugins, before any hook is called.

pluggy alone checks hook names and arguments, aborts all on one bad import, and lets a second plugin of one name shadow
the first; so the rest is done here.
"""

from __future__ import annotations

import difflib
import inspect
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, entry_points
from typing import Any

from switchgear import hookspecs
from switchgear.errors import PluginError
from switchgear.hookspecs import ENTRY_POINT_GROUP
from switchgear.secret import redact

IMPORT_LIMIT_S = 10.0
COROUTINE_HOOKS = frozenset(
    {"load_accounts", "list_models", "authenticate", "refresh_token", "read_quota", "count_tokens"}
)


@dataclass(frozen=True, slots=True)
class Installed:
    """A plugin's metadata; the plugin itself need not be imported."""

    name: str
    distribution: str
    version: str
    points: tuple[EntryPoint, ...]


def installed(points: Iterable[EntryPoint] | None = None) -> dict[str, Installed]:
    """Every installed plugin by name, from metadata alone."""
    found: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=ENTRY_POINT_GROUP) if points is None else points:
        if point not in found.setdefault(point.name, []):
            found[point.name].append(point)
    titles: dict[Distribution, tuple[str, str]] = {}
    return {name: _installed(name, tuple(found[name]), titles) for name in sorted(found)}


def _installed(name: str, points: tuple[EntryPoint, ...], titles: dict[Distribution, tuple[str, str]]) -> Installed:
    """``titles`` has name and version by distribution: each access parses its whole metadata, of many plugins maybe."""
    found = []
    for point in points:
        if (dist := point.dist) is not None:
            if dist not in titles:
                metadata = dist.metadata
                titles[dist] = metadata["Name"], metadata["Version"]
            found.append(titles[dist])
    return Installed(name, ", ".join(sorted(title for title, _ in found)) or "?", found[0][1] if found else "?", points)


def import_plugin(found: Installed) -> object:
    """Import one plugin in a thread, so that an import that hangs stops nobody."""
    if len(found.points) > 1:
        origins = " and ".join(f"{p.dist.name if p.dist else '?'} ({p.value})" for p in found.points)
        raise PluginError(found.name, None, f"the name is claimed twice, by {origins}; uninstall one")
    outcome: list[object] = []
    problem: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(found.points[0].load())
        except BaseException as error:
            problem.append(error)

    thread = threading.Thread(target=run, name=f"import {found.name}", daemon=True)
    thread.start()
    thread.join(IMPORT_LIMIT_S)
    if problem:
        error = problem[0]
        raise PluginError(found.name, None, f"cannot be imported: {type(error).__name__}: {redact(str(error))[:300]}")
    if not outcome:
        raise PluginError(found.name, None, f"its import did not end within {IMPORT_LIMIT_S:g} s")
    return outcome[0]


def check_hook(plugin: str, function: Callable[..., object], hook: str, options: Mapping[str, Any]) -> None:
    """Hold one hook to the contract: its name, its arguments, its colour."""
    spec = getattr(hookspecs, hook, None)
    names = [name for name in vars(hookspecs) if hasattr(vars(hookspecs)[name], "switchgear_spec")]
    if hook not in names or spec is None:
        near = difflib.get_close_matches(hook, names, 1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; the hooks are {', '.join(names)}"
        raise PluginError(plugin, None, f"has an unknown hook {hook!r}{hint}")
    known = [*inspect.signature(spec).parameters]
    for argument in inspect.signature(function).parameters:
        if argument not in known:
            near = difflib.get_close_matches(argument, known, 1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; it gives {', '.join(known) or 'none'}"
            raise PluginError(plugin, hook, f"takes an unknown argument {argument!r}{hint}")
    if options.get("wrapper") or options.get("hookwrapper"):
        return  # pluggy itself checks that a wrapper is a generator
    is_coroutine = inspect.iscoroutinefunction(function)
    is_generator = inspect.isasyncgenfunction(function)
    if hook == "forward" and not (is_coroutine or is_generator):
        raise PluginError(plugin, hook, "must be 'async def', returning a Reply or yielding events")
    if hook in COROUTINE_HOOKS and not is_coroutine:
        raise PluginError(plugin, hook, "must be a coroutine function ('async def' without 'yield')")
    if hook not in COROUTINE_HOOKS and hook != "forward" and (is_coroutine or is_generator):
        raise PluginError(plugin, hook, "must be a plain function, not 'async def'")
