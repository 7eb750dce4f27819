"""One scan over the whole test run: no secret that any test or fake made may be seen in any output of it.

Outputs are what a test writes (its own and its processes' standard output and error, with logs and tracebacks) and what
any gateway inside a test answers (answers, error bodies, headers, health, metrics).
"""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import currently_in_test_context

from switchgear import secret as secret_module
from switchgear.secret import Secret

SHORTEST = 12
"""A shorter secret of a test is a word like any other."""
PLAIN = re.compile(r"[a-z _-]+|[A-Z _-]+|[a-z0-9]+://(127\.0\.0\.1|localhost|\[::1\]):\d+/?")
"""So is one of small letters alone, and a proxy's address on this machine without a password: the next server may get its port."""

_secrets: dict[str, set[str]] = {}
"""By their first characters, so that a text is gone through once however many there are."""
_answers: list[tuple[str, bytes]] = []
_add = secret_module._living.add


def _remember(secret: Secret) -> None:
    value = secret.reveal()
    drawn = currently_in_test_context()  # by a property test, from whatever stands in our sources: a model's name, say
    if len(value) >= SHORTEST and not drawn and not PLAIN.fullmatch(value):
        _secrets.setdefault(value[:SHORTEST], set()).add(value)
    _add(secret)


secret_module._living.add = _remember  # type: ignore[method-assign]


def answered(where: str, data: bytes) -> None:
    """A gateway inside the test under way has sent this."""
    _answers.append((where, data))


def find(text: str) -> int | None:
    """Where a secret stands in ``text``; ``None`` when there is none."""
    places = range(len(text) - SHORTEST + 1)
    if _secrets.keys().isdisjoint({text[at : at + SHORTEST] for at in places}):
        return None
    for at in places:
        values = _secrets.get(text[at : at + SHORTEST])
        if values is not None and any(text.startswith(value, at) for value in values):
            return at
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
        at = find(text)
        if at is not None:
            report.outcome = "failed"
            report.longrepr = f"a secret is in {where} of {item.nodeid}, after: {text[max(0, at - 120) : at]!r}"
            break
    return report
