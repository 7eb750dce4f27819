"""Many runs at a time over few connections, what a slow client costs, and what is loaded where Cursor is not wanted."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import httpx2
import trustme

from switchgear_cursor.fake import agent_messages as say
from switchgear_cursor.fake.agent_answers import begun, plain
from switchgear_cursor.fake.agent_run import Run
from tests.core.duplexes import authority as authority
from tests.gateways import KEY
from tests.plugins.cursor_service import MODEL, served

MANY = 200
BODY = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}], "stream": True}
MOST_BYTES = 8 * 1024 * 1024
"""Of an answer that nobody reads, on all its ways: windows, buffers and the kernel's."""


async def test_two_hundred_runs_at_a_time_share_two_connections(tmp_path: Path, authority: trustme.CA) -> None:
    everybody = asyncio.Barrier(MANY)

    async def together(run: Run) -> None:
        await everybody.wait()
        await plain(run)

    async with served(tmp_path, authority=authority) as (running, fake):
        fake.agent.play(*[together] * MANY)
        limits, headers = httpx2.Limits(max_connections=MANY), {"authorization": f"Bearer {KEY}"}
        async with httpx2.AsyncClient(limits=limits, timeout=30, trust_env=False, headers=headers) as client:
            url = f"{running.url}/v1/chat/completions"
            answers = await asyncio.gather(*(client.post(url, json=BODY) for _ in range(MANY)))
        assert all(answer.status_code == 200 and "[DONE]" in answer.text for answer in answers)
        assert fake.agent.server.connections_made == 2
        await fake.agent.server.wait_for(lambda: fake.agent.server.open_streams == 0)
        ids = [run.asked.conversation_id for run in fake.agent.runs]
        assert len(set(ids)) == MANY


async def test_s7_a_client_that_does_not_read_stops_the_agent(tmp_path: Path, authority: trustme.CA) -> None:
    """The other runs of the connection go on."""
    piece, sent = say.text("x" * 60_000), 0

    async def flooding(run: Run) -> None:
        nonlocal sent
        await begun(run)
        while True:
            await run.say(piece)
            await run.flush()
            sent += len(piece)

    async with served(tmp_path, authority=authority) as (running, fake):
        fake.agent.play(flooding)
        async with running.client.stream("POST", "/v1/chat/completions", json=BODY) as response:
            assert response.status_code == 200
            before = -1
            while before != sent:  # until nothing moves any more
                before = sent
                await asyncio.sleep(0.2)
            assert sent < MOST_BYTES
            assert (await running.chat(MODEL)).status_code == 200
            assert sent < MOST_BYTES
        await fake.agent.server.wait_for(lambda: fake.agent.server.open_streams == 0)
        assert fake.agent.server.connections_made == 1


LIBRARIES = ("google.protobuf", "switchgear_cursor", "switchgear.duplex")
"""What only Cursor needs. h2 is not among them: the server that serves the gateway's own clients loads it."""


def loaded(folder: Path, block: object) -> list[str]:
    """Which of the libraries a gateway has loaded that was configured so, and is ready to serve."""
    config = {"api-keys": [KEY], "auth-dir": str(folder / "auth"), "state-dir": str(folder / "state"), **block}  # type: ignore[dict-item]  # a block is one
    path = folder / "config.yaml"
    path.write_text(json.dumps(config))
    code = (
        "import asyncio, json, pathlib, sys\n"
        "import switchgear.cli.serve, switchgear.cli.server\n"
        "from switchgear.assembly import Service, load\n"
        "from switchgear.http.app import App\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "async def main():\n"
        "    service = Service(path, load(path))\n"
        "    App(service)\n"
        "    await service.start()\n"
        "    await service.aclose()\n"
        "asyncio.run(main())\n"
        f"print(json.dumps([name for name in {LIBRARIES!r} if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_nothing_of_it_is_loaded_where_it_is_not_configured(tmp_path: Path) -> None:
    other = {"base-url": "http://127.0.0.1:1", "name": "other", "api-key-entries": [{"api-key": "k"}], "models": []}
    assert loaded(tmp_path, {"openai-compatibility": [other]}) == []


def test_full_duplex_is_loaded_with_the_first_run_only(tmp_path: Path) -> None:
    away = {"endpoints": {"api": "http://127.0.0.1:1", "website": "http://127.0.0.1:1"}}
    assert loaded(tmp_path, {"cursor": [away]}) == ["google.protobuf", "switchgear_cursor"]
