"""Sign-ins of other programs that become cursor accounts: the IDE's database, the command line's file, a given file."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from switchgear import LoginFailed, UpstreamError
from switchgear_cursor import calls, ide_database
from switchgear_cursor.account import Credential
from switchgear_cursor.fake.people import EMAIL, jwt
from switchgear_cursor.fake.refusals import Refusal
from switchgear_cursor.importing import CLI, IDE, command_line_file, found_here, imported
from tests.plugins.cursor_desk import Desk, desk

ADA = "google-oauth2|user_01ADA"
DAY_S = 86_400


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of its own, with Linux's places."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setattr(Path, "home", lambda: folder)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setattr(calls, "FIRST_PAUSE_S", 0.0)
    return folder


def token(who: str = ADA, left_s: float = 30 * DAY_S) -> str:
    return jwt({"sub": who, "exp": int(time.time() + left_s)})


def ide(home: Path, *, edition: str = "Cursor", wal: bool = False, **values: Any) -> Path:
    """The IDE's database."""
    path = home / ".config" / edition / ide_database.PLACE
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as database:
        if wal:
            database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE ItemTable (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB)")
        put(database, **values)
    return path


def put(database: sqlite3.Connection, **values: Any) -> None:
    for name, value in {**values, "other": "x"}.items():
        database.execute("INSERT INTO ItemTable VALUES (?, ?)", (f"cursorAuth/{name}", value))
    database.commit()


def command_line(home: Path, **fields: Any) -> Path:
    """The command line's file."""
    path = home / ".config/cursor/auth.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(fields))
    return path


@pytest.fixture
def untouched(home: Path) -> Iterator[None]:
    """Whatever is read here stays as it was, and nothing is left beside it."""

    def seen() -> dict[Path, bytes]:
        return {
            path: path.read_bytes() for path in home.rglob("*") if path.is_file() and not path.name.endswith("-shm")
        }

    yield
    before = seen()
    found_here()
    assert seen() == before


# -- where and what ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("platform", "database", "file"),
    [
        ("linux", ".config/Cursor/User/globalStorage/state.vscdb", ".config/cursor/auth.json"),
        (
            "darwin",
            "Library/Application Support/Cursor/User/globalStorage/state.vscdb",
            ".cursor/auth.json",
        ),
        ("win32", "AppData/Roaming/Cursor/User/globalStorage/state.vscdb", "AppData/Roaming/Cursor/auth.json"),
    ],
)
def test_each_system_has_its_places(platform: str, database: str, file: str) -> None:
    home = Path("/home/ada")
    assert ide_database.places(platform, home, {})[0] == home / database
    assert command_line_file(platform, home, {}) == home / file


def test_the_environment_may_say_otherwise() -> None:
    home = Path("/home/ada")
    assert command_line_file("linux", home, {"XDG_CONFIG_HOME": "/x"}) == Path("/x/cursor/auth.json")
    assert command_line_file("win32", home, {"APPDATA": "/y"}) == Path("/y/Cursor/auth.json")
    assert ide_database.places("linux", home, {"XDG_CONFIG_HOME": "/x"})[1].parts[2] == "Cursor - Insiders"


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(lambda text: text, id="plain"),
        pytest.param(json.dumps, id="as a JSON string"),
        pytest.param(str.encode, id="as bytes"),
        pytest.param(lambda text: json.dumps(text).encode(), id="as a JSON string in bytes"),
    ],
)
@pytest.mark.usefixtures("untouched")
def test_the_ide_is_read_however_it_writes(home: Path, written: Any) -> None:
    access = token()
    ide(home, accessToken=written(access), refreshToken=written("r-1234"), cachedEmail=written(EMAIL))
    found = next(each for each in found_here() if each.program == IDE)
    assert found.credential is not None
    assert (found.credential.access_token, found.credential.refresh_token) == (access, "r-1234")
    assert (found.credential.email, found.credential.subject) == (EMAIL, ADA)


@pytest.mark.usefixtures("untouched")
def test_what_the_ide_wrote_last_is_read_while_it_runs(home: Path) -> None:
    path = ide(home, wal=True, accessToken="old.old.old")
    access = token()
    with closing(sqlite3.connect(path)) as running:
        put(running, accessToken=access)
        assert path.with_name("state.vscdb-wal").stat().st_size > 0
        assert ide_database.read(path)["accessToken"] == access


def test_what_the_ide_wrote_last_is_read_where_it_died(home: Path, tmp_path: Path) -> None:
    path = ide(home, wal=True, accessToken="old.old.old")
    access, dead = token(), tmp_path / "dead.vscdb"
    with closing(sqlite3.connect(path)) as running:
        put(running, accessToken=access)
        for suffix in ("", "-wal"):
            dead.with_name(dead.name + suffix).write_bytes(path.with_name(path.name + suffix).read_bytes())
    assert ide_database.read(dead)["accessToken"] == access
    assert sorted(each.name for each in dead.parent.glob("dead*")) == ["dead.vscdb", "dead.vscdb-wal"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(b"", "cannot be read", id="empty"),
        pytest.param(b"no database at all, but long enough", "cannot be read", id="no database"),
    ],
)
def test_a_damaged_database_says_so(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "state.vscdb"
    path.write_bytes(content)
    with pytest.raises(LoginFailed, match=problem):
        ide_database.read(path)


@pytest.mark.usefixtures("untouched")
def test_each_place_says_why_nothing_is_there(home: Path) -> None:
    ide(home)
    ide(home, edition="Cursor - Insiders", accessToken="")
    command_line(home, accessToken=7)
    problems = [found.problem for found in found_here()]
    assert problems == ["nobody is signed in there", "nobody is signed in there", "accessToken is missing"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param("", "damaged", id="empty"),
        pytest.param("[]", "damaged", id="no object"),
        pytest.param('{"apiKey": "sk-1"}', "crsr_", id="another vendor's key"),
        pytest.param('{"refreshToken": "r"}', "accessToken is missing", id="no token"),
    ],
)
def test_a_file_of_no_use_says_why(home: Path, content: str, problem: str) -> None:
    command_line(home).write_text(content)
    found = found_here()[-1]
    assert found.program == CLI
    assert problem in found.problem


