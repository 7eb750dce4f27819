"""``alerts`` in ``config.yaml``: what can be changed, and what is said about what cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from switchgear.alert_rules import BY_NAME, RULES
from switchgear.assembly import load
from switchgear.config import AlertsSettings, Config
from switchgear.errors import ConfigError

HEAD = """api-keys: [sg-a-key-for-this-test-0123]
openai-compatibility:
  - {name: acme, base-url: "https://acme.example/v1"}
"""


def loaded(tmp_path: Path, alerts: str) -> Config:
    path = tmp_path / "config.yaml"
    path.write_text(HEAD + alerts)
    return load(path).config


def test_without_a_word_the_rules_are_the_built_in_ones() -> None:
    assert AlertsSettings().built == RULES


def test_changes(tmp_path: Path) -> None:
    config = loaded(
        tmp_path,
        """alerts:
  rules:
    model-drift: false
    quota-out: true
    provider-auth: {enabled: false, threshold: 0.5}
    provider-429: {threshold: 0.08, hold-seconds: 0, min-attempts: 7, window-minutes: 3, severity: critical}
    latency-p95: {threshold: 30, providers: {acme: 120}}
""",
    )
    built = {rule.name: rule for rule in config.alerts.built}
    assert [name for name in BY_NAME if name not in built] == ["provider-auth", "model-drift"]
    changed = built["provider-429"]
    assert (changed.threshold, changed.hold_s, changed.min_attempts, changed.window_s, changed.severity) == (
        *(0.08, 0, 7, 180),
        "critical",
    )
    assert (changed.metric, changed.runbook, changed.low_traffic) == ("rate_limit_ratio", "repeated-429", "rate_limit")
    assert built["quota-out"] == BY_NAME["quota-out"]
    latency = built["latency-p95"]
    assert (latency.threshold_for("acme"), latency.threshold_for("other")) == (120, 30)


WRONG = [
    pytest.param("rules: {provider-42: false}", 6, "unknown rule; did you mean 'provider-429'?", id="unknown rule"),
    pytest.param("rules: {providr_auth: false}", 6, "unknown rule; did you mean 'provider-auth'?", id="misspelt rule"),
    pytest.param("rules: {quota-low: {treshold: 1}}", 6, "unknown key; did you mean 'threshold'?", id="unknown key"),
    pytest.param("rules: {quota-low: {threshold: high}}", 6, "must be a number", id="no number"),
    pytest.param("rules: {quota-low: {threshold: -1}}", 6, "must be at least 0", id="negative"),
    pytest.param("rules: {quota-low: {threshold: .inf}}", 6, "finite", id="infinite"),
    pytest.param("rules: {quota-low: off-please}", 6, "must be a mapping of 'key: value' lines", id="no mapping"),
    pytest.param("rules: {quota-low: {window-minutes: 5}}", 6, "is about the moment", id="a moment has no window"),
    pytest.param("rules: {provider-429: {window-minutes: 16}}", 6, "may be 15 at most", id="more than is remembered"),
    pytest.param("rules: {provider-429: {severity: bad}}", 6, "must be 'warning' or 'critical'", id="severity"),
    pytest.param(
        "rules: {provider-429: {providers: {acne: 1}}}",
        6,
        "no entry is named 'acne'; did you mean 'acme'?",
        id="provider",
    ),
    pytest.param("webhook: {url: 'https://a.example'}", 6, "is missing", id="no secret"),
    pytest.param(
        "webhook: {url: 'ftp://a.example', secret: abcdefgh-9-abcdefgh}", 6, "must be an http:// or https://", id="ftp"
    ),
    pytest.param(
        "webhook: {url: 'https://u:p@a.example', secret: abcdefgh-9-abcdefgh}", 6, "holds a user name", id="credentials"
    ),
    pytest.param(
        "webhook: {url: 'https://a.example', secret: changeme}", 6, "still the example's value", id="template"
    ),
]


@pytest.mark.parametrize(("text", "line", "message"), WRONG)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, f"alerts:\n\n  {text}\n")
    [problem] = caught.value.problems
    assert message in problem.message
    assert problem.line == line


def test_the_url_and_the_secret_are_never_shown(tmp_path: Path) -> None:
    config = loaded(
        tmp_path,
        "alerts: {webhook: {url: 'https://hooks.example/T0/very-secret-part', secret: another-secret-part}}\n",
    )
    assert config.alerts.webhook is not None
    for text in (repr(config), str(config.alerts.model_dump())):
        assert "secret-part" not in text


def test_a_provider_of_a_broken_plugin_is_no_unknown_name(tmp_path: Path) -> None:
    from importlib.metadata import EntryPoint

    from switchgear.loading import Installed, installed

    broken = {"gone": Installed("gone", "strangers", "1", (EntryPoint("gone", "no_such_module", "switchgear"),))}
    path = tmp_path / "config.yaml"
    path.write_text(
        HEAD + "gone: [{}, {name: named}, {}]\n"
        "alerts: {rules: {provider-429: {providers: {gone: 0.1, named: 0.2, gone-3: 0.3}}}}\n"
    )
    assert set(load(path, available={**installed(), **broken}).broken) == {"gone"}
