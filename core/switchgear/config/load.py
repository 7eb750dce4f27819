"""``config.yaml``, read in two steps, because a block's keys are known only once its plugin is imported.

:func:`read_config` checks core's own keys and finds the blocks; :func:`validate_entries` checks the blocks' entries and
raises what is wrong in the whole file at once. :func:`~switchgear.config.names.check_names` follows when the plugins
have said which prefix is whose.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from switchgear.config.document import MAX_BYTES, read_document
from switchgear.config.places import KeyPath, Place
from switchgear.config.problems import Reporter
from switchgear.config.schema import CORE_KEYS, ClientKey, Config
from switchgear.config.spelling import suggestion
from switchgear.errors import ConfigError, Problem
from switchgear.settings import ProviderSettings

MAKE_KEY = "make one with: switchgear keys new"


@dataclass(frozen=True, slots=True)
class RawEntry:
    """One entry of a block, not yet checked. ``path`` leads to it: ``(block,)`` or ``(block, position)``."""

    path: KeyPath
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RawConfig:
    """A configuration after the first step.

    Attributes:
        config: core's own keys; those in ``problems`` have their defaults here, so do not use it before
            :func:`validate_entries` has returned.
        blocks: the entries of each installed plugin's block, by its key, in the file's order.
        problems: what is wrong so far.
        reporter: makes problems that name the file's lines.
        digest: of the bytes that were read; see :func:`~switchgear.config.watching.content_digest`.
    """

    config: Config
    blocks: Mapping[str, tuple[RawEntry, ...]]
    problems: tuple[Problem, ...]
    reporter: Reporter
    digest: str


@dataclass(frozen=True, slots=True)
class ProviderEntry:
    """One entry of a block, checked by its plugin's settings model.

    Attributes:
        name: unique over the file: its own, or the block's key (``key-2``, ``key-3``, ... from the second entry on).
        key: the block's key.
        settings: an instance of the plugin's settings model.
        path: leads to the entry in the file.
        place: where the entry begins.
    """

    name: str
    key: str
    settings: ProviderSettings
    path: KeyPath
    place: Place


def read_config(path: Path, text: str | None = None, *, installed: Collection[str]) -> RawConfig:
    """The first step: read ``path`` (or ``text``, as if it stood there).

    What is wrong with single keys does not raise here: it is in ``problems``, and :func:`validate_entries` raises it
    with the rest.

    Args:
        path: the file; its name stands in every message.
        text: the content, when it is no file's.
        installed: the names of the installed plugins, which are the keys that blocks may have.

    Raises:
        ConfigError: the file cannot be read, or is no YAML that a configuration may be.
    """
    file = str(path)
    content = _read(path) if text is None else text.encode()
    document = read_document(file, content)
    reporter = Reporter(file, document)
    data = {} if document.data is None else document.data
    if not isinstance(data, dict):
        raise ConfigError([reporter.problem((), "must be a mapping of 'key: value' lines")])
    config, core_problems = _core(reporter, {key: data[key] for key in CORE_KEYS if key in data})
    blocks, block_problems = _blocks(reporter, data, installed)
    digest = hashlib.sha256(content).hexdigest()
    return RawConfig(config, blocks, (*core_problems, *block_problems), reporter, digest)


def validate_entries(raw: RawConfig, settings_of: Mapping[str, type[ProviderSettings]]) -> tuple[ProviderEntry, ...]:
    """The second step: check every entry by its plugin's settings model.

    Args:
        raw: the first step's result.
        settings_of: the settings model of each plugin that could be loaded. The entries of the others are left out: a
            broken plugin is no fault of the file.

    Raises:
        ConfigError: everything that is wrong in the file, in the order of its lines.
    """
    problems = list(raw.problems)
    entries: list[ProviderEntry] = []
    for key, block in raw.blocks.items():
        if key not in settings_of:
            continue
        for position, entry in enumerate(block):
            try:
                settings = settings_of[key].model_validate(entry.data)
            except ValidationError as error:
                problems += raw.reporter.rejected(settings_of[key], entry.path, error)
                continue
            name = settings.name or (f"{key}-{position + 1}" if position else key)
            place = raw.reporter.document.place(entry.path)
            entries.append(ProviderEntry(name, key, settings, entry.path, place))
    problems += _same_names(raw.reporter, entries)
    raise_problems(problems)
    return tuple(entries)


def raise_problems(problems: Sequence[Problem]) -> None:
    """Raise the problems, if there are any, in the order of their lines."""
    if problems:
        raise ConfigError(sorted(problems, key=lambda problem: (problem.line or 0, problem.column or 0)))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        message = "there is no such file; copy config.example.yaml to it"
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
    raise ConfigError([Problem(str(path), None, None, "", message)])


def _core(reporter: Reporter, data: dict[str, Any]) -> tuple[Config, list[Problem]]:
    """Core's own keys. One that is wrong does not keep the others from being checked."""
    problems: list[Problem] = []
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        problems += reporter.rejected(Config, (), error)
        wrong = {details["loc"][0] for details in error.errors(include_url=False, include_input=False)}
        config = Config.model_validate({key: value for key, value in data.items() if key not in wrong})
        if "api-keys" in wrong:
            return config, problems
    if not config.api_keys:
        message = f"needs at least one client key; {MAKE_KEY}"
        problems.append(reporter.problem(("api-keys",), message, at_key=True, missing=True))
    return config, [*problems, *_same_keys(reporter, config)]


