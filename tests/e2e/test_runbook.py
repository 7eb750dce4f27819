"""The runbook's commands, word for word, on a fresh gateway (fault R6): those it was asked for, and those of our pages."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from switchgear.testing import Exchange, FakeOpenAI, LoopbackServer
from tests.counter import command as switchgear
from tests.gateways import KEY, Running, completion, gateway, wired

DOCS = Path(__file__).parent.parent.parent / "docs"
needs_curl_and_jq = pytest.mark.skipif(
    shutil.which("jq") is None or shutil.which("curl") is None, reason="needs curl and jq, as the runbook does"
)

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


@needs_curl_and_jq
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


# -- our own pages -------------------------------------------------------------------------------------------

SECTIONS = [
    "Daily checks",
    "Quota visibility",
    "After every sign-in or import",
    "Onboard a new provider",
    "Rotation and quota strategy",
    "Incident playbooks",
    "Repeated 401/403",
    "Repeated 429",
    "Wrong provider selected",
    "Missing models in `/v1/models`",
    "Model list drift (iFlow and others)",
    "Recommended production pattern",
    "Related pages",
]


def documented(page: str) -> list[str]:
    """The commands of a page, as they stand there."""
    blocks = re.findall(r"```console\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)
    return [line.removeprefix("$ ") for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def configuration(upstream: FakeOpenAI, folder: Path) -> dict[str, Any]:
    """The page's own configuration; only the upstreams' addresses are put in, and where its files are."""
    [block] = re.findall(r"```yaml\n(.*?)```", (DOCS / "provider-operations.md").read_text(), re.DOTALL)
    config: dict[str, Any] = YAML(typ="safe").load(block)
    for entry in config["openai-compatibility"]:
        entry["base-url"] = upstream.base_url()
    return {**config, "auth-dir": str(folder / "auth"), "state-dir": str(folder / "state")}


async def run(running: Running, command: str) -> tuple[int, str]:
    """Run a command in the operator's folder; the program itself runs in this process, all else in a shell."""
    if command.startswith("switchgear ") and "|" not in command:
        code, out, errors = await switchgear(*shlex.split(command, comments=True)[1:])
        return code, out + errors
    process = await asyncio.create_subprocess_exec(
        *("bash", "-o", "pipefail", "-c", command.replace("localhost:8317", f"localhost:{running.port}")),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out_, _ = await process.communicate()
    return process.returncode or 0, out_.decode()


@needs_curl_and_jq
@pytest.mark.parametrize("page", ["provider-operations.md", "provider-usage.md", "troubleshooting.md"])
async def test_every_command_of_the_page_works_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    secrets = {
        name: f"sg-{name.lower().replace('_', '-')}-0123456789"
        for name in ("SWITCHGEAR_API_KEY", "SWITCHGEAR_BATCH_KEY", "SWITCHGEAR_MANAGEMENT_KEY")
    }
    secrets |= {
        name: f"sk-{name.lower().replace('_', '-')}-0123456789" for name in ("FAST_KEY", "FAST_KEY_2", "BROAD_KEY")
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    upstream_keys = [value for name, value in secrets.items() if not name.startswith("SWITCHGEAR")]
    async with FakeOpenAI(upstream_keys, ["chat-large-2026", "large", "small", "next-preview"]) as upstream:
        async with gateway(tmp_path, configuration(upstream, tmp_path)) as running:
            file = running.config_file
            file.write_text(json.dumps(json.loads(file.read_text()) | {"port": running.port}))
            file.chmod(0o600)
            await running.service.reload()
            await running.service.list_models()
            commands = documented(page)
            assert len(commands) >= 3
            for command in commands:
                code, out = await run(running, command)
                assert code == 0, f"$ {command}\n{out}"
                assert out.strip() or "select(" in command, command
                assert [name for name, value in secrets.items() if value in out] == [], command
            assert running.service.shifts.all() == [], "the page leaves things as it found them"
            assert await asyncio.to_thread(os.listdir, tmp_path / "state")


def test_no_section_of_the_runbook_is_missing() -> None:
    page = (DOCS / "provider-operations.md").read_text()
    assert [title for title in SECTIONS if not re.search(f"^##+ {re.escape(title)}$", page, re.MULTILINE)] == []
