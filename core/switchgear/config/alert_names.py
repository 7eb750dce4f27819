"""The names under ``alerts``: which rules there are, what each can be told, and which providers."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from switchgear.alert_rules import BY_NAME
from switchgear.config.load import RawConfig
from switchgear.config.places import KeyPath
from switchgear.config.spelling import suggestion
from switchgear.errors import Problem

RULES_AT: KeyPath = ("alerts", "rules")


def alert_problems(raw: RawConfig, providers: Collection[str]) -> Iterator[Problem]:
    """What is wrong with the names under ``alerts``. ``providers`` are the names of all entries."""
    for name, change in raw.config.alerts.rules.items():
        rule = BY_NAME.get(name)
        if rule is None:
            yield raw.reporter.problem((*RULES_AT, name), "unknown rule" + suggestion(name, BY_NAME), at_key=True)
            continue
        for key, value in (("window-minutes", change.window_minutes), ("min-attempts", change.min_attempts)):
            if rule.window_s is None and value is not None:
                message = f"the rule {name!r} is about the moment, and has no such key"
                yield raw.reporter.problem((*RULES_AT, name, key), message, at_key=True)
        for provider in change.providers:
            if provider not in providers:
                message = f"no entry is named {provider!r}" + suggestion(provider, providers)
                yield raw.reporter.problem((*RULES_AT, name, "providers", provider), message, at_key=True)
