"""The three ways in, against a fake of the web app and of Clerk on a real socket."""

from __future__ import annotations

import asyncio
import math
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from switchgear import Account, LoginCancelled, LoginFailed, Secret, UpstreamError
from switchgear.testing.person import Person
from switchgear_roo.fake.browser import opened
from switchgear_roo.fake.people import EMAIL
from tests.plugins.roo_service import Paster, jwt, roo, secrets_of


def same(saved: Account, given: Account) -> bool:
    return (saved.id, saved.label, secrets_of(saved), saved.details) == (
        given.id,
        given.label,
        secrets_of(given),
        given.details,
    )


# -- the command line's page -------------------------------------------------------------------------------------


async def test_the_page_sends_a_token_of_ninety_days(tmp_path: Path) -> None:
    async with roo(tmp_path) as service:
        account = await service.sign_in("cli")
        assert account.id == "user_ada"
        assert account.label == "user_ada-personal"
        assert account.details == {"flow": "cli", "user-id": "user_ada"}
        assert account.expires_at == pytest.approx(time.time() + 90 * 86_400, abs=5)
        assert account.refresh_at == math.inf
        assert service.fake.people.bearer(account.secrets["token"].reveal()) == "ada"
        [saved] = service.store.load()
        assert same(saved, account)
        assert (await service.answer(account))[0] == 200


async def test_the_browser_is_sent_back_to_the_page(tmp_path: Path) -> None:
    async with roo(tmp_path) as service:
        await service.sign_in("cli")
        shown, landed = [request for request in service.fake.server.requests if request.path == "/app/cli/sign-in"]
        assert set(parse_qs(shown.query)) == {"state", "callback"}
        assert landed.query == "success=true"


async def test_an_organisation_is_an_account_of_its_own(tmp_path: Path) -> None:
    async with roo(tmp_path) as service:
        personal = await service.sign_in("cli")
        service.fake.people.people["ada"].chosen = "org_acme"
        at_acme = await service.sign_in("cli")
        assert (personal.id, at_acme.id) == ("user_ada", "user_ada:org_acme")
        assert at_acme.details["organization-id"] == "org_acme"
        assert at_acme.label == "user_ada-org_acme"
        assert len(service.store.load()) == 2


@pytest.mark.parametrize("method", ["cli", "clerk", "static"])
async def test_two_people_have_two_files_and_one_of_them_again_still_two(tmp_path: Path, method: str) -> None:
    async with roo(tmp_path) as service:
        ada, ben = await service.sign_in(method, "ada"), await service.sign_in(method, "ben")
        again = await service.sign_in(method, "ada")
        assert ada.id == again.id != ben.id
        kept = {account.id: secrets_of(account) for account in service.store.load()}
        assert kept == {ben.id: secrets_of(ben), ada.id: secrets_of(again)}


async def test_the_two_flows_of_a_person_are_one_account(tmp_path: Path) -> None:
    async with roo(tmp_path) as service:
        await service.sign_in("clerk")
        await service.sign_in("cli")
        [saved] = service.store.load()
        assert (saved.id, saved.details["flow"], set(saved.secrets)) == ("user_ada", "cli", {"token"})


@pytest.mark.parametrize(
    ("query", "landed", "said"),
    [
        pytest.param("error=access_denied&state=STATE", "error-in-callback", "refused the sign-in", id="refused"),
        pytest.param("state=STATE", "missing-token", "no token", id="no token"),
        pytest.param("token=&state=STATE", "missing-token", "no token", id="an empty token"),
        pytest.param("token=opaque&state=STATE", None, "no token that says whose", id="a token without claims"),
        pytest.param(
            f"token={jwt(exp=1, r={'u': 'user_x'})}&state=STATE", None, "expired", id="a token that has expired"
        ),
    ],
)
async def test_a_callback_that_brings_nothing_ends_the_sign_in(
    tmp_path: Path, query: str, landed: str | None, said: str
) -> None:
    async with roo(tmp_path) as service:
        pages: list[httpx2.Response] = []

        async def visit(url: str, code: str | None) -> None:
            asked = parse_qs(urlsplit(url).query)
            async with opened() as browser:
                target = query.replace("STATE", asked["state"][0])
                pages.append(await browser.get(f"{asked['callback'][0]}?{target}"))

        async with Person("cli", visit) as person:
            with pytest.raises(LoginFailed, match=said):
                await service.sign_in(person=person)
        assert service.store.load() == []
        location = pages[0].headers["location"]
        assert parse_qs(urlsplit(location).query).get("error") == (None if landed is None else [landed])
        assert "opaque" not in location


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("error=access_denied", id="an error without a state"),
        pytest.param("error=access_denied&state=00000000000000000000000000000000", id="an error with a foreign state"),
        pytest.param(f"token={jwt(r={'u': 'user_mallory'})}&state=0", id="a token with a foreign state"),
        pytest.param(f"token={jwt(r={'u': 'user_mallory'})}", id="a token without a state"),
    ],
)
async def test_no_page_of_this_machine_ends_or_takes_over_the_sign_in(tmp_path: Path, query: str) -> None:
    async with roo(tmp_path) as service:

        async def visit(url: str, code: str | None) -> None:
            callback = parse_qs(urlsplit(url).query)["callback"][0]
            async with opened() as browser:
                refused = await browser.get(f"{callback}?{query}")
                assert refused.status_code == 400
                assert "mallory" not in refused.text
            await service.fake.visit(url, code, "ada")

        async with Person("cli", visit) as person:
            account = await service.sign_in(person=person)
        assert account.id == "user_ada"


