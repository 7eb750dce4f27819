"""What holds the house together: floors, sizes, names, and what an import costs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CORE = ROOT / "core"
SOURCES = [*CORE.rglob("*.py"), *(ROOT / "plugins").rglob("*.py")]
PROVIDERS = re.compile(r"\b(openai.compatibility|kiro|cursor|minimax|roo|iflow|openrouter)\b", re.IGNORECASE)
VENDOR_FACTS = {"dialects", "testing"}
"""Where a vendor's habits are written down as outside facts: codecs, and fakes of them."""


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_has_one_job(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400


def test_core_knows_no_provider_by_name() -> None:
    named = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in CORE.rglob("*.py")
        if not VENDOR_FACTS & set(path.parts)
        for match in PROVIDERS.finditer(path.read_text())
    ]
    assert named == []


def test_there_are_no_rooms_for_everything() -> None:
    assert [path for path in SOURCES if path.stem in {"utils", "util", "common", "helpers", "misc"}] == []
    assert [path for path in SOURCES if "manager" in path.stem] == []


def imported_by(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(' '.join(sorted({{name.split('.')[0] for name in sys.modules}})))"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_the_public_import_is_light() -> None:
    heavy = {"pydantic", "httpx2", "starlette", "hypercorn", "ruamel", "keyring", "cryptography", "authlib", "rich"}
    assert imported_by("import switchgear") & heavy == set()


def test_the_command_line_imports_a_command_when_it_is_used() -> None:
    assert imported_by("import switchgear.cli.main") & {"starlette", "hypercorn", "ruamel", "keyring", "rich"} == set()


def test_the_help_of_a_command_imports_nothing_of_the_gateway() -> None:
    every = "from switchgear.cli.main import cli, COMMANDS; [cli.get_command(None, name) for name in COMMANDS]"
    assert imported_by(every) & {"pydantic", "httpx2", "starlette", "ruamel", "keyring", "rich", "structlog"} == set()


def test_the_gateway_does_not_import_the_test_kit() -> None:
    code = "import switchgear.http.app, switchgear.cli.server, switchgear.assembly, switchgear.signin, sys; print('switchgear.testing' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_every_public_name_is_there() -> None:
    import switchgear

    for name in switchgear.__all__:
        assert getattr(switchgear, name) is not None
