"""The conformance kit: what it passes, what it refuses, and how it says so."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from contextlib import AbstractAsyncContextManager
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, ClassVar

import pytest

from switchgear import Model, hookimpl
from switchgear.cli import plugins as plugins_command
from switchgear.cli.main import main
from switchgear.testing import FakeProvider, ProviderContract
from switchgear.testing.contract import Report
from switchgear.testing.contract.base import LEVELS, Check, ContractBase, Result, check, expect
from tests.core.bad_plugins.accounts import ByDevice
from tests.core.bad_plugins.good import FakeAcme, GoodContract
from tests.core.bad_plugins.own_events import SaysWhatItWouldCall


def test_the_good_plugin_reaches_the_highest_level() -> None:
    heard: list[Result] = []
    report = GoodContract().report(heard.append)
    assert report.level == max(LEVELS)
    assert heard == list(report.results)
    outcomes = {result.check.name: result.outcome for result in report.results}
    assert {name for name, outcome in outcomes.items() if outcome != "passed"} == {
        "test_importing_it_does_nothing"  # it is given as an object
    }
    assert json.loads(json.dumps(report.as_json()))["levels"][0]["checks"][0] == {
        "name": "test_importing_it_does_nothing",
        "proves": "Importing the plugin opens no connection and leaves no thread",
        "result": "n/a",
        "reason": "the plugin is given as an object, which is imported already",
        "ms": report.as_json()["levels"][0]["checks"][0]["ms"],
    }


class BareFake(FakeAcme):
    """It has what a fake must have, and no more."""

    refuse: ClassVar[None] = None  # type: ignore[assignment]
    imports: ClassVar[None] = None  # type: ignore[assignment]
    call_tool: ClassVar[None] = None  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        pytest.param("test_a_person_who_says_no_has_no_account", "it has no refuse()", id="nobody refuses"),
        pytest.param("test_an_imported_account_answers", "it has no imports()", id="no file"),
        pytest.param("test_a_tool_call_reaches_the_client", "it has no call_tool()", id="no call"),
    ],
)
def test_what_a_fake_need_not_have_is_asked_for(name: str, reason: str) -> None:
    class Contract(GoodContract):
        module: ClassVar[object] = SaysWhatItWouldCall()

        def fake(self) -> AbstractAsyncContextManager[FakeProvider]:
            return BareFake()

    result = run(Contract(), name)
    assert result.outcome == "n/a"
    assert result.reason.endswith(reason)


def test_every_level_has_checks() -> None:
    assert {one.level for one in ProviderContract.checks()} == set(LEVELS)
    assert len({one.name for one in ProviderContract.checks()}) == len(ProviderContract.checks()) > 50


# -- a plugin that does not even load ----------------------------------------------------------------------


class Wrong:
    @hookimpl
    def list_models(self) -> list[Model]:
        return []


def run(contract: ContractBase, name: str) -> Result:
    return contract.result_of(next(one for one in contract.checks() if one.name == name))


def test_a_hook_of_the_wrong_colour_is_named() -> None:
    class Contract(GoodContract):
        module: ClassVar[object] = Wrong()

    assert (
        run(Contract(), "test_it_keeps_the_contract").reason
        == "it must be a coroutine function ('async def' without 'yield')"
    )


def test_a_plugin_that_is_not_installed_is_named() -> None:
    class Contract(GoodContract):
        plugin: ClassVar[str] = "no-such-plugin"
        module: ClassVar[object] = None

    result = run(Contract(), "test_it_keeps_the_contract")
    assert result.outcome == "failed"
    assert "no plugin 'no-such-plugin' is installed" in result.reason


@pytest.mark.parametrize("name", [one.name for one in ProviderContract.checks() if one.level in {5, 6}])
def test_no_check_passes_where_no_gateway_starts(name: str) -> None:
    result = run(BrokenContract(), name)
    assert result.outcome == "failed"


class BrokenFake(FakeAcme):
    async def __aenter__(self) -> BrokenFake:
        await super().__aenter__()
        self.settings["no-such-key"] = True
        return self


class BrokenContract(ProviderContract):
    plugin = "acme"
    module: ClassVar[object] = ByDevice()

    def fake(self) -> AbstractAsyncContextManager[FakeProvider]:
        return BrokenFake()


# -- checks that cannot pass -------------------------------------------------------------------------------


class Small(ContractBase):
    plugin = "small"

    @check(1)
    async def test_it_fails(self) -> None:
        """It cannot pass."""
        expect(False, "it never does")

    @check(2)
    async def test_it_passes(self) -> None:
        """It always passes."""


def test_a_marked_check_is_shown_with_its_reason() -> None:
    class Contract(Small):
        cannot_pass: ClassVar[dict[str, str]] = {"test_it_fails": "the provider is like that"}

    result = run(Contract(), "test_it_fails")
    assert (result.outcome, result.reason) == ("marked", "the provider is like that")
    with pytest.raises(pytest.xfail.Exception, match="the provider is like that"):
        Contract().test_it_fails()


def test_a_check_that_passes_is_wrongly_marked() -> None:
    class Contract(Small):
        cannot_pass: ClassVar[dict[str, str]] = {"test_it_passes": "so they say"}

    result = run(Contract(), "test_it_passes")
    assert (result.outcome, result.reason) == (
        "failed",
        "it is marked (so they say), and passes: take the mark away",
    )


def test_a_failed_check_says_what_it_proves_and_what_was_seen() -> None:
    with pytest.raises(AssertionError, match="It cannot pass: it never does"):
        Small().test_it_fails()


def test_a_check_is_not_overridden() -> None:
    with pytest.raises(
        TypeError, match=r"Cheats overrides test_it_fails, .* cannot_pass = {'test_it_fails': 'the reason'}"
    ):

        class Cheats(Small):
            async def test_it_fails(self) -> None:  # type: ignore[override]
                pass


def test_a_check_is_not_taken_away() -> None:
    with pytest.raises(TypeError, match="overrides test_it_fails"):
        type("Cheats", (Small,), {"test_it_fails": None})


def test_a_check_is_not_overridden_from_the_side() -> None:
    class Side:
        def test_it_fails(self) -> None:
            pass

    with pytest.raises(TypeError, match="overrides test_it_fails"):
        type("Cheats", (Side, Small), {})


@pytest.mark.parametrize(
    ("marks", "problem"),
    [
        pytest.param({"test_it_flies": "why not"}, "names what is no check: test_it_flies", id="no such check"),
        pytest.param({"test_it_fails": " "}, "gives no reason for test_it_fails", id="no reason"),
    ],
)
def test_a_mark_is_checked(marks: dict[str, str], problem: str) -> None:
    with pytest.raises(TypeError, match=problem):
        type("Marks", (Small,), {"cannot_pass": marks})


# -- where it runs -----------------------------------------------------------------------------------------

STRANGER = """
from switchgear_openai_compatibility.contract import Contract

