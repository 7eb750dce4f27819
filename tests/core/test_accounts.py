"""Keeping credentials fresh: once however many need it, ahead of time, and never at the cost of a token."""

from __future__ import annotations

import asyncio
import json
import math
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from switchgear import Account, Failure, LoginRequired, Provider, Secret, UpstreamError
from switchgear.account_settings import AccountSettings, AccountSettingsFolder
from switchgear.accounts import Entry
from switchgear.health import Health
from switchgear.plugins import Plugins
from switchgear.refreshing import AHEAD_S, BACK_OFF_LONGEST_S, SPREAD_S
from switchgear.types import Kind, Verdict
from switchgear.upstream import UpstreamClients
from tests import rotating_plugin
from tests.rotating import RotatingUpstream
from tests.stores import store

DAY_S = 86_400.0


class House:
    """One entry of the rotating provider over a fake clock; ``another()`` is another process over the same files."""

    def __init__(self, folder: Path, upstream: RotatingUpstream) -> None:
        self.folder = folder
        self.upstream = upstream
        self.plugins = Plugins()
        self.plugins.register("rotating", rotating_plugin)
        self.clients = UpstreamClients()
        self.wall = 0.0
        self.monotonic = 0.0
        self.health = Health(1.0, 60.0, monotonic=lambda: self.monotonic, wall=lambda: self.wall)
        self.files = store(folder / "auth", "rotating")
        self.settings = AccountSettingsFolder(folder / "auth", "rotating")
        self.entry = self.another()

    def another(self) -> Entry:
        fields = rotating_plugin.Settings.model_validate({"base-url": self.upstream.server.url})
        return Entry(
            Provider("rotating", "rotating", "", fields),
            self.plugins.info("rotating"),
            self.plugins,
            store(self.folder / "auth", "rotating"),
            self.settings,
            self.clients,
            self.health,
            wall=lambda: self.wall,
            monotonic=lambda: self.monotonic,
        )

    async def save(self, person: str = "ada", **fields: Any) -> Account:
        """Save a person's account, and load."""
        account = replace(self.upstream.account(person), **fields)
        await self.files.save(account)
        await self.entry.load()
        return account

    @property
    def refreshes(self) -> int:
        return sum(self.upstream.refreshed.values())

    def later(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds

    def saved(self, person: str = "ada") -> dict[str, str]:
        found = {account.id: account for account in self.files.load()}[person]
        return {name: secret.reveal() for name, secret in found.secrets.items()}


@asynccontextmanager
async def house(folder: Path, *people: str) -> AsyncIterator[House]:
    upstream = RotatingUpstream(*(people or ("ada",)))
    async with upstream.server:
        made = House(folder, upstream)
        made.wall = time.time()
        try:
            yield made
        finally:
            await made.entry.aclose()
            await made.clients.aclose()


# -- one refresh, however many need it ---------------------------------------------------------------------


async def test_a1_two_hundred_requests_on_an_expired_token_make_one_refresh(tmp_path: Path) -> None:
    async with house(tmp_path) as made:
        await made.save(expires_at=made.wall - 1)
        fresh = await asyncio.gather(*(made.entry.fresh("ada") for _ in range(200)))
        assert made.refreshes == 1
        assert {account.secrets["access"].reveal() for account in fresh} == {made.upstream.access["ada"]}
        assert made.saved() == {"access": made.upstream.access["ada"], "refresh": made.upstream.refresh["ada"]}


async def test_two_hundred_refusals_of_one_token_make_one_refresh(tmp_path: Path) -> None:
    async with house(tmp_path) as made:
        refused = await made.save(expires_at=None)
        await asyncio.gather(*(made.entry.refresh(refused) for _ in range(200)))
        await made.entry.refresh(refused)  # one that comes late finds the new token
        assert made.refreshes == 1


async def test_a2_the_loser_takes_the_winners_token(tmp_path: Path) -> None:
    async with house(tmp_path) as made:
        await made.save(expires_at=made.wall - 1)
        others = [made.another() for _ in range(5)]
        for other in others:
            await other.load()
        fresh = await asyncio.gather(*(entry.fresh("ada") for entry in (made.entry, *others)))
        assert made.refreshes == 1
        assert len({account.secrets["access"].reveal() for account in fresh}) == 1


async def test_a_client_that_hangs_up_does_not_interrupt_a_refresh(tmp_path: Path) -> None:
    async with house(tmp_path) as made:
        await made.save(expires_at=made.wall - 1)
        made.upstream.gate.clear()
        request = asyncio.create_task(made.entry.fresh("ada"))
        await made.upstream.server.wait_for(lambda: made.refreshes == 1)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        made.upstream.gate.set()
        await made.entry.aclose()
        assert made.saved()["refresh"] == made.upstream.refresh["ada"]


# -- what a refresh can answer (fault A3) ------------------------------------------------------------------


async def test_a3_an_answer_without_a_refresh_token_keeps_the_old_one(tmp_path: Path) -> None:
    async with house(tmp_path) as made:
        account = await made.save()
        made.upstream.omits_refresh_token = True
        await made.entry.fresh("ada")
        assert made.saved()["refresh"] == account.secrets["refresh"].reveal()
        assert made.saved()["access"] != account.secrets["access"].reveal()


async def test_a3_a_spent_token_needs_a_login_and_is_not_tried_again(tmp_path: Path) -> None:
    async with house(tmp_path) as made:
        before = await made.save()
        made.upstream.revoked.add("ada")
        with pytest.raises(LoginRequired):
            await made.entry.fresh("ada")
        for _ in range(20):
            made.later(600)
            await made.entry.refresh_due()
        assert made.refreshes == 1
        assert made.saved()["refresh"] == before.secrets["refresh"].reveal()  # nothing is cleared
        note = made.files.note("ada")
        assert note is not None
        assert note.result != "ok"
        made.upstream.revoked.clear()  # signed in again
        made.upstream._issue("ada")
        await made.save(expires_at=made.wall - 1)
        assert (await made.entry.fresh("ada")).secrets["access"].reveal() == made.upstream.access["ada"]


async def test_a_spent_token_found_out_ahead_of_need_takes_the_account_out(tmp_path: Path) -> None:
    async with house(tmp_path) as made:
        await made.save(expires_at=made.wall + 10)
        made.upstream.revoked.add("ada")
        await made.entry.refresh_due()
        assert made.health.account_state("rotating", "ada") == "auth_failed"


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_a3_a_server_that_fails_is_asked_again_with_growing_pauses(tmp_path: Path, status: int) -> None:
    async with house(tmp_path) as made:
        before = await made.save(expires_at=made.wall + AHEAD_S)
        made.upstream.fault = status
        made.upstream.error = {"error": "busy"}
        for _ in range(600):
            made.later(1)
            await made.entry.refresh_due()
        assert 2 <= made.refreshes <= 8
        assert made.saved()["refresh"] == before.secrets["refresh"].reveal()
        made.upstream.fault = None
        made.later(BACK_OFF_LONGEST_S)
        await made.entry.refresh_due()
        assert made.saved()["refresh"] == made.upstream.refresh["ada"]


async def test_a_token_that_still_holds_is_used_while_it_cannot_be_refreshed(tmp_path: Path) -> None:
    async with house(tmp_path) as made:
        await made.save(expires_at=made.wall + 5)
        made.upstream.fault = 500
        assert (await made.entry.fresh("ada")).secrets["access"].reveal() == made.upstream.access["ada"]
        assert made.refreshes == 1
        made.later(6)
        with pytest.raises(UpstreamError):
            await made.entry.fresh("ada")


async def test_a3_after_a_rotation_whose_answer_was_lost_the_account_needs_a_login(tmp_path: Path) -> None:
    async with house(tmp_path) as made:
        await made.save()
        made.upstream._issue("ada")  # rotated, and the answer never came
        with pytest.raises(LoginRequired):
            await made.entry.fresh("ada")
        assert made.refreshes == 1


@pytest.mark.parametrize("problem", [LoginRequired, UpstreamError])
async def test_a_refresh_that_came_half_way_keeps_what_it_saved_and_its_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: type[UpstreamError]
) -> None:
    async with house(tmp_path) as made:
        await made.save()
        whole = made.plugins.refresh_token

        async def then_fails(*arguments: Any) -> Account:
            await whole(*arguments)
            raise problem(Failure("status", 401))

        with monkeypatch.context() as patch:
            patch.setattr(made.plugins, "refresh_token", then_fails)
            with pytest.raises(problem):
                await made.entry.fresh("ada")
        assert made.saved()["refresh"] == made.upstream.refresh["ada"]
        made.later(4000)
        await made.entry.refresh(made.entry.accounts[0])
        assert max(made.upstream.refreshed.values()) == 1  # the old token was not used again


