"""A stranger's plugin: scaffolded, installed into a virtual environment of its own, proved, and served from there."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from switchgear.scaffold import AUTHS, Auth
from tests.clients.installs import ROOT

LIMIT_S = 300.0
KEY = "sg-strangers-key-5d1c9a7e"
FAKE = """
import asyncio, json
from switchgear_nimbus.fake import FakeNimbus

async def main():
    async with FakeNimbus() as fake:
        print(json.dumps(fake.settings), flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, timeout=LIMIT_S)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def process(*command: str | Path, cwd: Path) -> Iterator[str]:
    """A process that goes on; gives the first line it prints."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with subprocess.Popen(
        [str(part) for part in command], cwd=cwd, stdout=subprocess.PIPE, text=True, env=environment
    ) as running:
        try:
            assert running.stdout is not None
            yield running.stdout.readline()
        finally:
            running.send_signal(signal.SIGTERM)


def sign_in(bin_: Path, folder: Path) -> None:
    """Run ``switchgear login`` as a script would, and play the person at the browser."""
    with subprocess.Popen(
        [bin_ / "switchgear", "login", "nimbus", "--json"],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as login:
        assert login.stdout is not None
        for line in login.stdout:
            event = json.loads(line)
            if event["event"] == "show":
                form = {"person": "ada", "answer": "yes", **({"user_code": event["code"]} if event["code"] else {})}
                page = httpx2.post(event["url"], data=form, trust_env=False)
                if page.status_code == 302:
                    httpx2.get(page.headers["location"], trust_env=False).raise_for_status()
            if event["event"] in {"done", "failed"}:
                assert event.get("ok") is True, event
    assert login.returncode == 0


@pytest.mark.parametrize("auth", AUTHS)
def test_from_plugins_new_to_the_first_answer(tmp_path: Path, auth: Auth) -> None:
    begun = time.monotonic()
    package, bin_ = tmp_path / "switchgear-nimbus", tmp_path / "venv" / "bin"
    run(sys.executable, "-m", "switchgear", "plugins", "new", "nimbus", "--auth", auth, cwd=tmp_path)
    run(sys.executable, "-m", "venv", tmp_path / "venv", cwd=tmp_path)
    pip = (bin_ / "python", "-m", "pip", "--disable-pip-version-check", "--quiet", "install")
    run(*pip, ROOT, f"{package}[test]", cwd=tmp_path)
    installed_s = time.monotonic() - begun
    assert re.search(r"\d+ passed", run(bin_ / "pytest", "-q", "-p", "no:cacheprovider", cwd=package))
    report = json.loads(run(bin_ / "switchgear", "plugins", "check", "nimbus", "--json", cwd=tmp_path))
    assert report["level"] == 6
    with process(bin_ / "python", "-c", FAKE, cwd=tmp_path) as said:
        config = {
            "port": 0,
            "api-keys": [KEY],
            "auth-dir": str(tmp_path / "auth"),
            "state-dir": str(tmp_path / "state"),
            "nimbus": [{**json.loads(said), "prefix": "n"}],
        }
        (tmp_path / "config.yaml").write_text(json.dumps(config))
        if auth != "api-key":
            sign_in(bin_, tmp_path)
        with process(bin_ / "switchgear", "serve", cwd=tmp_path) as line:
            found = re.search(r"http://[\d.:]+", line)
            assert found is not None, line
            headers = {"authorization": f"Bearer {KEY}"}
            body = {"model": "n/demo-model", "messages": [{"role": "user", "content": "Hello"}]}
            answer = httpx2.post(f"{found[0]}/v1/chat/completions", json=body, headers=headers, trust_env=False)
            assert answer.status_code == 200, answer.text
            assert answer.json()["choices"][0]["message"]["content"]
    taken_s = time.monotonic() - begun
    print(f"from plugins new to the first answer: {taken_s:.0f} s, {installed_s:.0f} s of them installing")
    assert taken_s < LIMIT_S
