"""The catalog of a whole gateway: a vanished model (U10), a refused credential, lists that shrink, and restarts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from switchgear.assembly import LIST_JITTER
from switchgear.cli.main import cli
from switchgear.testing import Exchange, LoopbackServer
from tests.gateways import Running, completion, gateway, wired

KEY = "sg-client-key-0123456789"


class Listing:
    """An upstream whose list, and whose answers, a test changes: ``models`` by status or as names."""

    def __init__(self, *models: str) -> None:
        self.models: list[str] | int = list(models)
        self.gone: set[str] = set()
        self.as_openai = False
        self.server = LoopbackServer(self._handle)

    async def _handle(self, exchange: Exchange) -> None:
        if exchange.path.endswith("/models"):
            if isinstance(self.models, int):
                await exchange.respond(self.models, '{"error": {"message": "no list for you"}}')
                return
            names: Any = self.models
            if self.as_openai:
                names = {"object": "list", "data": [{"id": name, "object": "model"} for name in self.models]}
            await exchange.respond(200, json.dumps(names), {"content-type": "application/json"})
        elif exchange.path == "/token":
            await exchange.respond(400, "the refresh token is spent")
        elif (model := json.loads(exchange.body)["model"]) in self.gone:
            body = {"error": {"message": f"the model {model} does not exist", "code": "model_not_found"}}
            await exchange.respond(404, json.dumps(body))
        else:
            await exchange.respond(200, completion())


@asynccontextmanager
async def over(folder: Path, *models: str, **settings: Any) -> AsyncIterator[tuple[Running, Listing]]:
    """A gateway over an upstream that lists these models; the first list is here."""
    upstream = Listing(*models)
    async with upstream.server, gateway(folder, wired(upstream.server, models=[], **settings)) as running:
        await running.service.list_models()
        yield running, upstream


async def ids(running: Running) -> list[str]:
    return [model["id"] for model in (await running.client.get("/v1/models")).json()["data"]]


async def models(running: Running) -> dict[str, Any]:
    found: dict[str, Any] = (await running.provider("wired"))["models"]
    return found


# -- U10 -----------------------------------------------------------------------------------------------------------------


async def test_u10_a_model_that_vanished_is_out_and_its_account_is_ready(tmp_path: Path) -> None:
    async with over(tmp_path, "a", "b", "c") as (running, upstream):
        upstream.gone.add("a")
        refused = await running.chat("a")
        assert (refused.status_code, refused.json()["error"]["code"]) == (404, "model_not_found")
        provider = await running.provider("wired")
        assert provider["accounts"]["ready"] == 1
        assert [(row["model"], row["reason"]) for row in provider["cooldowns"]] == [("a", "model_not_found")]
        assert (await running.chat("b")).status_code == 200
        asked = upstream.server.hits("/chat/completions")
        out = await running.chat("a")
        assert (out.status_code, out.json()["error"]["code"]) == (503, "no_account_available")
        assert upstream.server.hits("/chat/completions") == asked, "it is not asked again for a while"


async def test_u10_once_the_list_lacks_it_too_that_is_drift(tmp_path: Path) -> None:
    async with over(tmp_path, "a", "b", "c") as (running, upstream):
        upstream.models = ["b", "c"]
        await running.service.list_models()
        assert await ids(running) == ["b", "c", "a"]
        found = await models(running)
        assert (found["listed"], found["missing"], found["source"]) == (3, 1, "upstream")
        drift = {"added": 0, "removed": 1, "before": 3, "after": 2, "added_names": [], "removed_names": ["a"]}
        assert found["drift"] == drift
        assert (await running.chat("a")).status_code == 200, "a request for it still tries"
        for _ in range(2):
            await running.service.list_models()
        assert await ids(running) == ["b", "c"]
        assert (await running.chat("a")).status_code == 404


# -- the list itself -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param([], id="empty"),
        pytest.param(["a"], id="most is gone"),
        pytest.param(503, id="upstream fails"),
        pytest.param(401, id="credential refused"),
        pytest.param(403, id="not permitted"),
    ],
)
async def test_no_answer_takes_the_models_away(tmp_path: Path, answer: list[str] | int) -> None:
    async with over(tmp_path, "a", "b", "c", "d") as (running, upstream):
        upstream.models = answer
        for _ in range(5):
            await running.service.list_models()
        assert sorted(await ids(running)) == ["a", "b", "c", "d"]
        upstream.models = ["a", "b", "c", "d"]
        await running.service.list_models()
        found = await models(running)
        assert (found["missing"], found["drift"]["removed"]) == (0, 0)
        assert (await running.chat("d")).status_code == 200, "and all is well again"
        health = (await running.client.get("/health")).json()
        assert health["providers"]["wired"]["status"] == "ok"


async def test_drift_or_credential_the_runbook_asks_and_the_gateway_knows(tmp_path: Path) -> None:
    async with over(tmp_path, "a", "b") as (running, upstream):
        upstream.models = 401
        await running.service.list_models()
        provider = await running.provider("wired")
        assert provider["models"]["drift"]["removed"] == 0
        assert provider["accounts"]["auth_failed"] == 1
        problem = (await running.client.get("/health")).json()["providers"]["wired"]["problem"]
        assert "an account was refused" in problem
        assert "see to its credential, not to the models" in problem


async def test_after_a_restart_the_last_list_serves_until_the_upstream_answers(tmp_path: Path) -> None:
    async with over(tmp_path, "a", "b") as (running, upstream):
        upstream.models = ["a", "b", "c"]
        await running.service.list_models()
    upstream = Listing()
    upstream.models = 503
    async with upstream.server, gateway(tmp_path, wired(upstream.server, models=[])) as running:
        assert await ids(running) == [], "another base-url is another upstream"
    async with over(tmp_path, "a", "b") as (running, upstream):
        config, upstream.models = json.loads(running.config_file.read_text()), 503
        async with gateway(tmp_path, {"wired": config["wired"]}) as again:
            assert await ids(again) == ["a", "b"]
            assert (await again.chat("b")).status_code == 200
            assert (await models(again))["source"] == "snapshot"
            upstream.models = ["a", "b"]
            await again.service.list_models()
            assert (await models(again))["source"] == "upstream"


async def test_lists_are_asked_for_on_a_timer_that_is_never_quite_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shortest, longest = LIST_JITTER
    assert shortest < 1 < longest
    monkeypatch.setattr("switchgear.assembly.LIST_JITTER", (shortest / 1000, longest / 1000))
    upstream = Listing("a")
    async with upstream.server:
        config = {**wired(upstream.server, models=[]), "models-ttl-seconds": 10}
        async with gateway(tmp_path, config) as running:
            await upstream.server.wait_for(lambda: upstream.server.hits("/models") >= 3)
            upstream.models = ["a", "b"]
            seen = upstream.server.hits("/models")
            await upstream.server.wait_for(lambda: upstream.server.hits("/models") >= seen + 2)
            assert await ids(running) == ["a", "b"]


async def test_a_damaged_state_dir_is_no_reason_not_to_start(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    for name in ("models", "config"):
        (tmp_path / "state" / f"{name}.json").write_text('{"format": 1, "docu')
    async with over(tmp_path, "a") as (running, _):
        assert await ids(running) == ["a"]
        assert json.loads((tmp_path / "state" / "models.json").read_text())["document"]["providers"], "written anew"


# -- the commands --------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def compatible(folder: Path, *models: str, **settings: Any) -> AsyncIterator[Listing]:
    """An upstream with a list as OpenAI's; a gateway has run over it, and kept what it listed."""
    upstream = Listing(*models)
    upstream.as_openai = True
    async with upstream.server:
        block = {"name": "up", "prefix": "u", "base-url": f"{upstream.server.url}/v1", **settings}
        async with gateway(folder, {"openai-compatibility": [block]}) as running:
            await running.service.list_models()
        yield upstream


