"""The runbook's Kiro section over the real plugin and its fake: the checks after a sign-in, what fires, and the response.

The commands are the page's, word for word; only its provider, model, account and fallback are replaced by those that are
here.
"""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from switchgear import Account, LoginFailed
from switchgear.accounts import Entry
from switchgear.testing import FakeOpenAI
from switchgear.testing.person import Person
from switchgear_kiro.fake import FakeKiro
from switchgear_kiro.fake.management import USAGE as PLENTY
from switchgear_kiro.fake.people import BUILDER_ID_URL
from tests.counter import command as switchgear
from tests.incidents import Happens, Incident, happens
from tests.office import MANAGEMENT_KEY

PAGE = Path(__file__).parent.parent.parent / "docs" / "provider-operations.md"
MODEL = "claude-sonnet-4.5"
KIRO_MODEL = f"kiro/{MODEL}"
FALLBACK_KEY = "sk-fallback-0123456789"
CHECKS_OK = ["file unique", "models visible", "canary"]


@pytest.fixture
def incident(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Happens:
    """Starts a gateway; the working directory, where the commands find their configuration, is the operator's own."""
    desk = tmp_path / "desk"
    desk.mkdir()
    monkeypatch.chdir(desk)
    return happens(tmp_path, monkeypatch)


class Duty:
    """An operator in the folder of a gateway that has Kiro and a fallback, ``or``, with one model in common."""

    def __init__(self, now: Incident, kiro: FakeKiro) -> None:
        self.now = now
        self.kiro = kiro

    @property
    def entry(self) -> Entry:
        """Kiro's, in the gateway."""
        [found] = [entry for entry in self.now.running.service.current.entries if entry.name == "kiro"]
        return found

    async def sign_in(self, person: str) -> None:
        """Sign a Builder ID in, the quick way."""

        async def visit(url: str, code: str | None) -> None:
            await self.kiro.visit(url, code, person)

        service = self.now.running.service
        entry, hooks = self.entry, service.current.plugins
        async with Person("builder-id", visit, label=person) as somebody:
            await hooks.authenticate(entry.provider, somebody, entry.store, entry.client(Account("new")))
        await service.reload_accounts(service.current)

    async def login(self, person: str) -> str:
        """Sign a Builder ID in, by a program of its own, until the gateway has taken it up; what the program said."""
        command = ("login", "kiro", "--method", "builder-id", "--label", person, "--no-browser")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "switchgear", *command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        assert process.stdout is not None
        said = ""
        try:
            async with asyncio.timeout(30):
                while line := (await process.stdout.readline()).decode():
                    said += line
                    if line.startswith("http://"):
                        await self.kiro.visit(line.strip(), None, person)
                assert await process.wait() == 0, said
                while self.states().get(person) != "ready":
                    await asyncio.sleep(0.05)  # it looks for itself, every second
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return said

    def states(self) -> dict[str, str]:
        """Of Kiro's accounts, as the gateway has them."""
        service, entry = self.now.running.service, self.entry
        return {account.label: service.account_state(entry, account) for account in entry.accounts}

    async def run(self, command: str) -> str:
        """A command, which succeeds; what it said."""
        code, out, errors = await switchgear(*shlex.split(command)[1:])
        assert code == 0, f"$ {command}\n{out}{errors}"
        return out

    async def files(self) -> dict[str, str]:
        """Kiro's auth files, by whose they are."""
        rows = json.loads(await self.run("switchgear accounts list --json"))["accounts"]
        return {row["label"]: row["file"] for row in rows if row["provider"] == "kiro"}

    async def served(self, times: int) -> None:
        assert {answer.status_code for answer in await self.now.ask(KIRO_MODEL, times)} == {200}

    async def refused(self, scenario: str) -> None:
        """A request whose first attempt goes so."""
        self.kiro.runtime.script(scenario)
        await self.now.ask(KIRO_MODEL)


@asynccontextmanager
async def duty(incident: Happens, *people: str) -> AsyncIterator[Duty]:
    """``people`` are signed in already."""
    async with FakeKiro() as kiro, FakeOpenAI([FALLBACK_KEY], [MODEL]) as fallback:
        keys = [{"api-key": FALLBACK_KEY, "label": "key"}]
        other = {"name": "or", "prefix": "or", "base-url": fallback.base_url(), "api-key-entries": keys}
        config = {"management-key": MANAGEMENT_KEY, "kiro": [kiro.settings], "openai-compatibility": [other]}
        async with incident(wired=[], **config) as now:
            on = Duty(now, kiro)
            written = json.loads(now.running.config_file.read_text())
            kept = {name: written[name] for name in ("api-keys", "auth-dir", "state-dir")}
            Path("config.yaml").write_text(json.dumps({**kept, **config, "port": now.running.port}))
            Path("config.yaml").chmod(0o600)
            for person in people:
                await on.sign_in(person)
            yield on


def page(account: str) -> Sequence[list[str]]:
    """The commands under "After every sign-in or import": those of the checks, and those of the response."""
    section = PAGE.read_text().partition("\n## After every sign-in or import\n")[2].partition("\n## ")[0]
    here = {"fast/large": KIRO_MODEL, "fast": "kiro", "work": account, "broad": "or"}
    blocks = re.findall(r"```console\n(.*?)```", section, re.DOTALL)
    assert len(blocks) == 2
    return [[" ".join(here.get(word, word) for word in line[2:].split()) for line in b.splitlines()] for b in blocks]


# -- minimum checks after every sign-in ------------------------------------------------------------------------


async def test_after_every_sign_in_file_models_and_canary(incident: Happens) -> None:
    async with duty(incident) as on:
        assert not [name for name in await on.now.models() if name.startswith("kiro/")]
        assert "switchgear login kiro" in await on.run("switchgear status")
        for number, person in enumerate(("ada", "ben"), 1):
            said = await on.login(person)
            assert re.findall(r"^  ok      ([a-z ]+):", said, re.MULTILINE) == CHECKS_OK
            assert f"(new; {number} in all)" in said
            assert f"Signed in: kiro, account {person}." in said

        (listed, models, canary), _ = page("ben")
        assert {"ada", "ben"} <= set((await on.run(listed)).split())
        files = await on.files()
        assert len(set(files.values())) == len(files) == 2, "two people with one start URL are two files"
        assert KIRO_MODEL in (await on.run(models)).split()
        listed_by_kiro = {f"kiro/{model['modelId']}" for model in on.kiro.management.models}
        assert {name for name in await on.now.models() if name.startswith("kiro/")} == listed_by_kiro
        assert (await on.run(canary)).endswith("3 of 3 served; no 401, 403 or 429\n")
        users = {call.user.name for call in on.kiro.runtime.calls[-3:]}
        assert users == {"ben"}
        on.now.time_passes(60)
        assert await on.now.firing() == {}


# -- thresholds ------------------------------------------------------------------------------------------------

FIRES = [
    pytest.param("provider-auth", "bad token", 49, 2, id="401 and 403 over 2 % for 5 m"),
    pytest.param("provider-429", "rate_limited", 38, 3, id="429 over 5 % for 5 m"),
    pytest.param("provider-success", "server_error", 38, 3, id="success under 95 % for 10 m"),
]


@pytest.mark.parametrize(("rule", "refusal", "good", "bad"), FIRES)
async def test_its_refusals_reach_the_thresholds_and_no_client(
    incident: Happens, rule: str, refusal: str, good: int, bad: int
) -> None:
    """With a second account, or a second try, clients feel nothing; the operator is told all the same."""
    async with duty(incident, "ada", "ben") as on:
        await on.served(good)
        for left in reversed(range(bad)):
            await on.refused(refusal)
            turned = on.now.time_passes(10)
            assert ((rule, "pending") in turned) is (left == 0)
        assert (rule, "firing") in on.now.time_passes(30)
        answers = (await on.now.running.client.get("/v1/metrics/providers")).json()["client_requests"]["10m"]
        assert (answers["requests"], answers["success_ratio"]) == (good + bad, 1)
        changed = on.now.time_passes(600)
        await on.served(20)
        assert (rule, "resolved") in [*changed, *on.now.time_passes(60)]


# -- immediate response ----------------------------------------------------------------------------------------


async def test_a_spent_login_is_looked_at_gone_around_signed_in_again_and_returned_to(incident: Happens) -> None:
    async with duty(incident, "ada", "ben") as on:
        files = await on.files()
        _, (show, shift, status, back) = page("ada")
        await on.served(20)

        on.kiro.expire()
        on.kiro.revoke()
        statuses = [answer.status_code for answer in await on.now.ask(KIRO_MODEL, 3)]
        assert (statuses[0], statuses[-1]) == (401, 503)
        on.now.time_passes(40)
        assert (await on.now.firing())["provider-auth"] == "repeated-401403"
        assert (await on.now.health("kiro"))["reasons"][0] == "login_required"
        assert set(on.states().values()) == {"auth_failed"}

        seen = await on.run(show)
        assert re.search(r"last-refresh\.result +login required: the refresh token is spent", seen)
        assert re.search(r"login-expires-at +20\d\d-", seen), "and when the registration ends"

        await on.run(shift)
        assert await on.now.served_by(KIRO_MODEL, 5) == ["key"] * 5
        assert "100 % of kiro to or" in await on.run(status)

        again = await on.login("ada")
        assert "(updated; 2 in all)" in again
        assert "Signed in again: kiro, account ada." in again
        await on.sign_in("ben")
        assert await on.files() == files
        (*_, canary), _ = page("ada")
        assert "3 of 3 served; no 401, 403 or 429" in await on.run(canary)

        await on.run(back)
        assert set(await on.now.served_by(KIRO_MODEL, 20)) == {"ada", "ben"}
        changed = on.now.time_passes(300)
        assert set(await on.now.served_by(KIRO_MODEL, 20)) == {"ada", "ben"}
        assert ("provider-auth", "resolved") in [*changed, *on.now.time_passes(60)]
        assert (await on.now.health("kiro"))["status"] == "ok"
        assert await on.now.firing() == {}


async def test_repeated_429_that_is_a_spent_quota_is_seen_in_it_and_more_capacity_helps(incident: Happens) -> None:
    async with duty(incident, "ada") as on:
        await on.served(20)
        spend(on.kiro)
        on.kiro.runtime.script("quota_exhausted")
        last, refused = await on.now.ask(KIRO_MODEL, 2)
        assert (last.status_code, refused.status_code) == (429, 503)
        on.now.time_passes(10)
        assert (await on.now.firing())["quota-out"] == "quota-pressure"
        rows = json.loads(await on.run("switchgear quota --fresh --json"))["quota"]
        assert [(row["account"], row["name"], row["plan"], row["remaining"]) for row in rows] == [
            ("ada", "plan", "KIRO PRO", 0)
        ]
        _, (_, shift, _, back) = page("ada")
        await on.run(shift)
        assert await on.now.served_by(KIRO_MODEL) == ["key"]

        on.kiro.management.usage = PLENTY
        await on.sign_in("ben")
        await on.run(back)
        assert set(await on.now.served_by(KIRO_MODEL, 5)) == {"ben"}, "ada is not asked before her time"
        assert on.states() == {"ada": "exhausted", "ben": "ready"}


def spend(kiro: FakeKiro) -> None:
    """Nothing is left, of any pool."""
    pool = {**PLENTY["usageBreakdownList"][0], "currentUsage": 1000, "currentUsageWithPrecision": 1000.0}
    kiro.management.usage = {**PLENTY, "usageBreakdownList": [{**pool, "freeTrialInfo": None, "bonuses": []}]}


async def test_a_suspended_account_is_not_gone_around_and_no_sign_in_brings_it_back(incident: Happens) -> None:
    async with duty(incident, "ada", "ben") as on:
        on.kiro.sign_in.people.user("ada", BUILDER_ID_URL).suspended = True
        answers = await on.now.ask(KIRO_MODEL, 4)
        assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 403]
        assert on.states() == {"ada": "suspended", "ben": "ready"}
        assert "suspended" in (await on.now.health("kiro"))["reasons"]
        code, _, refused = await switchgear("canary", KIRO_MODEL, "--account", "ada")
        assert (code, "out until you act (suspended)" in refused) == (1, True)
        with pytest.raises(LoginFailed, match="only its owner can settle that with Kiro"):
            await on.sign_in("ada")
        on.now.time_passes(600)
        assert await on.now.served_by(KIRO_MODEL, 4) == ["ben"] * 4, "nor does time"
