"""``switchgear keys new``: a key that config.yaml takes as it is told."""

from __future__ import annotations

import hashlib
import json
import re
import textwrap
from pathlib import Path

import pytest
from click.testing import CliRunner

from switchgear.cli.main import cli
from switchgear.config import ClientKey, read_config

KEY = re.compile(r"sg-[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])")


def run(*arguments: str) -> str:
    result = CliRunner().invoke(cli, ["keys", "new", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def made_of(block: str) -> ClientKey:
    (key,) = read_config(Path("config.yaml"), textwrap.dedent(block), installed=()).config.api_keys
    return key


def test_both_blocks_it_prints_are_configurations_of_the_key() -> None:
    printed = run("--name", "batch")
    (key,) = set(KEY.findall(printed))
    by_digest, as_it_is = re.findall(r"^    api-keys:\n.*\n", printed, re.MULTILINE)
    assert key not in by_digest
    assert made_of(by_digest) == made_of(as_it_is) == ClientKey("batch", hashlib.sha256(key.encode()).digest())


def test_it_says_how_a_client_sends_it() -> None:
    printed = run()
    key = KEY.findall(printed)[0]
    assert f"export OPENAI_API_KEY={key}\n" in printed
    assert "Authorization: Bearer" in printed
    assert "x-api-key" in printed


def test_json_is_for_programs() -> None:
    found = json.loads(run("--json", "--name", "batch"))
    assert found.keys() == {"name", "key", "sha256"}
    assert found["name"] == "batch"
    assert KEY.fullmatch(found["key"])
    assert found["sha256"] == "sha256:" + hashlib.sha256(found["key"].encode()).hexdigest()


def test_no_key_comes_twice() -> None:
    assert len({json.loads(run("--json"))["key"] for _ in range(20)}) == 20


@pytest.mark.parametrize("name", ["", "a b", "-a", "a: b", "x" * 65])
def test_a_name_that_the_file_would_not_take_is_refused(name: str) -> None:
    result = CliRunner().invoke(cli, ["keys", "new", f"--name={name}"])
    assert result.exit_code == 2
    assert "letters, digits" in result.output