async def command(folder: Path, *arguments: str) -> Result:
    """Run the command in a thread: it has an event loop of its own."""
    arguments = ("models", *arguments, "--config", str(folder / "config.yaml"))
    return await asyncio.to_thread(CliRunner().invoke, cli, arguments)


async def test_models_diff_shows_what_changed_since_the_last_list(tmp_path: Path) -> None:
    async with compatible(tmp_path, "a", "b", "c") as upstream:
        same = await command(tmp_path, "diff")
        assert (same.exit_code, same.stdout) == (0, "up: 3 served, 3 listed now\n")
        upstream.models = ["b", "c", "d", "e"]
        differs = await command(tmp_path, "diff", "up")
        assert differs.exit_code == 1
        assert differs.stdout.splitlines() == ["up: 3 served, 4 listed now", "  + d", "  + e", "  - a"]
        found = json.loads((await command(tmp_path, "diff", "--json")).stdout)
        row = {"source": "snapshot", "before": 3, "after": 4, "added": ["d", "e"], "removed": ["a"], "problem": ""}
        assert found == {"providers": {"up": row}}
        assert (await command(tmp_path, "diff")).exit_code == 1, "looking changes nothing"


async def test_models_diff_holds_configured_models_to_the_upstreams_list(tmp_path: Path) -> None:
    settings = {"models": [{"name": "a", "alias": "x"}, {"name": "b"}]}
    async with compatible(tmp_path, "a", "b", "c", **settings) as upstream:
        assert (await command(tmp_path, "diff")).stdout == "up: 2 served, 2 listed now\n"
        upstream.models = ["a", "c"]
        differs = await command(tmp_path, "diff")
        assert (differs.exit_code, differs.stdout.splitlines()) == (1, ["up: 2 served, 1 listed now", "  - b"])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        pytest.param("list", "no list for you", id="no list now"),
        pytest.param("state", "no gateway has kept a list of it", id="no list kept"),
    ],
)
async def test_models_diff_says_when_it_cannot_compare(tmp_path: Path, spoil: str, words: str) -> None:
    async with compatible(tmp_path, "a") as upstream:
        if spoil == "list":
            upstream.models = 503
        else:
            (tmp_path / "state" / "models.json").unlink()
        result = await command(tmp_path, "diff")
        assert result.exit_code == 2
        assert words in result.stderr
        assert "  +" not in result.stdout


async def test_models_diff_of_nobody(tmp_path: Path) -> None:
    async with compatible(tmp_path, "a"):
        result = await command(tmp_path, "diff", "nope")
        assert result.exit_code == 2
        assert "there are: up" in result.stderr


async def test_models_shows_where_each_name_comes_from(tmp_path: Path) -> None:
    async with compatible(tmp_path, "a", "b", "c") as upstream:
        upstream.models = 503
        result = await command(tmp_path)
        assert result.exit_code == 0
        rows = [line.split() for line in result.stdout.splitlines()]
        assert ["u/a", "up", "a", "snapshot"] in rows
        assert "no list for you" in result.stderr
        upstream.models = ["a", "b"]
        result = await command(tmp_path)
        (line,) = [line for line in result.stdout.splitlines() if line.startswith("u/c")]
        assert line.split()[:6] == ["u/c", "up", "c", "upstream", "missing", "since"]
        why = await command(tmp_path, "--why", "u/c")
        assert why.exit_code == 0
        assert "its upstream does not list it since 20" in why.stdout
        found = json.loads((await command(tmp_path, "--json")).stdout)
        assert [row["id"] for row in found["models"] if row["missing_since"]] == ["u/c", "c"]
