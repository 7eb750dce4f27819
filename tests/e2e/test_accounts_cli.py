"""``switchgear accounts`` and ``logout``: on real files, against a real upstream."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from switchgear import Account, Secret
from switchgear.account_settings import AccountSettingsFolder
from tests.desk import Desk, opened
from tests.signing import KEYS, command, configure, environment
from tests.stores import store


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.syspath_prepend(str(tmp_path / "path"))
    async with opened(tmp_path) as found:
        yield found


# -- list and show -------------------------------------------------------------------------------------------


async def test_the_list_has_every_account_and_its_state(desk: Desk) -> None:
    await desk.sign_in("ada")
    await desk.sign_in("ben", expires_at=None)
    await desk.run("accounts", "disable", "signing", "ben")
    code, out, _ = await desk.run("accounts", "list")
    lines = {line.split()[1]: line.split() for line in out.splitlines()[1:]}
    assert code == 0
    assert lines["ada"][:7] == ["signing", "ada", "ready", "device", "in", "60", "min"]
    assert lines["ben"][:5] == ["signing", "ben", "disabled", "device", "never"]
    rows = await desk.rows()
    assert [(row["label"], row["state"]) for row in rows] == [("ada", "ready"), ("ben", "disabled")]
    assert rows[0]["file"] == desk.files.path("ada").name
    assert 3500 < rows[0]["expires-in-seconds"] <= 3600


async def test_files_that_are_not_used_are_rows_with_their_reason(desk: Desk) -> None:
    await desk.sign_in("ada")
    auth = desk.folder / "auth"
    damaged = auth / "signing-damaged-0123456789abcdef.json"
    damaged.write_text('{"version": 1, "sea')
    foreign = auth / "codex-someone.json"
    foreign.write_text('{"type": "codex"}')
    await store(auth, "gone").save(Account("old", "old", {"key": Secret("a-forgotten-key-123")}))
    for path in auth.glob("*.json"):
        path.chmod(0o600)
    states = {row["file"]: (row["state"], row["problem"]) for row in await desk.rows()}
    assert states[desk.files.path("ada").name] == ("ready", "")
    assert states[damaged.name][0] == "quarantined"
    assert "a copy is in quarantine/" in states[damaged.name][1]
    assert states[foreign.name][0] == "not usable"
    gone = store(auth, "gone").path("old").name
    assert states[gone] == ("not configured", "config.yaml has no entry 'gone' of gone")
    code, _, errors = await desk.run("accounts", "list")
    assert (code, f"{damaged.name}: it is damaged" in errors) == (0, True)
    code, _, errors = await desk.run("accounts", "show", "signing", damaged.name)
    assert (code, "cannot be used: it is damaged" in errors) == (1, True)


async def test_a_spent_credential_needs_a_sign_in(desk: Desk) -> None:
    await desk.sign_in("ada")
    desk.upstream.revoke()
    code, _, errors = await desk.run("accounts", "refresh", "signing", "ada")
    assert (code, "sign in again with: switchgear login signing" in errors) == (1, True)
    [row] = await desk.rows()
    assert row["state"] == "login required"
    assert row["last-refresh"]["result"].startswith("login required")


async def test_show_has_fingerprints_and_no_secret(desk: Desk) -> None:
    account = await desk.sign_in("ada")
    shown = await desk.json("accounts", "show", "signing", "ada")
    assert shown["fingerprints"] == {name: secret.fingerprint() for name, secret in account.secrets.items()}
    assert shown["details"] == {"method": "device"}
    assert (shown["id"], shown["settings"]["label"]) == ("ada", None)
    code, out, _ = await desk.run("accounts", "show", "signing", "ada")
    assert code == 0
    assert re.search(rf"^fingerprints\.access +{account.secrets['access'].fingerprint()} *$", out, re.MULTILINE)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        pytest.param("work", "ada", id="by label"),
        pytest.param("ada", "ada", id="by id"),
        pytest.param("signing-ada", "ada", id="by the beginning of its file's name"),
        pytest.param("be", "ben", id="by the beginning of its id"),
    ],
)
async def test_an_account_is_found(desk: Desk, name: str, found: str) -> None:
    await desk.sign_in("ada", label="work")
    await desk.sign_in("ben")
    assert (await desk.json("accounts", "show", "signing", name))["id"] == found


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param("a", "'a' may be any of: ada (signing-ada-", id="ambiguous"),
        pytest.param("zoe", "has no account 'zoe'; it has ada (", id="unknown"),
        pytest.param("", "has no account ''", id="empty"),
    ],
)
async def test_an_account_is_not_guessed(desk: Desk, name: str, words: str) -> None:
    await desk.sign_in("ada")
    await desk.sign_in("adam")
    code, _, errors = await desk.run("accounts", "remove", "signing", name, "--yes")
    assert (code, words in errors) == (1, True), errors
    assert len(desk.files.load()) == 2


@pytest.mark.parametrize(
    ("provider", "words"),
    [
        pytest.param("zap", "no provider is called 'zap'; configured are signing", id="unknown"),
        pytest.param("signign", "did you mean signing?", id="misspelt"),
        pytest.param(
            "later", "Add these two lines to it, and try again:\n\nlater:\n  - name: later\n", id="not configured"
        ),
        pytest.param("openai-compatibility", "has no sign-in, and no entry in", id="not configured, with keys"),
    ],
)
async def test_a_provider_that_cannot_be_used_is_explained(desk: Desk, provider: str, words: str) -> None:
    code, _, errors = await desk.run("accounts", "show", provider, "ada")
    assert (code, words in errors) == (1, True), errors


async def test_a_block_with_one_entry_is_also_called_by_its_key(desk: Desk) -> None:
    entry = {"name": "mine", "base-url": desk.upstream.url}
    configure(desk.folder, desk.upstream, signing=[entry])
    assert (await desk.json("accounts", "list", "--provider", "signing"))["accounts"] == []
    configure(desk.folder, desk.upstream, signing=[entry, {**entry, "name": "other", "prefix": "o"}])
    code, _, errors = await desk.run("accounts", "list", "--provider", "signing")
    assert (code, "signing has several entries: mine, other; name one" in errors) == (1, True)


# -- changes -------------------------------------------------------------------------------------------------


async def test_refresh_gets_a_new_credential_and_says_so(desk: Desk) -> None:
    before = await desk.sign_in("ada", expires_at=time.time() - 5)
    code, out, _ = await desk.run("accounts", "refresh", "signing", "ada")
    assert (code, out) == (0, "signing, ada: refreshed; it expires in 60 min\n")
    [after] = desk.files.load()
    assert after.secrets["refresh"] != before.secrets["refresh"]
    assert desk.upstream.refreshed == [before.secrets["refresh"].reveal()]
    [row] = await desk.rows()
    assert row["last-refresh"]["result"] == "ok"


async def test_what_is_not_refreshed_says_why(desk: Desk) -> None:
    config = {
        "openai-compatibility": [
            {
                "name": "plain",
                "base-url": desk.upstream.url,
                "api-key-entries": [{"api-key": KEYS["ada"], "label": "one"}],
            }
        ]
    }
    configure(desk.folder, desk.upstream, **config)
    code, _, errors = await desk.run("accounts", "refresh", "plain", "one")
    assert (code, "are not refreshed" in errors) == (1, True)
    code, _, errors = await desk.run("accounts", "remove", "plain", "one", "--yes")
    assert (code, "it stands under plain in config.yaml" in errors) == (1, True)
    await desk.json("accounts", "disable", "plain", "one")
    assert [row["state"] for row in await desk.rows() if row["provider"] == "plain"] == ["disabled"]


EDITS = [
    pytest.param(["label"], ["work"], "label", "work", id="label"),
    pytest.param(["disable"], [], "disabled", True, id="disable"),
    pytest.param(["priority"], ["-5"], "priority", -5, id="priority below zero"),
    pytest.param(["weight"], ["3"], "weight", 3, id="weight"),
    pytest.param(
        ["proxy"], ["socks5://me:a-proxy-password@127.0.0.1:1"], "proxy-url", "socks5://127.0.0.1:1", id="proxy"
    ),
]


@pytest.mark.parametrize(("edit", "value", "name", "shown"), EDITS)
async def test_an_edit_survives_a_refresh_and_is_taken_back(
    desk: Desk, edit: list[str], value: list[str], name: str, shown: Any
) -> None:
    await desk.sign_in("ada")
    file = desk.files.path("ada").stem
    assert (await desk.json("accounts", *edit, "signing", "ada", *value))["settings"][name] == shown
    assert (await desk.json("accounts", "show", "signing", file))["settings"][name] == shown
    if name != "proxy-url":  # nothing listens there
        assert (await desk.json("accounts", "refresh", "signing", file))["settings"][name] == shown
    back = "enable" if edit == ["disable"] else edit[0]
    assert not (await desk.json("accounts", back, "signing", file))["settings"][name]
    assert "a-proxy-password" not in desk.said + json.dumps(desk.audited)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["label", "signing", "ada", "/etc"], "a label is 1 to 64 letters", id="a label with a slash"),
        pytest.param(
            ["label", "signing", "ada", "ben"], "another account of signing is called 'ben'", id="another's label"
        ),
        pytest.param(["proxy", "signing", "ada", "ftp://x"], "must be an http://", id="no proxy"),
        pytest.param(
            ["proxy", "signing", "ada", "env:NO_SUCH_PROXY"], "NO_SUCH_PROXY is not set", id="no such variable"
        ),
        pytest.param(["priority", "signing", "ada", "high"], "not a valid integer", id="no number"),
    ],
)
async def test_a_wrong_value_changes_nothing(desk: Desk, arguments: list[str], words: str) -> None:
    await desk.sign_in("ada")
    await desk.sign_in("ben")
    code, _, errors = await desk.run("accounts", *arguments)
    assert (code != 0, words in errors) == (True, True), errors
    assert not list((desk.folder / "auth").glob("operator/*.json"))


async def test_remove_takes_the_file_and_what_was_decided_about_it(desk: Desk) -> None:
    await desk.sign_in("ada")
    await desk.run("accounts", "label", "signing", "ada", "work")
    code, out, _ = await desk.run("logout", "signing", "work", "--yes")
    assert (code, out.startswith("Removed work from signing.")) == (0, True)
    assert not [*(desk.folder / "auth").glob("*.json"), *(desk.folder / "auth").glob("operator/*.json")]
    assert AccountSettingsFolder(desk.folder / "auth", "signing").read("ada").label is None


async def test_a_damaged_file_is_removed_by_its_name(desk: Desk) -> None:
    damaged = desk.folder / "auth" / "signing-damaged-0123456789abcdef.json"
    await desk.sign_in("ada")
    damaged.write_text("{")
    damaged.chmod(0o600)
    assert (await desk.json("accounts", "remove", "signing", damaged.name, "--yes"))["removed"]
    assert [row["label"] for row in await desk.rows()] == ["ada"]


async def test_every_change_is_in_the_audit_log(desk: Desk) -> None:
    await desk.sign_in("ada")
    account = desk.files.path("ada").stem
    for arguments in (
        ["label", "signing", "ada", "x"],
        ["refresh", "signing", "x"],
        ["remove", "signing", "x", "--yes"],
    ):
        assert (await desk.run("accounts", *arguments))[0] == 0
    lines = desk.audited
    assert [(line["action"], line["result"]) for line in lines] == [
        ("label", "ok"),
        ("refresh", "ok"),
        ("remove", "ok"),
    ]
    assert {(line["actor"], line["address"], line["provider"], line["account"]) for line in lines} == {
        ("cli", None, "signing", account)
    }


async def test_logout_in_a_process_asks_before_it_takes_away(desk: Desk) -> None:
    await desk.sign_in("ada")
    process = await asyncio.create_subprocess_exec(
        *command("logout", "signing", "ada"),
        cwd=desk.folder,
        env=environment(desk.folder),
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await process.communicate()
    assert (process.returncode, b"say --yes" in errors, b"Traceback" in errors) == (1, True, False)
    assert len(desk.files.load()) == 1
