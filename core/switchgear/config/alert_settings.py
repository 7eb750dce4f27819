"""The ``alerts`` part of ``config.yaml``: changes to the built-in rules, and whom to tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from switchgear.alert_rules import RULES, Rule, Severity
from switchgear.secret import Secret
from switchgear.settings import SettingsModel

SHORTEST_SECRET = 16
"""What signs has at least this many characters: who guesses it can raise false alarms."""

Threshold = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def _webhook_url(value: Secret) -> Secret:
    try:
        parts = urlsplit(value.reveal())
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or " " in value.reveal() or not value.reveal().isascii():
        raise ValueError("must be an http:// or https:// URL")
    if parts.username or parts.password:
        raise ValueError("holds a user name or password; the receiver knows the gateway by its signature")
    if parts.fragment:
        raise ValueError("may not have a fragment")
    return value


def _signing_secret(value: Secret) -> Secret:
    if len(value.reveal()) < SHORTEST_SECRET:
        raise ValueError(f"is shorter than {SHORTEST_SECRET} characters")
    return value


class RuleChange(SettingsModel):
    """What is different from a built-in rule; ``false`` alone switches it off. What is absent is as built in.

    Attributes:
        enabled: false switches the rule off.
        threshold: the value beyond which it is broken.
        providers: thresholds of single providers, by the entry's name.
        window_minutes: how far back it looks; not for rules about the moment.
        min_attempts: with fewer in the window the value is not judged; not for rules about the moment.
        hold_seconds: how long it must be broken before it fires.
        severity: ``warning`` or ``critical``.
    """

    enabled: bool = True
    threshold: Threshold | None = None
    providers: Mapping[Annotated[str, Field(min_length=1, max_length=64)], Threshold] = Field(default_factory=dict)
    window_minutes: Annotated[int, Field(ge=1, le=15)] | None = None
    min_attempts: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    hold_seconds: Annotated[int, Field(ge=0, le=3600)] | None = None
    severity: Severity | None = None

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"enabled": value} if isinstance(value, bool) else value

    def on(self, rule: Rule) -> Rule:
        """``rule`` with these changes."""
        changes = {
            "threshold": self.threshold,
            "window_s": None if self.window_minutes is None else self.window_minutes * 60,
            "min_attempts": self.min_attempts,
            "hold_s": self.hold_seconds,
            "severity": self.severity,
        }
        given: dict[str, Any] = {name: value for name, value in changes.items() if value is not None}
        return replace(rule, thresholds=dict(self.providers), **given)


class WebhookSettings(SettingsModel):
    """Whom to tell when an alert fires or is resolved.

    Attributes:
        url: where to POST; it may be a secret reference, as many such URLs are secrets.
        secret: signs each message, so that the receiver knows the sender; 16 characters at least.
        timeout_seconds: how long one try may take.
        allow_private: true lets the URL lead to this machine or a private network.
    """

    url: Annotated[Secret, AfterValidator(_webhook_url)]
    secret: Annotated[Secret, AfterValidator(_signing_secret)]
    timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 10.0
    allow_private: bool = False


class AlertsSettings(SettingsModel):
    """The built-in alert rules, and who is told.

    Attributes:
        rules: changes by the rule's name: ``false`` switches it off; or a mapping with what is different.
        webhook: told when an alert fires or is resolved; null for nobody.
    """

    rules: Mapping[str, RuleChange] = Field(default_factory=dict)
    webhook: WebhookSettings | None = None

    @cached_property
    def built(self) -> tuple[Rule, ...]:
        """The rules that are on, as the operator wants them."""
        as_built_in = RuleChange()
        changes = [(rule, self.rules.get(rule.name, as_built_in)) for rule in RULES]
        return tuple(change.on(rule) for rule, change in changes if change.enabled)
