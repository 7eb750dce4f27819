"""Signing in with what the IDE or a command line on this machine has."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from switchgear import Failure, LoginFailed, LoginRequired, UpstreamError
from switchgear.testing import Person
from switchgear_kiro import ide_file
from switchgear_kiro.account import Credential
from switchgear_kiro.importing import take_over
from tests.plugins.kiro_files import closed_database, ide, put, snake, token


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    return tmp_path


def put_ide(home: Path, name: str, lasts_s: float = 3600) -> Path:
    return put(home / ide_file.PLACE, ide(name, lasts_s))


def put_cli(home: Path, name: str, folder: str = "kiro-cli", lasts_s: float = 3600) -> Path:
    secrets = {"kirocli:social:token": snake(name, lasts_s, provider="github")}
    return closed_database(home / ".local/share" / folder / "data.sqlite3", secrets)


async def never(credential: Credential) -> Credential:
    raise AssertionError("a token that is good is not renewed")


async def renewing(credential: Credential) -> Credential:
    return replace(credential, access_token=token("aoa", "new"), expires_at=time.time() + 3600)


def said(person: Person) -> str:
    return "\n".join(step.text for step in person.steps)


async def test_the_only_one_is_taken_without_a_question(home: Path) -> None:
    path = put_ide(home, "a")
    before = path.read_bytes()
    person = Person("import")
    credential = await take_over(person, never)
    assert (credential.access_token, credential.token_file) == (token("aoa", "a"), "")
    assert {step.kind for step in person.steps} == {"progress"}
    assert f"Kiro IDE: Google ({path})" in said(person)
    assert "Kiro IDE loses it with the first renewal" in said(person)
    assert path.read_bytes() == before


async def test_of_several_one_is_chosen(home: Path) -> None:
    put_ide(home, "a")
    put_cli(home, "b")
    put_cli(home, "c", "amazon-q", lasts_s=-60)
    person = Person("import", answer=lambda question: "3")
    credential = await take_over(person, renewing)
    assert credential.access_token == token("aoa", "new")
    (asked,) = (step for step in person.steps if step.kind == "choose")
    names = [choice.partition(" (")[0] for choice in asked.choices]
    assert names == ["Kiro IDE: Google", "kiro-cli: Github", "Amazon Q: Github, token expired"]


async def test_one_that_does_not_do_is_no_choice(home: Path) -> None:
    put(home / ide_file.PLACE, ide("a", refreshToken=None))
    put_cli(home, "b")
    credential = await take_over(Person("import"), never)
    assert credential.access_token == token("aoa", "b")


async def test_nothing_there_is_said_with_the_places(home: Path) -> None:
    put(home / ide_file.PLACE, ide("a", refreshToken=None))
    with pytest.raises(LoginFailed) as caught:
        await take_over(Person("import"), never)
    assert f"{home / ide_file.PLACE}: it lacks refreshToken" in str(caught.value)
    assert f"{home}/.local/share/amazon-q/data.sqlite3: there is no such file" in str(caught.value)
    assert "another --method" in str(caught.value)


async def test_an_expired_token_is_renewed(home: Path) -> None:
    put_ide(home, "a", 30)
    assert (await take_over(Person("import"), renewing)).access_token == token("aoa", "new")


async def test_a_stale_token_is_said_to_be_stale(home: Path) -> None:
    path = put_cli(home, "a", lasts_s=-60)

    async def refused(credential: Credential) -> Credential:
        raise LoginRequired(Failure("status", 400, message="the refresh token is spent"))

    with pytest.raises(LoginFailed) as caught:
        await take_over(Person("import"), refused)
    for words in (str(path), "the refresh token is spent", "without writing that down", "Sign in there once more"):
        assert words in str(caught.value)


async def test_a_service_that_is_down_is_not_taken_for_a_stale_token(home: Path) -> None:
    put_ide(home, "a", -60)

    async def down(credential: Credential) -> Credential:
        raise UpstreamError(Failure("status", 503, message="later"))

    with pytest.raises(UpstreamError, match="later"):
        await take_over(Person("import"), down)