# -- ahead of need -----------------------------------------------------------------------------------------


async def test_a_token_is_refreshed_before_it_expires_and_not_all_at_the_same_moment(tmp_path: Path) -> None:
    people = [f"p{number}" for number in range(12)]
    async with house(tmp_path, *people) as made:
        expiry = made.wall + 3600
        for person in people:
            await made.save(person, expires_at=expiry)
        made.upstream.lifetime_s = 100_000
        counts = []
        for second in range(int(3600 - AHEAD_S - SPREAD_S) - 1, 3600):
            made.later(expiry - 3600 + second - made.wall)
            await made.entry.refresh_due()
            counts.append(made.refreshes)
            if made.refreshes == len(people):
                break
        assert counts[0] == 0
        assert counts[-1] == len(people)
        assert len(counts) <= SPREAD_S + 2
        assert len(set(counts)) > 3  # spread


@pytest.mark.parametrize(
    ("refresh_at", "due"),
    [
        pytest.param(-60.0, True, id="its own time has come"),
        pytest.param(600.0, False, id="its own time has not come"),
        pytest.param(math.inf, False, id="only when a request needs it"),
    ],
)
async def test_an_account_may_say_when(tmp_path: Path, refresh_at: float, due: bool) -> None:
    async with house(tmp_path) as made:
        await made.save(expires_at=made.wall + 100_000, refresh_at=made.wall + refresh_at)
        await made.entry.refresh_due()
        assert made.refreshes == int(due)


