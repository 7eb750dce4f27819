"""The configuration file: is it there, whose is it, and is it right."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from switchgear.checks import Check
from switchgear.config import Config, read_config
from switchgear.configured import Loaded, load
from switchgear.errors import ConfigError
from switchgear.loading import installed
from switchgear.secret import redact

OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
OTHERS_READ = stat.S_IRGRP | stat.S_IROTH


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of the configuration.

    Attributes:
        config: core's keys; those that could not be read have their defaults.
        text: the file as it is; empty where it cannot be read.
        loaded: the whole; ``None`` unless it is valid.
    """

    config: Config
    text: str
    loaded: Loaded | None
    checks: tuple[Check, ...]


def look(path: Path) -> Seen:
    """Read and check the file. It blocks."""
    try:
        text = path.read_text("utf-8", errors="replace")
    except FileNotFoundError:
        advice = f"copy config.example.yaml to {path} and edit it, or name the file with --config"
        return Seen(Config(), "", None, (Check("config", "failed", f"there is no {path}", advice),))
    except OSError as error:
        problem = Check("config", "failed", f"{path} cannot be read: {error.strerror}", "look at its permissions")
        return Seen(Config(), "", None, (problem,))
    try:
        loaded = load(path)
    except ConfigError as error:
        problems = [Check("config", "failed", str(each), "switchgear config check") for each in error.problems]
        return Seen(_core_keys(path), text, None, (*problems, _permissions(path, has_secrets=False)))
    count = len(loaded.entries)
    valid = Check("config", "ok", f"{path} is valid: {'1 provider' if count == 1 else f'{count} providers'}")
    permissions = _permissions(path, has_secrets=redact(text) != text)
    return Seen(loaded.config, text, loaded, (valid, permissions, *_plugins(loaded)))


def _core_keys(path: Path) -> Config:
    try:
        return read_config(path, installed=installed().keys()).config
    except ConfigError:
        return Config()


def _permissions(path: Path, *, has_secrets: bool) -> Check:
    facts = path.stat()
    mode = stat.S_IMODE(facts.st_mode)
    shown = f"{path} has mode {mode:04o}"
    if mode & OTHERS_WRITE:
        return Check("config permissions", "failed", f"{shown}: others may change it", f"chmod go-w {path}")
    if facts.st_uid not in {os.geteuid(), 0}:
        advice = f"see that user {facts.st_uid} is one whom you trust"
        return Check("config permissions", "attention", f"{path} belongs to another user", advice)
    if mode & OTHERS_READ and has_secrets:
        advice = f"chmod 600 {path}, or write references (env:, file:, keyring:) in their place"
        return Check("config permissions", "attention", f"{shown}: others may read the secrets in it", advice)
    return Check("config permissions", "ok", shown)


def _plugins(loaded: Loaded) -> Iterator[Check]:
    for name, problem in loaded.broken.items():
        advice = "its models are absent, all else is served; mend or update it: switchgear plugins list"
        yield Check(f"plugin {name}", "failed", problem, advice)
    if not loaded.broken:
        used = sorted({entry.key for _, entry in loaded.entries})
        yield Check("plugins", "ok", f"{', '.join(used) or 'none'} can be used")
