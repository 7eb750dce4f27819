"""``switchgear status``: what it shows of providers, files, plugins, alerts and shifts; and how it watches."""

from __future__ import annotations

import re
from importlib.metadata import EntryPoint
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from switchgear import Kind, Verdict
from switchgear.cli.running import GatewayError, NoGatewayError
from switchgear.cli.status import drawn, follow
from switchgear.loading import Installed
from tests.counter import command, counter
from tests.observed import starter
from tests.office import MANAGEMENT_KEY

SUSPENDED = Verdict(Kind.SUSPENDED, message="ask support")


async def test_status_shows_each_provider_with_its_reasons(tmp_path: Path) -> None:
    async with counter(tmp_path) as here:
        await here.cool("k1")
        answer = await here.json("status")
        kilo, lima = answer["providers"]["kilo"], answer["providers"]["lima-provider"]
        assert (kilo["status"], kilo["status_reasons"], lima["status"]) == ("ok", [], "ok")
        assert kilo["account_states"] == [
            {"account": "k1", "state": "ready"},
            {"account": "k2", "state": "ready"},
        ], "k1 cools for one of its models only"
        assert [kilo["windows"][window]["attempts"] for window in ("1m", "5m", "10m")] == [2, 2, 2]
        assert set(kilo) >= {"quota", "auth", "models", "in_flight", "queue_depth", "cooldowns", "accounts", "problem"}
        assert (answer["config"]["rejected"], answer["draining"], answer["plugins_broken"]) == (None, False, {})
        assert answer["config"]["file"] == str(here.running.config_file)
        out = await here.ok("status")
        assert re.search(r"^kilo +ok +2/2 +50\.0% +\d+ms +0 +1, (9m 5\ds|10m) *$", out, re.MULTILINE)
        assert "quota" not in out


async def test_status_says_what_is_wrong_with_the_file_and_a_provider(tmp_path: Path) -> None:
    async with counter(tmp_path) as here:
        for account in ("k1", "k2"):
            here.running.service.health.failed("kilo", account, "m", SUSPENDED)
        here.running.config_file.write_text(here.running.config_file.read_text().replace('"port"', '"prot"'))
        await here.running.service.reload()
        out = await here.ok("status")
        assert "down: suspended" in out
        assert "config.yaml was changed and refused" in out
        assert "prot" in out


async def test_a_broken_plugin_is_named_with_its_problem(tmp_path: Path) -> None:
    broken = {"broken": Installed("broken", "tests", "1", (EntryPoint("broken", "tests.no_such", "switchgear"),))}
    async with counter(tmp_path, broken, broken=[{}]) as here:
        answer = await here.json("status")
        assert list(answer["plugins_broken"]) == ["broken"]
        out = await here.ok("status")
        assert re.search("^broken +broken: plugin_broken ", out, re.MULTILINE)
        assert re.search("^broken: .*no_such", out, re.MULTILINE)
        code, _, errors = await here.run("cooldowns", "clear", "broken")
        assert (code, "the plugin of broken cannot be used" in errors) == (1, True)


async def test_an_alert_that_fires_stands_at_its_provider_and_below_with_its_meaning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with starter(tmp_path, monkeypatch)(**{"management-key": MANAGEMENT_KEY}) as seen:
        await seen.chat(500, 5)
        seen.pass_time(61)
        config, url = str(seen.running.config_file), seen.running.url
        code, out, errors = await command("status", "--config", config, "--url", url)
        assert code == 0, errors
        firing = [row["rule"] for row in await seen.alerts("?state=firing")]
        assert "provider-success" in firing
        assert all(re.search(f"^wired .*{rule}", out, re.MULTILINE) for rule in firing)
        assert all(f"alert: {rule} of wired: " in out for rule in firing)


def expiring(token: str | None, login: str | None = None) -> dict[str, str | None]:
    return {"next_expiry_at": token, "next_login_expiry_at": login}


CHANGES: list[Any] = [
    pytest.param({"auth": expiring("2026-11-01T17:00:00Z")}, "in 5h", id="a token that expires"),
    pytest.param({"auth": expiring("2026-11-01T11:00:00Z")}, "expired", id="one that did"),
    pytest.param({"auth": expiring(None, "2026-11-04T12:00:00Z")}, "in 3d", id="a sign-in that ends"),
    pytest.param({"in_flight": 7, "queue_depth": 3}, "7, 3 wait", id="a queue"),
    pytest.param({"problem": "it has no account\x1b[2J"}, "kilo: it has no account?[2J", id="a problem"),
    pytest.param({"quota": [{"total_used_ratio": 1.2, "unit": "credits"}]}, "0% of credits", id="a quota overdrawn"),
    pytest.param({"quota": [{"total_used_ratio": None, "unit": "credits"}]}, None, id="a quota unknown"),
]


@pytest.mark.parametrize(("change", "words"), CHANGES)
async def test_status_draws(tmp_path: Path, change: dict[str, Any], words: str | None) -> None:
    async with counter(tmp_path) as here:
        answer = await here.json("status")
    answer["generated_at"] = "2026-11-01T12:00:00Z"
    usual = draw(answer)
    assert words is None or words not in usual
    answer["providers"]["kilo"].update(change)
    assert words in draw(answer) if words is not None else draw(answer) == usual


async def test_status_draws_a_gateway_with_no_provider_that_is_about_to_stop(tmp_path: Path) -> None:
    async with counter(tmp_path) as here:
        answer = await here.json("status")
    drawing = draw(answer | {"providers": {}, "draining": True})
    assert "draining" in drawing
    assert "no provider is configured" in drawing


def draw(answer: dict[str, Any]) -> str:
    console = Console(width=200, record=True, file=StringIO())
    console.print(drawn(answer, console))
    return console.export_text()


class Told:
    """Stands for a gateway that comes and goes, as ``Running`` sees it."""

    def __init__(self, *answers: dict[str, Any] | GatewayError) -> None:
        self.answers = list(answers)

    def get(self, path: str) -> dict[str, Any]:
        answer = self.answers.pop(0)
        if isinstance(answer, GatewayError):
            raise answer
        return answer


@pytest.mark.parametrize("terminal", [pytest.param(True, id="at a terminal"), pytest.param(False, id="into a file")])
async def test_watching_goes_on_over_a_restart_of_the_gateway_until_ctrl_c(tmp_path: Path, terminal: bool) -> None:
    async with counter(tmp_path) as here:
        answer = await here.json("status")
    told = Told(answer, NoGatewayError("no gateway runs there"), answer)
    console = Console(force_terminal=terminal, record=True, width=200, file=(tmp_path / "screen").open("w"))
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            raise KeyboardInterrupt

    follow(told, console, wait)  # type: ignore[arg-type]
    console.file.close()
    screen = (tmp_path / "screen").read_text()
    assert re.search("lima-provider.*no gateway runs there.*lima-provider", screen, re.DOTALL)
    assert (told.answers, waited) == ([], [2.0] * 3)
