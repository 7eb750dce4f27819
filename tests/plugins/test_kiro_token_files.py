"""Credential files of other programs that are used where they are: read, renewed, written back, or left alone."""

from __future__ import annotations

import errno
import json
import math
import os
import stat
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from switchgear import Account, Failure, LoginRequired, UpstreamError
from switchgear_kiro import ide_file, token_files
from switchgear_kiro.account import Credential
from switchgear_kiro.settings import KiroSettings
from tests.plugins.kiro_files import (
    BUILDER_HASH,
    closed_database,
    database,
    ide,
    ide_oidc,
    iso,
    put,
    registration,
    snake,
    token,
)


def settings(*paths: Path | str) -> KiroSettings:
    return KiroSettings.model_validate({"token-files": [str(path) for path in paths]})


async def only(path: Path) -> Account:
    (account,) = await token_files.accounts_in(settings(path))
    return account


class Service:
    """Gives a new token for each one it is shown, once; and remembers what it was shown."""

    def __init__(self, meanwhile: Callable[[], object] = lambda: None, refuse: UpstreamError | None = None) -> None:
        self.shown: list[str] = []
        self.refuse = refuse
        self.meanwhile = meanwhile

    async def __call__(self, credential: Credential) -> Credential:
        self.shown.append(credential.refresh_token)
        self.meanwhile()
        if self.refuse is not None:
            raise self.refuse
        number = len(self.shown)
        access, refresh = token("aoa", f"new{number}"), token("aor", f"new{number}")
        return replace(credential, access_token=access, refresh_token=refresh, expires_at=time.time() + 3600)


# -- loading ---------------------------------------------------------------------------------------------------


async def test_each_file_is_an_account_and_a_bad_one_leaves_the_others_alone(tmp_path: Path) -> None:
    paths = [
        put(tmp_path / "ide" / "kiro-auth-token.json", ide("a")),
        put(tmp_path / "second" / "kiro-auth-token.json", "{"),
        closed_database(tmp_path / "data.sqlite3", {"kirocli:social:token": snake("c", provider="github")}),
        tmp_path / "missing.json",
    ]
    first, damaged, cli, missing = await token_files.accounts_in(settings(*paths, paths[0]))
    assert [account.label for account in (first, damaged, cli, missing)] == [
        "ide kiro-auth-token.json",
        "second kiro-auth-token.json",
        "data.sqlite3",
        "missing.json",
    ]
    assert (first.problem, first.details["token_file"]) == ("", str(paths[0]))
    assert first.secrets["access_token"].reveal() == token("aoa", "a")
    assert first.refresh_at == pytest.approx(time.time() + 3000, abs=60)
    assert (cli.problem, cli.refresh_at) == ("", math.inf)
    assert damaged.problem == f"{paths[1]}: it is damaged: no JSON object"
    assert missing.problem == f"{paths[3]}: there is no such file"
    assert damaged.secrets == missing.secrets == {}
    assert len({account.id for account in (first, damaged, cli, missing)}) == 4


async def test_the_account_is_the_files_whoever_is_signed_in_there(tmp_path: Path) -> None:
    path = put(tmp_path / "kiro-auth-token.json", ide("a"))
    before = await only(path)
    put(path, ide("b"))
    put(tmp_path / f"{BUILDER_HASH}.json", registration())
    after = await only(path)
    put(path, ide_oidc("c"))
    other = await only(path)
    assert before.id == after.id == other.id
    assert [Credential.of(one).method for one in (before, after, other)] == ["social", "social", "builder-id"]


def test_home_is_meant_by_a_tilde_and_what_changes_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    assert settings("~/data.sqlite3").account_files == (
        Path("/home/ada/data.sqlite3"),
        Path("/home/ada/data.sqlite3-wal"),
    )


# -- renewing --------------------------------------------------------------------------------------------------


async def test_a_new_token_is_written_back_in_the_files_own_format(tmp_path: Path) -> None:
    document = ide("a", 60, customField={"kept": [1], "é": "\ud800"})
    path = put(tmp_path / "kiro-auth-token.json", document, 0o640)
    link = tmp_path / "link.json"
    link.symlink_to(path)
    service = Service()
    fresh = await token_files.renewed(await only(link), service)
    assert service.shown == [token("aor", "a")]
    assert fresh.secrets["refresh_token"].reveal() == token("aor", "new1")
    assert fresh.expires_at is not None
    now = json.loads(path.read_text())
    assert now == {
        **document,
        "accessToken": token("aoa", "new1"),
        "refreshToken": token("aor", "new1"),
        "expiresAt": iso(fresh.expires_at),
    }
    assert list(now) == list(document)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert link.is_symlink()
    assert {each.name for each in tmp_path.iterdir()} == {path.name, link.name}
    loaded = await only(link)
    assert (loaded.id, loaded.secrets) == (fresh.id, fresh.secrets)


async def test_another_spelling_stays_what_it_is(tmp_path: Path) -> None:
    document = {"type": "kiro", **snake("a", 60, auth_method="social", provider="Google"), "expired": iso(1.0)}
    path = put(tmp_path / "kiro-google.json", document)
    await token_files.renewed(await only(path), Service())
    now = json.loads(path.read_text())
    assert now.keys() == document.keys()
    assert now["access_token"] == token("aoa", "new1")


