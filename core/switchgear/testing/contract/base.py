"""A check, and the class that an author subclasses to have them run."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeVar
from unittest import SkipTest

from switchgear.testing.contract.fake import FakeProvider

LEVELS = {
    1: "loads and declares",
    2: "whole answer",
    3: "stream and cancel",
    4: "sign-in, refresh, two accounts",
    5: "faults",
    6: "leaks",
}
CHECK_LIMIT_S = 60.0

Outcome = Literal["passed", "failed", "n/a", "marked"]


class CheckFailed(AssertionError):
    """The plugin does not do what the check proves; the message says what was seen."""


class NotApplicable(SkipTest):  # pytest, too, takes it for a skipped test
    """The check has nothing to look at; the message says why."""


def expect(condition: object, problem: str) -> None:
    """Fail the check with ``problem`` unless ``condition`` holds; unlike ``assert`` it is never optimised away."""
    if not condition:
        raise CheckFailed(problem)


@dataclass(frozen=True, slots=True)
class Check:
    """One check. ``proves`` is one line; ``run`` is its coroutine function, of the contract."""

    name: str
    level: int
    proves: str
    run: Callable[[Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one check. ``reason`` is empty for ``passed``; ``ms`` is how long it took."""

    check: Check
    outcome: Outcome
    reason: str
    ms: float


Method = TypeVar("Method", bound=Callable[[Any], Awaitable[None]])


def check(level: int) -> Callable[[Method], Callable[[Any], None]]:
    """Make a coroutine method a check of ``level``; the first line of its docstring is what it proves.

    What stands in the class is a plain function with an event loop of its own, so that pytest runs it without a plugin.
    """

    def made(method: Method) -> Callable[[Any], None]:
        lines = inspect.getdoc(method)
        if not lines:
            raise TypeError(f"{method.__name__} does not say what it proves")
        found = Check(method.__name__, level, lines.splitlines()[0].rstrip("."), method)

        def test(self: ContractBase) -> None:
            _tell_pytest(self.result_of(found))

        test.__name__, test.__qualname__, test.__doc__ = method.__name__, method.__qualname__, method.__doc__
        test.check = found  # type: ignore[attr-defined]  # a function carries it
        return test

    return made


def _tell_pytest(result: Result) -> None:
    match result.outcome:
        case "failed":
            raise CheckFailed(f"{result.check.proves}: {result.reason}")
        case "n/a":
            raise NotApplicable(result.reason)
        case "marked":
            import pytest

            pytest.xfail(result.reason)


class ContractBase:
    """What a contract is told by its author, and how its checks are run.

    Attributes:
        plugin: the plugin's entry-point name, which is the key of its block.
        module: the plugin itself (a module, or an object with the hooks), for one that is not installed.
        cannot_pass: checks that cannot pass for this provider, each with the reason. They are run all the same: one
            that does pass is wrongly marked, and fails.
        refreshable: the sign-in methods whose credentials expire and are refreshed; ``None`` for all of them, where the
            plugin has ``refresh_token``.
    """

    plugin: ClassVar[str]
    module: ClassVar[object | None] = None
    cannot_pass: ClassVar[Mapping[str, str]] = {}
    refreshable: ClassVar[tuple[str, ...] | None] = None

    def fake(self) -> AbstractAsyncContextManager[FakeProvider]:
        """A fresh fake of the provider; each check has its own."""
        raise NotImplementedError(f"{type(self).__name__} gives no fake of its provider")

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        ours = {name: test for base in cls.__mro__ for name, test in _checks_in(base)}
        for name, test in ours.items():
            if inspect.getattr_static(cls, name) is not test:
                raise TypeError(
                    f"{cls.__name__} overrides {name}, a check of the kit; one that cannot pass for this provider is "
                    f"marked: cannot_pass = {{{name!r}: 'the reason'}}"
                )
        unknown = sorted(set(cls.cannot_pass) - set(ours)) if ours else []
        if unknown:
            raise TypeError(f"{cls.__name__}.cannot_pass names what is no check: {', '.join(unknown)}")
        silent = sorted(name for name, reason in cls.cannot_pass.items() if not reason.strip())
        if silent:
            raise TypeError(f"{cls.__name__}.cannot_pass gives no reason for {', '.join(silent)}")

    @classmethod
    def checks(cls) -> list[Check]:
        """Every check of the kit, by level."""
        found = {name: test.check for base in cls.__mro__ for name, test in _checks_in(base)}
        return sorted(found.values(), key=lambda one: one.level)

    def result_of(self, one: Check) -> Result:
        """Run one check, on an event loop of its own."""
        started = time.perf_counter()
        outcome: Outcome = "passed"
        reason = ""
        try:
            asyncio.run(self._limited(one))
        except NotApplicable as error:
            outcome, reason = "n/a", str(error)
        except Exception as error:
            outcome, reason = "failed", _said(error)
        mark = self.cannot_pass.get(one.name)
        if mark is not None and outcome == "failed":
            outcome, reason = "marked", mark
        elif mark is not None and outcome == "passed":
            outcome, reason = "failed", f"it is marked ({mark}), and passes: take the mark away"
        return Result(one, outcome, reason, (time.perf_counter() - started) * 1000)

    async def _limited(self, one: Check) -> None:
        try:
            async with asyncio.timeout(CHECK_LIMIT_S) as limit:
                await one.run(self)
        except TimeoutError:
            if limit.expired():
                raise CheckFailed(f"it did not end within {CHECK_LIMIT_S:g} s") from None
            raise


def _checks_in(class_: type) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in vars(class_).items() if isinstance(getattr(value, "check", None), Check)]


def _said(error: Exception) -> str:
    """The error in one line; of a group, its first."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, CheckFailed):
        return str(error)
    return f"{type(error).__name__}: {error}"
