"""The runbook's commands, word for word, on a fresh gateway (fault R6)."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from switchgear.testing import Exchange, LoopbackServer
from tests.gateways import KEY, Running, completion, gateway, wired

RUNBOOK = [
    pytest.param("curl -sS http://localhost:8317/health", id="health check"),
    pytest.param(
        "curl -sS http://localhost:8317/v1/models -H \"Authorization: Bearer <api-key>\" | jq '.data | length'",
        id="model inventory",
    ),
    pytest.param("curl -sS http://localhost:8317/v1/metrics/providers | jq", id="provider metrics"),
]


async def shell(running: Running, command: str) -> str:
    """Run a documented command; only the port and the key are put in."""
    command = command.replace("localhost:8317", f"localhost:{running.port}").replace("<api-key>", KEY)
    process = await asyncio.create_subprocess_exec(
        "bash", "-o", "pipefail", "-c", command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


async def handle(exchange: Exchange) -> None:
    if b'"fail"' in exchange.body:
        await exchange.respond(429, '{"error": {"message": "slow down"}}', {"retry-after": "60"})
    else:
        await exchange.respond(200, completion())


def models(*names: str) -> list[dict[str, str]]:
    return [{"name": name} for name in names]


@pytest.mark.skipif(
    shutil.which("jq") is None or shutil.which("curl") is None, reason="needs curl and jq, as the runbook does"
)
@pytest.mark.parametrize("command", RUNBOOK)
async def test_the_daily_checks_work_as_written(tmp_path: Path, command: str) -> None:
    async with (
        LoopbackServer(handle) as upstream,
        gateway(tmp_path, wired(upstream, models=models("m", "n"))) as running,
    ):
        out = json.loads(await shell(running, command))
        if "health" in command:
            assert out["status"] == "ok"
        elif "models" in command:
            assert out == 2
        else:
            assert out["providers"]["wired"]["windows"]["10m"]["success_ratio"] is None


async def test_the_log_scan_is_one_grep(tmp_path: Path, log_output: pytest.CaptureFixture[str]) -> None:
    config = {"max-retry-interval": 0}
    async with LoopbackServer(handle) as upstream:
        async with gateway(tmp_path, {**wired(upstream, models=models("m", "fail")), **config}) as running:
            await running.chat("m")
            await running.chat("fail")
    log = tmp_path / "switchgear.log"
    log.write_text(log_output.readouterr().err)
    process = await asyncio.create_subprocess_exec(
        "grep", "-E", '"status": (401|403|429)', str(log), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["event"] for line in lines] == ["attempt", "request"]
    assert lines[0]["provider"] == "wired"
    assert lines[0]["kind"] == "rate_limited"
    assert {"request_id", "account", "model", "ms"} <= set(lines[0])


async def test_onboarding_a_provider_as_the_runbook_says(tmp_path: Path) -> None:
    """Block, prefix, aliases, /v1/models, a canary through the new prefix, then the metrics."""
    async with LoopbackServer(handle) as upstream, gateway(tmp_path, wired(upstream)) as running:
        config = json.loads(running.config_file.read_text())
        new = {"name": "new", "prefix": "team", "base-url": upstream.url, "models": [{"name": "m", "alias": "stable"}]}
        config["wired"].append(new)
        running.config_file.write_text(json.dumps(config))
        await running.service.reload()
        ids = [model["id"] for model in (await running.client.get("/v1/models")).json()["data"]]
        assert "team/stable" in ids
        canary = await running.chat("team/stable")
        assert (canary.status_code, canary.headers["x-switchgear-provider"]) == (200, "new")
        assert (await running.counted("new"))["success_ratio"] == 1


async def test_wrong_provider_selected(tmp_path: Path) -> None:
    """The prefix policy decides: with force-model-prefix a bare name reaches nobody who has a prefix."""
    async with LoopbackServer(handle) as upstream:
        blocks = [{"name": n, "prefix": n, "base-url": upstream.url, "models": models("m")} for n in ("a", "b")]
        async with gateway(tmp_path, {"wired": blocks}) as running:
            assert (await running.chat("m")).headers["x-switchgear-provider"] == "a", "the first in the file"
            assert (await running.chat("b/m")).headers["x-switchgear-provider"] == "b"
        async with gateway(tmp_path, {"wired": blocks, "force-model-prefix": True}) as running:
            assert (await running.chat("m")).status_code == 404
            assert (await running.chat("b/m")).headers["x-switchgear-provider"] == "b"


async def test_a_saved_file_is_taken_up_by_itself(tmp_path: Path) -> None:
    from switchgear.config import watch

    async with LoopbackServer(handle) as upstream, gateway(tmp_path, wired(upstream)) as running:
        watching = asyncio.create_task(watch(running.config_file, running.service.reload, asyncio.Event()))
        await asyncio.sleep(0.3)
        config = json.loads(running.config_file.read_text())
        config["wired"][0]["models"] = models("fresh")
        running.config_file.write_text(json.dumps(config))
        async with asyncio.timeout(10):
            while (await running.chat("fresh")).status_code != 200:
                await asyncio.sleep(0.05)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
