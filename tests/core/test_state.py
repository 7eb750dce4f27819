"""What outlives a restart: written whole, private, and never a reason not to start."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from switchgear.state import FORMAT, MAX_BYTES, StateStore


@pytest.fixture
def state(tmp_path: Path) -> StateStore:
    return StateStore(tmp_path / "deep" / "state")


def test_what_was_written_is_read(state: StateStore) -> None:
    assert state.write("models", {"a": [1, None, "ü"]})
    assert state.read("models") == {"a": [1, None, "ü"]}
    assert StateStore(state.directory).read("models") == {"a": [1, None, "ü"]}, "by another process too"
    assert state.write("models", {})
    assert state.read("models") == {}


def test_documents_do_not_meet(state: StateStore) -> None:
    state.write("models", {"a": 1})
    assert state.read("cooldowns") is None


def test_only_its_owner_can_read_it(state: StateStore) -> None:
    state.write("models", {})
    assert stat.S_IMODE((state.directory / "models.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(state.directory.stat().st_mode) == 0o700
    assert [path.name for path in state.directory.iterdir()] == ["models.json"], "nothing is left behind"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b'{"format": 1, "document": {"a"', id="cut off"),
        pytest.param(b"\xff\xfe\x00", id="no text"),
        pytest.param(b"[1, 2]", id="a list"),
        pytest.param(b'"models"', id="a text"),
        pytest.param(b'{"format": 1}', id="no document"),
        pytest.param(b'{"format": 1, "document": [1]}', id="document is a list"),
        pytest.param(json.dumps({"format": FORMAT + 1, "document": {}}).encode(), id="a newer format"),
        pytest.param(b"[" * 200_000, id="nested without end"),
        pytest.param(b" " * (MAX_BYTES + 1), id="too large"),
    ],
)
def test_what_is_damaged_is_ignored_and_logged(
    state: StateStore, content: bytes, log_output: pytest.CaptureFixture[str]
) -> None:
    state.directory.mkdir(parents=True)
    (state.directory / "models.json").write_bytes(content)
    assert state.read("models") is None
    line = json.loads(log_output.readouterr().err)
    assert (line["event"], line["file"], line["level"]) == ("state_ignored", "models.json", "warning")
    assert state.write("models", {"good": True}), "and written over"
    assert state.read("models") == {"good": True}


def test_a_folder_in_its_place_is_no_reason_to_fail(state: StateStore) -> None:
    (state.directory / "models.json").mkdir(parents=True)
    assert state.read("models") is None
    assert not state.write("models", {})


def test_that_it_cannot_be_written_is_said_once_until_it_can(
    tmp_path: Path, log_output: pytest.CaptureFixture[str]
) -> None:
    blocker = tmp_path / "state"
    blocker.write_text("a file where the folder belongs")
    state = StateStore(blocker)
    assert [state.write("models", {}) for _ in range(3)] == [False] * 3
    assert log_output.readouterr().err.count("state_not_written") == 1
    blocker.unlink()
    assert state.write("models", {})
    (blocker / "models.json").unlink()
    blocker.rmdir()
    blocker.write_text("again")
    assert not state.write("models", {})
    assert log_output.readouterr().err.count("state_not_written") == 1


def test_a_number_that_json_has_not_is_a_defect(state: StateStore) -> None:
    with pytest.raises(ValueError, match="JSON"):
        state.write("models", {"until": float("inf")})
    assert state.read("models") is None
