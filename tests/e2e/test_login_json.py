"""``switchgear login --json``: a script plays the person, in a real process."""

from __future__ import annotations

import asyncio
import json
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from switchgear.authfile import DirectoryStore
from switchgear.upstream import tls_context
from tests.signing import CLIENT_KEY, SigningUpstream, command, configure, environment
from tests.stores import store

Event = dict[str, Any]


class Script:
    """A ``login --json`` under way; what it says is read event by event, and nothing of it may be a secret."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.events: list[Event] = []

    async def until(self, name: str) -> Event:
        """The next event of this name."""
        assert self.process.stdout is not None
        async with asyncio.timeout(20):
            while line := await self.process.stdout.readline():
                event: Event = json.loads(line)
                self.events.append(event)
                if event["event"] == name:
                    return event
        raise AssertionError(f"no {name!r} in {self.events}")

    def say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")

    def answer(self, question: Event, text: str) -> None:
        self.say(json.dumps({"id": question["id"], "answer": text}))

    def hang_up(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    async def end(self) -> int:
        """The exit code, when all is said."""
        assert self.process.stdout is not None
        async with asyncio.timeout(20):
            for line in (await self.process.stdout.read()).splitlines():
                self.events.append(json.loads(line))
            await self.process.wait()
        assert self.process.returncode is not None
        return self.process.returncode

    @property
    def checks(self) -> dict[str, bool]:
        return {event["name"]: event["ok"] for event in self.events if event["event"] == "check"}


@asynccontextmanager
async def login(folder: Path, upstream: SigningUpstream, *arguments: str) -> AsyncIterator[Script]:
    if not (folder / "config.yaml").exists():
        configure(folder, upstream)
    process = await asyncio.create_subprocess_exec(
        *command("login", "signing", "--json", *arguments),
        cwd=folder,
        env=environment(folder),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    errors = asyncio.create_task(process.stderr.read())
    script = Script(process)
    try:
        yield script
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        said = (await errors).decode() + json.dumps(script.events)
        for secret in (*upstream.handed_out, *upstream.verifiers):
            assert secret not in said
        assert "Traceback" not in said


def files(folder: Path) -> DirectoryStore:
    return store(folder / "auth", "signing")


def saved(folder: Path) -> list[str]:
    return sorted(account.id for account in files(folder).load())


async def test_headless_a_browser_sign_in_waits_for_the_browser_alone(tmp_path: Path) -> None:
    upstream = SigningUpstream()
    async with upstream.server, login(tmp_path, upstream, "--method", "browser") as script:
        script.hang_up()
        show = await script.until("show")
        await upstream.confirm(show["url"], None, "ada")
        assert (await script.until("done"))["ok"]
        assert await script.end() == 0


async def test_saved_and_not_served_has_an_exit_code_of_its_own(tmp_path: Path) -> None:
    upstream = SigningUpstream()
    upstream.chat_status = 403
    async with upstream.server, login(tmp_path, upstream) as script:
        show = await script.until("show")
        await upstream.confirm(show["url"], show["code"], "ada")
        assert (await script.until("done"))["ok"] is False
        assert await script.end() == 2
    assert script.checks == {"file unique": True, "models visible": True, "canary": False}
    assert saved(tmp_path) == ["ada"]


BAD_LINES = {
    "no JSON": "not json",
    "a list": "[1]",
    "an id that is a text": '{"id": "1", "answer": "x"}',
    "an id that is true": '{"id": true, "answer": "x"}',
    "an answer that is no text": '{"id": 1, "answer": 2}',
    "a field too many": '{"id": 1, "answer": "x", "more": 1}',
    "no cancelling": '{"cancel": false}',
    "a question that was not asked": '{"id": 99, "answer": "x"}',
    "nested deeply": "[" * 100_000,
}


async def test_bad_lines_are_errors_and_change_nothing_until_it_is_cancelled(tmp_path: Path) -> None:
    upstream = SigningUpstream()
    async with upstream.server, login(tmp_path, upstream, "--method", "api-key") as script:
        await script.until("ask")
        for what, line in BAD_LINES.items():
            script.say(line)
            assert (await script.until("error"))["message"], what
        script.say('{"cancel": true}')
        failed = await script.until("failed")
        assert (failed["message"], failed["cancelled"]) == ("given up; nothing was saved", True)
        assert await script.end() == 1
    assert [event["event"] for event in script.events].count("answered") == 1
    assert saved(tmp_path) == []


@pytest.mark.parametrize(
    ("method", "number"),
    [
        pytest.param("browser", signal.SIGINT, id="Ctrl-C while the browser is waited for"),
        pytest.param("device", signal.SIGTERM, id="SIGTERM while the device is waited for"),
    ],
)
async def test_stopped_nothing_is_saved_and_no_listener_stays(
    tmp_path: Path, method: str, number: signal.Signals
) -> None:
    upstream = SigningUpstream()
    async with upstream.server, login(tmp_path, upstream, "--method", method) as script:
        show = await script.until("show")
        script.process.send_signal(number)
        assert (await script.until("failed"))["message"] == "stopped by a signal; nothing was saved"
        assert await script.end() == 130
        if method == "browser":
            port = urlsplit(parse_qs(urlsplit(show["url"]).query)["redirect_uri"][0]).port
            with pytest.raises(OSError):
                await asyncio.open_connection("127.0.0.1", port)
    assert saved(tmp_path) == []


async def test_a_gateway_that_runs_serves_the_new_account_without_a_restart(tmp_path: Path) -> None:
    upstream = SigningUpstream()
    async with upstream.server:
        path = configure(tmp_path, upstream)
        serving = await asyncio.create_subprocess_exec(
            *command("serve", "--config", str(path)),
            cwd=tmp_path,
            env=environment(tmp_path),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            assert serving.stdout is not None
            found = re.search(r"http://[\d.:]+", (await serving.stdout.readline()).decode())
            assert found is not None
            headers = {"authorization": f"Bearer {CLIENT_KEY}"}
            async with httpx2.AsyncClient(
                base_url=found[0], headers=headers, trust_env=False, verify=tls_context(), timeout=10
            ) as client:
                body = {"model": "signing/m", "messages": [{"role": "user", "content": "Hello"}]}
                assert (await client.post("/v1/chat/completions", json=body)).status_code in {404, 503}
                async with login(tmp_path, upstream) as script:
                    show = await script.until("show")
                    await upstream.confirm(show["url"], show["code"], "ada")
                    assert await script.end() == 0
                assert script.checks == {"file unique": True, "models visible": True, "canary": True}
                async with asyncio.timeout(6):
                    await upstream.server.wait_for(lambda: upstream.server.hits("/models") == 2)  # theirs, not ours
                    while (await client.post("/v1/chat/completions", json=body)).status_code != 200:
                        pass
        finally:
            serving.terminate()
            await serving.wait()
