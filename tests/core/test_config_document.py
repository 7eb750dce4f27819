"""A YAML text becomes plain data with places, or an error that names the place and quotes nothing (C1)."""

from __future__ import annotations

import json
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear.config.document import MAX_BYTES, MAX_NODES, Document, read_document
from switchgear.config.places import KeyPath, Place, show_path
from switchgear.errors import ConfigError, Problem

CANARY = "sk-canary-0a1b2c3d4e5f"


def read(text: str) -> Document:
    return read_document("config.yaml", text.encode())


def problem_of(text: str | bytes) -> Problem:
    with pytest.raises(ConfigError) as caught:
        read_document("config.yaml", text.encode() if isinstance(text, str) else text)
    return caught.value.problems[0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("no", "no", id="no is a text"),
        pytest.param("1:30", "1:30", id="a time is a text"),
        pytest.param("2026-01-31", "2026-01-31", id="a date is a text"),
        pytest.param("1_000", "1_000", id="an underscore makes a text"),
        pytest.param("012", 12, id="a leading zero is no octal"),
        pytest.param("0o17", 15, id="octal"),
        pytest.param("0xFF", 255, id="hexadecimal"),
        pytest.param("-3", -3, id="negative"),
        pytest.param("1e3", 1000.0, id="exponent"),
        pytest.param(".5", 0.5, id="no digit before the dot"),
        pytest.param("-.inf", float("-inf"), id="minus infinity"),
        pytest.param("9" * 5000, "9" * 5000, id="more digits than any number"),
        pytest.param("true", True, id="true"),
        pytest.param("~", None, id="tilde"),
        pytest.param("", None, id="nothing"),
        pytest.param("'012'", "012", id="quoted"),
        pytest.param("!!str 012", "012", id="the tag for a text"),
        pytest.param("'!x'", "!x", id="quoted exclamation mark"),
        pytest.param("|\n  two\n  lines", "two\nlines", id="block"),
    ],
)
def test_reads_scalars_as_yaml_1_2_says(text: str, value: object) -> None:
    found = read(f"key: {text}").data["key"]
    assert found == value
    assert type(found) is type(value)


def test_knows_the_place_of_every_key_and_value() -> None:
    document = read('host: "::1"\nlist:\n  - a\n  - {b: c}\nempty:\nnext: 1\n')
    assert {show_path(path): (place.line, place.column) for path, place in document.places.items()} == {
        "": (1, 1),
        "host": (1, 7),
        "list": (3, 3),
        "list[0]": (3, 5),
        "list[1]": (4, 5),
        "list[1].b": (4, 9),
        "empty": (5, 1),
        "next": (6, 7),
    }
    assert document.key_places["list", 1, "b"] == Place(4, 6)


def test_an_alias_repeats_data_and_its_children_keep_their_places() -> None:
    document = read("a: &x {k: [1]}\nb: *x\n")
    assert document.data == {"a": {"k": [1]}, "b": {"k": [1]}}
    assert document.places["b",] == Place(2, 4)
    assert document.places["b", "k", 0] == document.places["a", "k", 0] == Place(1, 12)


@pytest.mark.parametrize(
    ("loc", "path"),
    [
        pytest.param(("a", 0, "b"), ("a", 0, "b"), id="exact"),
        pytest.param(("a", 0, "missing"), ("a", 0), id="a missing key"),
        pytest.param(("a", 7, "b"), ("a",), id="a missing item"),
        pytest.param(("a", "list[Entry]", 0, "Entry", "b"), ("a", 0, "b"), id="steps of a union"),
        pytest.param(("nothing",), (), id="nothing of it"),
    ],
)
def test_finds_the_nearest_to_a_pydantic_location(loc: KeyPath, path: KeyPath) -> None:
    assert read("a: [{b: 1}]").nearest(loc) == path


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "\ufeff"])
def test_an_empty_text_is_none(text: str) -> None:
    assert read(text).data is None


