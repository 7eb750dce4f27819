"""An account's models, and which of them is meant by a request that says how much to think and how fast. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from switchgear import Conversation, Model
from switchgear_cursor.run_request import ModelChoice

EFFORT_PARAMETERS = ("effort", "reasoning", "reasoning_effort")
"""What the parameter is called that says how much to think; each model has one of them at most."""
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
SPELLINGS = {"extra-high": "xhigh", "extra_high": "xhigh"}


@dataclass(frozen=True, slots=True)
class Listed:
    """A model that the account may call.

    Attributes:
        model: as clients see it.
        choices: the forms of its name on the wire, the best first.
        row: the name of its row in the picker; empty where it has none.
    """

    model: Model
    choices: tuple[ModelChoice, ...]
    row: str = ""

    @property
    def parameters(self) -> dict[str, str]:
        """Those of the best form."""
        return dict(self.choices[0].parameters)


@dataclass(frozen=True, slots=True)
class Picked:
    """What to ask for. ``not_kept`` names what the client wants and no variant of the model has."""

    choices: Sequence[ModelChoice]
    context_length: int | None = None
    not_kept: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Catalogue:
    """An account's models, by id."""

    listed: Mapping[str, Listed] = field(default_factory=dict)

    def pick(self, model: str, conversation: Conversation) -> Picked:
        """What to ask for when ``model`` is wanted: the variant that thinks as much, and answers as fast, as is said.

        A model that is not in the list is asked for by its bare id.
        """
        found = self.listed.get(model)
        effort, tier = _effort(conversation), conversation.service_tier
        not_kept = []
        if found is None:
            not_kept = [name for name, said in (("reasoning.effort", effort), ("service_tier", tier)) if said]
            return Picked((ModelChoice(model),), not_kept=tuple(not_kept))
        if effort is not None:
            thinking = self._thinking(found, effort)
            if thinking is None:
                not_kept.append("reasoning.effort")
            found = thinking or found
        if tier == "priority":
            fast = next((one for one in self._siblings(found, ("fast",)) if one.parameters.get("fast") == "true"), None)
            if fast is None:
                not_kept.append("service_tier")
            found = fast or found
        elif tier not in {None, "auto", "default"}:
            not_kept.append("service_tier")
        return Picked(found.choices, found.model.context_length, tuple(not_kept))

    def _thinking(self, listed: Listed, effort: str) -> Listed | None:
        """The variant that thinks about as much; ``None`` where there is no choice."""
        name = next((each for each in EFFORT_PARAMETERS if each in listed.parameters), None)
        if name is not None:
            ranked = [(rank, one) for one in self._siblings(listed, (name,)) if (rank := _rank(one, name)) is not None]
            if ranked and effort in EFFORTS:
                return min(ranked, key=lambda each: (abs(each[0] - EFFORTS.index(effort)), each[0]))[1]
        if effort == "none":
            silent = (one for one in self._siblings(listed, ("thinking",)) if one.parameters.get("thinking") == "false")
            return next(silent, None)
        return None

    def _siblings(self, listed: Listed, but: Iterable[str]) -> Iterator[Listed]:
        """The variants of the same row with the same parameters, but for those that are named; itself among them."""
        wanted = _without(listed.parameters, but)
        for one in self.listed.values():
            same_mode = one.choices[0].max_mode == listed.choices[0].max_mode
            if one.row and one.row == listed.row and same_mode and _without(one.parameters, but) == wanted:
                yield one


def _without(parameters: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    return {name: value for name, value in parameters.items() if name not in set(names)}


def _effort(conversation: Conversation) -> str | None:
    reasoning = conversation.reasoning
    return "none" if reasoning.enabled is False else reasoning.effort


def _rank(listed: Listed, name: str) -> int | None:
    value = listed.parameters.get(name, "")
    value = SPELLINGS.get(value, value)
    return EFFORTS.index(value) if value in EFFORTS else None
