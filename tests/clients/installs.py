"""Clients from PyPI and npm, installed once each into the ignored folder ``.clients/``; without one, its tests skip."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLIENTS = ROOT / ".clients"
INSTALL_SECONDS = 900

versions: dict[str, str] = {}
"""What was tested, for the summary."""


@cache
def python_client(folder: str, requirement: str) -> Path:
    """The folder of the commands of a Python client, in a virtual environment of its own."""
    home = CLIENTS / folder
    python = home / "bin" / "python"

    def install() -> None:
        _run([sys.executable, "-m", "venv", "--clear", str(home)])
        _run([str(python), "-m", "pip", "--disable-pip-version-check", "--quiet", "install", requirement])

    _installed(home, requirement, install)
    name = requirement.partition("[")[0]
    versions[name] = _run([str(python), "-c", f"from importlib.metadata import version; print(version({name!r}))"])
    return home / "bin"


@cache
def npm_client(package: str) -> Path:
    """The folder whose ``node_modules`` has the package, and no other client: one that cannot be had spoils none."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not here")
    home = CLIENTS / "npm" / package.removeprefix("@").replace("/", "-")
    npm = ["npm", "install", "--prefix", str(home), "--no-audit", "--no-fund", package]

    def install() -> None:
        home.mkdir(parents=True, exist_ok=True)
        _run(npm)

    _installed(home, package, install)
    manifest = json.loads((home / "node_modules" / package / "package.json").read_text())
    versions[f"{package} (npm)"] = manifest["version"]
    return home


def _installed(home: Path, requirement: str, install: Callable[[], None]) -> None:
    stamp = home / ".installed"
    if stamp.exists() and stamp.read_text() == requirement:
        return
    try:
        install()
    except subprocess.TimeoutExpired:
        pytest.skip(f"{requirement} was not installed within {INSTALL_SECONDS} s")
    except subprocess.CalledProcessError as error:
        said = str(error.stderr).strip().splitlines() or ["no word why"]
        pytest.skip(f"{requirement} cannot be installed: {said[-1]}")
    stamp.write_text(requirement)


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=INSTALL_SECONDS)
    return done.stdout.strip()
