"""``switchgear accounts import``: another program's files are taken in, or explained, and never touched."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from switchgear import AuthFileError
from switchgear.authfile import DirectoryStore
from switchgear.importing import Beside
from tests.desk import Desk, opened


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.syspath_prepend(str(tmp_path / "path"))
    async with opened(tmp_path) as found:
        yield found


def put(folder: Path, name: str, content: str | dict[str, Any], mode: int = 0o600) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(content if isinstance(content, str) else json.dumps(content))
    (folder / name).chmod(mode)


def credential(desk: Desk, person: str, **fields: Any) -> dict[str, Any]:
    return {"type": "signing", **desk.upstream.tokens(person), "expires": time.time() + 3600, **fields}


def outcomes(answer: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {row["file"]: (row["outcome"], row["detail"]) for row in answer["files"]}


async def imported(desk: Desk, *options: str, path: str = "other") -> dict[str, Any]:
    folder = str(desk.folder / path)
    found: dict[str, Any] = await desk.json("accounts", "import", "--from", "cliproxyapi", folder, *options)
    return found


async def test_each_file_of_another_program_is_taken_in_or_explained(desk: Desk) -> None:
    other = desk.folder / "other"
    lacking = credential(desk, "ben")
    del lacking["refresh_token"]
    put(other, "1-good.json", credential(desk, "ada"))
    put(other, "2-open.json", credential(desk, "ben"), 0o644)
    put(other, "3-lacking.json", lacking)
    put(other, "4-other.json", {"type": "codex"})
    put(other, "5-minimax.json", {"type": "minimax"})
    put(other, "6-broken.json", "{")
    put(other, "7-list.json", "[]")
    put(other, "8-typeless.json", {"a": 1})
    put(other, "readme.txt", "not looked at")
    before = {path.name: path.read_bytes() for path in other.iterdir()}
    expected = {
        "1-good.json": ("imported", desk.files.path("ada").name),
        "2-open.json": ("imported", desk.files.path("ben").name),
        "3-lacking.json": ("skipped", "lacks refresh_token; sign in instead"),
        "4-other.json": ("skipped", "no configured provider takes files of type 'codex'"),
        "5-minimax.json": ("skipped", "not configured: add minimax to config.yaml first"),
        "6-broken.json": ("skipped", "damaged: no JSON"),
        "7-list.json": ("skipped", "no JSON object"),
        "8-typeless.json": ("skipped", "not a credential file that any configured provider knows"),
    }
    assert outcomes(await imported(desk, "--dry-run")) == expected
    assert desk.files.load() == []
    assert not (desk.folder / "auth").exists()
    assert desk.audited == []
    answer = await imported(desk)
    assert outcomes(answer) == expected
    warnings = {row["file"]: row["warning"] for row in answer["files"] if row["warning"]}
    assert list(warnings) == ["2-open.json"]
    assert "others may read it (mode 0644)" in warnings["2-open.json"]
    assert sorted(account.id for account in desk.files.load()) == ["ada", "ben"]
    assert {path.name: path.read_bytes() for path in other.iterdir()} == before
    assert [(line["action"], line["account"]) for line in desk.audited] == [
        ("import", desk.files.path(person).stem) for person in ("ada", "ben")
    ]
    assert {row["last-refresh"]["result"] for row in await desk.rows()} == {"imported"}


async def test_an_account_that_is_here_is_not_put_back_to_an_older_credential(desk: Desk) -> None:
    here = await desk.sign_in("ada")
    other = desk.folder / "other"
    put(other, "ada.json", credential(desk, "ada", expires=time.time() + 60))
    answer = await imported(desk)
    assert outcomes(answer)["ada.json"][0] == "skipped"
    assert desk.files.load()[0].secrets == here.secrets
    assert outcomes(await imported(desk, "--replace"))["ada.json"][0] == "updated"
    assert desk.files.load()[0].secrets != here.secrets
    assert outcomes(await imported(desk))["ada.json"] == ("skipped", "already here, and the same")
    put(other, "ada.json", credential(desk, "ada", expires=time.time() + 7200))
    assert outcomes(await imported(desk))["ada.json"][0] == "updated"
    assert len(list((desk.folder / "auth").glob("*.json"))) == 1


async def test_a_disk_that_takes_nothing_is_said_for_each_file(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise AuthFileError("the disk is full")

    monkeypatch.setattr(DirectoryStore, "write", full)
    put(desk.folder / "other", "ada.json", credential(desk, "ada"))
    code, out, _ = await desk.run("accounts", "import", "--from", "cliproxyapi", str(desk.folder / "other"))
    assert (code, "failed" in out, "the disk is full" in out) == (1, True, True)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param("nowhere", "cannot be read", id="missing"),
        pytest.param("path", "there is no .json file", id="empty"),
    ],
)
async def test_a_folder_without_files_is_an_error(desk: Desk, name: str, words: str) -> None:
    code, _, errors = await desk.run("accounts", "import", "--from", "cliproxyapi", str(desk.folder / name))
    assert (code, words in errors) == (1, True)


async def test_one_file_is_taken_in_alone(desk: Desk) -> None:
    put(desk.folder / "other", "ada.json", credential(desk, "ada"))
    put(desk.folder / "other", "ben.json", credential(desk, "ben"))
    answer = await imported(desk, path="other/ben.json")
    assert outcomes(answer) == {"ben.json": ("imported", desk.files.path("ben").name)}


async def test_a_credential_in_two_files_is_put_together(desk: Desk) -> None:
    """As the vendors' own clients have it: a token, and the client it belongs to."""
    whole = credential(desk, "ada")
    halves = {"type": "signing", "beside": "client.json", "sub": whole.pop("sub")}
    put(desk.folder / "other", "ada.json", halves)
    answer = await desk.json("accounts", "import", "--from", "vendor", str(desk.folder / "other" / "ada.json"))
    assert outcomes(answer)["ada.json"][0] == "skipped"
    put(desk.folder / "other", "client.json", whole)
    answer = await desk.json("accounts", "import", "--from", "vendor", str(desk.folder / "other" / "ada.json"))
    assert outcomes(answer) == {"ada.json": ("imported", desk.files.path("ada").name)}


def test_what_lies_beside_a_file_is_read_when_it_is_asked_for(tmp_path: Path) -> None:
    put(tmp_path, "token.json", {})
    put(tmp_path, "client.json", {"id": "c"})
    put(tmp_path, "broken.json", "{")
    put(tmp_path, "readme.txt", "{}")
    put(tmp_path / "inner", "other.json", {})
    beside = Beside(tmp_path / "token.json")
    assert (sorted(beside), len(beside)) == (["broken.json", "client.json"], 2)
    assert beside["client.json"] == {"id": "c"}
    assert beside.get("broken.json") is None
    for elsewhere in ("token.json", "readme.txt", "inner/other.json", "../client.json", str(tmp_path / "client.json")):
        assert elsewhere not in beside
    assert list(Beside(tmp_path / "nowhere" / "token.json")) == []