def _same_keys(reporter: Reporter, config: Config) -> Iterator[Problem]:
    names: dict[str, int] = {}
    digests: dict[bytes, ClientKey] = {}
    for position, key in enumerate(config.api_keys):
        path: KeyPath = ("api-keys", position)
        if key.name in names:
            line = reporter.document.place(("api-keys", names[key.name])).line
            yield reporter.problem((*path, "name"), f"the key on line {line} has the same name, {key.name!r}")
        if key.digest in digests:
            yield reporter.problem((*path, "key"), f"is the same key as {digests[key.digest].name!r}; {MAKE_KEY}")
        names.setdefault(key.name, position)
        digests.setdefault(key.digest, key)
    management = config.management_key
    if management is not None and management.digest in digests:
        same = digests[management.digest].name
        yield reporter.problem(("management-key",), f"is the same key as the client key {same!r}; {MAKE_KEY}")


def _blocks(
    reporter: Reporter, data: Mapping[str, Any], installed: Collection[str]
) -> tuple[dict[str, tuple[RawEntry, ...]], list[Problem]]:
    blocks: dict[str, tuple[RawEntry, ...]] = {}
    problems: list[Problem] = []
    for key, value in data.items():
        if key in CORE_KEYS:
            continue
        if key not in installed:
            message = "unknown key, and no installed plugin has this name"
            near = suggestion(key, [*CORE_KEYS, *installed]) or "; see: switchgear plugins list"
            problems.append(reporter.problem((key,), message + near, at_key=True))
        elif value is None or isinstance(value, dict):
            blocks[key] = (RawEntry((key,), value or {}),)
        elif isinstance(value, list):
            blocks[key] = tuple(RawEntry((key, i), each) for i, each in enumerate(value) if isinstance(each, dict))
            for position, each in enumerate(value):
                if not isinstance(each, dict):
                    problems.append(reporter.problem((key, position), "must be a mapping of 'key: value' lines"))
        else:
            problems.append(reporter.problem((key,), "must be a list of entries, or one entry's 'key: value' lines"))
    return blocks, problems


def _same_names(reporter: Reporter, entries: Sequence[ProviderEntry]) -> Iterator[Problem]:
    first: dict[str, ProviderEntry] = {}
    for entry in entries:
        if entry.name in first:
            line = first[entry.name].place.line
            message = f"the entry on line {line} has the same name, {entry.name!r}; give each its own 'name'"
            yield reporter.problem((*entry.path, "name"), message)
        first.setdefault(entry.name, entry)
