"""Cursor's accounts in a whole gateway: who has which file, and what becomes of tokens that end."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from switchgear_cursor import calls
from switchgear_cursor.fake import FakeCursor
from switchgear_cursor.fake.agent_answers import begun, plain
from switchgear_cursor.fake.agent_run import Run
from switchgear_cursor.fake.people import EMAIL
from switchgear_cursor.fake.refusals import Refusal
from tests.gateways import Running, gateway
from tests.plugins.cursor_service import MODEL, served, sign_in


@pytest.fixture(autouse=True)
def _soon_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls that fail in passing are tried again without a pause."""
    monkeypatch.setattr(calls, "FIRST_PAUSE_S", 0.0)


BUSY = Refusal("unavailable")


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "auth").glob("*.json"))}


async def statuses(running: Running, count: int) -> list[int]:
    answers = await asyncio.gather(*(running.chat(MODEL) for _ in range(count)))
    return [answer.status_code for answer in answers]


def askers(fake: FakeCursor) -> list[str]:
    return sorted({run.person for run in fake.agent.runs})


async def states(running: Running) -> dict[str, Any]:
    found: dict[str, Any] = (await running.provider("cursor"))["accounts"]
    return found


# -- files -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["browser", "browser-session"])
async def test_two_people_of_one_team_signed_in_twice_have_two_files(tmp_path: Path, method: str) -> None:
    async with served(tmp_path, "ada", "ben", method=method) as (running, fake):
        first = files(tmp_path)
        assert len(first) == 2
        again = await sign_in(running, fake, "ada", method)
        await sign_in(running, fake, "ben", method)
        second = files(tmp_path)
        assert second.keys() == first.keys()
        assert all(second[name] != first[name] for name in first)
        assert await statuses(running, 4) == [200] * 4
        assert askers(fake) == ["ada", "ben"]
        assert again.details["email"] == EMAIL
        assert not [secret for secret in fake.secrets() if any(secret.encode() in each for each in second.values())]


async def test_a_key_and_a_session_of_one_person_are_one_account(tmp_path: Path) -> None:
    async with served(tmp_path, "ada", method="browser-session") as (running, fake):
        before = files(tmp_path)
        await sign_in(running, fake, "ada", "api-key")
        await sign_in(running, fake, "ada", "browser")
        assert files(tmp_path).keys() == before.keys()
        assert await statuses(running, 1) == [200]
        (content,) = files(tmp_path).values()
        assert json.loads(content)["details"]["method"] == "api-key"


async def test_a_team_that_forbids_keys_leaves_the_session(tmp_path: Path) -> None:
    async with served(tmp_path) as (running, fake):
        fake.services.people.user("ben").may_make_keys = False
        account = await sign_in(running, fake, "ben", "browser")
        assert account.details["method"] == "session"
        assert await statuses(running, 2) == [200, 200]
        assert askers(fake) == ["ada", "ben"]


async def test_a_restart_knows_the_accounts(tmp_path: Path) -> None:
    async with served(tmp_path, "ada", "ben", method="browser") as (running, fake):
        assert await statuses(running, 1) == [200]
        async with gateway(tmp_path, {"cursor": [fake.settings]}) as later:
            await later.service.current.catalog.refresh()
            assert await statuses(later, 2) == [200, 200]
        assert askers(fake) == ["ada", "ben"]


# -- renewal -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["browser", "browser-session"])
async def test_an_expired_token_is_renewed_once_for_all(tmp_path: Path, method: str) -> None:
    async with served(tmp_path, "ada", method=method) as (running, fake):
        before, kept = fake.refreshes, files(tmp_path)
        fake.expire()
        assert await statuses(running, 20) == [200] * 20
        assert fake.refreshes - before == 1
        assert files(tmp_path) != kept


async def test_a_key_of_the_configuration_is_exchanged_and_not_written(tmp_path: Path) -> None:
    async with served(tmp_path) as (running, fake):
        for _ in range(2):
            assert await statuses(running, 5) == [200] * 5
            fake.expire()
        assert fake.refreshes == 2
        assert files(tmp_path) == {}


async def test_a_token_that_ends_during_a_run_does_not_end_it(tmp_path: Path) -> None:
    async def slowly(run: Run) -> None:
        await begun(run)
        fake.expire()
        await plain(run)

    async with served(tmp_path, "ada", method="browser") as (running, fake):
        fake.agent.play(slowly)
        before = fake.refreshes
        assert await statuses(running, 1) == [200]
        assert fake.refreshes == before


async def test_a_renewal_that_fails_in_passing_leaves_the_account(tmp_path: Path) -> None:
    async with served(tmp_path, "ada", method="browser") as (running, fake):
        fake.expire()
        fake.services.login.exchange_refusals += [BUSY] * 4
        assert (await statuses(running, 1))[0] >= 400
        assert (await states(running))["auth_failed"] == 0
        assert await statuses(running, 1) == [200]


# -- endings -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["browser", "browser-session"])
async def test_a_revoked_account_is_out_and_the_other_serves(tmp_path: Path, method: str) -> None:
    async with served(tmp_path, "ada", method=method) as (running, fake):
        fake.expire()
        fake.revoke()
        await sign_in(running, fake, "ben", method)
        assert await statuses(running, 4) == [200] * 4
        assert askers(fake) == ["ben"]
        found = await states(running)
        assert (found["ready"], found["auth_failed"]) == (1, 1)
        before = fake.refreshes
        assert await statuses(running, 4) == [200] * 4
        assert fake.refreshes == before
        await sign_in(running, fake, "ada", method)
        await statuses(running, 4)
        assert askers(fake) == ["ada", "ben"]


async def test_a_session_that_the_service_ended_needs_the_person(tmp_path: Path) -> None:
    async with served(tmp_path, "ada", method="browser-session") as (running, fake):
        fake.expire()
        fake.services.login.logs_out = True
        assert await statuses(running, 1) == [401]
        assert (await states(running))["auth_failed"] == 1


async def test_a_suspended_account_is_not_passed_over(tmp_path: Path) -> None:
    async with served(tmp_path, "ada", "ben") as (running, fake):
        for person in ("ada", "ben"):
            fake.services.people.user(person).suspended = True
        answer = await running.chat(MODEL)
        assert answer.status_code == 403
        assert (await states(running))["suspended"] == 1


async def test_a_spent_plan_hands_over_to_the_other_account(tmp_path: Path) -> None:
    async with served(tmp_path, "ada", "ben") as (running, fake):
        fake.agent.play("quota_exhausted")
        assert await statuses(running, 1) == [200]
        assert await statuses(running, 3) == [200] * 3
        assert len(askers(fake)) == 2
        assert len({run.person for run in list(fake.agent.runs)[1:]}) == 1