async def test_refreshing_goes_on_while_the_account_cools_down(tmp_path: Path) -> None:
    async with house(tmp_path) as made:
        await made.save(expires_at=made.wall + 60)
        made.health.failed("rotating", "ada", "m", Verdict(Kind.QUOTA_EXHAUSTED, retry_after=3600.0))
        await made.entry.refresh_due()
        assert made.refreshes == 1


@pytest.mark.parametrize("jump_s", [DAY_S, -DAY_S, 3600.0, -3600.0])
async def test_a7_a_clock_that_jumps_makes_no_storm(tmp_path: Path, jump_s: float) -> None:
    async with house(tmp_path) as made:
        await made.save(expires_at=made.wall + 1800)
        made.wall += jump_s
        for _ in range(60):
            made.later(1)
            await made.entry.refresh_due()
            await made.entry.fresh("ada")
        assert made.refreshes <= 3


# -- tokens that cannot be saved (fault A4) ----------------------------------------------------------------


async def test_a4_without_room_a_token_is_not_spent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house(tmp_path) as made:
        await made.save()

        def full(descriptor: int) -> None:
            raise OSError(28, os.strerror(28))

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            with pytest.raises(UpstreamError, match=r"not refreshed: .* No space left on device"):
                await made.entry.fresh("ada")
        assert made.refreshes == 0
        assert (await made.entry.fresh("ada")).secrets["access"].reveal() == made.upstream.access["ada"]


async def test_a4_a_token_that_cannot_be_saved_is_kept_and_saved_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log_output: pytest.CaptureFixture[str]
) -> None:
    async with house(tmp_path) as made:
        old = await made.save()
        made.upstream.gate.clear()
        asking = asyncio.create_task(made.entry.fresh("ada"))
        await made.upstream.server.wait_for(lambda: made.refreshes == 1)

        def full(self: Path, target: object) -> Path:
            raise OSError(28, os.strerror(28))

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", full)
            made.upstream.gate.set()
            fresh = await asking
            assert fresh.secrets["refresh"].reveal() == made.upstream.refresh["ada"]
            assert made.saved()["refresh"] == old.secrets["refresh"].reveal()
            await made.entry.refresh_due()
            assert "token_not_saved" in log_output.readouterr().err
        await made.entry.refresh_due()
        assert made.refreshes == 1
        assert made.saved()["refresh"] == made.upstream.refresh["ada"]


async def test_a4_or_at_the_end_at_the_latest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house(tmp_path) as made:
        await made.save()
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", lambda self, target: (_ for _ in ()).throw(OSError(28, "full")))
            await made.entry.fresh("ada")
        await made.entry.aclose()
        assert made.saved()["refresh"] == made.upstream.refresh["ada"]


# -- what the operator decides -----------------------------------------------------------------------------


async def test_a_refresh_undoes_no_edit(tmp_path: Path) -> None:
    async with house(tmp_path) as made:
        await made.save()
        made.settings.write("ada", AccountSettings(label="Ada - team A", priority=7))
        await made.entry.load()
        await made.entry.refresh(made.entry.accounts[0])
        await made.entry.load()
        [account] = made.entry.accounts
        assert (account.label, account.priority) == ("Ada - team A", 7)
        assert json.loads(made.files.path("ada").read_text())["label"] == "ada"
        made.settings.remove("ada")
        await made.entry.load()
        assert made.entry.accounts[0].label == "ada"


