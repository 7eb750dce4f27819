"""Which server serves, and what is said when it is not the one that was chosen."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version

import pytest

from switchgear.server import serving
from switchgear.server.serving import Choice, unfit
from tests.core.servers import Client, Receive, Scope, Send, answer, both, request, served


async def which(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers which server it is served by."""
    if scope["type"] == "http":
        await answer(send, b"fast" if "switchgear.disconnected" in scope["extensions"] else b"stock")


async def asked(choice: Choice) -> str:
    async with served(which, choice) as server:
        async with Client.to(server) as client:
            client.send(request())
            return (await client.answer()).body.decode()


@both
async def test_the_one_that_is_chosen_serves(choice: Choice, log_output: pytest.CaptureFixture[str]) -> None:
    assert await asked(choice) == choice
    assert "stock_server" not in log_output.readouterr().err


@pytest.mark.parametrize(
    ("name", "found", "problem"),
    [
        pytest.param("hypercorn", "0.19.0", "hypercorn is 0.19.0, and it was tested with 0.18.x", id="hypercorn"),
        pytest.param("httptools", "1.0", "httptools is 1.0, and it was tested with 0.7.x and 0.8.x", id="httptools"),
        pytest.param("httptools", None, "httptools is not installed", id="no httptools"),
    ],
)
async def test_with_other_versions_hypercorn_serves_alone(
    name: str, found: str | None, problem: str, monkeypatch: pytest.MonkeyPatch, log_output: pytest.CaptureFixture[str]
) -> None:
    def other(package: str) -> str:
        if package != name:
            return version(package)
        if found is None:
            raise PackageNotFoundError(package)
        return found

    monkeypatch.setattr(serving, "version", other)
    assert unfit().startswith(problem)
    assert await asked("fast") == "stock"
    log = log_output.readouterr().err
    assert '"event": "stock_server"' in log
    assert problem in log


def test_these_versions_are_known() -> None:
    assert unfit() == ""


WITHOUT = """
import sys
sys.modules["httptools"] = None
import asyncio
from switchgear.server.serving import unfit
from tests.core.test_server_serving import asked
print(unfit(), "|", asyncio.run(asked("fast")))
"""


def test_where_httptools_cannot_be_loaded_hypercorn_serves() -> None:
    ran = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True, timeout=30)
    said = ran.stdout.splitlines()[-1]
    assert said.startswith("it cannot be loaded: ")
    assert said.endswith("| stock")


def test_hypercorn_is_loaded_only_when_it_is_needed() -> None:
    code = "import sys, switchgear.cli.server, switchgear.server.connections; print('hypercorn' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert ran.stdout.strip() == "False"
