"""Model names over the whole file: which entries would claim one twice, and where fallbacks lead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from switchgear.alert_rules import BY_NAME
from switchgear.config.alert_names import alert_problems
from switchgear.config.load import ProviderEntry, RawConfig, raise_problems
from switchgear.config.places import KeyPath
from switchgear.config.spelling import suggestion
from switchgear.errors import Problem

Prefixed = Sequence[tuple[ProviderEntry, str]]
"""Each entry with its effective prefix; empty for none."""

FALLBACKS: KeyPath = ("routing", "fallbacks")
SHIFTS: KeyPath = ("routing", "shift-on-alert")


def check_names(raw: RawConfig, entries: Prefixed) -> None:
    """The last step: hold the names that clients may ask for against each other.

    Two entries of one prefix may both list from upstream: the first that lists a name serves it. Only what the file
    says twice is wrong.

    Args:
        raw: the first step's result.
        entries: what :func:`~switchgear.config.load.validate_entries` gave, each with its effective prefix.

    Raises:
        ConfigError: names collide, or a fallback leads nowhere or in a circle.
    """
    enabled = [(entry, prefix) for entry, prefix in entries if not entry.settings.disabled]
    problems = [*_same_models(raw, enabled), *_prefix_is_model(raw, enabled)]
    known = {prefix for _, prefix in entries if prefix} | _prefixes_of_broken(raw, entries)
    fallbacks = raw.config.routing.fallbacks
    problems += [*_unknown_fallbacks(raw, fallbacks, known), *_circles(raw, fallbacks), *_unknown_shifts(raw, known)]
    problems += alert_problems(raw, {entry.name for entry, _ in entries} | _names_of_broken(raw, entries))
    raise_problems(problems)


def _models(entry: ProviderEntry) -> Iterator[tuple[str, KeyPath]]:
    """The entry's models by the name without prefix, each once, with the path of what gives the name."""
    seen = set()
    for position, model in enumerate(entry.settings.models):
        if model.public not in seen:
            seen.add(model.public)
            yield model.public, (*entry.path, "models", position, "alias" if model.alias else "name")


def _same_models(raw: RawConfig, entries: Prefixed) -> Iterator[Problem]:
    first: dict[str, tuple[ProviderEntry, KeyPath]] = {}
    for entry, prefix in entries:
        for alias, path in _models(entry):
            name = f"{prefix}/{alias}" if prefix else alias
            if name in first:
                other, other_path = first[name]
                line = raw.reporter.document.place(other_path).line
                yield raw.reporter.problem(
                    path,
                    f"the entry {other.name!r} also serves a model {name!r} (line {line}); "
                    "give one of them another alias or prefix, or put both models into one entry to pool them",
                )
            first.setdefault(name, (entry, path))


def _prefix_is_model(raw: RawConfig, entries: Prefixed) -> Iterator[Problem]:
    bare = {alias: path for entry, prefix in entries if not prefix for alias, path in _models(entry)}
    for entry, prefix in entries:
        if prefix in bare:
            line = raw.reporter.document.place(bare[prefix]).line
            message = f"the prefix {prefix!r} is also the name of a model (line {line}); change one of them"
            yield raw.reporter.problem((*entry.path, "prefix"), message)


def _prefixes_of_broken(raw: RawConfig, entries: Prefixed) -> set[str]:
    """The prefixes that entries of plugins which could not be loaded probably have: their fallbacks are no mistake."""
    loaded = {entry.key for entry, _ in entries}
    broken = [(key, entry) for key, block in raw.blocks.items() if key not in loaded for entry in block]
    return {key for key, _ in broken} | {str(entry.data["prefix"]) for _, entry in broken if "prefix" in entry.data}


def _names_of_broken(raw: RawConfig, entries: Prefixed) -> set[str]:
    """The names of the entries of plugins which could not be loaded."""
    loaded = {entry.key for entry, _ in entries}
    broken = [(key, position, entry) for key, block in raw.blocks.items() for position, entry in enumerate(block)]
    return {
        str(entry.data.get("name") or (f"{key}-{position + 1}" if position else key))
        for key, position, entry in broken
        if key not in loaded
    }


def _unknown_fallbacks(raw: RawConfig, fallbacks: Mapping[str, Sequence[str]], known: set[str]) -> Iterator[Problem]:
    for prefix, targets in fallbacks.items():
        if prefix not in known:
            message = f"no entry has the prefix {prefix!r}" + suggestion(prefix, known)
            yield raw.reporter.problem((*FALLBACKS, prefix), message, at_key=True)
        for position, target in enumerate(targets):
            if target not in known:
                message = f"no entry has the prefix {target!r}" + suggestion(target, known)
                yield raw.reporter.problem((*FALLBACKS, prefix, position), message)


def _unknown_shifts(raw: RawConfig, known: set[str]) -> Iterator[Problem]:
    for prefix, rule in raw.config.routing.shift_on_alert.items():
        at = (*SHIFTS, prefix)
        for name, path in ((prefix, at), (rule.to, (*at, "to"))):
            if name not in known:
                message = f"no entry has the prefix {name!r}" + suggestion(name, known)
                yield raw.reporter.problem(path, message, at_key=path is at)
        if rule.to == prefix:
            yield raw.reporter.problem((*at, "to"), "traffic cannot move to where it comes from")
        if rule.alert not in BY_NAME:
            message = f"unknown alert rule {rule.alert!r}" + suggestion(rule.alert, BY_NAME)
            yield raw.reporter.problem((*at, "alert"), message)


def _circles(raw: RawConfig, fallbacks: Mapping[str, Sequence[str]]) -> Iterator[Problem]:
    """Each circle once, at the first of its prefixes in the file."""
    done: set[str] = set()
    for start in fallbacks:
        circle = _circle_from(start, fallbacks, done)
        done.add(start)
        if circle:
            message = f"fallbacks go in a circle: {' -> '.join(circle)}; remove one of them"
            yield raw.reporter.problem((*FALLBACKS, start), message, at_key=True)


def _circle_from(start: str, fallbacks: Mapping[str, Sequence[str]], done: set[str]) -> list[str]:
    """The shortest way from ``start`` back to it that meets none of ``done``; empty when there is none."""
    ways, seen = [[start]], set(done)
    while ways:
        way = ways.pop(0)
        for target in fallbacks.get(way[-1], ()):
            if target == start:
                return [*way, start]
            if target not in seen:
                seen.add(target)
                ways.append([*way, target])
    return []
