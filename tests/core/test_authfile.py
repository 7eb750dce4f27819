"""Auth files: names, what is in them, and what becomes of one that is damaged, foreign, open to others or not writable."""

from __future__ import annotations

import json
import math
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchgear import Account, AuthFileError, Secret
from switchgear.authfile import authfile_name, refreshed_now
from switchgear.sealing import Sealer
from tests.stores import store

TOKEN = "access-token-of-ada-1"
ADA = Account(
    "https://id.acme.example|ada",
    label="ada@acme",
    secrets={"access": Secret(TOKEN), "refresh": Secret("refresh-token-of-ada-1")},
    details={"method": "device"},
    expires_at=1_800_000_000.0,
    refresh_at=math.inf,
    max_concurrency=1,
)

# -- names -------------------------------------------------------------------------------------------------

identities = st.tuples(
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True), st.text(min_size=1, max_size=60)
)
look_alikes = st.sampled_from(
    [
        "a@x.io",
        "A@x.io",
        "a-x.io",
        "a x io",
        "a@x.io ",
        "\uff41@x.io",
        "a@x\0io",
        "../a",
        "a/b",
        "a\\b",
        "." * 40,
        "ß",
        "ss",
    ]
)


@given(st.lists(st.tuples(st.sampled_from(["acme", "Acme", "acme-eu"]), look_alikes) | identities, unique=True))
def test_no_two_identities_share_a_file_name_case_folded_either(found: list[tuple[str, str]]) -> None:
    names = [authfile_name(*identity) for identity in found]
    assert len({name.casefold() for name in names}) == len(found)
    assert names == [authfile_name(*identity) for identity in found]


@given(identities)
def test_a_file_name_is_one_short_plain_part(identity: tuple[str, str]) -> None:
    name = authfile_name(*identity)
    assert Path(name).name == name
    assert len(name) < 128
    assert name.isascii()
    assert name == name.lower()


# -- what is in a file -------------------------------------------------------------------------------------


async def test_an_account_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    files = store(tmp_path / "auth")
    await files.save(ADA)
    assert files.load() == [ADA]


async def test_a_file_shows_its_metadata_and_no_secret(tmp_path: Path) -> None:
    files = store(tmp_path / "auth")
    await files.save(ADA)
    path = files.path(ADA.id)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    fields = json.loads(path.read_text())
    assert (fields["provider"], fields["label"], fields["details"]) == ("acme", "ada@acme", {"method": "device"})
    assert (fields["expires-at"], fields["refresh-at"]) == ("2027-01-15T08:00:00+00:00", "never")
    assert "token-of-ada" not in path.read_text()


async def test_what_the_operator_decides_is_not_in_the_file(tmp_path: Path) -> None:
    files = store(tmp_path / "auth")
    await files.save(Account("ada", disabled=True, priority=5, proxy_url=Secret("http://user:word@proxy:1")))
    assert files.load() == [Account("ada")]


async def test_the_same_account_again_is_the_same_file_and_another_is_another(tmp_path: Path) -> None:
    files = store(tmp_path / "auth")
    for account in (ADA, Account("https://id.acme.example|ben", label="ada@acme"), ADA):
        await files.save(account)
    assert len(list((tmp_path / "auth").glob("*.json"))) == 2
    assert {account.id for account in files.load()} == {ADA.id, "https://id.acme.example|ben"}


@pytest.mark.parametrize(
    ("provider", "plugin"),
    [
        pytest.param("acme-eu", "acme", id="another entry of the plugin"),
        pytest.param("acme", "other", id="an entry of the same name of another plugin"),
    ],
)
async def test_p3_nobody_elses_files_are_given(tmp_path: Path, provider: str, plugin: str) -> None:
    await store(tmp_path / "auth", "acme", "acme").save(ADA)
    stranger = store(tmp_path / "auth", provider, plugin)
    assert stranger.load() == []
    await stranger.save(ADA)
    assert len(store(tmp_path / "auth", "acme", "acme").load()) == (1 if provider != "acme" else 0)


async def test_a_refresh_note_stays_until_the_next(tmp_path: Path) -> None:
    files = store(tmp_path / "auth")
    await files.save(ADA)
    assert files.note(ADA.id) is None
    files.write_note(ADA.id, refreshed_now("the provider is down"))
    await files.save(ADA)
    note = files.note(ADA.id)
    assert note is not None
    assert note.result == "the provider is down"
    assert files.load() == [ADA]


async def test_a_removed_account_is_gone_and_removing_it_again_is_no_error(tmp_path: Path) -> None:
    files = store(tmp_path / "auth")
    await files.save(ADA)
    await files.remove(ADA)
    await files.remove(ADA)
    assert files.load() == []


# -- files that cannot be used (fault A6) ------------------------------------------------------------------


def _edited(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], object]:
    def damage(path: Path) -> None:
        fields = json.loads(path.read_text())
        change(fields)
        path.write_text(json.dumps(fields))

    return damage


