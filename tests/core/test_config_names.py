"""Names over the whole file: nothing is claimed twice, and no fallback leads nowhere or in a circle (C1)."""

from __future__ import annotations

import pytest

from tests.core.configs import KEYS, cases, has_problem, names_of, problems

NAMES = """
# name twice
acme: [{name: a}]
basic: [{name: a}]
=> 3:16: basic[0].name: the entry on line 2 has the same name, 'a'; give each its own 'name'

# name like a default
acme: [{name: acme-2}, {}]
=> 2:24: acme[1]: the entry on line 2 has the same name, 'acme-2'; give each its own 'name'

# alias twice
acme: {prefix: p, models: [{name: x, alias: m}]}
basic: {prefix: p, models: [{name: m}]}
=> 3:36: basic.models[0].name: the entry 'acme' also serves a model 'p/m' (line 2); give one of them another alias or prefix, ...

# alias like prefix and alias
acme: {prefix: p, models: [{name: m}]}
basic: {models: [{name: x, alias: p/m}]}
=> 3:35: basic.models[0].alias: the entry 'acme' also serves a model 'p/m' (line 2); give one of them another alias or prefix, ...

# prefix = model
acme: {models: [{name: or}]}
basic: {prefix: or}
=> 3:17: basic.prefix: the prefix 'or' is also the name of a model (line 2); change one of them

# fallback from nowhere
routing: {fallbacks: {kirro: [kiro]}}
acme: {prefix: kiro}
=> 2:23: routing.fallbacks.kirro: no entry has the prefix 'kirro'; did you mean 'kiro'?

# fallback to nowhere
routing: {fallbacks: {kiro: [ro, zz]}}
acme: [{prefix: kiro}, {prefix: or}]
=> 2:34: routing.fallbacks.kiro[1]: no entry has the prefix 'zz'; known are 'kiro' and 'or'

# fallbacks in a circle
routing: {fallbacks: {a: [b], b: [c], c: [a]}}
acme: [{prefix: a}, {prefix: b}, {prefix: c}]
=> 2:23: routing.fallbacks.a: fallbacks go in a circle: a -> b -> c -> a; remove one of them

# fallback to itself
routing: {fallbacks: {a: [a]}}
acme: {prefix: a}
=> 2:23: routing.fallbacks.a: fallbacks go in a circle: a -> a; remove one of them
"""


@pytest.mark.parametrize(("text", "expected"), cases(NAMES))
def test_names_are_checked_over_the_whole_file(text: str, expected: str) -> None:
    has_problem(KEYS + text, expected)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("acme: {models: [{name: a, alias: m}, {name: b, alias: m}]}", id="an alias twice in one entry"),
        pytest.param("acme: [{prefix: p}, {prefix: p}]", id="two lists from upstream under one prefix"),
        pytest.param("acme: [{prefix: p, models: [{name: m}]}, {prefix: q, models: [{name: m}]}]", id="two prefixes"),
        pytest.param("acme: [{models: [{name: m}]}, {disabled: true, models: [{name: m}]}]", id="one is disabled"),
        pytest.param(
            "routing: {fallbacks: {a: [b]}}\nacme: [{prefix: a}, {prefix: b, disabled: true}]", id="to a disabled"
        ),
        pytest.param(
            "routing: {fallbacks: {a: [c], b: [c]}}\nacme: [{prefix: a}, {prefix: b}, {prefix: c}]", id="no circle"
        ),
    ],
)
def test_names_that_do_not_collide(text: str) -> None:
    names_of(KEYS + text)


def test_each_circle_is_told_once() -> None:
    text = "routing: {fallbacks: {x: [a], a: [b], b: [a], c: [d], d: [c]}}\nacme: " + str(
        [{"prefix": prefix} for prefix in "xabcd"]
    )
    assert [line.partition("circle: ")[2] for line in problems(KEYS + text)] == [
        "a -> b -> a; remove one of them",
        "c -> d -> c; remove one of them",
    ]
