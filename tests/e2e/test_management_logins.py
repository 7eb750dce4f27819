"""Signing in over the management API: a page plays the person, from beginning to end."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from switchgear.assembly import Service
from switchgear.audit import AuditLog
from switchgear.errors import Refusal
from switchgear.http.management.logins import WAITING
from switchgear.http.management.sessions import KEPT_S, Sessions
from switchgear.signin import Dialog
from tests.core.test_signin import service
from tests.office import Office, office
from tests.signing import KEYS, SigningUpstream


class Page:
    """One sign-in as a page sees it."""

    def __init__(self, here: Office, begun: dict[str, Any]) -> None:
        self.here = here
        self.id: str = begun["id"]
        self.events: list[dict[str, Any]] = begun["events"]

    @classmethod
    async def begin(cls, here: Office, **body: Any) -> Page:
        return cls(here, await here.ask("POST", "/logins", 201, json={"provider": "signing", **body}))

    async def until(self, name: str) -> dict[str, Any]:
        """The newest event of this name; waits for it."""
        async with asyncio.timeout(10):
            while not any(event["event"] == name for event in self.events):
                query = {"after": len(self.events), "wait": 5}
                self.events += (await self.here.ask("GET", f"/logins/{self.id}", params=query))["events"]
        return [event for event in self.events if event["event"] == name][-1]

    async def answer(self, question: dict[str, Any], text: str) -> None:
        await self.here.ask("POST", f"/logins/{self.id}/answers", json={"id": question["id"], "answer": text})


async def test_a_device_sign_in_from_beginning_to_end(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        assert (await here.running.chat("signing/m")).status_code in {404, 503}
        page = await Page.begin(here, method="device", label="work")
        assert page.events[0]["text"] == "The example's own terms apply."
        show = await page.until("show")
        await here.upstream.confirm(show["url"], show["code"], "ada")
        done = await page.until("done")
        assert done == {"event": "done", "provider": "signing", "account": "work", "new": True, "ok": True}
        assert (await here.running.chat("signing/m")).status_code == 200
        whole = await here.ask("GET", f"/logins/{page.id}")
        assert (whole["over"], whole["events"], whole["next"]) == (True, page.events, len(page.events))
        async with asyncio.timeout(5):
            while len(here.audited) < 2:  # it is written once all is said
                await asyncio.sleep(0.01)
        assert here.audited == [("login-begin", "ok"), ("login", "ok")]
        assert here.lines[1]["account"] == here.files.path("ada").stem


async def test_a_key_is_asked_for_and_answered(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        page = await Page.begin(here, method="organisation")
        await page.answer(await page.until("choose"), "1")
        question = await page.until("ask")
        assert question["secret"] is True
        await page.answer(question, KEYS["ben"])
        await page.until("done")
        reply = {"id": question["id"], "answer": "late"}
        assert await here.refused("POST", f"/logins/{page.id}/answers", 409, json=reply) == "question_closed"
        assert [account.id for account in here.files.load()] == ["ben"]
        assert KEYS["ben"] not in json.dumps(here.lines)


async def test_a_browser_comes_back_or_its_address_is_pasted(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        page = await Page.begin(here, method="browser")
        await here.upstream.confirm((await page.until("show"))["url"], None, "ada")
        await page.until("done")
        page = await Page.begin(here, method="browser")
        landing = await here.upstream.landing((await page.until("show"))["url"], "ben")
        await page.answer(await page.until("ask"), landing)
        await page.until("done")
        assert sorted(account.id for account in here.files.load()) == ["ada", "ben"]


async def test_a_sign_in_that_is_ended_saves_nothing_and_leaves_no_listener(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        page = await Page.begin(here, method="browser")
        show = await page.until("show")
        ended = await here.ask("DELETE", f"/logins/{page.id}")
        assert ended["events"] == [{"event": "failed", "message": "given up; nothing was saved", "cancelled": True}]
        port = urlsplit(parse_qs(urlsplit(show["url"]).query)["redirect_uri"][0]).port
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", port)
        assert here.files.load() == []
        assert (await here.ask("DELETE", f"/logins/{page.id}"))["over"] is True  # again does no harm
        assert ("login", "cancelled") in here.audited


async def test_eight_at_once_and_no_more(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        pages = [await Page.begin(here) for _ in range(8)]
        assert len({page.id for page in pages}) == 8
        assert all(len(page.id) >= 32 for page in pages)
        assert await here.refused("POST", "/logins", 429, json={"provider": "signing"}) == "too_many_logins"
        await here.ask("DELETE", f"/logins/{pages[0].id}")
        await Page.begin(here)


async def test_a_stop_of_the_gateway_ends_the_sign_ins_and_those_who_wait_for_them(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        page = await Page.begin(here)
        await page.until("progress")
        waiting = asyncio.create_task(here.ask("GET", f"/logins/{page.id}", params={"after": 99, "wait": 30}))
        others = asyncio.create_task(
            here.ask("GET", f"/logins/{page.id}", params={"after": len(page.events), "wait": 30})
        )
        async with asyncio.timeout(10):
            while [task.get_name() for task in asyncio.all_tasks()].count(WAITING) < 2:
                await asyncio.sleep(0)
        here.running.stop.set()
        assert (await others)["events"][-1]["message"] == "the gateway is shutting down; nothing was saved"
        assert (await waiting)["over"] is True


BAD_QUERIES = {
    "after below zero": "after=-1",
    "after no number": "after=x",
    "a wait too long": "wait=31",
    "a wait that is no number": "wait=nan",
    "an unknown parameter": "until=1",
}


async def test_a_bad_query_is_refused(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        page = await Page.begin(here)
        for what, query in BAD_QUERIES.items():
            assert await here.refused("GET", f"/logins/{page.id}?{query}", 400) == "invalid_query", what


async def test_a_provider_without_a_sign_in_says_so(tmp_path: Path) -> None:
    plain = [
        {"name": "plain", "base-url": "http://127.0.0.1:9/v1", "api-key-entries": [{"api-key": "a-plain-key-123"}]}
    ]
    async with office(tmp_path, **{"openai-compatibility": plain}) as here:
        assert await here.refused("POST", "/logins", 400, json={"provider": "plain"}) == "no_login"


# -- the sessions by themselves ------------------------------------------------------------------------------


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def sessions(opened: Service, folder: Path, clock: Clock, limit_s: float = 900.0) -> Sessions:
    return Sessions(opened, AuditLog(lambda: folder / "state"), clock, limit_s)


async def test_a_sign_in_is_over_after_its_time(tmp_path: Path) -> None:
    async with service(tmp_path, SigningUpstream()) as (opened, entry):
        all_ = sessions(opened, tmp_path, Clock(), limit_s=0.05)
        session = all_.start(entry, Dialog("api-key"), "127.0.0.1")
        assert session.task is not None
        await session.task
        assert session.dialog.events[-1]["message"].endswith(
            "not finished within 0.000833333 minutes; nothing was saved"
        )
        await all_.aclose()


async def test_an_ended_sign_in_is_forgotten_after_a_while(tmp_path: Path) -> None:
    clock = Clock()
    async with service(tmp_path, SigningUpstream()) as (opened, entry):
        all_ = sessions(opened, tmp_path, clock)
        session = all_.start(entry, Dialog("api-key"), "127.0.0.1")
        await session.stop("given up")
        clock.now += KEPT_S
        assert all_.find(session.id) is session
        clock.now += 1
        with pytest.raises(Refusal, match="unknown_login"):
            all_.find(session.id)
        await all_.aclose()
        with pytest.raises(Refusal, match="shutting_down"):
            all_.start(entry, Dialog("api-key"), "127.0.0.1")


async def test_a_defect_ends_the_sign_in_with_a_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError("a defect")

    async with service(tmp_path, SigningUpstream()) as (opened, entry):
        monkeypatch.setattr("switchgear.http.management.sessions.sign_in", broken)
        all_ = sessions(opened, tmp_path, Clock())
        session = all_.start(entry, Dialog("api-key"), "127.0.0.1")
        assert session.task is not None
        await session.task
        assert session.dialog.events[-1]["message"] == "the gateway failed; its log says why; nothing was saved"
        await all_.aclose()