DAMAGE = [
    pytest.param(lambda path: path.write_text(""), "it is empty", id="empty"),
    pytest.param(lambda path: path.write_text('{"version": 1, '), "no JSON", id="broken off"),
    pytest.param(lambda path: path.write_bytes(b"\xff\xfe\0"), "no JSON", id="binary"),
    pytest.param(lambda path: path.write_text("[" * 100_000), "no JSON", id="nested without end"),
    pytest.param(lambda path: path.write_text("[]"), "another program", id="not an object"),
    pytest.param(
        lambda path: path.write_text('{"type": "acme", "access_token": "x"}'), "accounts import", id="another program's"
    ),
    pytest.param(lambda path: path.write_text(" " * 2_000_000), "too large", id="huge"),
    pytest.param(_edited(lambda f: f.update(version=99)), "unknown version 99; update", id="from the future"),
    pytest.param(_edited(lambda f: f.update(id="ben")), "belong to another account", id="another account's seal"),
    pytest.param(_edited(lambda f: f["sealed"].update(data="AAAA")), "were changed", id="a seal cut short"),
    pytest.param(_edited(lambda f: f["sealed"].update(data="?")), "were changed", id="a seal that is no base64"),
    pytest.param(_edited(lambda f: f.update(sealed=None)), "damaged", id="no seal"),
    pytest.param(_edited(lambda f: f.pop("label")), "damaged: KeyError 'label'", id="a field missing"),
    pytest.param(_edited(lambda f: f.update({"expires-at": "soon"})), "Invalid isoformat", id="an odd time"),
    pytest.param(_edited(lambda f: f.update(id="")), "belong to another account", id="no id"),
]


@pytest.mark.parametrize(("damage", "says"), DAMAGE)
async def test_a6_a_damaged_file_is_copied_aside_and_named_and_the_others_served(
    tmp_path: Path, damage: Callable[[Path], object], says: str, log_output: pytest.CaptureFixture[str]
) -> None:
    files = store(tmp_path / "auth")
    ben = Account("ben")
    await files.save(ADA)
    await files.save(ben)
    path = files.path(ADA.id)
    damage(path)
    damaged = path.read_bytes()
    assert files.load() == [ben]
    assert list(files.problems) == [path.name]
    assert says in files.problems[path.name]
    copies = list((tmp_path / "auth" / "quarantine").iterdir())
    assert [copy.read_bytes()[:100] for copy in copies] == [damaged[:100]]
    assert stat.S_IMODE(copies[0].stat().st_mode) == 0o600
    assert "auth_file_not_used" in log_output.readouterr().err
    assert files.load() == [ben]
    assert len(list((tmp_path / "auth" / "quarantine").iterdir())) == 1
    assert log_output.readouterr().err == ""  # said once
    await files.save(ADA)  # signing in again mends it, and the copy stays
    assert len(files.load()) == 2
    assert not files.problems
    assert len(list((tmp_path / "auth" / "quarantine").iterdir())) == 1


async def test_a_file_that_others_may_read_is_closed_to_them(tmp_path: Path) -> None:
    files = store(tmp_path / "auth")
    await files.save(ADA)
    files.path(ADA.id).chmod(0o644)
    assert files.load() == [ADA]
    assert stat.S_IMODE(files.path(ADA.id).stat().st_mode) == 0o600


async def test_or_its_account_is_left_out_as_configured(tmp_path: Path) -> None:
    await store(tmp_path / "auth").save(ADA)
    files = store(tmp_path / "auth", permissions="refuse")
    files.path(ADA.id).chmod(0o640)
    assert files.load() == []
    assert "mode 0640" in files.problems[files.path(ADA.id).name]
    assert "chmod 600" in files.problems[files.path(ADA.id).name]
    assert stat.S_IMODE(files.path(ADA.id).stat().st_mode) == 0o640


async def test_a_file_whose_key_is_elsewhere_is_left_as_it_is(tmp_path: Path) -> None:
    files = store(tmp_path / "auth")
    await files.save(ADA)
    before = files.path(ADA.id).read_bytes()
    (tmp_path / "auth.key").rename(tmp_path / "away.key")
    files = store(tmp_path / "auth")
    assert files.load() == []
    assert "which cannot be had now" in files.problems[files.path(ADA.id).name]
    assert files.path(ADA.id).read_bytes() == before
    assert not (tmp_path / "auth" / "quarantine").exists()


# -- disks that do not take it (fault A4) ------------------------------------------------------------------


async def test_a4_a_full_disk_keeps_the_old_file_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = store(tmp_path / "auth")
    await files.save(ADA)

    def full(descriptor: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    newer = Account(ADA.id, secrets={"access": Secret("newer-token-of-ada")})
    with pytest.raises(AuthFileError, match=r"cannot be written: No space left on device; what was there before is"):
        await files.save(newer)
    with pytest.raises(AuthFileError, match="No space left on device"):
        files.reserve()
    assert files.load() == [ADA]
    assert [path.name for path in (tmp_path / "auth").iterdir() if path.is_file()] == [files.path(ADA.id).name]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to mount a small disk")
async def test_a4_a_really_full_disk(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.system(f"mount -t tmpfs -o size=256k tmpfs {disk} 2>/dev/null") != 0:
        pytest.skip("may not mount")
    try:
        files = store(disk / "auth")
        await files.save(ADA)
        room = shutil.disk_usage(disk).free
        (disk / "filler").write_bytes(b"x" * room)
        with pytest.raises(AuthFileError, match="No space left on device"):
            await files.save(Account(ADA.id, secrets={"access": Secret("y" * 20_000)}))
        with pytest.raises(AuthFileError, match="No space left on device"):
            files.reserve()
        assert files.load() == [ADA]
    finally:
        assert os.system(f"umount {disk}") == 0


async def test_a4_a_directory_that_cannot_be_made_or_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(AuthFileError, match="cannot be written: Not a directory"):
        await store(tmp_path / "file" / "auth").save(ADA)


async def test_without_a_key_nothing_is_written_in_the_clear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHGEAR_AUTH_KEY_FILE", str(tmp_path / "nowhere"))
    files = store(tmp_path / "auth", with_sealer=Sealer(tmp_path / "unused.key"))
    with pytest.raises(AuthFileError, match="SWITCHGEAR_AUTH_KEY_FILE names"):
        await files.save(ADA)
    assert not list((tmp_path / "auth").glob("*.json"))