# -- the ticket --------------------------------------------------------------------------------------------------


async def test_a_ticket_becomes_a_session(tmp_path: Path) -> None:
    async with roo(tmp_path) as service:
        account = await service.sign_in("clerk")
        [session] = service.fake.people.sessions.values()
        assert secrets_of(account) == {"clerk-token": session.client_token}
        assert account.details == {
            "flow": "clerk",
            "user-id": "user_ada",
            "session-id": session.id,
            "email": EMAIL,
            "organization-id": "",
        }
        assert (account.id, account.label) == ("user_ada", f"{EMAIL}-personal")
        assert (account.expires_at, account.refresh_at) == (0.0, math.inf)
        [saved] = service.store.load()
        assert same(saved, account)
        assert (saved.expires_at, saved.refresh_at) == (0.0, math.inf)
        assert session.minted == []  # a token of a minute is minted when a request needs it


@pytest.mark.parametrize(
    ("chosen", "id_", "organization"),
    [
        pytest.param(None, "user_ada", "", id="says nothing"),
        pytest.param("", "user_ada", "", id="says an empty text"),
        pytest.param("null", "user_ada", "", id="says null in letters"),
        pytest.param("org_acme", "user_ada:org_acme", "org_acme", id="names one"),
    ],
)
async def test_the_callback_names_the_organisation(
    tmp_path: Path, chosen: str | None, id_: str, organization: str
) -> None:
    async with roo(tmp_path) as service:
        ada = service.fake.people.people["ada"]
        ada.organizations, ada.chosen = {"org_other": "other", "org_acme": "acme-inc"}, chosen
        account = await service.sign_in("clerk")
        assert (account.id, account.details["organization-id"]) == (id_, organization)
        assert account.label == f"{EMAIL}-{'acme-inc' if organization else 'personal'}"
        assert account.details.get("organization") == ("acme-inc" if organization else None)
        await service.refresh(account)
        [session] = service.fake.people.sessions.values()
        assert session.minted == [organization]


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("http://127.0.0.1:1/auth/clerk/callback?code=TICKET&state=STATE", id="of the loopback"),
        pytest.param("vscode://publisher.extension/auth/clerk/callback?code=TICKET&state=STATE", id="of an editor"),
    ],
)
async def test_the_address_can_be_pasted_and_a_plus_stays(tmp_path: Path, address: str) -> None:
    async with roo(tmp_path) as service:
        ticket = service.fake.people.ticket("ada")
        assert "+" in ticket
        person = Paster("clerk", "http://127.0.0.1/?code=x&state=foreign", address.replace("TICKET", ticket))
        account = await service.sign_in(person=person)
        assert account.id == "user_ada"
        assert "not the address of this sign-in" in person.said[0]


async def test_the_page_is_told_where_to_send_the_browser(tmp_path: Path) -> None:
    async with roo(tmp_path) as service:
        await service.sign_in("clerk")
        [page] = [request for request in service.fake.server.requests if request.path == "/app/extension/sign-in"]
        [redirect] = parse_qs(page.query)["auth_redirect"]
        assert urlsplit(redirect).hostname == "127.0.0.1"
        assert urlsplit(redirect).path == ""


async def test_a_ticket_is_good_once(tmp_path: Path) -> None:
    async with roo(tmp_path) as service:
        used = service.fake.people.ticket("ada")
        service.fake.people.redeem(used)
        person = Paster("clerk", f"http://127.0.0.1/?code={used}&state=STATE")
        with pytest.raises(LoginFailed, match=r"refused \(The ticket is invalid or was used already"):
            await service.sign_in(person=person)
        assert service.store.load() == []


async def test_a_browser_that_brings_a_refusal_has_no_ticket(tmp_path: Path) -> None:
    """First somebody else's sign-in comes back, which is not waited for; then a refusal of this one."""
    async with roo(tmp_path) as service:
        statuses: list[int] = []

        async def visit(url: str, code: str | None) -> None:
            asked = parse_qs(urlsplit(url).query)
            callback, state = f"{asked['auth_redirect'][0]}/auth/clerk/callback", asked["state"][0]
            async with opened() as browser:
                queries = (f"code=x&state={state[::-1]}0", "error=x", f"error=access_denied&state={state}")
                statuses.extend([(await browser.get(f"{callback}?{query}")).status_code for query in queries])

        async with Person("clerk", visit) as person:
            with pytest.raises(LoginFailed, match=r"refused the sign-in \(access_denied\)"):
                await service.sign_in(person=person)
        assert statuses == [400, 400, 200]
        assert service.store.load() == []
        assert service.fake.server.hits("/clerk/v1/client/sign_ins") == 0


