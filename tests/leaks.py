"""One scan over the whole test run: no secret that any test or fake made may be seen in any output of it.

Outputs are what a test writes (its own and its processes' standard output and error, with logs and tracebacks) and what
any gateway inside a test answers (answers, error bodies, headers, health, metrics).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Generator
from typing import Any

import pytest

from switchgear import secret as secret_module
from switchgear.secret import Secret

SHORTEST = 12
"""A shorter secret of a test is a word like any other."""
PLAIN = re.compile(r"[a-z _-]+|[A-Z _-]+")
"""So is one of small letters alone: property tests make secrets of whatever stands in our sources."""

_secrets: set[str] = set()
_answers: list[tuple[str, bytes]] = []
_add = secret_module._living.add


def _remember(secret: Secret) -> None:
    value = secret.reveal()
    if len(value) >= SHORTEST and not PLAIN.fullmatch(value):
        _secrets.add(value)
    _add(secret)


secret_module._living.add = _remember  # type: ignore[method-assign]


def answered(where: str, data: bytes) -> None:
    """A gateway inside the test under way has sent this."""
    _answers.append((where, data))


def find(text: str) -> str | None:
    """The fingerprint of a secret in ``text``; ``None`` when there is none."""
    for value in _secrets:
        if value in text:
            return hashlib.sha256(value.encode()).hexdigest()[:12]
    return None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Scan what the test has put out; one with a secret in it fails, whatever else it shows."""
    report = yield
    if report.when == "setup":
        _answers.clear()
    if report.when != "teardown":
        return report
    texts = [(title, text) for title, text in report.sections]
    texts += [(where, data.decode(errors="replace")) for where, data in _answers]
    _answers.clear()
    for where, text in texts:
        found = find(text)
        if found is not None and item.get_closest_marker("shows_a_secret") is None:
            report.outcome = "failed"
            report.longrepr = f"a secret (sha256 {found}…) is in {where} of {item.nodeid}: {_around(text)}"
            break
    return report


def _around(text: str) -> str:
    pattern = re.compile("|".join(map(re.escape, sorted(_secrets, key=len, reverse=True))))
    found = pattern.search(text)
    start = 0 if found is None else max(0, found.start() - 120)
    return pattern.sub("***", text[start : start + 300])
