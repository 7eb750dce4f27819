"""A client's body: what is refused, and that everything else passes as it came (fault I1)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchgear.dialects.request_body import parse_body
from switchgear.errors import Refusal


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        pytest.param(b"", "invalid_json", "empty", id="empty"),
        pytest.param(b"hello", "invalid_json", "not valid JSON", id="no JSON"),
        pytest.param(b'{"model": "m", "x": [1', "invalid_json", "not valid JSON", id="truncated"),
        pytest.param(b'{"model": "m", "x": NaN}', "invalid_json", "not valid JSON", id="NaN"),
        pytest.param(b'{"model": "m", "x": Infinity}', "invalid_json", "not valid JSON", id="infinity"),
        pytest.param(b'{"model":"m","x":' + b"[" * 100_000, "invalid_json", "nested too deeply", id="deep nesting"),
        pytest.param(b'{"model": "m", "x": "\xff\xfe"}', "invalid_json", "not UTF-8", id="wrong charset"),
        pytest.param('{"model": "m"}'.encode("utf-16"), "invalid_json", "not UTF-8", id="UTF-16"),
        pytest.param(b'{"model":"m","model":"n"}', "invalid_json", "twice", id="a key twice"),
        pytest.param(b'{"model": "m", "a": 1,\n "a": 1}', "invalid_json", "twice", id="a key twice, spaced"),
        pytest.param(b'{"model": "m", "x": "a\x00b"}', "invalid_json", "not valid JSON", id="null byte"),
        pytest.param(b'{"model": "m", "x": "\\ud800"}', "invalid_json", "not valid JSON", id="lone surrogate"),
        pytest.param(b"[]", "invalid_json", "must be a JSON object", id="a list"),
        pytest.param(b"{}", "missing_model", "must name a model", id="no model"),
        pytest.param(b'{"model": ""}', "missing_model", "must name a model", id="empty model"),
        pytest.param(b'{"model": 7}', "missing_model", "must name a model", id="a number as model"),
        pytest.param(b'{"model": "%s"}' % (b"x" * 300), "invalid_model", "longer than", id="endless model name"),
        pytest.param(b'{"model": "m", "stream": "yes"}', "invalid_stream", "true or false", id="stream as text"),
    ],
)
def test_refused(body: bytes, code: str, words: str) -> None:
    with pytest.raises(Refusal) as caught:
        parse_body(body)
    assert (caught.value.status, caught.value.code) == (400, code)
    assert words in caught.value.message


def test_nothing_but_the_model_changes() -> None:
    body = b'{"model": "alias", "n": 1.10, "big": 123456789012345678901234567890, "new": {"z": 1, "a": [ 2 ]}}'
    parsed = parse_body(body)
    sent = parsed.with_model("real/name")
    assert b"1.10" in sent
    assert b"123456789012345678901234567890" in sent
    assert json.loads(sent) == {**json.loads(body), "model": "real/name"}
    assert list(json.loads(sent)) == ["model", "n", "big", "new"]


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), json_values, max_size=6), st.booleans())
def test_unknown_fields_survive(fields: dict[str, object], spaced: bool) -> None:
    fields = {**fields, "model": "alias", "stream": True}
    body = json.dumps(fields, separators=None if spaced else (",", ":"), ensure_ascii=spaced).encode()
    parsed = parse_body(body)
    assert (parsed.model, parsed.stream) == ("alias", True)
    assert json.loads(parsed.with_model("other")) == {**fields, "model": "other"}


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "é", 'q"']), st.integers(0, 20)), max_size=5), st.booleans())
def test_a_key_named_twice_is_always_seen(pairs: list[tuple[str, int]], spaced: bool) -> None:
    separator = " , " if spaced else ","
    body = separator.join(f"{json.dumps(name)}: {value}" for name, value in [("model", 0), *pairs])
    body = body.replace(": 0", ': "m"', 1)
    names = [name for name, _ in pairs]
    if len(set(names)) == len(names):
        assert parse_body(f"{{{body}}}".encode()).model == "m"
    else:
        with pytest.raises(Refusal, match="twice"):
            parse_body(f"{{{body}}}".encode())
