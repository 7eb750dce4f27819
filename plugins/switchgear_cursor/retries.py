"""Which changed request may follow a failure, before any output. Each change is made once; pure but for what is learnt.

The service refuses some models in one form and takes them in another; which, nobody can know beforehand (sources
differ, read 2026-11). What has worked is remembered for the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from switchgear import Failure
from switchgear_cursor.connect_errors import ConnectError, connect_error
from switchgear_cursor.run_request import ModelChoice

UNKNOWN_MODEL = frozenset({"BAD_MODEL_NAME", "MODEL_NO_LONGER_SUPPORTED", "DEPRECATED", "NOT_FOUND"})


@dataclass(slots=True)
class Lessons:
    """What was learnt about models, by the id sent; kept in memory only."""

    without_details: set[str] = field(default_factory=set)
    max_mode: set[str] = field(default_factory=set)

    def applied(self, choice: ModelChoice) -> ModelChoice:
        """The choice as it is known to work."""
        return replace(
            choice,
            with_details=choice.with_details and choice.model_id not in self.without_details,
            max_mode=choice.max_mode or choice.model_id in self.max_mode,
        )

    def worked(self, choice: ModelChoice) -> None:
        """The service answered to this."""
        if not choice.with_details:
            self.without_details.add(choice.model_id)
        if choice.max_mode:
            self.max_mode.add(choice.model_id)


@dataclass(frozen=True, slots=True)
class Try:
    """One way to ask. ``other_line`` and ``other_id`` are whether it is over another host or conversation id."""

    choice: ModelChoice
    other_line: bool = False
    other_id: bool = False


class Tries:
    """The ways to ask for one model, one after the other.

    Args:
        choices: the model's forms, the best first.
        lessons: shared by all requests.
    """

    def __init__(self, choices: Sequence[ModelChoice], lessons: Lessons) -> None:
        self._lessons = lessons
        self._others = list(choices[1:])
        self._changes: set[str] = set()
        self.current = Try(lessons.applied(choices[0]))

    def worked(self) -> None:
        """The service answers."""
        self._lessons.worked(self.current.choice)

    def after(self, failure: Failure) -> Try | None:
        """The next way to ask; ``None`` when asking in another way will not help."""
        error = connect_error(failure.body)
        if error is None:
            return None
        choice = self.current.choice
        changed: Try | None = None
        if error.is_about_region:
            changed = self._once("line", replace(self.current, other_line=True))
        elif error.name == "MAX_MODE_REQUIRED" and not choice.max_mode:
            changed = self._once("max", replace(self.current, choice=replace(choice, max_mode=True)))
        elif (error.name in UNKNOWN_MODEL or error.code == "not_found") and self._others:
            changed = replace(self.current, choice=self._lessons.applied(self._others.pop(0)))
        elif is_refused_form(error) and choice.parameters and choice.with_details:
            changed = self._once("details", replace(self.current, choice=replace(choice, with_details=False)))
        elif is_bare_exhaustion(error):
            changed = self._once("id", replace(self.current, other_id=True))
        if changed is not None:
            self.current = changed
        return changed

    def _once(self, change: str, changed: Try) -> Try | None:
        if change in self._changes:
            return None
        self._changes.add(change)
        return changed


def is_refused_form(error: ConnectError) -> bool:
    """Whether the request's own form is refused."""
    return error.code == "invalid_argument" and error.name in {"", "BAD_REQUEST", "CUSTOM", "CUSTOM_MESSAGE"}


def is_bare_exhaustion(error: ConnectError) -> bool:
    """Whether something is exhausted and nobody says what: context, tools, plan, capacity or conversation."""
    return error.code == "resource_exhausted" and error.is_bare
