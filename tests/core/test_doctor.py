"""The doctor's single looks: the clock, files and their rights, the keys' place, certificates, the configuration."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchgear.checks import GRAVITY, Check, State, examination, worst
from switchgear.config import Config
from switchgear.doctor import clock, configuration, files, program
from switchgear.doctor.clock import Moment
from switchgear.doctor.network import Reached
from switchgear.sealing import KEY_FILE_VARIABLE, KEY_VARIABLE, Sealer
from tests.core.keyrings import LockedKeyring, MemoryKeyring, PlaintextKeyring, PromptingKeyring, using

NOW = 1_795_000_000.0
SEALING_KEY = "a-sealing-key-of-more-than-32-characters"


def by_name(checks: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks}


def config(folder: Path, **more: Any) -> Config:
    return Config.model_validate({"auth-dir": str(folder / "auth"), "state-dir": str(folder / "state"), **more})


# -- what an examination comes to ----------------------------------------------------------------------------


@given(st.lists(st.sampled_from(list(GRAVITY))))
def test_the_gravest_check_counts_and_what_was_skipped_never_does(states: list[State]) -> None:
    found = worst(states)
    assert found != "skipped"
    assert all(GRAVITY[found] >= GRAVITY[state] for state in states)
    assert found in {*states, "ok"}
    assert examination([Check("x", state, "") for state in states])["state"] == found


# -- the clock -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offsets", "state", "words"),
    [
        pytest.param([], "ok", "no upstream told", id="nothing to compare with"),
        pytest.param([1.0, -2.0], "ok", "within 30 s of 2 upstreams", id="right"),
        pytest.param([45.0], "attention", "45 s behind", id="somewhat behind"),
        pytest.param([-45.0], "attention", "45 s ahead of", id="somewhat ahead"),
        pytest.param([-3600.0], "failed", "3600 s ahead of", id="an hour ahead"),
        pytest.param([1.0, 0.0, 86_400.0], "ok", "of 3 upstreams", id="one upstream's clock is wrong"),
    ],
)
def test_the_clock_beside_the_upstreams(offsets: list[float], state: str, words: str) -> None:
    answers = [Reached("up", False, clock_offset_s=offset) for offset in offsets]
    silent = Reached("silent", False)
    found = clock.check(Moment(NOW, 5.0), Moment(NOW + 1, 6.0), [silent, *answers])
    assert (found.state, words in found.detail) == (state, True), found
    assert found.facts["compared_with"] == len(offsets)


@pytest.mark.parametrize(
    ("ended", "state"),
    [
        pytest.param(Moment(NOW + 3600, 6.0), "attention", id="set forward meanwhile"),
        pytest.param(Moment(NOW - 3600, 6.0), "attention", id="set back meanwhile"),
        pytest.param(Moment(NOW + 3600, 3605.0), "ok", id="the doctor took an hour"),
        pytest.param(Moment(60.0, 6.0), "failed", id="a machine without a clock"),
    ],
)
def test_the_clock_beside_itself(ended: Moment, state: str) -> None:
    assert clock.check(Moment(NOW, 5.0), ended, []).state == state


# -- files and their rights ----------------------------------------------------------------------------------


def test_directories_that_are_not_there_are_no_fault_if_they_can_be_made(tmp_path: Path) -> None:
    found = by_name(files.checks(config(tmp_path)))
    assert {check.state for check in found.values()} == {"ok"}
    assert "made when it is needed" in found["auth-dir"].detail
    assert list(tmp_path.iterdir()) == [], "the doctor makes nothing"


@pytest.mark.parametrize(
    ("folder_mode", "file_mode", "permissions", "states"),
    [
        pytest.param(0o700, 0o600, "fix", ("ok", "ok"), id="private"),
        pytest.param(0o755, 0o600, "fix", ("attention", "ok"), id="others see the names"),
        pytest.param(0o700, 0o644, "fix", ("ok", "attention"), id="others may read a file"),
        pytest.param(0o700, 0o640, "refuse", ("ok", "failed"), id="and it is therefore left out"),
    ],
)
def test_rights_of_the_auth_directory(
    tmp_path: Path, folder_mode: int, file_mode: int, permissions: str, states: tuple[str, str]
) -> None:
    auth = tmp_path / "auth"
    auth.mkdir()
    (auth / "acme-one.json").write_text("{}")
    (auth / "acme-one.json").chmod(file_mode)
    auth.chmod(folder_mode)
    found = by_name(files.checks(config(tmp_path, **{"auth-file-permissions": permissions})))
    assert (found["auth-dir"].state, found["auth files"].state) == states
    assert stat.S_IMODE((auth / "acme-one.json").stat().st_mode) == file_mode, "the doctor changes nothing"


def test_an_auth_directory_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "auth").write_text("")
    (tmp_path / "state").write_text("")
    found = by_name(files.checks(config(tmp_path)))
    assert (found["auth-dir"].state, found["state-dir"].state) == ("failed", "failed")
    below = by_name(files.checks(config(tmp_path / "auth")))
    assert "may not be written" in below["state-dir"].detail


def test_a_disk_that_is_nearly_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage(NamedTuple):
        free: int

    (tmp_path / "state").mkdir()
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(3 * 1024 * 1024))
    found = by_name(files.checks(config(tmp_path)))["state-dir"]
    assert (found.state, "only 3 MiB" in found.detail) == ("attention", True)
    assert list((tmp_path / "state").iterdir()) == []


# -- where the sealing key is kept ---------------------------------------------------------------------------


@pytest.fixture
def no_key(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.delenv(KEY_FILE_VARIABLE, raising=False)
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    monkeypatch.setattr("switchgear.sealing._environment", [])
    return monkeypatch


def key_check(folder: Path, **more: Any) -> Check:
    return by_name(files.checks(config(folder, **more)))["sealing key"]


def test_the_key_is_looked_for_where_it_would_be_taken_from_and_none_is_made(
    tmp_path: Path, no_key: pytest.MonkeyPatch
) -> None:
    assert key_check(tmp_path).detail == "there is none yet; the first sign-in makes it"
    Sealer(tmp_path / "auth.key").seal("x", "owner")  # no keyring: the key file
    found = key_check(tmp_path)
    assert (found.state, "the key file" in found.detail) == ("attention", True)
    (tmp_path / "auth.key").chmod(0o644)
    assert key_check(tmp_path).state == "failed"
    (tmp_path / "auth.key").chmod(0o600)
    keyring = MemoryKeyring()
    with using(keyring):
        assert key_check(tmp_path).detail == "there is none yet; the first sign-in makes it"
        assert keyring.entries == {}
        Sealer(tmp_path / "auth.key").seal("x", "owner")
        assert (key_check(tmp_path).state, key_check(tmp_path).detail) == ("ok", "it is kept in the keyring")
        no_key.setenv(KEY_VARIABLE, SEALING_KEY)
        assert key_check(tmp_path).detail == f"it is kept in {KEY_VARIABLE}"
        (tmp_path / "named").write_text(SEALING_KEY)
        no_key.setenv(KEY_FILE_VARIABLE, str(tmp_path / "named"))
        assert key_check(tmp_path).detail == f"it is kept in {KEY_FILE_VARIABLE}"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        pytest.param("/nowhere/at/all", "cannot be read", id="a file that is not there"),
        pytest.param("short", "is shorter than 32", id="a key that is too short"),
    ],
)
def test_a_named_key_that_cannot_be_had_is_a_failure_without_its_value(
    tmp_path: Path, no_key: pytest.MonkeyPatch, value: str, words: str
) -> None:
    if not value.startswith("/"):
        (tmp_path / "key").write_text(value)
    no_key.setenv(KEY_FILE_VARIABLE, value if value.startswith("/") else str(tmp_path / "key"))
    found = key_check(tmp_path)
    assert (found.state, words in found.detail) == ("failed", True), found


def test_a_keyring_that_is_required_and_cannot_be_used(tmp_path: Path, no_key: pytest.MonkeyPatch) -> None:
    found = key_check(tmp_path, secrets="require-keyring")
    assert (found.state, "require-keyring is set" in found.detail) == ("failed", True)


# -- the keyring and the certificates ------------------------------------------------------------------------


def test_the_keyring_is_a_fault_only_where_it_is_needed(tmp_path: Path) -> None:
    needs = "api-keys: [keyring:client]"
    with using(MemoryKeyring()):
        assert program.keyring(config(tmp_path), needs).state == "ok"
    for broken in (LockedKeyring(), PlaintextKeyring()):
        with using(broken):
            assert program.keyring(config(tmp_path), "").state == "skipped"
            assert program.keyring(config(tmp_path), "a: b  # or keyring:NAME\n#     keyring:NAME").state == "skipped"
            assert program.keyring(config(tmp_path), needs).state == "failed"
            assert program.keyring(config(tmp_path, secrets="require-keyring"), "").state == "failed"


def test_a_keyring_that_waits_for_a_person_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchgear.references.KEYRING_LIMIT_S", 0.05)
    prompting = PromptingKeyring()
    with using(prompting):
        found = program.keyring(config(tmp_path), "keyring:x")
        prompting.answered.set()
    assert (found.state, "did not answer within 0.05 s" in found.detail) == ("failed", True)


def test_certificates_are_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    found = by_name(program.checks())
    assert {name: check.state for name, check in found.items()} == {"program": "ok", "tls": "ok"}
    assert found["program"].facts["httpx2"]
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere.pem")
    assert by_name(program.checks())["tls"].state == "failed"


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["httpx2[socks]>=2", "not-there-at-all>=1", 'pytest>=9; extra == "test"']
    monkeypatch.setattr(program, "requires", lambda name: lines)
    found = program.checks()[0]
    assert (found.state, "missing: not-there-at-all" in found.detail) == ("failed", True)
    assert set(found.facts) == {"python", "switchgear", "httpx2", "not-there-at-all"}


# -- the configuration ---------------------------------------------------------------------------------------

VALID = "api-keys: [sg-client-key-0123456789]\nport: 0\n"
REFERENCES = "api-keys: [sha256:{}]\nport: 0\n".format("0" * 64)


@pytest.mark.parametrize(
    ("text", "mode", "states"),
    [
        pytest.param(VALID, 0o600, {"config": "ok", "config permissions": "ok", "plugins": "ok"}, id="right"),
        pytest.param(VALID, 0o644, {"config permissions": "attention"}, id="others may read keys"),
        pytest.param(REFERENCES, 0o644, {"config permissions": "ok"}, id="others may read references"),
        pytest.param(VALID, 0o660, {"config permissions": "failed"}, id="others may change it"),
        pytest.param(VALID + "hots: x\n", 0o600, {"config": "failed"}, id="a wrong key"),
        pytest.param("a: [", 0o600, {"config": "failed"}, id="no YAML"),
    ],
)
def test_the_configuration_and_its_rights(tmp_path: Path, text: str, mode: int, states: dict[str, str]) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    path.chmod(mode)
    seen = configuration.look(path)
    found = {check.name: check.state for check in seen.checks}
    assert {name: found[name] for name in states} == states
    assert (seen.loaded is None) == (found["config"] == "failed")


def test_every_problem_of_a_wrong_file_is_a_check_and_cores_keys_still_count(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"{VALID}state-dir: {tmp_path}/mine\nhots: x\nprot: 1\n")
    seen = configuration.look(path)
    assert [check.detail.split(": ")[1] for check in seen.checks if check.name == "config"] == ["hots", "prot"]
    assert seen.config.state_dir == tmp_path / "mine"


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config.yaml"
    path.mkdir()
    [found] = configuration.look(path).checks
    assert (found.state, "cannot be read: Is a directory" in found.detail) == ("failed", True)


def test_a_file_of_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(VALID)
    path.chmod(0o600)
    if os.geteuid() == 0:
        os.chown(path, 4242, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 4242)
    found = by_name(list(configuration.look(path).checks))["config permissions"]
    assert (found.state, "belongs to another user" in found.detail) == ("attention", True)
