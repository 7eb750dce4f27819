"""Other programs' sign-ins at work: in a whole gateway, and through the commands, over the fake of Kiro."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from switchgear import assembly
from switchgear.cli.main import cli
from switchgear_kiro.fake import FakeKiro
from switchgear_kiro.fake.machine import IDE_FILE, machine
from switchgear_kiro.fake.people import SHARED_ARN
from tests.gateways import Running, gateway
from tests.plugins.kiro_files import closed_database, database, iso, put


def tokens(fake: FakeKiro, name: str) -> dict[str, str]:
    people = fake.sign_in.people
    return people.issue(people.begin(people.user(name, "Google")))


def ide(fake: FakeKiro, name: str, lasts_s: float = 3600) -> dict[str, Any]:
    social = {"authMethod": "social", "provider": "Google", "profileArn": SHARED_ARN}
    return {**tokens(fake, name), "expiresAt": iso(time.time() + lasts_s), **social}


def row(fake: FakeKiro, name: str, lasts_s: float = 3600) -> dict[str, Any]:
    given = tokens(fake, name)
    return {
        "access_token": given["accessToken"],
        "refresh_token": given["refreshToken"],
        "expires_at": iso(time.time() + lasts_s),
        "provider": "google",
        "profile_arn": SHARED_ARN,
    }


class House:
    """A gateway over the fake, with files of other programs; it looks for changes when it is told to."""

    def __init__(self, fake: FakeKiro, running: Running) -> None:
        self.fake = fake
        self.running = running

    async def chat(self) -> int:
        return (await self.running.chat(f"kiro/{self.fake.model}")).status_code

    async def look(self) -> None:
        await self.running.service.reload_accounts(self.running.service.current)

    async def states(self) -> dict[str, int]:
        counts: dict[str, int] = (await self.running.provider("kiro"))["accounts"]
        return {name: count for name, count in counts.items() if count and name != "total"}


@asynccontextmanager
async def serving(fake: FakeKiro, folder: Path, *files: Path) -> AsyncIterator[House]:
    config = {"kiro": [{**fake.settings, "token-files": [str(path) for path in files]}]}
    async with gateway(folder, config) as running:
        await running.service.list_models()
        yield House(fake, running)


@pytest.fixture
async def fake(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeKiro]:
    monkeypatch.setattr(assembly, "ACCOUNTS_LOOK_S", 3600)
    async with FakeKiro() as made:
        yield made


async def test_a_refused_token_is_renewed_and_the_ide_goes_on_with_the_new_one(fake: FakeKiro, tmp_path: Path) -> None:
    path = put(tmp_path / "kiro-auth-token.json", ide(fake, "ada"))
    async with serving(fake, tmp_path, path) as house:
        assert await house.chat() == 200
        before = json.loads(path.read_text())
        fake.expire()
        assert await house.chat() == 200
        after = json.loads(path.read_text())
        assert fake.refreshes == 1
        assert after["refreshToken"] != before["refreshToken"]
        assert fake.sign_in.people.bearer(after["accessToken"]) is fake.sign_in.people.user("ada", "Google")
        assert after.keys() == before.keys()
    async with serving(fake, tmp_path, path) as house:  # after a restart
        assert (await house.chat(), fake.refreshes) == (200, 1)
    assert not list((tmp_path / "auth").glob("*.json")), "it is nobody else's business"


async def test_what_the_ide_renewed_is_taken_and_not_renewed_again(fake: FakeKiro, tmp_path: Path) -> None:
    path = put(tmp_path / "kiro-auth-token.json", ide(fake, "ada"))
    async with serving(fake, tmp_path, path) as house:
        fake.expire()
        put(path, ide(fake, "ada"))
        assert (await house.chat(), fake.refreshes) == (200, 0)


async def test_a_spent_token_serves_again_when_somebody_signed_in_there(fake: FakeKiro, tmp_path: Path) -> None:
    path = put(tmp_path / "kiro-auth-token.json", ide(fake, "ada"))
    async with serving(fake, tmp_path, path) as house:
        fake.expire()
        fake.revoke()
        assert await house.chat() != 200
        assert await house.states() == {"auth_failed": 1}
        put(path, ide(fake, "ben"))
        await house.look()
        assert await house.chat() == 200
        assert await house.states() == {"ready": 1}


async def test_a_database_serves_until_its_token_has_run_out_and_again_when_it_is_renewed(
    fake: FakeKiro, tmp_path: Path
) -> None:
    path = closed_database(tmp_path / "data.sqlite3", {"kirocli:social:token": row(fake, "ada")})
    async with serving(fake, tmp_path, path) as house:
        assert await house.chat() == 200
        fake.expire()
        assert await house.chat() != 200
        assert (await house.states(), fake.refreshes) == ({"auth_failed": 1}, 0)
        database(path, {"kirocli:social:token": row(fake, "ada")}).close()
        await house.look()
        assert (await house.chat(), fake.refreshes) == (200, 0)


async def test_a_damaged_file_leaves_the_others_alone(fake: FakeKiro, tmp_path: Path) -> None:
    good = put(tmp_path / "good.json", ide(fake, "ada"))
    bad = put(tmp_path / "bad.json", "{}")
    async with serving(fake, tmp_path, bad, good) as house:
        assert [await house.chat() for _ in range(3)] == [200] * 3
        assert await house.states() == {"ready": 1, "auth_failed": 1}


# -- the commands ----------------------------------------------------------------------------------------------


async def run(folder: Path, *arguments: str, code: int = 0) -> dict[str, Any]:
    """A command that needs nobody, in this process; what it says."""
    command = (*arguments, "--config", str(folder / "config.yaml"), "--json")
    result = await asyncio.to_thread(CliRunner().invoke, cli, command)
    assert result.exit_code == code, result.output
    said: dict[str, Any] = json.loads(result.stdout)
    return said


def configure(folder: Path, fake: FakeKiro, **fields: Any) -> None:
    config = {
        "api-keys": ["sg-test-key-7f3a9c5d1e"],
        "auth-dir": str(folder / "auth"),
        "state-dir": str(folder / "state"),
        "kiro": [{**fake.settings, **fields}],
    }
    put(folder / "config.yaml", config)


async def test_the_only_sign_in_of_a_machine_is_taken_over_without_a_person(fake: FakeKiro, tmp_path: Path) -> None:
    configure(tmp_path, fake)
    command = ("-m", "switchgear", "login", "kiro", "--method", "import", "--json")
    with machine(fake.sign_in.people) as home:
        (home / ".local/share/kiro-cli/data.sqlite3").unlink()
        process = await asyncio.create_subprocess_exec(  # it handles signals, which only a program of its own can
            *(sys.executable, *command, "--config", str(tmp_path / "config.yaml")),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await process.communicate()
    events = [json.loads(line) for line in said.decode().splitlines()]
    assert (process.returncode, events[-1]["ok"]) == (0, True), events
    assert {event["event"] for event in events} == {"notice", "progress", "check", "done"}
    (listed,) = (await run(tmp_path, "accounts", "list"))["accounts"]
    assert (listed["state"], listed["method"]) == ("ready", "social")


async def test_a_file_of_the_vendors_is_imported_once(fake: FakeKiro, tmp_path: Path) -> None:
    configure(tmp_path, fake)
    with machine(fake.sign_in.people) as home:
        for expected in ("imported", "skipped"):
            (file,) = (await run(tmp_path, "accounts", "import", "--from", "vendor", str(home / IDE_FILE)))["files"]
            assert (file["outcome"], file["provider"]) == (expected, "kiro")
    (listed,) = (await run(tmp_path, "accounts", "list"))["accounts"]
    assert (listed["state"], listed["method"]) == ("ready", "social")


async def test_a_file_that_is_missing_is_listed_with_the_reason(fake: FakeKiro, tmp_path: Path) -> None:
    path = tmp_path / "kiro-auth-token.json"
    configure(tmp_path, fake, **{"token-files": [str(path)]})
    (listed,) = (await run(tmp_path, "accounts", "list"))["accounts"]
    assert (listed["state"], listed["problem"]) == ("not usable", f"{path}: there is no such file")
    checks = {check["name"]: check for check in (await run(tmp_path, "doctor", code=1))["checks"]}
    looked = checks["accounts of kiro"]
    assert (looked["state"], "there is no such file" in looked["detail"]) == ("failed", True)
    assert "switchgear login" not in looked["advice"], "a sign-in brings no file back"
