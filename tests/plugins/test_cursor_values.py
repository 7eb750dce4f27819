"""JSON values as messages, and the ids of calls."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear_cursor.call_ids import for_client, for_service
from switchgear_cursor.proto.agent_pb2 import Value
from switchgear_cursor.values import from_value, to_value

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False).map(lambda x: x + 0.0)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=40)
@given(JSON)
def test_values_come_back(value: Any) -> None:
    assert from_value(Value.FromString(to_value(value).SerializeToString())) == value


def test_the_keys_keep_their_order() -> None:
    assert list(from_value(to_value({"z": 1, "a": 2, "m": 3}))) == ["z", "a", "m"]


@pytest.mark.parametrize(
    ("number", "read"),
    [
        pytest.param(3, 3, id="whole"),
        pytest.param(3.5, 3.5, id="broken"),
        pytest.param(1e300, 1e300, id="beyond what a double counts exactly"),
        pytest.param(10**400, str(10**400), id="beyond a double"),
    ],
)
def test_numbers(number: float, read: object) -> None:
    found = from_value(to_value(number))
    assert found == read
    assert type(found) is type(read)


def test_the_bytes_are_those_of_the_well_known_type() -> None:
    assert to_value("Paris").SerializeToString().hex() == "1a055061726973"
    assert to_value(None).SerializeToString().hex() == "0800"


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(TypeError):
        to_value(object())


@pytest.mark.parametrize(
    ("given_id", "shown"),
    [
        pytest.param("call_x\nfc_y", "call_x__fc_y", id="two ids in one"),
        pytest.param("toolu_01", "toolu_01", id="plain"),
        pytest.param("call_a__b\nfc_1", "call_a__b__fc_1", id="with underscores"),
    ],
)
def test_ids_go_to_the_client_and_back(given_id: str, shown: str) -> None:
    assert for_client(given_id) == shown
    assert for_service(shown) == given_id


@pytest.mark.parametrize("call_id", ["toolu__fc_1", "__fc_1", "call_x"])
def test_ids_of_others_are_left_alone(call_id: str) -> None:
    assert for_service(call_id) == call_id