# -- taken over ----------------------------------------------------------------------------------------------


async def test_the_ides_session_is_taken_over(home: Path, tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        session = here.people.session(here.people.user("ada"))
        ide(home, accessToken=session, refreshToken=session, cachedEmail=EMAIL)
        person = here.person(method="import")
        found = Credential.of(await here.play(person))
        assert (found.kind, found.access_token) == ("session", session)
        assert [step.kind for step in person.steps] == ["progress", "progress"]
        assert found.account().id == (await here.sign_in()).id


async def test_the_command_lines_key_is_taken_over_and_says_whose_it_is(home: Path, tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        command_line(home, apiKey=here.people.api_key("ben"))
        found = Credential.of(await here.sign_in(method="import"))
        assert (found.kind, found.subject) == ("api-key", here.people.user("ben").subject)


async def test_an_expired_session_is_renewed_first(home: Path, tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.people.session_s = 10
        command_line(home, accessToken=(old := here.people.session(here.people.user("ada"))), refreshToken=old)
        here.people.session_s = DAY_S
        assert Credential.of(await here.sign_in(method="import")).access_token != old


async def test_of_several_the_person_chooses(home: Path, tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        session = here.people.session(here.people.user("ada"))
        ide(home, accessToken=session)
        command_line(home, apiKey=here.people.api_key("ben"))
        person = here.person(method="import", typed="2")
        assert Credential.of(await here.play(person)).subject == here.people.user("ben").subject
        choices = next(step.choices for step in person.steps if step.kind == "choose")
        assert len(choices) == 2
        assert session not in "".join(choices)


def use(here: Desk, home: Path, what: str) -> None:
    here.people.session_s = 10
    session = here.people.session(here.people.user("ada"))
    match what:
        case "a session that nobody renews":
            here.login.renews_sessions = False
            ide(home, accessToken=session)
        case "a revoked key":
            command_line(home, apiKey=here.people.api_key("ada"))
            here.people.revoke()


@pytest.mark.parametrize("what", ["nothing", "a session that nobody renews", "a revoked key"])
async def test_what_is_of_no_use_is_not_taken_over(home: Path, tmp_path: Path, what: str) -> None:
    async with desk(tmp_path) as here:
        use(here, home, what)
        with pytest.raises(LoginFailed, match="another --method"):
            await here.sign_in(method="import")
        assert here.stored() == []


async def test_a_service_that_is_down_is_no_reason_to_give_it_up(home: Path, tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        command_line(home, apiKey=here.people.api_key("ada"))
        here.login.exchange_refusals = [Refusal("unavailable")] * 4
        with pytest.raises(UpstreamError):
            await here.sign_in(method="import")


# -- given ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "document", "id_"),
    [
        pytest.param(
            "cliproxyapi",
            {"type": "cursor", "access_token": token(), "refresh_token": "r", "sub": ADA},
            f"user:{ADA}",
            id="another gateway's",
        ),
        pytest.param(
            "cliproxyapi", {"type": "cursor", "access_token": token()}, f"user:{ADA}", id="without the subject"
        ),
        pytest.param("vendor", {"accessToken": token(), "refreshToken": "r"}, f"user:{ADA}", id="the command line's"),
        pytest.param("vendor", {"accessToken": token(), "apiKey": "crsr_1"}, f"user:{ADA}", id="with a key"),
    ],
)
def test_a_file_becomes_the_account_that_signing_in_would(source: str, document: dict[str, Any], id_: str) -> None:
    account = imported(source, document)
    assert account is not None
    assert account.id == id_
    assert account.expires_at is not None
    assert Credential.of(account).kind == ("api-key" if "apiKey" in document else "session")


@pytest.mark.parametrize(
    ("source", "document"),
    [
        pytest.param("cliproxyapi", {"type": "claude", "access_token": "a"}, id="of another provider"),
        pytest.param("cliproxyapi", {"accessToken": "a"}, id="of another form"),
        pytest.param("vendor", {"token": "a"}, id="of nobody that is known"),
        pytest.param("elsewhere", {"type": "cursor", "access_token": "a"}, id="of another source"),
    ],
)
def test_a_file_of_others_is_left_alone(source: str, document: dict[str, Any]) -> None:
    assert imported(source, document) is None


@pytest.mark.parametrize(
    ("document", "missing"),
    [
        pytest.param({"type": "cursor"}, "access_token is missing", id="no token"),
        pytest.param({"type": "cursor", "access_token": "opaque"}, "whose it is", id="nobody's token"),
        pytest.param({"type": "cursor", "api_key": "sk-1"}, "crsr_", id="another vendor's key"),
    ],
)
def test_a_file_that_does_not_suffice_says_what_is_missing(document: dict[str, Any], missing: str) -> None:
    with pytest.raises(LoginFailed, match=missing):
        imported("cliproxyapi", document)
