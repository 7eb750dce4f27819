"""A plugin that misbehaves while it serves (fault P2), and a stranger's plugin that does not."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from switchgear import Account, Model, Text, hookimpl
from switchgear.loading import Installed
from switchgear.testing import Exchange, LoopbackServer
from tests.gateways import completion, gateway, wired

NEVER = False
"""Makes a function a generator that yields nothing."""
ROOT = Path(__file__).parent.parent.parent


async def answers(exchange: Exchange) -> None:
    await exchange.respond(200, completion())


@hookimpl
async def list_models() -> list[Model]:
    return [Model("bad")]


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], dict[str, Installed]]:
    """Makes an importable plugin ``bad`` with this ``forward``."""

    def make(forward: Any) -> dict[str, Installed]:
        module = ModuleType("bad_plugin")
        module.__dict__.update(forward=hookimpl(forward), list_models=list_models)
        monkeypatch.setitem(sys.modules, "bad_plugin", module)
        return {"bad": Installed("bad", "strangers", "1", (EntryPoint("bad", "bad_plugin", "switchgear"),))}

    return make


async def raises() -> AsyncIterator[Text]:
    if NEVER:
        yield Text("")
    raise RuntimeError("boom")


async def raises_later() -> AsyncIterator[Text]:
    yield Text("Hel")
    raise RuntimeError("boom")


async def returns_text() -> str:
    return "hello"


async def yields_text() -> AsyncIterator[Any]:
    yield "hello"


async def yields_nothing() -> AsyncIterator[Text]:
    if NEVER:
        yield Text("")


async def exits() -> AsyncIterator[Text]:
    if NEVER:
        yield Text("")
    raise KeyError("x")


@pytest.mark.parametrize(
    ("forward", "words"),
    [
        pytest.param(raises, "raised RuntimeError: boom", id="raises"),
        pytest.param(returns_text, "gave str", id="returns the wrong type"),
        pytest.param(yields_text, "yielded str, not an event", id="yields the wrong type"),
        pytest.param(yields_nothing, "yielded no event", id="yields nothing"),
        pytest.param(exits, "raised KeyError", id="raises another error"),
    ],
)
async def test_p2_a_bad_plugin_is_named_and_everyone_else_served(
    tmp_path: Path, plugin: Any, forward: Any, words: str
) -> None:
    async with LoopbackServer(answers) as upstream:
        config = {**wired(upstream), "bad": None, "request-retry": 0}
        async with gateway(tmp_path, config, plugin(forward)) as running:
            response = await running.chat("bad", stream=True)
            assert response.status_code in {500, 502}
            assert words in response.json()["error"]["message"]
            assert (await running.chat("m")).status_code == 200
            assert (await running.provider("bad"))["windows"]["1m"]["failures"] == 1


async def test_p2_an_exception_after_the_first_byte_is_an_error_event(tmp_path: Path, plugin: Any) -> None:
    async with gateway(tmp_path, {"bad": None}, plugin(raises_later)) as running:
        response = await running.chat("bad", stream=True)
        assert response.text.strip().splitlines()[-1].startswith('data: {"error"')


async def test_p2_one_that_never_returns_is_timed_out(tmp_path: Path, plugin: Any) -> None:
    async def never(request: Any) -> AsyncIterator[Text]:
        await asyncio.Event().wait()
        yield Text("")

    config = {"bad": [{"timeouts": {"first-byte-seconds": 0.2}}], "request-retry": 0}
    async with gateway(tmp_path, config, plugin(never)) as running:
        assert (await running.chat("bad")).status_code == 504
        assert (await running.provider("bad"))["in_flight"] == 0


async def test_p2_one_that_yields_for_ever_is_ended_and_others_are_served_meanwhile(
    tmp_path: Path, plugin: Any
) -> None:
    async def endless() -> AsyncIterator[Text]:
        while True:
            yield Text("x")

    async with LoopbackServer(answers) as upstream:
        config = {**wired(upstream), "bad": [{"timeouts": {"total-seconds": 1}}], "request-retry": 0}
        async with gateway(tmp_path, config, plugin(endless)) as running:
            talking = asyncio.create_task(running.chat("bad", stream=True))
            assert (await running.chat("m")).status_code == 200
            assert "timeout" in (await talking).text.rpartition("data: ")[2]


async def test_p2_one_that_swallows_the_cancellation_is_left_behind(tmp_path: Path, plugin: Any) -> None:
    release = asyncio.Event()
    entered = asyncio.Event()

    async def stubborn() -> AsyncIterator[Text]:
        entered.set()
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        yield Text("late")

    async with LoopbackServer(answers) as upstream:
        async with gateway(tmp_path, {**wired(upstream), "bad": None}, plugin(stubborn)) as running:
            asked = asyncio.create_task(running.chat("bad"))
            await entered.wait()
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)
            assert (await running.chat("m")).status_code == 200
            async with asyncio.timeout(3):
                await running.app.active.idle.wait()
            release.set()


async def test_p2_one_that_blocks_the_loop_is_named(
    tmp_path: Path, plugin: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("switchgear.watchdog.BLOCKED_AFTER_S", 0.2)
    monkeypatch.setattr("switchgear.watchdog.BEAT_S", 0.05)
    source = tmp_path / "blocking_plugin.py"
    source.write_text(
        "import time\nfrom switchgear import Model, Text, hookimpl\n"
        "@hookimpl\nasync def list_models():\n    return [Model('slow')]\n"
        "@hookimpl\nasync def forward(request):\n    time.sleep(0.6)\n    yield Text('at last')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    available = {"bad": Installed("bad", "strangers", "1", (EntryPoint("bad", "blocking_plugin", "switchgear"),))}
    async with gateway(tmp_path, {"bad": None}, available) as running:
        assert (await running.chat("slow")).status_code == 200
        async with asyncio.timeout(3):
            while not (errors := (await running.client.get("/health")).json()["plugin_errors"]):
                await asyncio.sleep(0.05)
        assert (errors[0]["plugin"], "blocked the event loop" in errors[0]["last"]) == ("bad", True)


async def test_p2_the_breaker_opens_and_recovers(tmp_path: Path, plugin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchgear.health.BREAKER_FIRST_S", 0.3)
    calls = 0
    broken = True

    async def sometimes(account: Account) -> AsyncIterator[Text]:
        nonlocal calls
        calls += 1
        if broken:
            raise RuntimeError("boom")
        yield Text("fine")

    async with gateway(
        tmp_path, {"bad": None, "request-retry": 0, "max-retry-interval": 0}, plugin(sometimes)
    ) as running:
        for _ in range(5):
            assert (await running.chat("bad")).status_code == 502
        assert (await running.chat("bad")).json()["error"]["code"] == "no_account_available"
        assert calls == 5
        assert (await running.provider("bad"))["cooldowns"][0]["reason"] == "breaker_open"
        broken = False
        deadline = time.monotonic() + 5
        while (await running.chat("bad")).status_code != 200 and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        assert (await running.chat("bad")).status_code == 200
        assert (await running.provider("bad"))["cooldowns"] == []


async def test_p1_a_broken_plugin_is_listed_and_the_server_is_up(tmp_path: Path) -> None:
    points = (EntryPoint("bad", "not_there_at_all", "switchgear"),)
    async with LoopbackServer(answers) as upstream:
        config = {**wired(upstream), "bad": None}
        async with gateway(tmp_path, config, {"bad": Installed("bad", "strangers", "1", points)}) as running:
            assert (await running.chat("m")).status_code == 200
            health = (await running.client.get("/health")).json()
            assert health["providers"]["bad"]["status"] == "broken"
            assert "ModuleNotFoundError" in health["providers"]["bad"]["problem"]
            assert health["ready"] is True


async def test_a_strangers_eight_lines_serve_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "site"
    example = ROOT / "docs" / "examples" / "echo"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    built = subprocess.run([*pip, "--target", str(target), str(example)], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    monkeypatch.syspath_prepend(str(target))
    assert len((example / "switchgear_echo.py").read_text().replace("\n\n", "\n").splitlines()) == 7
    async with gateway(tmp_path, {"echo": None}) as running:
        response = await running.chat("echo-1", messages=[{"role": "user", "content": "Hello, stranger"}])
        assert response.json()["choices"][0]["message"]["content"] == "Hello, stranger"
        streamed = await running.chat("echo-1", stream=True, stream_options={"include_usage": True})
        assert "Hello" in streamed.text
        assert streamed.text.endswith("data: [DONE]\n\n")
        assert [model["id"] for model in (await running.client.get("/v1/models")).json()["data"]] == ["echo-1"]