async def test_what_another_program_renewed_is_taken_without_asking(tmp_path: Path) -> None:
    path = put(tmp_path / "kiro-auth-token.json", ide("a", 60))
    account = await only(path)
    put(path, ide("b"))
    service = Service()
    fresh = await token_files.renewed(account, service)
    assert (service.shown, fresh.id) == ([], account.id)
    assert fresh.secrets["access_token"].reveal() == token("aoa", "b")


async def test_what_another_program_renewed_and_let_expire_is_what_is_renewed(tmp_path: Path) -> None:
    path = put(tmp_path / "kiro-auth-token.json", ide("a", -60))
    account = await only(path)
    put(path, ide("b", 5))
    service = Service()
    await token_files.renewed(account, service)
    assert service.shown == [token("aor", "b")]


async def test_what_another_program_writes_meanwhile_is_not_written_over(
    tmp_path: Path, log_output: pytest.CaptureFixture[str]
) -> None:
    path = put(tmp_path / "kiro-auth-token.json", ide("a", 60))
    account = await only(path)
    fresh = await token_files.renewed(account, Service(meanwhile=lambda: put(path, ide("theirs"))))
    assert fresh.secrets["access_token"].reveal() == token("aoa", "new1")
    assert json.loads(path.read_text())["accessToken"] == token("aoa", "theirs")
    assert "token_file_changed_meanwhile" in log_output.readouterr().err


async def test_a_token_that_could_not_be_written_lives_on_and_the_next_one_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log_output: pytest.CaptureFixture[str]
) -> None:
    path = put(tmp_path / "kiro-auth-token.json", ide("a", 60))

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    service = Service()
    with monkeypatch.context() as patched:
        patched.setattr(ide_file, "write", full)
        fresh = await token_files.renewed(await only(path), service)
    assert "No space left on device" in log_output.readouterr().err
    assert json.loads(path.read_text())["refreshToken"] == token("aor", "a")
    await token_files.renewed(fresh, service)
    assert service.shown == [token("aor", "a"), token("aor", "new1")]
    assert json.loads(path.read_text())["refreshToken"] == token("aor", "new2")


@pytest.mark.parametrize(
    ("refuse", "raised", "words"),
    [
        pytest.param(
            LoginRequired(Failure("status", 400, message="spent")),
            LoginRequired,
            "sign in again with the program",
            id="spent",
        ),
        pytest.param(UpstreamError(Failure("status", 503, message="later")), UpstreamError, "later", id="later"),
    ],
)
async def test_a_refusal_leaves_the_file_as_it_is(
    tmp_path: Path, refuse: UpstreamError, raised: type[UpstreamError], words: str
) -> None:
    path = put(tmp_path / "kiro-auth-token.json", ide("a", 60))
    before = path.read_bytes()
    with pytest.raises(raised, match=words) as caught:
        await token_files.renewed(await only(path), Service(refuse=refuse))
    assert type(caught.value) is raised
    assert path.read_bytes() == before


async def test_a_file_that_is_gone_needs_a_person(tmp_path: Path) -> None:
    path = put(tmp_path / "kiro-auth-token.json", ide("a", 60))
    account = await only(path)
    path.unlink()
    with pytest.raises(LoginRequired, match="no such file"):
        await token_files.renewed(account, Service())


async def test_a_token_is_not_spent_where_its_successor_could_not_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(tmp_path / "kiro-auth-token.json", ide("a", 60))
    service = Service()

    def read_only(_: Path) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(ide_file, "check_writable", read_only)
    with pytest.raises(LoginRequired, match="the program that it belongs to has to renew it"):
        await token_files.renewed(await only(path), service)
    assert service.shown == []


async def test_what_is_read_only_is_not_renewed_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path / "kiro-auth-token.json", ide("a"))
    asked: list[tuple[object, int]] = []

    def access(folder: object, mode: int) -> bool:
        asked.append((folder, mode))
        return False

    monkeypatch.setattr(os, "access", access)
    assert (await only(path)).refresh_at == math.inf
    assert asked == [(tmp_path, os.W_OK)]


async def test_a_file_that_is_mounted_by_itself_is_written_from_the_top(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(tmp_path / "kiro-auth-token.json", ide("a", 60, padding="x" * 5000))
    number = path.stat().st_ino

    def busy(self: Path, target: Path) -> Path:
        raise OSError(errno.EBUSY, f"{self} cannot take the place of {target}")

    monkeypatch.setattr(Path, "replace", busy)
    fresh = await token_files.renewed(await only(path), Service())
    assert (path.stat().st_ino, (await only(path)).secrets) == (number, fresh.secrets)
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


async def test_a_databases_token_is_never_spent(tmp_path: Path) -> None:
    path = tmp_path / "data.sqlite3"
    service = Service()
    with closing(database(path, {"kirocli:social:token": snake("a", 5, provider="google")}, wal=True)) as program:
        account = await only(path)
        with pytest.raises(LoginRequired, match=r"use kiro-cli .* once"):
            await token_files.renewed(account, service)
        program.execute("UPDATE auth_kv SET value = ?", (json.dumps(snake("b", provider="google")),))
        program.commit()
        fresh = await token_files.renewed(account, service)
    assert fresh.secrets["access_token"].reveal() == token("aoa", "b")
    assert (fresh.id, fresh.refresh_at, service.shown) == (account.id, math.inf, [])
