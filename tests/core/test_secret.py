"""A secret prints as ``***``, and is taken out of every text for as long as anybody holds it."""

from __future__ import annotations

import copy
import gc
import json
import logging
import pickle
import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from switchgear.secret import MASK, SHORTEST_REDACTED, Secret, redact
from switchgear.settings import SettingsModel

VALUE = "sk-live-0a1b2c3d4e5f"


class Credential(SettingsModel):
    api_key: Secret


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(str(Secret(VALUE)), id="str"),
        pytest.param(repr(Secret(VALUE)), id="repr"),
        pytest.param(f"{Secret(VALUE)}", id="f-string"),
        pytest.param(repr({"key": [Secret(VALUE)]}), id="inside a container"),
        pytest.param(repr(Credential.model_validate({"api-key": VALUE})), id="in a settings model"),
        pytest.param(str(Credential.model_validate({"api-key": VALUE}).model_dump()), id="dumped"),
        pytest.param(Credential.model_validate({"api-key": VALUE}).model_dump_json(), id="dumped as JSON"),
    ],
)
def test_it_prints_masked(text: str) -> None:
    assert MASK in text
    assert VALUE not in text


def test_only_reveal_gives_it_away() -> None:
    assert Secret(VALUE).reveal() == VALUE


@pytest.mark.parametrize("leave", [pickle.dumps, copy.deepcopy, json.dumps], ids=["pickle", "copy", "json"])
def test_it_does_not_leave_by_a_side_door(leave: object) -> None:
    assert callable(leave)
    with pytest.raises(TypeError) as caught:
        leave(Secret(VALUE))
    assert VALUE not in str(caught.value)


def test_tracebacks_and_logs_do_not_show_it(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(VALUE)
    with pytest.raises(RuntimeError) as caught:
        raise RuntimeError("failed with", secret)
    assert VALUE not in "".join(traceback.format_exception(caught.value))
    logging.getLogger("test").warning("key %s %r", secret, secret)
    assert VALUE not in caplog.text


def test_it_is_compared_by_value_and_told_apart_by_fingerprint() -> None:
    assert Secret(VALUE) == Secret(VALUE)
    assert Secret(VALUE) != VALUE
    assert len({Secret(VALUE), Secret(VALUE)}) == 1
    assert Secret(VALUE).fingerprint() == Secret(VALUE).fingerprint() != Secret("another").fingerprint()
    assert len(Secret(VALUE).fingerprint(8)) == 8
    assert not Secret("")


def test_a_settings_model_names_the_key_and_not_the_value() -> None:
    with pytest.raises(ValidationError) as caught:
        Credential.model_validate({"api-key": f"env:{VALUE}"})
    assert VALUE not in str(caught.value.errors(include_input=False))


# -- redaction ---------------------------------------------------------------------------------------------


def test_it_is_taken_out_of_a_text_everywhere() -> None:
    held = Secret(VALUE)
    assert redact(f"{VALUE}: invalid key '{VALUE}'") == f"{MASK}: invalid key '{MASK}'"
    assert held


def test_one_that_nobody_holds_is_forgotten() -> None:
    Secret("sk-gone-0a1b2c3d")
    gc.collect()
    assert redact("sk-gone-0a1b2c3d") == "sk-gone-0a1b2c3d"


def test_one_of_two_equal_ones_is_enough() -> None:
    """A reload makes every secret again, and lets go of the old ones afterwards."""
    old, new = Secret("sk-twice-0a1b2c3d"), Secret("sk-twice-0a1b2c3d")
    assert redact(old.reveal()) == MASK
    del old
    gc.collect()
    assert redact("sk-twice-0a1b2c3d") == MASK
    assert new


def test_the_longer_of_two_goes_first() -> None:
    held = [Secret("sk-abc"), Secret("sk-abc-def")]
    assert redact("sk-abc-def sk-abc") == f"{MASK} {MASK}"
    assert held


def test_what_only_begins_like_one_stays_and_hides_none_behind_it() -> None:
    held = [Secret("sk-sk-abc"), Secret("sk-abcdef")]
    assert redact("sk-sk-abd sk-sk-abcdef sk-abcdeg sk-abcde") == f"sk-sk-abd {MASK}def sk-abcdeg sk-abcde"
    assert redact("sk-sk-sk-abcdef") == f"sk-{MASK}def"
    assert redact("sk-ask-abcdef") == f"sk-a{MASK}"
    assert held


def test_a_short_one_is_not_searched_for() -> None:
    held = Secret("error"[: SHORTEST_REDACTED - 1])
    assert redact("an error") == "an error"
    assert held


VALUES = st.text(st.characters(codec="utf-8", exclude_characters="*"), min_size=SHORTEST_REDACTED, max_size=20)


@given(values=st.lists(VALUES, min_size=1, max_size=5), between=st.lists(st.text(max_size=10), min_size=6, max_size=6))
@settings(max_examples=100, deadline=None)
def test_no_living_secret_is_left_in_any_text(values: list[str], between: list[str]) -> None:
    held = [Secret(value) for value in values]
    redacted = redact("".join(part + value for part, value in zip(between, [*values, ""], strict=False)))
    assert not [secret for secret in held if secret.reveal() in redacted]


@given(st.text(alphabet="ab \n", max_size=50))
@settings(deadline=None)
def test_a_text_without_secrets_stays_as_it_is(text: str) -> None:
    held = Secret("sk-not-in-there")
    assert redact(text) == text
    assert held


def test_secrets_may_come_and_go_in_other_threads() -> None:
    def come_and_go(thread: int) -> bool:
        rounds = ([Secret(f"sk-{thread}-{round_}-{n}-0a1b") for n in range(20)] for round_ in range(6))
        return all(redact(secret.reveal()) == MASK for held in rounds for secret in held)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(come_and_go, range(4)))