@pytest.mark.parametrize(
    ("text", "line", "column", "key", "message"),
    [
        pytest.param("a: 1\nb:\n  c: 1\n  c: 2\n", 4, 3, "b.c", "twice; the first is on line 3", id="duplicate key"),
        pytest.param("a:\n\tb: 1\n", 2, 1, "", "a tab is not allowed here", id="tab"),
        pytest.param("1: x\n", 1, 1, "", "put this one in quotes", id="number as key"),
        pytest.param("true: x\n", 1, 1, "", "put this one in quotes", id="switch as key"),
        pytest.param("a: {{ x }}\n", 1, 5, "a", "begins with '{'", id="template braces"),
        pytest.param("a: &x k\n*x : 1\n", 2, 1, "", "plain text, without '*'", id="alias as key"),
        pytest.param("a: !secret x\n", 1, 4, "a", "tags are not used", id="custom tag"),
        pytest.param("a: !!binary aGk=\n", 1, 4, "a", "tags are not used", id="binary tag"),
        pytest.param("a: &x {b: 1}\nc:\n  <<: *x\n", 3, 3, "c", "merge keys", id="merge key"),
        pytest.param("a: *x\n", 1, 4, "a", "names no anchor", id="unknown alias"),
        pytest.param("a: &x [*x]\n", 1, 8, "a[0]", "inside its own anchor", id="circular alias"),
        pytest.param("a: 1\n---\nb: 1\n", 2, 1, "", "a second document", id="two documents"),
        pytest.param("%YAML 1.1\n---\na: 1\n", 1, 1, "", "directives", id="directive"),
        pytest.param("a: 1\n...\r\ufeff%YAML 1.9\n---\na: 1\n", 3, 2, "", "directives", id="directive in hiding"),
        pytest.param("a: 'x\nb: 1\n", 1, 4, "", "never closed", id="open quote"),
        pytest.param("a: [1,\nb: 2\n", 1, 4, "", "not closed by ']'", id="open list"),
        pytest.param("a: {b: 1\n", 1, 4, "", "not closed by '}'", id="open mapping"),
        pytest.param("a: b: c\n", 1, 5, "", "this ':' is not allowed here", id="two colons"),
        pytest.param("a: 1\n  b: 2\n", 2, 4, "", "this ':' is not allowed here", id="indented too far"),
        pytest.param("a:\n  b: 1\n c: 2\n", 3, 2, "", "does not fit the ones above", id="indented in between"),
        pytest.param("a: @x\n", 1, 4, "", "cannot begin with this character", id="at sign"),
        pytest.param('a: "\\q"\n', 1, 6, "", "no known escape", id="unknown escape"),
        pytest.param("a: |x\n", 1, 5, "", "no text may follow '|'", id="text after a bar"),
        pytest.param("a: 1\nb: \x07\n", 2, 4, "", "control character", id="control character"),
        pytest.param(b"a: 1\nb: \xc3\xa9\xff\n", 2, 5, "", "not UTF-8", id="no UTF-8"),
    ],
)
def test_says_what_is_wrong_and_where(text: str | bytes, line: int, column: int, key: str, message: str) -> None:
    problem = problem_of(text)
    assert (problem.file, problem.line, problem.column, problem.key) == ("config.yaml", line, column, key)
    assert message in problem.message


@pytest.mark.parametrize(
    "line",
    [
        f"key: *{CANARY}",
        f"key: &{CANARY} *{CANARY}",
        f"key: !{CANARY} x",
        f"key: !{CANARY}",
        f"key: !<{CANARY} x",
        f"key: @{CANARY}",
        f"key: %{CANARY}",
        f"key: '{CANARY}",
        f'key: "\\q{CANARY}"',
        f"key: [{CANARY}",
        f"key: {CANARY}: x",
        f"key: |{CANARY}",
        f"? {CANARY}\n? {CANARY}",
        f"{CANARY}: 1\n{CANARY}: 2",
        f"{CANARY}\nkey: 1",
        f"%{CANARY}\n---\nkey: 1",
        f"key: {CANARY}\x07",
    ],
)
def test_never_quotes_the_text(line: str) -> None:
    assert CANARY not in str(problem_of(line))


def _laughs(width: int, levels: int) -> str:
    lines = [f"a0: &a0 [{', '.join(['x'] * width)}]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(_laughs(10, 9), f"more than {MAX_NODES:,}", id="a billion laughs"),
        pytest.param("a: [" + "x," * 100_000, f"more than {MAX_NODES:,}", id="a very long list"),
        pytest.param("[" * 100_000, "64 levels", id="open brackets"),
        pytest.param("{a: " * 100_000, "64 levels", id="open braces"),
        pytest.param("- " * 100_000, "64 levels", id="dashes"),
        pytest.param("a: " + "x" * MAX_BYTES, "larger than 1024 KiB", id="a huge file"),
    ],
)
def test_a_bomb_is_an_error_quick_and_flat_in_memory(text: str, message: str) -> None:
    tracemalloc.start()
    began = time.process_time()
    try:
        assert message in problem_of(text).message
        assert tracemalloc.get_traced_memory()[1] < 16 * 1024 * 1024
    finally:
        tracemalloc.stop()
    assert time.process_time() - began < 5


TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cn", "Zl", "Zp"), exclude_characters="\ufeff"),
    max_size=12,
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**40), 10**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=12
)


def _json(value: object, indent: int | None = None) -> str:
    return json.dumps(value, indent=indent, ensure_ascii=False)


@given(data=st.dictionaries(TEXTS, VALUES, max_size=4), indent=st.sampled_from([None, 1, 4]))
@settings(max_examples=80, deadline=None)
def test_every_place_points_at_what_stands_there(data: dict[str, Any], indent: int | None) -> None:
    """JSON is YAML, and says exactly how each value looks in the text."""
    text = _json(data, indent)
    document = read(text)
    assert document.data == data
    lines = text.split("\n")
    for path, place in document.places.items():
        value = data
        for step in path:
            value = value[step]  # type: ignore[index]
        looks = {dict: "{", list: "["}.get(type(value)) or _json(value)
        assert lines[place.line - 1][place.column - 1 :].startswith(looks)
    for path, place in document.key_places.items():
        assert lines[place.line - 1][place.column - 1 :].startswith(f"{_json(path[-1])}:")


@given(st.text(st.sampled_from("ab:-?[]{},&*!|>'\"%@`#\\ \n\t\r01.~<=\u2028\x85\ufeff"), max_size=20))
@settings(max_examples=120, deadline=None)
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    try:
        read(text)
    except ConfigError as error:
        (problem,) = error.problems
        assert problem.line is not None
        assert problem.column is not None
        assert 1 <= problem.line <= text.count("\n") + text.count("\r") + 1
        assert "from here on" not in problem.message