class TestThere(Contract):
    cannot_pass = {"test_an_unknown_model_is_not_found": "it does pass, so this is wrong"}

def test_fixtures(fake_clock, leak_scanner):
    fake_clock.advance(1)
    leak_scanner.know(["a-secret-indeed"])
    leak_scanner.take("here", "it is a-secret-indeed")
    assert len(leak_scanner.leaks()) == 1
"""


def test_a_strangers_project_needs_pytest_alone(tmp_path: Path) -> None:
    (tmp_path / "test_there.py").write_text(STRANGER)
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    wanted = "test_it_keeps_the_contract or test_a_failed_list or test_calls_it_token_expired or unknown or fixtures"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-rA",
        "-p",
        "no:anyio",
        "-p",
        "no:xdist",
        "-p",
        "no:cacheprovider",
    ]
    ran = subprocess.run([*command, "-k", wanted], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert ["3 passed", "1 skipped", "1 failed"].sort() == ran.stdout.splitlines()[-1].split(" in ")[0].split(
        ", "
    ).sort()
    assert "it is marked (it does pass, so this is wrong), and passes: take the mark away" in ran.stdout
    assert "the provider has no failure like token_expired" in ran.stdout
    assert "warning" not in ran.stdout.lower()


def test_pytest_finds_it_without_loading_the_gateway() -> None:
    code = "import sys, switchgear.testing.pytest_plugin; print({'starlette', 'hypercorn', 'h11', 'httpx2'} & {*sys.modules})"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


# -- the command -------------------------------------------------------------------------------------------


def reported(*outcomes: tuple[int, str, str]) -> type:
    async def nothing(contract: object) -> None:
        pass

    class Reporting:
        def report(self) -> Report:
            results = [
                Result(Check(f"test_number_{number}", level, "It proves something", nothing), outcome, reason, 1.2)  # type: ignore[arg-type]
                for number, (level, outcome, reason) in enumerate(outcomes)
            ]
            return Report("acme", "1.2", tuple(results))

    return Reporting


def command(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["plugins", "check", *arguments])
    return int(ended.value.code or 0)


def test_the_command_prints_a_table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    outcomes = [
        (1, "passed", ""),
        (2, "n/a", "nobody signs in"),
        (3, "marked", "no streams"),
        (4, "failed", "two files"),
    ]
    monkeypatch.setattr(plugins_command, "_contract", lambda name: reported(*outcomes))
    assert command("acme") == 1
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["level", "check", "result", "reason"]
    assert lines[2] == ["2", "number_1", "n/a", "nobody", "signs", "in"]
    assert lines[4] == ["4", "number_3", "failed", "two", "files"]
    assert " ".join(lines[-2]) == "acme 1.2: level 3 of 6 (stream and cancel)"
    assert " ".join(lines[-1]) == "test_number_3 failed, so this is not proved: It proves something"


def test_the_command_succeeds_where_nothing_failed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        plugins_command, "_contract", lambda name: reported((1, "passed", ""), (6, "marked", "so it is"))
    )
    assert command("acme", "--json") == 0
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (report["plugin"], report["version"], report["level"]) == ("acme", "1.2", 6)
    assert report["levels"][5] == {
        "level": 6,
        "title": "leaks",
        "passed": True,
        "checks": [
            {
                "name": "test_number_1",
                "proves": "It proves something",
                "result": "marked",
                "reason": "so it is",
                "ms": 1,
            }
        ],
    }


def test_the_command_names_the_contracts_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("no-such-plugin") == 1
    assert "gives a contract for 'no-such-plugin'; there is one for " in capsys.readouterr().err


def test_the_command_runs_the_contract_that_a_plugin_ships(capsys: pytest.CaptureFixture[str]) -> None:
    """In a process of its own it runs over the package that ``plugins new`` writes."""
    assert command("openai-compatibility", "--json") == 0
    assert json.loads(capsys.readouterr().out)["level"] == 6


def test_the_report_in_the_docs_has_every_check_and_every_plugin_at_the_highest_level() -> None:
    page = (Path(__file__).parents[2] / "docs" / "conformance-report.md").read_text()
    shipped = sorted(point.name for point in entry_points(group="switchgear.contract"))
    assert f"| | {' | '.join(shipped)} |" in page
    assert f"| **level reached, of 6** | {' | '.join(['**6**'] * len(shipped))} |" in page
    assert re.findall(r"^\| `(test_\w+)`", page, re.MULTILINE) == [check.name for check in ProviderContract.checks()]
    assert "**no**" not in page
