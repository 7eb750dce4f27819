"""As much of PromQL as the shipped rules use, and how Prometheus walks through a group of rules.

Source: prometheus.io/docs, querying basics, operators and functions; recording and alerting rules (Prometheus 3, read
2026-11): ranges are open on the left; a series that a scrape lacks is gone at once; ``ALERTS`` has last evaluation's
states; ``for`` counts from the first evaluation that finds a result, ``keep_firing_for`` from the first that does not.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan, nan
from typing import Any

Labels = frozenset[tuple[str, str]]
Vector = dict[Labels, float]

TOKEN = re.compile(
    r'\s*(?:(?P<number>\d+(?:\.\d+)?(?:e[+-]?\d+)?)(?![\w:])|(?P<word>[A-Za-z_:][\w:]*)|(?P<text>"[^"]*")'
    r"|(?P<range>\[\d+[sm]\])|(?P<sign>>=|<=|==|!=|=~|[<>=+\-/(){},]))"
)
COMPARED: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
}
AGGREGATED: Mapping[str, Callable[[Iterable[float]], float]] = {"sum": sum, "min": min, "max": max}
UNITS = {"s": 1, "m": 60}


Samples = list[tuple[float, float]]


@dataclass
class Store:
    """Samples by name and labels, in order of time."""

    series: dict[str, dict[Labels, Samples]] = field(default_factory=dict)

    def add(self, at: float, name: str, labels: Mapping[str, str], value: float) -> None:
        self.series.setdefault(name, {}).setdefault(frozenset(labels.items()), []).append((at, value))

    def matching(self, name: str, conditions: Iterable[tuple[str, str, str]]) -> Iterable[tuple[Labels, Samples]]:
        for labels, samples in self.series.get(name, {}).items():
            values = dict(labels)
            if all(_fits(values.get(label, ""), how, wanted) for label, how, wanted in conditions):
                yield labels, samples


def _fits(value: str, how: str, wanted: str) -> bool:
    return value == wanted if how == "=" else re.fullmatch(wanted, value) is not None


class Expression:
    """A parsed expression."""

    def __init__(self, text: str) -> None:
        self._tokens = [(match.lastgroup or "", match[match.lastgroup or 0]) for match in TOKEN.finditer(text)]
        assert "".join(part for _, part in self._tokens) == re.sub(r"\s", "", text), text
        self._at = 0
        self.tree = self._or()
        assert self._at == len(self._tokens), text

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _take(self, *wanted: str) -> str:
        found = self._peek()
        assert not wanted or found in wanted, (found, wanted)
        self._at += 1
        return found

    def _or(self) -> Any:
        left = self._and()
        while self._peek() == "or":
            self._take()
            left = ("or", left, self._and())
        return left

    def _and(self) -> Any:
        left = self._compared()
        while self._peek() == "and":
            self._take()
            on = None
            if self._peek() == "on":
                self._take()
                on = self._labels()
            left = ("and", left, self._compared(), on)
        return left

    def _compared(self) -> Any:
        left = self._sum()
        if self._peek() in COMPARED:
            return ("compared", self._take(), left, self._sum())
        return left

    def _sum(self) -> Any:
        left = self._product()
        while self._peek() in {"+", "-"}:
            left = ("arithmetic", self._take(), left, self._product())
        return left

    def _product(self) -> Any:
        left = self._atom()
        while self._peek() == "/":
            left = ("arithmetic", self._take(), left, self._atom())
        return left

    def _labels(self) -> tuple[str, ...]:
        self._take("(")
        names = [self._take()]
        while self._take(",", ")") == ",":
            names.append(self._take())
        return tuple(names)

    def _atom(self) -> Any:
        kind, word = self._tokens[self._at]
        self._at += 1
        if word == "(":
            inner = self._or()
            self._take(")")
            return inner
        if kind == "number":
            return float(word)
        assert kind == "word", word
        if word in AGGREGATED:
            self._take("by")
            by = self._labels()
            self._take("(")
            inner = self._or()
            self._take(")")
            return ("aggregated", word, by, inner)
        if word == "time":
            self._take("(")
            self._take(")")
            return ("time",)
        if word in {"min_over_time", "max_over_time"}:
            self._take("(")
            name, conditions = self._selector(self._take())
            window = self._take()
            self._take(")")
            return ("over", word[:3], name, conditions, int(window[1:-2]) * UNITS[window[-2]])
        return ("selected", *self._selector(word))

    def _selector(self, name: str) -> tuple[str, tuple[tuple[str, str, str], ...]]:
        conditions = []
        if self._peek() == "{":
            self._take()
            while True:
                conditions.append((self._take(), self._take("=", "=~"), self._take().strip('"')))
                if self._take(",", "}") == "}":
                    break
        return name, tuple(conditions)


def _only(labels: Labels, names: Iterable[str]) -> Labels:
    return frozenset(item for item in labels if item[0] in names)


class Evaluation:
    """One moment: the samples until then."""

    def __init__(self, store: Store, at: float) -> None:
        self._store = store
        self._at = at

    def vector(self, tree: Any) -> Vector:
        found = self.value(tree)
        assert isinstance(found, dict)
        return found

    def value(self, tree: Any) -> Vector | float:
        if isinstance(tree, float):
            return tree
        match tree:
            case ("time",):
                return self._at
            case ("selected", name, conditions):
                matching = self._store.matching(name, conditions)
                return {labels: samples[-1][1] for labels, samples in matching if samples[-1][0] == self._at}
            case ("over", how, name, conditions, window):
                return self._over(how, name, conditions, window)
            case ("aggregated", how, by, inner):
                groups: dict[Labels, list[float]] = {}
                for labels, value in self.vector(inner).items():
                    groups.setdefault(_only(labels, by), []).append(value)
                return {labels: AGGREGATED[how](values) for labels, values in groups.items()}
            case ("arithmetic", sign, left, right):
                return self._arithmetic(sign, self.vector(left), self.value(right))
            case ("compared", sign, left, right):
                limit = self.value(right)
                assert isinstance(limit, float)
                return {labels: value for labels, value in self.vector(left).items() if COMPARED[sign](value, limit)}
            case ("and", left, right, on):
                there = {labels if on is None else _only(labels, on) for labels in self.vector(right)}
                return {
                    labels: value
                    for labels, value in self.vector(left).items()
                    if (labels if on is None else _only(labels, on)) in there
                }
            case ("or", left, right):
                first = self.vector(left)
                taken = set(first)
                rest = self.vector(right).items()
                return first | {labels: value for labels, value in rest if labels not in taken}
        raise AssertionError(tree)

    def _over(self, how: str, name: str, conditions: Any, window: int) -> Vector:
        found: Vector = {}
        for labels, samples in self._store.matching(name, conditions):
            values = []
            for at, value in reversed(samples):
                if at <= self._at - window:
                    break
                values.append(value)
            if values:
                found[labels] = AGGREGATED[how](values)
        return found

    @staticmethod
    def _arithmetic(sign: str, left: Vector, right: Vector | float) -> Vector:
        found: Vector = {}
        for labels, value in left.items():
            other = right.get(labels) if isinstance(right, dict) else right
            if other is None:
                continue
            match sign:
                case "/":
                    found[labels] = value / other if other else nan
                case "+":
                    found[labels] = value + other
                case _:
                    found[labels] = value - other
        return found


def seconds(text: str | None) -> int:
    return 0 if text is None else int(text[:-1]) * UNITS[text[-1]]


@dataclass
class _Active:
    since: float
    firing: bool = False
    back_since: float | None = None


class Server:
    """Evaluates recording and alert rules as files have them, one evaluation after another."""

    def __init__(self, recordings: Sequence[Mapping[str, Any]], alerts: Sequence[Mapping[str, Any]]) -> None:
        self.store = Store()
        self._recordings = [(rule["record"], Expression(rule["expr"]).tree) for rule in recordings]
        self._alerts = [(rule, Expression(rule["expr"]).tree) for rule in alerts]
        self._active: dict[tuple[str, Labels], _Active] = {}

    def step(self, at: float) -> dict[tuple[str, str], str]:
        """Evaluate everything; the states by alert and provider."""
        for (name, labels), active in self._active.items():
            state = "firing" if active.firing else "pending"
            self.store.add(at, "ALERTS", {**dict(labels), "alertname": name, "alertstate": state}, 1.0)
        now = Evaluation(self.store, at)
        for name, tree in self._recordings:
            for labels, value in now.vector(tree).items():
                self.store.add(at, name, dict(labels), value)
        for rule, tree in self._alerts:
            found = now.vector(tree)
            assert not any(isnan(value) for value in found.values())
            self._walk(rule, found, at)
        return {
            (name, dict(labels)["provider"]): "firing" if active.firing else "pending"
            for (name, labels), active in self._active.items()
        }

    def _walk(self, rule: Mapping[str, Any], found: Vector, at: float) -> None:
        name = rule["alert"]
        for labels in found:
            active = self._active.setdefault((name, labels), _Active(at))
            active.back_since = None
            if at - active.since >= seconds(rule.get("for")):
                active.firing = True
        for key in [key for key in self._active if key[0] == name and key[1] not in found]:
            active = self._active[key]
            active.back_since = at if active.back_since is None else active.back_since
            if not active.firing or at - active.back_since >= seconds(rule.get("keep_firing_for")):
                del self._active[key]
