"""A new plugin's package: its name, its files, and the conformance kit on it, untouched."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from switchgear.scaffold import AUTHS, Auth, ScaffoldError, write_package

ROOT = Path(__file__).parents[2]


def make_findable(folder: Path, name: str) -> str:
    """What an editable install leaves behind, so that the package need not be installed; gives what goes on the path."""
    source = folder / "src"
    info = source / f"switchgear_{name.replace('-', '_')}-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: switchgear-{name}\nVersion: 0.1.0\n")
    groups = tomllib.loads((folder / "pyproject.toml").read_text())["project"]["entry-points"]
    lines = [
        f"[{group}]\n" + "\n".join(f"{key} = {value}" for key, value in points.items())
        for group, points in groups.items()
    ]
    (info / "entry_points.txt").write_text("\n\n".join(lines) + "\n")
    return os.pathsep.join([str(source), str(ROOT / "core"), str(ROOT / "plugins")])


@pytest.mark.parametrize("auth", AUTHS)
def test_every_file_is_the_plugins_own_and_sound(tmp_path: Path, auth: Auth) -> None:
    written = write_package("nimbus-ai", auth, tmp_path / "package")
    names = {str(path.relative_to(tmp_path / "package")) for path in written}
    assert {"pyproject.toml", "README.md", "docs/nimbus-ai.md", "tests/test_nimbus_ai.py"} <= names
    package = "src/switchgear_nimbus_ai"
    assert {f"{package}/{part}.py" for part in ("__init__", "plugin", "settings", "fake", "contract")} <= names
    assert f"{package}/py.typed" in names
    for path in written:
        text = path.read_text()
        assert "acme" not in text.lower(), path
        assert all(len(line) <= 120 for line in text.splitlines()), path
        if path.suffix == ".py":
            assert ast.get_docstring(ast.parse(text)), path
    tomllib.loads((tmp_path / "package" / "pyproject.toml").read_text())


def test_the_kit_passes_at_its_highest_level_untouched(tmp_path: Path) -> None:
    write_package("nimbus-ai", "pkce", tmp_path / "package")
    ran = subprocess.run(
        [sys.executable, "-m", "switchgear", "plugins", "check", "nimbus-ai", "--json"],
        env={**os.environ, "PYTHONPATH": make_findable(tmp_path / "package", "nimbus-ai")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    report = json.loads(ran.stdout)
    assert (report["plugin"], report["version"], report["level"]) == ("nimbus-ai", "0.1.0", 6)
    results = {check["name"]: check["result"] for level in report["levels"] for check in level["checks"]}
    assert set(results.values()) <= {"passed", "n/a"}
    assert list(results.values()).count("passed") > 50


@pytest.mark.parametrize("name", ["", "Acme", "a_b", "-a", "a-", "a--b", "9a", "a/b", "../a", "a" * 41, "äcme"])
def test_a_name_that_does_not_do(tmp_path: Path, name: str) -> None:
    with pytest.raises(ScaffoldError, match="does not do as a plugin's name"):
        write_package(name, "api-key", tmp_path / "package")
    assert not (tmp_path / "package").exists()


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(ScaffoldError, match="is there already; name another folder with --into"):
        write_package("nimbus", "api-key", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
