"""Where the sealing key comes from, and what a seal holds against."""

from __future__ import annotations

import os
import stat
import threading
from base64 import b64decode, b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from keyring.backend import KeyringBackend
from keyring.backends import fail, null

from switchgear.errors import AuthFileError
from switchgear.sealing import KEY_FILE_VARIABLE, KEY_VARIABLE, Sealer, UnknownKeyError, UnsealError
from tests.core.keyrings import (
    ForgetfulKeyring,
    LockedKeyring,
    MemoryKeyring,
    PlaintextKeyring,
    PromptingKeyring,
    new,
    using,
)

OWNER = "acme|ada"
LONG = "k" * 32


@pytest.fixture(autouse=True)
def _no_key_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_FILE_VARIABLE, raising=False)
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    monkeypatch.setattr("switchgear.sealing._environment", [])


@pytest.fixture
def _no_keyring() -> Iterator[None]:
    with using(new(fail.Keyring)):
        yield


@pytest.mark.usefixtures("_no_keyring")
def test_the_last_resort_is_a_key_file_that_only_the_owner_may_read(
    tmp_path: Path, log_output: pytest.CaptureFixture[str]
) -> None:
    sealed = Sealer(tmp_path / "auth.key").seal("secret", OWNER)
    assert stat.S_IMODE((tmp_path / "auth.key").stat().st_mode) == 0o600
    assert Sealer(tmp_path / "auth.key").open(sealed, OWNER) == "secret"
    said = log_output.readouterr().err
    assert "auth_key_in_a_file" in said
    assert KEY_FILE_VARIABLE in said


@pytest.mark.usefixtures("_no_keyring")
def test_a_required_keyring_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AuthFileError, match=f"require-keyring is set.*{KEY_FILE_VARIABLE}"):
        Sealer(tmp_path / "auth.key", require_keyring=True).seal("secret", OWNER)
    assert not (tmp_path / "auth.key").exists()


def test_a_desktop_keeps_the_key_in_its_keyring(tmp_path: Path) -> None:
    keyring = MemoryKeyring()
    with using(keyring):
        sealed = Sealer(tmp_path / "auth.key", require_keyring=True).seal("secret", OWNER)
        assert sealed["kept-in"] == "the keyring"
        assert not (tmp_path / "auth.key").exists()
        assert Sealer(tmp_path / "auth.key").open(sealed, OWNER) == "secret"
    assert [name for _, name in keyring.entries] == ["auth-key"]  # one key, and no token


@pytest.mark.parametrize(
    ("backend", "says"),
    [
        pytest.param(new(fail.Keyring), "has no keyring", id="absent"),
        pytest.param(LockedKeyring(), "cannot be used", id="locked"),
        pytest.param(PromptingKeyring(), "did not answer within", id="prompting"),
        pytest.param(PlaintextKeyring(), "does not keep secrets safe", id="plain text"),
        pytest.param(new(null.Keyring), "does not keep secrets safe", id="null"),
        pytest.param(ForgetfulKeyring(), "forgets what it is given", id="forgetful"),
    ],
)
def test_a9_a_keyring_that_does_not_do_leads_to_the_key_file_and_says_so(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    log_output: pytest.CaptureFixture[str],
    backend: KeyringBackend,
    says: str,
) -> None:
    monkeypatch.setattr("switchgear.references.KEYRING_LIMIT_S", 0.05)
    with using(backend):
        sealed = Sealer(tmp_path / "auth.key").seal("secret", OWNER)
    assert sealed["kept-in"] == "the key file"
    assert says in log_output.readouterr().err
    if isinstance(backend, PromptingKeyring):
        backend.answered.set()


def test_a_key_in_a_keyring_that_is_locked_now_is_no_damage(tmp_path: Path) -> None:
    with using(MemoryKeyring()):
        sealed = Sealer(tmp_path / "auth.key").seal("secret", OWNER)
    with using(LockedKeyring()), pytest.raises(UnknownKeyError, match=r"from the keyring, .* cannot be used"):
        Sealer(tmp_path / "auth.key").open(sealed, OWNER)


def test_a_service_gets_its_key_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "credential").write_text(LONG + "\n")
    monkeypatch.setenv(KEY_FILE_VARIABLE, str(tmp_path / "credential"))
    assert Sealer(tmp_path / "auth.key").seal("secret", OWNER)["kept-in"] == KEY_FILE_VARIABLE


def test_a_variable_is_taken_out_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, LONG)
    sealer = Sealer(tmp_path / "auth.key")
    assert sealer.seal("secret", OWNER)["kept-in"] == KEY_VARIABLE
    assert KEY_VARIABLE not in os.environ
    assert Sealer(tmp_path / "auth.key").open(sealer.seal("again", OWNER), OWNER) == "again"


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        pytest.param(KEY_FILE_VARIABLE, "/nowhere/key", "cannot be read", id="no such file"),
        pytest.param(KEY_VARIABLE, "short", "shorter than 32", id="too short"),
        pytest.param(KEY_VARIABLE, "   ", "is empty", id="blank"),
    ],
)
def test_a_key_that_does_not_do_is_named_and_not_gone_around(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, says: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(AuthFileError, match=f"{variable}.*{says}"):
        Sealer(tmp_path / "auth.key").seal("secret", OWNER)


@pytest.mark.usefixtures("_no_keyring")
def test_an_older_seal_is_opened_with_its_own_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = Sealer(tmp_path / "auth.key").seal("old", OWNER)
    monkeypatch.setenv(KEY_VARIABLE, LONG)
    sealer = Sealer(tmp_path / "auth.key")
    new = sealer.seal("new", OWNER)
    assert old["key"] != new["key"]
    assert [sealer.open(old, OWNER), sealer.open(new, OWNER)] == ["old", "new"]


@pytest.mark.usefixtures("_no_keyring")
def test_a_key_that_is_elsewhere_is_no_damage(tmp_path: Path) -> None:
    sealed = Sealer(tmp_path / "there.key").seal("secret", OWNER)
    with pytest.raises(UnknownKeyError, match=f"sealed with key {sealed['key']} from the key file"):
        Sealer(tmp_path / "here.key").open(sealed, OWNER)


@pytest.mark.usefixtures("_no_keyring")
def test_a_seal_belongs_to_its_account(tmp_path: Path) -> None:
    sealer = Sealer(tmp_path / "auth.key")
    with pytest.raises(UnsealError, match="another account"):
        sealer.open(sealer.seal("secret", OWNER), "acme|ben")


def test_any_changed_byte_breaks_the_seal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, LONG)
    sealer = Sealer(tmp_path / "auth.key")
    sealed = sealer.seal("a secret text", OWNER)
    data = b64decode(sealed["data"])

    @given(st.integers(0, len(data) - 1), st.integers(1, 255))
    def changed(position: int, flip: int) -> None:
        other = bytearray(data)
        other[position] ^= flip
        with pytest.raises(UnsealError):
            sealer.open({**sealed, "data": b64encode(bytes(other)).decode()}, OWNER)

    changed()


@pytest.mark.usefixtures("_no_keyring")
def test_two_that_make_the_key_file_at_once_have_one_key(tmp_path: Path) -> None:
    found: list[str] = []
    gate = threading.Barrier(4)

    def make() -> None:
        gate.wait()
        found.append(Sealer(tmp_path / "auth.key").sealing_key().id)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".lock"] == ["auth.key"]
