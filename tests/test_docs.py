"""The documentation says what is so: its files load, its links lead somewhere, its commands exist."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import click
import pytest

from switchgear import hookspecs
from switchgear.assembly import load
from switchgear.cli.main import COMMANDS, cli
from switchgear.types import Kind

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
IDS = [page.name for page in PAGES]
YAML = [
    pytest.param(block, id=f"{page.name}-{number}")
    for page in PAGES
    for number, block in enumerate(re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL))
    if "openai-compatibility:" in block or "api-keys:" in block
]


@pytest.mark.parametrize("block", YAML)
def test_every_configuration_in_the_docs_loads(tmp_path: Path, block: str) -> None:
    text = re.sub(r"(keyring|env):\w+", lambda match: f"a-secret-for-{match[0].replace(':', '-')}", block)
    if not re.search("^api-keys:", text, re.MULTILINE):
        text = "api-keys: [sg-documented-0123456789]\n" + text
    path = tmp_path / "config.yaml"
    path.write_text(text)
    assert load(path).broken == {}


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_command_in_the_docs_exists(page: Path) -> None:
    for words in re.findall(r"(?:`|bin/|\$ )switchgear ((?:[a-z]+ ?)+)", page.read_text()):
        command: click.Command = cli
        for word in words.split():
            if not isinstance(command, click.Group):
                break
            found = command.get_command(click.Context(command), word)
            assert found is not None, f"switchgear {words}"
            command = found


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_make_target_in_the_docs_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:`|\$ )make ([a-z-]+)", page.read_text())) <= targets


def test_every_hook_is_documented_with_its_arguments() -> None:
    page = (ROOT / "docs" / "plugins.md").read_text()
    for name, function in vars(hookspecs).items():
        if hasattr(function, "switchgear_spec"):
            assert f"### `{name}({', '.join(inspect.signature(function).parameters)})`" in page


def test_every_kind_of_failure_is_documented() -> None:
    page = (ROOT / "docs" / "failures.md").read_text()
    assert [kind for kind in Kind if f"| `{kind}` |" not in page] == []


def test_every_refusal_is_documented() -> None:
    codes = set()
    for path in (ROOT / "core").rglob("*.py"):
        codes |= set(re.findall(r'Refusal\(\s*\d+,\s*"([a-z_]+)"', path.read_text()))
    page = (ROOT / "docs" / "failures.md").read_text()
    assert len(codes) > 10
    assert sorted(code for code in codes if f"`{code}`" not in page) == []
    remedies = (ROOT / "docs" / "troubleshooting.md").read_text()
    assert sorted(code for code in codes if f"[`{code}`](failures.md#" not in remedies) == []


def test_every_log_event_that_the_docs_name_is_logged() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "core").rglob("*.py"))
    rows = (ROOT / "docs" / "troubleshooting.md").read_text().partition("## By log event")[2]
    named = [name for cell in re.findall(r"^\| (`.*?) \|", rows, re.MULTILINE) for name in re.findall(r"`(\w+)`", cell)]
    assert len(named) > 10
    assert [name for name in named if f'"{name}"' not in sources] == []


def test_every_command_has_help() -> None:
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        assert command.help
