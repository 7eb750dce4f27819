"""Signing in: the dialog as events, the plugin's part, and the checks; the person is played here."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from switchgear import Account, LoginCancelled
from switchgear.accounts import Entry
from switchgear.assembly import Service, load
from switchgear.authfile import refreshed_now
from switchgear.errors import NobodyAnswers
from switchgear.signin import SIGNED_IN, Dialog, sign_in
from tests.office import SIGNING
from tests.signing import KEYS, SigningUpstream, configure

Event = dict[str, Any]


@asynccontextmanager
async def service(folder: Path, upstream: SigningUpstream) -> AsyncIterator[tuple[Service, Entry]]:
    async with upstream.server:
        path = configure(folder, upstream)
        opened = Service(path, await asyncio.to_thread(load, path, None, SIGNING), available=SIGNING)
        try:
            await opened.load_accounts(opened.current)
            yield opened, opened.current.entries[0]
        finally:
            await opened.aclose()


Playing = Callable[[Dialog, Event], Awaitable[None]]


async def played(opened: Service, entry: Entry, dialog: Dialog, person: Playing, **how: Any) -> Account | None:
    """Sign in, with ``person`` reacting to each event."""
    signing = asyncio.create_task(sign_in(opened, entry, dialog, **how))
    seen = 0
    async with asyncio.timeout(10):
        while not dialog.over or seen < len(dialog.events):
            for event in await dialog.after(seen):
                seen += 1
                await person(dialog, event)
        return await signing


def confirming(upstream: SigningUpstream, who: str) -> Playing:
    async def person(dialog: Dialog, event: Event) -> None:
        if event["event"] == "show":
            await upstream.confirm(event["url"], event["code"], who)

    return person


def answering(*answers: str) -> Playing:
    left = list(answers)

    async def person(dialog: Dialog, event: Event) -> None:
        if event["event"] in {"ask", "choose"}:
            assert dialog.answer(event["id"], left.pop(0))

    return person


def checks(dialog: Dialog) -> dict[str, bool]:
    return {event["name"]: event["ok"] for event in dialog.events if event["event"] == "check"}


@pytest.mark.parametrize("method", ["device", "browser"])
async def test_a_sign_in_ends_with_the_three_checks(tmp_path: Path, method: str) -> None:
    upstream = SigningUpstream()
    async with service(tmp_path, upstream) as (opened, entry):
        dialog = Dialog(method, "work")
        account = await played(opened, entry, dialog, confirming(upstream, "ada"))
        assert account is not None
        note = entry.store.note(account.id)
    assert (account.id, account.label, account.details["method"]) == ("ada", "work", method)
    assert checks(dialog) == {"file unique": True, "models visible": True, "canary": True}
    assert dialog.events[0] == {"event": "notice", "text": "The example's own terms apply."}
    last = {"event": "done", "provider": "signing", "account": "work", "new": True, "ok": True}
    assert dialog.events[-1] == last
    assert note is not None
    assert note.result == SIGNED_IN
    assert dialog.open_questions == []
    said = json.dumps(dialog.events)
    assert [secret for secret in (*upstream.handed_out, *upstream.verifiers) if secret in said] == []


async def test_the_address_is_pasted_from_another_machine(tmp_path: Path) -> None:
    upstream = SigningUpstream()
    landings: list[str] = ["http://127.0.0.1:1/callback?code=stolen&state=other"]

    async def person(dialog: Dialog, event: Event) -> None:
        if event["event"] == "show":
            landings.append(await upstream.landing(event["url"], "ben"))
        elif event["event"] == "ask":
            assert event["secret"] is True
            dialog.answer(event["id"], landings.pop(0))

    async with service(tmp_path, upstream) as (opened, entry):
        dialog = Dialog("browser")
        account = await played(opened, entry, dialog, person)
    assert account is not None
    assert account.id == "ben"
    assert any("not the address" in event.get("text", "") for event in dialog.events)


async def test_where_nobody_answers_the_browser_can_still_come(tmp_path: Path) -> None:
    upstream = SigningUpstream()

    async def person(dialog: Dialog, event: Event) -> None:
        if event["event"] == "ask":
            dialog.leave()
        elif event["event"] == "answered":
            await upstream.confirm(dialog.events[1]["url"], None, "ada")

    async with service(tmp_path, upstream) as (opened, entry):
        assert await played(opened, entry, Dialog("browser"), person) is not None


@pytest.mark.parametrize(
    ("give_up", "message"),
    [
        pytest.param(Dialog.cancel, "the sign-in was cancelled", id="cancelled"),
        pytest.param(Dialog.leave, "nobody answered: The API key", id="nobody is there"),
    ],
)
@pytest.mark.parametrize("early", [True, False], ids=["before it is asked", "while it is asked"])
async def test_a_question_that_is_not_answered_ends_it(
    tmp_path: Path, give_up: Callable[[Dialog], None], message: str, early: bool
) -> None:
    async def person(dialog: Dialog, event: Event) -> None:
        if event["event"] == "ask":
            give_up(dialog)

    upstream = SigningUpstream()
    async with service(tmp_path, upstream) as (opened, entry):
        dialog = Dialog("api-key")
        if early:
            give_up(dialog)
        assert await played(opened, entry, dialog, person) is None
        assert dialog.events[-1] == {"event": "failed", "message": message, "cancelled": True}
        assert entry.store.load() == []


async def test_a_refused_key_is_not_shown(tmp_path: Path) -> None:
    upstream = SigningUpstream()
    async with service(tmp_path, upstream) as (opened, entry):
        dialog = Dialog("api-key")
        assert await played(opened, entry, dialog, answering("key-of-nobody-at-all")) is None
    message = "the provider does not know the key ***; copy it again"
    assert dialog.events[-1] == {"event": "failed", "message": message, "cancelled": False}


async def test_a_choice_is_asked_again_until_it_is_one(tmp_path: Path) -> None:
    upstream = SigningUpstream()
    async with service(tmp_path, upstream) as (opened, entry):
        dialog = Dialog("organisation")
        account = await played(opened, entry, dialog, answering("0", "3", "south", "2", KEYS["ada"]))
    assert account is not None
    assert account.details["organisation"] == "south"
    assert [event["choices"] for event in dialog.events if event["event"] == "choose"] == [["north", "south"]] * 4


async def test_two_people_have_two_files_and_one_person_again_the_same(tmp_path: Path) -> None:
    upstream = SigningUpstream()
    async with service(tmp_path, upstream) as (opened, entry):
        for person, new, many in [("ada", True, 1), ("ben", True, 2), ("ada", False, 2)]:
            dialog = Dialog("device")
            account = await played(opened, entry, dialog, confirming(upstream, person))
            assert account is not None
            assert dialog.events[-1]["new"] is new
            note = entry.store.note(account.id)
            assert note is not None
            assert note.result == SIGNED_IN
            entry.store.write_note(account.id, refreshed_now("login required: spent"))  # a new sign-in puts it right
            assert len(list((tmp_path / "auth").glob("*.json"))) == many
        assert sorted(account.id for account in entry.accounts) == ["ada", "ben"]


async def test_two_accounts_with_one_credential_are_pointed_out(tmp_path: Path) -> None:
    upstream = SigningUpstream()
    async with service(tmp_path, upstream) as (opened, entry):
        account = await played(opened, entry, Dialog("api-key"), answering(KEYS["ada"]))
        assert account is not None
        await entry.store.save(Account("twin", "twin", account.secrets))
        dialog = Dialog("api-key")
        await played(opened, entry, dialog, answering(KEYS["ada"]))
    assert checks(dialog)["file unique"] is False
    assert dialog.events[-1]["ok"] is False


async def test_what_the_upstream_refuses_is_saved_and_said(tmp_path: Path) -> None:
    upstream = SigningUpstream()
    upstream.chat_status = 403
    async with service(tmp_path, upstream) as (opened, entry):
        dialog = Dialog("device")
        assert await played(opened, entry, dialog, confirming(upstream, "ada")) is not None
        assert len(entry.store.load()) == 1
    assert checks(dialog) == {"file unique": True, "models visible": True, "canary": False}


async def test_without_the_canary_no_question_is_asked(tmp_path: Path) -> None:
    upstream = SigningUpstream()
    async with service(tmp_path, upstream) as (opened, entry):
        dialog = Dialog("device")
        await played(opened, entry, dialog, confirming(upstream, "ada"), with_canary=False)
        assert upstream.server.hits("/chat/completions") == 0
    assert dialog.events[-1]["ok"] is True


async def test_an_upstream_that_cannot_be_asked_is_no_traceback(tmp_path: Path) -> None:
    upstream = SigningUpstream()
    async with service(tmp_path, upstream) as (opened, entry):
        await upstream.server.aclose()
        dialog = Dialog("device")
        assert await played(opened, entry, dialog, answering()) is None
    assert "cannot connect to the upstream" in dialog.events[-1]["message"]


# -- the dialog by itself ------------------------------------------------------------------------------------


async def test_an_answer_counts_once_and_only_where_it_was_asked_for() -> None:
    dialog = Dialog("device")
    asking = asyncio.create_task(dialog.ask("What"))
    [event] = await dialog.after(0)
    assert not dialog.answer(event["id"] + 1, "other")
    assert dialog.answer(event["id"], "first")
    assert not dialog.answer(event["id"], "second")
    assert await asking == "first"
    assert dialog.events[-1] == {"event": "answered", "id": event["id"]}


async def test_a_question_that_is_withdrawn_takes_no_answer() -> None:
    dialog = Dialog("device")
    asking = asyncio.create_task(dialog.ask("What"))
    [event] = await dialog.after(0)
    asking.cancel()
    await asyncio.wait({asking})
    assert not dialog.answer(event["id"], "late")


async def test_secrets_are_masked_in_what_is_said() -> None:
    dialog = Dialog("api-key")
    asking = asyncio.create_task(dialog.ask("The key", secret=True))
    [event] = await dialog.after(0)
    dialog.answer(event["id"], "a-long-secret-value")
    await asking
    await dialog.progress("looking at a-long-secret-value")
    assert dialog.events[-1]["text"] == "looking at ***"


@pytest.mark.parametrize("method", [Dialog.cancel, Dialog.leave])
async def test_nobody_is_a_kind_of_cancelling(method: Callable[[Dialog], None]) -> None:
    dialog = Dialog("api-key")
    method(dialog)
    with pytest.raises(LoginCancelled) as caught:
        await asyncio.wait_for(dialog.ask("What"), 5)
    assert isinstance(caught.value, NobodyAnswers) is (method is Dialog.leave)


async def test_an_end_from_outside_says_what_is_left() -> None:
    dialog = Dialog("device")
    dialog.end("stopped")
    assert dialog.events == [{"event": "failed", "message": "stopped; nothing was saved", "cancelled": True}]
    dialog.end("again")
    assert len(dialog.events) == 1
    saved = Dialog("device")
    saved.saved = Account("ada")
    saved.end("stopped")
    assert "the account is saved" in saved.events[0]["message"]