async def test_a_callback_without_a_ticket(tmp_path: Path) -> None:
    async with roo(tmp_path) as service:
        with pytest.raises(LoginFailed, match="no ticket"):
            await service.sign_in(person=Paster("clerk", "http://127.0.0.1/?state=STATE&organizationId=null"))


async def test_a_sign_in_without_the_header_brings_no_client_token(tmp_path: Path) -> None:
    async with roo(tmp_path) as service:
        service.fake.hides_client_token = True
        with pytest.raises(LoginFailed, match="no client token"):
            await service.sign_in("clerk")
        assert service.store.load() == []


@pytest.mark.parametrize(
    ("path", "status", "body", "error", "said"),
    [
        pytest.param("sign_ins", 500, {}, UpstreamError, "HTTP 500", id="Clerk fails"),
        pytest.param("sign_ins", 429, {}, UpstreamError, "HTTP 429", id="Clerk is asked too often"),
        pytest.param("sign_ins", 200, b"<html>", UpstreamError, "no JSON object", id="a page in its place"),
        pytest.param("sign_ins", 403, b"<html>", LoginFailed, "ticket was refused;", id="a page that refuses"),
        pytest.param("sign_ins", 200, {"response": None}, LoginFailed, "no client token", id="an empty answer"),
        pytest.param("me", 500, {}, UpstreamError, "HTTP 500", id="the person is not told"),
        pytest.param("me", 200, {"response": {}}, UpstreamError, "who signed in", id="the person has no id"),
    ],
)
async def test_what_clerk_may_answer_instead(
    tmp_path: Path, path: str, status: int, body: object, error: type[Exception], said: str
) -> None:
    async with roo(tmp_path) as service:
        service.fake.script(path, status, body)
        with pytest.raises(error, match=said):
            await service.sign_in("clerk")
        assert service.store.load() == []


async def test_an_account_without_an_address_is_called_by_its_id(tmp_path: Path) -> None:
    async with roo(tmp_path) as service:
        service.fake.script("me", 200, {"response": {"id": "user_ada", "email_addresses": [{"id": "x"}]}})
        account = await service.sign_in("clerk")
        assert account.label == "user_ada-personal"
        assert "email" not in account.details


async def test_an_organisation_whose_name_is_not_told_is_called_by_its_id(tmp_path: Path) -> None:
    async with roo(tmp_path) as service:
        service.fake.people.people["ada"].chosen = "org_acme"
        service.fake.script("organization_memberships", 500, {})
        account = await service.sign_in("clerk")
        assert account.label == f"{EMAIL}-org_acme"


# -- a key, and the rest -----------------------------------------------------------------------------------------


async def test_a_pasted_key(tmp_path: Path) -> None:
    async with roo(tmp_path) as service:
        account = await service.sign_in("static")
        key = service.fake.people.static_key("ada")
        assert secrets_of(account) == {"token": key}
        assert account.id == f"key-{Secret(key).fingerprint(12)}"
        assert account.expires_at is None
        assert same(service.store.load()[0], account)


async def test_a_cloud_jobs_token_is_known_by_its_claims(tmp_path: Path) -> None:
    token = jwt(exp=time.time() + 600, r={"u": "user_1", "o": "org_9", "t": "cj"})
    async with roo(tmp_path) as service:
        account = await service.sign_in(person=Person("static", answer=lambda question: f" {token}\n"))
        assert (account.id, account.details["flow"]) == ("user_1:org_9", "static")


@pytest.mark.parametrize(
    ("key", "said"),
    [
        pytest.param(" \n", "is empty", id="nothing"),
        pytest.param("sk-ü", "no header can carry", id="a letter that no header carries"),
        pytest.param("two words", "no header can carry", id="two words"),
        pytest.param(jwt(exp=1, r={"u": "user_1"}), "expired", id="a token that has expired"),
    ],
)
async def test_a_key_that_does_not_do(tmp_path: Path, key: str, said: str) -> None:
    async with roo(tmp_path) as service:
        with pytest.raises(LoginFailed, match=said):
            await service.sign_in(person=Person("static", answer=lambda question: key))
        assert service.store.load() == []


@pytest.mark.parametrize("method", ["cli", "clerk", "static"])
async def test_the_operator_names_the_account(tmp_path: Path, method: str) -> None:
    async with roo(tmp_path) as service:

        async def visit(url: str, code: str | None) -> None:
            await service.fake.visit(url, code, "ada")

        async with Person(method, visit, lambda q: service.fake.answer(q, "ada"), label="work") as person:
            account = await service.sign_in(person=person)
        assert account.label == "work"


@pytest.mark.parametrize("method", ["cli", "clerk", "static"])
async def test_giving_up_leaves_nothing(tmp_path: Path, method: str) -> None:
    step = 1 if method == "static" else 2
    async with roo(tmp_path) as service:
        async with Person(method, cancel_at=step) as person:
            with pytest.raises(LoginCancelled):
                await service.sign_in(person=person)
        assert service.store.load() == []
        assert not {"sign-in callback", "paste the address"} & {task.get_name() for task in asyncio.all_tasks()}