async def test_accounts_are_asked_by_priority_and_a_disabled_one_is_left_alone(tmp_path: Path) -> None:
    async with house(tmp_path, "ada", "ben", "cy") as made:
        for person in ("ada", "ben", "cy"):
            await made.save(person)
        made.settings.write("cy", AccountSettings(priority=1))
        made.settings.write("ben", AccountSettings(disabled=True))
        await made.entry.load()
        assert [account.id for account in made.entry.accounts] == ["cy", "ada", "ben"]
        await made.entry.refresh_due()
        assert sorted(token.split("-")[1] for token in made.upstream.refreshed) == ["ada", "cy"]


async def test_a_proxy_that_cannot_be_had_is_no_direct_connection(tmp_path: Path) -> None:
    async with house(tmp_path) as made:
        await made.save()
        made.settings.write("ada", AccountSettings(proxy_url="http://proxy:1"))
        await made.entry.load()
        assert made.entry.accounts[0].proxy_url == Secret("http://proxy:1")
        path = next((tmp_path / "auth" / "operator").iterdir())
        path.write_text(path.read_text().replace("http://proxy:1", "env:NO_SUCH_VARIABLE"))
        await made.entry.load()
        assert made.entry.accounts[0].disabled
        path.write_text("{")
        await made.entry.load()
        assert made.entry.accounts[0].disabled


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        pytest.param(AccountSettings(label=""), "a label is", id="empty label"),
        pytest.param(AccountSettings(label="a\nb"), "a label is", id="line break"),
        pytest.param(AccountSettings(label="x" * 65), "a label is", id="too long"),
        pytest.param(AccountSettings(priority=True), "priority is a whole number", id="true for a number"),
        pytest.param(AccountSettings(disabled="yes"), "disabled is true or false", id="a word for true"),  # type: ignore[arg-type]
        pytest.param(AccountSettings(proxy_url="proxy:1080"), "proxy-url must be", id="no scheme"),
        pytest.param(AccountSettings(proxy_url="env:NO_SUCH_VARIABLE"), "is not set", id="unset variable"),
    ],
)
def test_settings_that_do_not_do(tmp_path: Path, settings: AccountSettings, says: str) -> None:
    folder = AccountSettingsFolder(tmp_path, "acme")
    with pytest.raises(ValueError, match=says):
        folder.write("ada", settings)
    assert folder.read("ada") == AccountSettings()


# -- loading again -----------------------------------------------------------------------------------------


async def test_loading_again_keeps_what_is_only_in_memory_and_takes_what_is_new(tmp_path: Path) -> None:
    async with house(tmp_path) as made:
        await made.save()
        fresh = await made.entry.fresh("ada")
        await made.entry.load()
        assert made.entry.accounts[0] == fresh
        made.upstream._issue("ada")
        await made.files.save(made.upstream.account("ada", expires_at=made.wall + 3600))
        made.health.failed("rotating", "ada", "m", Verdict(Kind.LOGIN_REQUIRED))
        await made.entry.load()
        assert made.entry.accounts[0].secrets["access"].reveal() == made.upstream.access["ada"]
        assert made.health.account_state("rotating", "ada") == "ready"


async def test_another_processs_refresh_lifts_no_suspension_and_a_new_sign_in_does(tmp_path: Path) -> None:
    async with house(tmp_path) as made:
        await made.save()
        made.health.failed("rotating", "ada", "m", Verdict(Kind.SUSPENDED))
        other = made.another()
        await other.load()
        await other.refresh(other.accounts[0])
        await made.entry.load()
        assert made.entry.accounts[0].secrets["access"].reveal() == made.upstream.access["ada"]
        assert made.health.account_state("rotating", "ada") == "suspended"
        made.upstream._issue("ada")
        made.files.path("ada").unlink()
        await made.save()
        assert made.health.account_state("rotating", "ada") == "ready"


async def test_an_account_that_was_removed_is_not_refreshed_back_to_life(tmp_path: Path) -> None:
    async with house(tmp_path) as made:
        account = await made.save()
        await made.files.remove(account)
        with pytest.raises(LoginRequired, match="removed"):
            await made.entry.fresh("ada")
        assert made.refreshes == 0
        await made.entry.load()
        assert made.entry.accounts == ()
        assert "switchgear login rotating" in made.entry.problem


async def test_an_entry_without_a_usable_account_says_why(tmp_path: Path) -> None:
    async with house(tmp_path) as made:
        await made.save()
        made.files.path("ada").write_text("{}")
        await made.entry.load()
        assert "accounts import; a copy is in quarantine/" in made.entry.problem
