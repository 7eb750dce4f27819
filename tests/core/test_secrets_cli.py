"""``switchgear secrets``: into the keyring and out again, never onto the screen."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result
from keyring.backend import KeyringBackend
from keyring.backends import fail, null

from switchgear.cli.main import cli, main
from switchgear.references import KEYRING_SERVICE, resolve
from tests.core.keyrings import ForgetfulKeyring, LockedKeyring, MemoryKeyring, PlaintextKeyring, new, using

SECRET = "sk-live-0a1b2c3d4e5f"


@pytest.fixture(autouse=True)
def backend() -> Iterator[MemoryKeyring]:
    memory = MemoryKeyring()
    with using(memory):
        yield memory


def run(*arguments: str, stdin: str = "") -> Result:
    result = CliRunner().invoke(cli, ["secrets", *arguments], input=stdin)
    assert SECRET not in result.output + str(result.exception)
    return result


def names() -> list[str]:
    found: list[str] = json.loads(run("list", "--json").stdout)["names"]
    return found


def test_what_is_set_can_be_named_in_the_configuration() -> None:
    result = run("set", "openrouter", stdin=f"{SECRET}\n")
    assert result.stdout == "Stored. In config.yaml write: keyring:openrouter\n"
    assert resolve("keyring:openrouter") == SECRET


def test_on_a_terminal_it_is_asked_for_and_not_echoed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchgear.cli.secrets._has_terminal", lambda: True)
    result = run("set", "openrouter", stdin=f"{SECRET}\n")
    assert result.stdout.startswith("Secret for openrouter:")
    assert resolve("keyring:openrouter") == SECRET


def test_the_list_has_names_only(backend: MemoryKeyring) -> None:
    assert names() == []
    assert "switchgear secrets set NAME" in run("list").stderr
    for name in ("b", "a", "b"):
        run("set", name, stdin=SECRET)
    assert names() == ["a", "b"]
    assert run("list").stdout == "a\nb\n"
    assert {service for service, _ in backend.entries} == {KEYRING_SERVICE}


def test_what_is_removed_is_gone(backend: MemoryKeyring) -> None:
    run("set", "a", stdin=SECRET)
    assert run("remove", "a").stdout == "Removed a.\n"
    assert names() == []
    assert SECRET not in backend.entries.values()


def test_removing_what_is_not_there_says_so() -> None:
    result = run("remove", "a")
    assert result.exit_code == 1
    assert str(result.exception) == "the keyring has no secret 'a'; see: switchgear secrets list"


def test_a_name_whose_secret_somebody_else_removed_leaves_the_list(backend: MemoryKeyring) -> None:
    run("set", "a", stdin=SECRET)
    backend.delete_password(KEYRING_SERVICE, "a")
    assert run("remove", "a").exit_code == 1
    assert names() == []


@pytest.mark.parametrize(
    ("stdin", "message"),
    [
        pytest.param("", "the secret is empty; nothing was stored", id="empty"),
        pytest.param(f"{SECRET}\n{SECRET}\n", "the secret holds a line break", id="two lines"),
        pytest.param("<your-api-key>", "the secret is still the example's value", id="template"),
    ],
)
def test_what_is_no_secret_is_not_stored(stdin: str, message: str, backend: MemoryKeyring) -> None:
    result = run("set", "openrouter", stdin=stdin)
    assert result.exit_code == 1
    assert message in str(result.exception)
    assert backend.entries == {}


@pytest.mark.parametrize("name", ["", "a b", ":names", "-a", "a/b", "x" * 65])
@pytest.mark.parametrize("command", ["set", "remove"])
def test_a_name_that_no_reference_could_hold_is_refused(command: str, name: str) -> None:
    result = run(command, "--", name, stdin=SECRET)
    assert result.exit_code == 2
    assert "letters, digits" in result.stderr


@pytest.mark.parametrize(
    ("found", "message"),
    [
        pytest.param(new(fail.Keyring), "this machine has no keyring; use env:NAME or file:PATH", id="none"),
        pytest.param(new(null.Keyring), "does not keep secrets safe", id="null"),
        pytest.param(PlaintextKeyring(), "does not keep secrets safe", id="plain text"),
        pytest.param(ForgetfulKeyring(), "did not give back what was stored", id="forgetful"),
        pytest.param(LockedKeyring(), "cannot be used (InitError)", id="locked"),
    ],
)
def test_without_a_good_keyring_nothing_is_stored(found: KeyringBackend, message: str) -> None:
    with using(found):
        result = run("set", "openrouter", stdin=SECRET)
    assert result.exit_code == 1
    assert message in str(result.exception)


def test_an_error_is_one_line_and_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["secrets", "remove", "nothing"])
    assert caught.value.code == 1
    assert capsys.readouterr().err == "switchgear: the keyring has no secret 'nothing'; see: switchgear secrets list\n"
