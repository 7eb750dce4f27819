"""``switchgear config check``: every problem on a line of its own, and no value on the screen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from switchgear.cli.main import cli
from switchgear.config.excerpt import excerpt

KEY = "client-key-of-24-letters"
CANARY = "sk-canary-0a1b2c3d4e5f"


def check(text: str, path: Path, *arguments: str) -> Result:
    path.write_text(text)
    return CliRunner().invoke(cli, ["config", "check", "--config", str(path), *arguments])


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path("config.yaml")


def test_a_valid_file_is_summed_up(path: Path) -> None:
    result = check(f"api-keys: [{KEY}]\n", path)
    assert result.exit_code == 0
    assert result.stdout == "config.yaml is valid: 0 providers, 0 models, 1 client key\n"
    assert json.loads(check(f"api-keys: [{KEY}]\n", path, "--json").stdout) == {
        "valid": True,
        "problems": [],
        "warnings": [],
    }


def test_each_problem_is_a_line_on_standard_error(path: Path) -> None:
    result = check(f"prot: 1\napi-keys: [{KEY}]\nport: {CANARY}\n", path)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "config.yaml:1:1: prot: unknown key, and no installed plugin has this name; did you mean 'port'?",
        "config.yaml:3:7: port: must be a whole number",
    ]


def test_json_is_for_programs(path: Path) -> None:
    result = check(f"api-keys: [{KEY}]\nport: {CANARY}\n", path, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {
        "valid": False,
        "problems": [
            {"file": "config.yaml", "line": 2, "column": 7, "key": "port", "message": "must be a whole number"}
        ],
        "warnings": [],
    }


def test_a_person_sees_the_line_with_its_value_masked(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchgear.cli.config._has_terminal", lambda: True)
    result = check(f"api-keys: [{KEY}]\nport: {CANARY}\n", path)
    assert result.stderr.splitlines() == [
        "config.yaml:2:7: port: must be a whole number",
        "     2 | port: ***",
        "       |       ^",
    ]


def test_a_missing_file_is_a_problem_too(path: Path) -> None:
    result = CliRunner().invoke(cli, ["config", "check"])
    assert result.exit_code == 1
    assert result.stderr == "config.yaml: there is no such file; copy config.example.yaml to it\n"


@pytest.mark.parametrize(
    ("line", "column", "shown"),
    [
        pytest.param("port: 8317", 7, "port: 8317|      ^", id="small number"),
        pytest.param("key: 8317", 6, "key: ***|     ^", id="number that may be a key"),
        pytest.param(f"- {CANARY}", 3, "- ***|  ^", id="item"),
        pytest.param(f"  {CANARY}", 3, "  ***|  ^", id="line of a block"),
        pytest.param(f"{CANARY}: 1", 1, "sk-c…: 1|^", id="secret for a key"),
        pytest.param(f'"{CANARY}": 1', 1, "sk-c…: 1|^", id="quoted secret for a key"),
        pytest.param(f"a: '{CANARY} b: c'", 4, "a: ***|   ^", id="single quotes"),
        pytest.param(f'a: "{CANARY} \\" b: c"', 4, "a: ***|   ^", id="double quotes"),
        pytest.param(f'a: "{CANARY}', 4, "a: ***|   ^", id="open quote"),
        pytest.param(f"[{{a: {CANARY}, b: c}}, d]", 33, "[{a: ***, b: ***}, ***]|             ^", id="in a flow"),
        pytest.param(f"a: true # {CANARY}", 1, "a: true|^", id="comment"),
        pytest.param("a: env:NAME", 4, "a: env:NAME|   ^", id="reference to the environment"),
        pytest.param("a: keyring:name", 4, "a: keyring:name|   ^", id="reference to the keyring"),
        pytest.param(f"a: env:{CANARY}", 4, "a: ***|   ^", id="secret after env"),
        pytest.param(f"a: keyring:{CANARY}", 4, "a: ***|   ^", id="secret after keyring"),
        pytest.param("a: b", 40, "a: ***|      ^", id="beyond the end"),
    ],
)
def test_an_excerpt_shows_keys_and_no_values(line: str, column: int, shown: str) -> None:
    found = excerpt(f"first: line\r\n{line}\r\nlast: line\r\n", 2, column)
    source, caret = shown.split("|")
    assert found == f"     2 | {source}\n       | {caret}"


@pytest.mark.parametrize(("text", "line"), [("a: 1\n", 2), ("a: 1\n", 9), ("a: 1\n\n", 2), ("", 1)])
def test_there_is_no_excerpt_of_nothing(text: str, line: int) -> None:
    assert excerpt(text, line, 1) is None
