"""A reload under load: no stream is dropped, what is new serves, what is old goes when its last stream has ended."""

from __future__ import annotations

import asyncio
import gc
import json
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from switchgear.state import StateStore
from switchgear.testing import Exchange, LoopbackServer
from tests.gateways import DONE, HELLO, KEY, SSE, STOP, Running, completion, gateway, wired

STREAMS = 200


class Upstream:
    """Answers at once, and streams that go on until :attr:`go_on` is set; lists ``models`` when asked."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.models: list[str] | None = None
        self.server = LoopbackServer(self._handle)

    async def _handle(self, exchange: Exchange) -> None:
        if exchange.path == "/models":
            listed = self.models
            await exchange.respond(503 if listed is None else 200, json.dumps(listed))
        elif b'"stream":true' in exchange.body:
            await exchange.start(200, SSE)
            await exchange.send(HELLO)
            await self.go_on.wait()
            await exchange.send(STOP + DONE)
        else:
            await exchange.respond(200, completion())

    async def idle(self) -> None:
        """Wait until nobody is connected."""
        await self.server.wait_for(lambda: self.server.open_connections == 0)


@asynccontextmanager
async def upstreams(count: int) -> AsyncIterator[list[Upstream]]:
    made = [Upstream() for _ in range(count)]
    try:
        for upstream in made:
            await upstream.server.__aenter__()
        yield made
    finally:
        for upstream in made:
            upstream.go_on.set()
            await upstream.server.aclose()


class Streams:
    """Streams that clients have open; each ends with its text."""

    def __init__(self, running: Running) -> None:
        self._client = httpx2.AsyncClient(
            base_url=running.url,
            headers={"authorization": f"Bearer {KEY}"},
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=0),
            timeout=30,
            trust_env=False,
        )
        self._open = 0
        self._opened = asyncio.Event()
        self._tasks: list[asyncio.Task[str]] = []

    async def open(self, count: int, model: str) -> None:
        """Open so many more; returns when the first text of each is here."""
        self._tasks += [asyncio.create_task(self._read(model)) for _ in range(count)]
        while self._open < len(self._tasks):
            self._opened.clear()
            await asyncio.wait_for(self._opened.wait(), 20)

    async def _read(self, model: str) -> str:
        body = {"model": model, "messages": [{"role": "user", "content": "Hello"}], "stream": True}
        text = ""
        async with self._client.stream("POST", "/v1/chat/completions", json=body) as response:
            assert response.status_code == 200, await response.aread()
            async for part in response.aiter_text():
                if not text:
                    self._open += 1
                    self._opened.set()
                text += part
        return text

    async def ended(self) -> list[str]:
        """What each said, once all have ended."""
        texts = await asyncio.wait_for(asyncio.gather(*self._tasks), 20)
        await self._client.aclose()
        return texts


def rewrite(running: Running, change: Callable[[dict[str, Any]], None]) -> None:
    config = json.loads(running.config_file.read_text())
    change(config)
    running.config_file.write_text(json.dumps(config))


def entry(name: str, upstream: Upstream, prefix: str = "", **fields: Any) -> dict[str, Any]:
    block = {"name": name, "prefix": prefix or name, "base-url": upstream.server.url, "models": [{"name": "m"}]}
    return {**block, **fields}


def served_by(response: httpx2.Response) -> str | int:
    found: str | None = response.headers.get("x-switchgear-provider")
    return found if response.status_code == 200 and found else response.status_code


def lines(log_output: pytest.CaptureFixture[str], event: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in log_output.readouterr().err.splitlines() if line.startswith("{")]
    return [line for line in found if line["event"] == event]


async def test_two_hundred_streams_outlive_a_reload_that_takes_their_providers_away(tmp_path: Path) -> None:
    async with upstreams(4) as (kept, renamed, removed, added):
        blocks = [entry("kept", kept), entry("old", renamed, "team"), entry("gone", removed)]
        async with gateway(tmp_path, {"wired": blocks}) as running:
            streams = Streams(running)
            for count, model in ((80, "kept/m"), (60, "team/m"), (60, "gone/m")):
                await streams.open(count, model)
            assert len(running.app.active) == STREAMS
            before = weakref.ref(running.service.current)
            entries = [weakref.ref(each) for each in running.service.current.entries]

            statuses: list[str | int] = []
            stop = asyncio.Event()

            async def load() -> None:
                while not stop.is_set():
                    statuses.append(served_by(await running.chat("kept/m")))

            loads = [asyncio.create_task(load()) for _ in range(8)]
            changed = entry("kept", kept, models=[{"name": "m"}, {"name": "m", "alias": "also"}])
            new = [changed, entry("new", renamed, "team"), entry("fresh", added)]
            rewrite(running, lambda config: config.update(wired=new))
            await running.service.reload()
            now = [served_by(await running.chat(name)) for name in ("kept/also", "team/m", "gone/m", "fresh/m")]
            stop.set()
            await asyncio.gather(*loads)
            assert now == ["kept", "new", 404, "fresh"]
            assert set(statuses) == {"kept"}
            assert len(statuses) > 8
            assert len(running.app.active) == STREAMS, "all are still open"
            assert before() is not None, "and the old configuration with them"

            for upstream in (kept, renamed):
                upstream.go_on.set()
            await running_down(running, to=60)
            gc.collect()
            assert before() is not None, "the last streams are on it"
            assert removed.server.open_connections == 60
            removed.go_on.set()
            texts = await streams.ended()
            assert len(texts) == STREAMS
            assert {text.count("Hello") for text in texts} == {1}
            assert all(text.rstrip().endswith("[DONE]") for text in texts)

            await running_down(running, to=0)
            await removed.idle()
            gc.collect()
            assert before() is None
            assert [each for each in entries if each() is not None] == []
            assert kept.server.open_connections > 0, "the new configuration's connections stay"


async def running_down(running: Running, *, to: int) -> None:
    """Wait until no more than so many requests are in flight."""
    async with asyncio.timeout(20):
        while len(running.app.active) > to:
            await asyncio.sleep(0.01)


async def test_many_reloads_leave_one_configuration(tmp_path: Path) -> None:
    async with upstreams(1) as (upstream,):
        async with gateway(tmp_path, wired(upstream.server)) as running:
            seen: list[weakref.ref[Any]] = []
            for number in range(10):
                rewrite(running, lambda config, n=number: config["wired"][0].update(prefix=f"p{n}"))  # type: ignore[misc]
                await running.service.reload()
                assert (await running.chat(f"p{number}/m")).status_code == 200
                seen += [weakref.ref(running.service.current), weakref.ref(running.service.current.entries[0])]
            gc.collect()
            assert [each() is not None for each in seen] == [False] * 18 + [True] * 2
            async with asyncio.timeout(5):
                while upstream.server.open_connections > 1:
                    await asyncio.sleep(0.01)


async def test_a_change_of_the_gateways_own_keys_keeps_the_connections(tmp_path: Path) -> None:
    async with upstreams(1) as (upstream,):
        async with gateway(tmp_path, wired(upstream.server)) as running:
            assert (await running.chat()).status_code == 200
            rewrite(running, lambda config: config.update({"request-retry": 1}))
            await running.service.reload()
            assert (await running.chat()).status_code == 200
            assert upstream.server.connections_made == 1


async def test_a_new_provider_is_not_let_in_before_its_models_are_known(tmp_path: Path) -> None:
    async with upstreams(2) as (old, new):
        new.models = ["x"]
        async with gateway(tmp_path, wired(old.server)) as running:
            before = running.service.current
            rewrite(running, lambda config: config["wired"].append(entry("new", new, models=[])))
            reloading = asyncio.create_task(running.service.reload())
            while running.service.current is before:
                assert before.catalog.find("m") is not None
                await asyncio.sleep(0)
            assert running.service.current.catalog.find("new/x") is not None, "at the very moment"
            await reloading


async def test_a_reload_keeps_the_lists_of_the_same_upstream_and_no_others(tmp_path: Path) -> None:
    async with upstreams(2) as (first, second):
        first.models = ["x"]
        config = {"wired": [entry("a", first, models=[])]}
        async with gateway(tmp_path, config) as running:
            await running.service.list_models()
            first.models = None
            rewrite(running, lambda config: config["wired"][0].update({"excluded-models": ["y"]}))
            await running.service.reload()
            assert served_by(await running.chat("a/x")) == "a", "its list cannot be had now, and is the last good one"
            rewrite(running, lambda config: config["wired"][0].update({"base-url": second.server.url}))
            await running.service.reload()
            assert (await running.chat("a/x")).status_code == 503, "nobody knows what the other upstream has"


# -- what is said of it --------------------------------------------------------------------------------------------------


async def test_what_changed_is_logged_by_key_and_without_values(
    tmp_path: Path, log_output: pytest.CaptureFixture[str]
) -> None:
    async with upstreams(1) as (upstream,):
        async with gateway(tmp_path, {"wired": [entry("a", upstream), entry("b", upstream)]}) as running:

            def change(config: dict[str, Any]) -> None:
                config["wired"][0]["prefix"] = "of-a-tenant"
                config["wired"][1]["name"] = "c"
                config["api-keys"].append({"name": "second", "key": "sg-second-key-0a1b2c3d"})
                config["api-keys"][0]["models"] = ["*", "x"]
                config["port"] = 8317
                config["management-key"] = "sg-management-key-4e5f"

            rewrite(running, change)
            await running.service.reload()
            await running.service.reload()
            log = log_output.readouterr().err
    found = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    (changed,) = [line for line in found if line["event"] == "config_changed"]
    assert changed["added"] == "api-keys[second], wired[c]"
    assert changed["removed"] == "wired[b]"
    assert changed["changed"] == "port, api-keys[tester].models, management-key, wired[a].prefix"
    (restart,) = [line for line in found if line["event"] == "restart_needed"]
    assert restart["keys"] == "port"
    assert "of-a-tenant" not in log
    assert "management-key-4e5f" not in log


async def test_what_is_loaded_can_be_compared_with_the_file(tmp_path: Path) -> None:
    from switchgear.assembly import load, outline_of
    from switchgear.config.diff import DOCUMENT, LoadedOutline, compare
    from tests.gateways import WIRED

    async with upstreams(1) as (upstream,):
        async with gateway(tmp_path, wired(upstream.server)) as running:

            def against_the_file() -> tuple[str, ...]:
                kept = LoadedOutline.read(StateStore(tmp_path / "state").read(DOCUMENT) or {})
                assert kept is not None
                assert kept.file == str(running.config_file)
                return compare(
                    kept.outline, outline_of(load(running.config_file, None, WIRED), kept.outline.salt)
                ).changed

            assert against_the_file() == ()
            rewrite(running, lambda config: config.update({"request-retry": 1}))
            assert against_the_file() == ("request-retry",)
            await running.service.reload()
            assert against_the_file() == ()


WRONG = [
    pytest.param("port: 1\nport: 2\n", "config.yaml:2:1: port", "twice", id="c1 a key twice"),
    pytest.param("prot: 1\n", "config.yaml:1:1: prot", "did you mean 'port'", id="c1 an unknown key"),
    pytest.param("port: \t1\n", "config.yaml:1:7", "tab", id="c1 a tab"),
    pytest.param("a: &a [*a]\n", "config.yaml:1", "alias", id="c1 an anchor inside itself"),
    pytest.param("api-keys: [env:NOT_SET_ANYWHERE]\n", "config.yaml:1", "NOT_SET_ANYWHERE is not set", id="c3 no such variable"),
    pytest.param("api-keys: [<your-key>]\n", "config.yaml:1", "still the example's value", id="c3 a template"),
    pytest.param("api-ke", "config.yaml:1", "", id="c2 half a file"),
    pytest.param("", "config.yaml", "client key", id="c2 an empty file"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "place", "words"), WRONG)
async def test_a_wrong_file_leaves_the_last_good_one_at_work(
    tmp_path: Path, text: str, place: str, words: str, log_output: pytest.CaptureFixture[str]
) -> None:
    async with upstreams(1) as (upstream,):
        async with gateway(tmp_path, wired(upstream.server)) as running:
            good, current = running.config_file.read_text(), running.service.current
            kept = (tmp_path / "state" / "config.json").read_text()
            running.config_file.write_text(text)
            await running.service.reload()
            assert running.service.current is current
            assert (await running.chat()).status_code == 200
            rejected = (await running.client.get("/health")).json()["config"]["rejected"]
            assert place in rejected
            assert words in rejected
            (line,) = lines(log_output, "config_rejected")
            assert words in line["problem"]
            assert (tmp_path / "state" / "config.json").read_text() == kept
            running.config_file.write_text(good)
            await running.service.reload()
            assert (await running.client.get("/health")).json()["config"]["rejected"] is None
