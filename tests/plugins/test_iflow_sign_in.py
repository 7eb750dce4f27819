"""Signing in to iflow: every method, who the account is, and what is refused."""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from switchgear import Account, LoginCancelled, LoginFailed, Secret, UpstreamError
from switchgear.upstream import tls_context
from switchgear_iflow import plugin
from switchgear_iflow import service as service_calls
from switchgear_iflow.accounts import API_KEY, COOKIE, METHODS, Identity, local_time
from switchgear_iflow.auth import authorize_url
from switchgear_iflow.settings import Settings
from tests.plugins.iflow_service import service

WEEK_S = 7 * 86_400


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_calls, "PAUSES_S", (0.0, 0.0, 0.0))


# -- every method --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
async def test_two_people_and_one_of_them_again(tmp_path: Path, method: str) -> None:
    async with service(tmp_path) as iflow:
        ada = await iflow.sign_in("ada", method)
        ben = await iflow.sign_in("ben", method)
        again = await iflow.sign_in("ada", method)
        assert again.id == ada.id != ben.id
        stored = {account.id: account for account in iflow.store.load()}
        assert set(stored) == {ada.id, ben.id}
        assert stored[ada.id] == again
        assert stored[ada.id].max_concurrency == 1
        assert (await iflow.said(again))["choices"][0]["message"]["content"] == "Hello from iFlow."


@pytest.mark.parametrize(
    ("method", "ahead_s"),
    [
        pytest.param("oauth", 86_400, id="a day, with tokens"),
        pytest.param("cookie", 2 * 86_400, id="two, with a cookie"),
    ],
)
async def test_when_it_expires_and_is_refreshed(tmp_path: Path, method: str, ahead_s: int) -> None:
    async with service(tmp_path) as iflow:
        account = await iflow.sign_in("ada", method)
        assert account.expires_at is not None
        assert account.refresh_at == account.expires_at - ahead_s


async def test_a_token_that_does_not_say_lives_a_week(tmp_path: Path) -> None:
    async with service(tmp_path) as iflow:
        iflow.fake.people.lifetime_s = None
        silent = await iflow.sign_in("ada")
        iflow.fake.people.lifetime_s = WEEK_S
        told = await iflow.sign_in("ben")
        assert silent.expires_at == pytest.approx(told.expires_at, abs=60)


@pytest.mark.parametrize("method", METHODS)
async def test_nothing_is_kept_of_a_sign_in_that_was_given_up(tmp_path: Path, method: str) -> None:
    async with service(tmp_path) as iflow:
        # With a browser, the first question is the second step.
        person = iflow.person("ada", method, cancel_at=2 if method.startswith("oauth") else 1)
        person.visit = None
        with pytest.raises(LoginCancelled):
            await plugin.authenticate(iflow.provider, person, iflow.store, iflow.client)
        assert iflow.store.load() == []


async def test_the_label_is_the_operators_and_stays(tmp_path: Path) -> None:
    async with service(tmp_path) as iflow:
        assert (await iflow.sign_in("ada", label="office")).label == "office"
        assert (await iflow.sign_in("ada")).label == "office"
        assert "office@" not in (await iflow.sign_in("ben")).label


# -- with a browser ------------------------------------------------------------------------------------------


def test_the_page_to_open() -> None:
    url = authorize_url(Settings(), "http://localhost:11451/oauth2callback", "s" * 64)
    assert url.startswith("https://iflow.cn/oauth?loginMethod=phone&type=phone&redirect=http%3A%2F%2Flocalhost%3A11451")
    assert parse_qs(urlsplit(url).query) == {
        "loginMethod": ["phone"],
        "type": ["phone"],
        "redirect": ["http://localhost:11451/oauth2callback"],
        "state": ["s" * 64],
        "client_id": ["10009311001"],
    }


async def test_the_port_may_be_fixed(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with service(tmp_path, callback_port=port) as iflow:
        await iflow.sign_in("ada")
        [sent] = [one for one in iflow.fake.server.requests if one.path == "/oauth/token"]
        assert parse_qs(sent.body.decode())["redirect_uri"] == [f"http://localhost:{port}/oauth2callback"]


async def test_the_browser_lands_on_iflows_page(tmp_path: Path) -> None:
    async with service(tmp_path) as iflow:
        await iflow.sign_in("ada")
        assert iflow.fake.server.hits("/oauth/success") == 1
        assert iflow.fake.server.hits("/oauth/error") == 0


@pytest.mark.parametrize(
    ("back", "landing", "message"),
    [
        pytest.param("error=access_denied", "error", "refused the sign-in", id="the person said no"),
        pytest.param("nothing=1", "error", "without a code", id="no code"),
        pytest.param("code=made-up", "success", "invalid_grant", id="a code that is none"),
    ],
)
async def test_a_callback_that_does_not_work(tmp_path: Path, back: str, landing: str, message: str) -> None:
    async with service(tmp_path) as iflow:
        person = iflow.person("ada", "oauth")
        landed: list[str] = []

        async def visit(url: str, code: str | None) -> None:
            query = parse_qs(urlsplit(url).query)
            target = f"{query['redirect'][0].replace('localhost', '127.0.0.1')}?{back}&state={query['state'][0]}"
            async with httpx2.AsyncClient(trust_env=False, verify=tls_context()) as browser:
                landed.append((await browser.get(target)).headers["location"])

        person.visit = visit

        with pytest.raises(LoginFailed, match=message):
            async with person:
                await plugin.authenticate(iflow.provider, person, iflow.store, iflow.client)
        assert landed == [f"{iflow.fake.server.url}/oauth/{landing}"]
        assert iflow.store.load() == []


async def test_a_code_that_is_pasted(tmp_path: Path) -> None:
    async with service(tmp_path) as iflow:
        account = await iflow.sign_in("ada", "oauth-code")
        assert account.details["method"] == "oauth-code"
        [sent] = [one for one in iflow.fake.server.requests if one.path == "/oauth/token"]
        assert parse_qs(sent.body.decode())["redirect_uri"] == [iflow.fake.code_display]


async def test_an_address_that_is_pasted_has_to_be_of_this_sign_in(tmp_path: Path) -> None:
    async with service(tmp_path) as iflow:
        person = iflow.person("ada", "oauth-code")
        shown = iflow.fake.code_display
        code = iflow.fake.people.new_code("ada", shown)

        def answer(question: str) -> str:
            if not any(step.kind == "progress" for step in person.steps):
                return f"{shown}?code={code}&state=somebody-elses"
            state = parse_qs(urlsplit(person.steps[0].text).query)["state"][0]
            return f"{shown}?code={code}&state={state}"

        person.answer = answer

        async with person:
            await plugin.authenticate(iflow.provider, person, iflow.store, iflow.client)
        assert [step.kind for step in person.steps] == ["show", "ask", "progress", "ask", "progress"]
        assert len(iflow.store.load()) == 1


@pytest.mark.parametrize("method", ["oauth", "oauth-code"])
async def test_without_the_client_secret_the_message_names_the_key(tmp_path: Path, method: str) -> None:
    async with service(tmp_path, client_secret=None) as iflow:
        with pytest.raises(LoginFailed, match="client-secret"):
            await iflow.sign_in("ada", method)
        assert list(iflow.fake.server.requests) == []
        await iflow.sign_in("ada", "cookie")
        await iflow.sign_in("ben", "api-key")
        assert len(iflow.store.load()) == 2


@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        pytest.param("busy", UpstreamError, "人太多", id="busy"),
        pytest.param("busy-429", UpstreamError, "429", id="rate limited"),
        pytest.param("no-token", LoginFailed, "no access token", id="200 without a token"),
        pytest.param("refused", LoginFailed, "401", id="refused in the body"),
        pytest.param("invalid-client", LoginFailed, "client-secret", id="wrong client secret"),
        pytest.param("refresh_unavailable", UpstreamError, "503", id="503"),
        pytest.param("refresh_omits_token", LoginFailed, "no refresh token", id="no refresh token"),
    ],
)
async def test_token_answers_that_do_not_work(tmp_path: Path, fault: str, error: type[Exception], message: str) -> None:
    async with service(tmp_path) as iflow:
        iflow.fake.people.next_token.append(fault)
        with pytest.raises(error, match=message):
            await iflow.sign_in("ada")
        assert iflow.store.load() == []


@pytest.mark.parametrize(
    ("statuses", "calls"),
    [
        pytest.param([], 1, id="at once"),
        pytest.param([429, 503, 408], 4, id="at the fourth try"),
    ],
)
async def test_the_user_info_is_tried_again(tmp_path: Path, statuses: list[int], calls: int) -> None:
    async with service(tmp_path) as iflow:
        iflow.fake.people.next_user_info.extend(statuses)
        await iflow.sign_in("ada")
        assert iflow.fake.server.hits("/api/oauth/getUserInfo") == calls


@pytest.mark.parametrize(
    ("statuses", "error", "calls"),
    [
        pytest.param([500] * 4, UpstreamError, 4, id="unavailable four times"),
        pytest.param([401], LoginFailed, 1, id="the token is refused"),
        pytest.param([0], LoginFailed, 1, id="without an API key"),
        pytest.param([404], LoginFailed, 1, id="gone"),
    ],
)
async def test_without_a_key_the_sign_in_failed(
    tmp_path: Path, statuses: list[int], error: type[Exception], calls: int
) -> None:
    async with service(tmp_path) as iflow:
        iflow.fake.people.next_user_info.extend(statuses)
        with pytest.raises(error):
            await iflow.sign_in("ada")
        assert iflow.fake.server.hits("/api/oauth/getUserInfo") == calls
        assert iflow.store.load() == []


async def test_no_secret_in_what_is_said_of_a_failure(tmp_path: Path, log_output: pytest.CaptureFixture[str]) -> None:
    async with service(tmp_path) as iflow:
        iflow.fake.people.next_user_info.extend([500] * 4)
        with pytest.raises(UpstreamError) as caught:
            await iflow.sign_in("ada")
        seen = log_output.readouterr().err + repr(caught.value) + repr(caught.value.failure)
        assert [secret for secret in iflow.fake.secrets() if secret in seen] == []


# -- with a cookie, with a key -------------------------------------------------------------------------------


async def test_only_the_session_cookie_is_kept_and_sent(tmp_path: Path) -> None:
    async with service(tmp_path) as iflow:
        account = await iflow.sign_in("ada", "cookie")
        assert account.secrets[COOKIE].reveal() == iflow.fake.key_page.cookie_of("ada")
        sent = [one for one in iflow.fake.server.requests if one.path == "/api/openapi/apikey"]
        assert [(one.method, one.headers["cookie"]) for one in sent] == [
            ("GET", iflow.fake.key_page.cookie_of("ada")),
            ("POST", iflow.fake.key_page.cookie_of("ada")),
        ]
        assert all(one.headers["user-agent"].startswith("switchgear/") for one in sent)


async def test_a_key_that_is_shown_whole_is_issued_nevertheless(tmp_path: Path) -> None:
    async with service(tmp_path) as iflow:
        iflow.fake.key_page.shows_keys = True
        account = await iflow.sign_in("ada", "cookie")
        assert (await iflow.said(account))["object"] == "chat.completion"


@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        pytest.param("html", LoginFailed, "BXAuth cookie anew", id="a sign-in page"),
        pytest.param("redirect", LoginFailed, "BXAuth cookie anew", id="sent to the sign-in page"),
        pytest.param("refused", LoginFailed, "BXAuth cookie anew", id="success: false"),
        pytest.param("busy", UpstreamError, "人太多", id="busy"),
        pytest.param("unavailable", UpstreamError, "503", id="503"),
    ],
)
@pytest.mark.parametrize("call", [0, 1], ids=["looking", "issuing"])
async def test_a_key_page_that_does_not_work(
    tmp_path: Path, call: int, fault: str, error: type[Exception], message: str
) -> None:
    async with service(tmp_path) as iflow:
        iflow.fake.key_page.next_answers.extend([""] * call + [fault])
        with pytest.raises(error, match=message):
            await iflow.sign_in("ada", "cookie")
        assert iflow.store.load() == []


async def test_one_browser_session_is_one_account(tmp_path: Path) -> None:
    async with service(tmp_path) as iflow:
        ada = await iflow.sign_in("ada", "cookie")
        other = Account("name:other", secrets={**ada.secrets}, details={**ada.details})
        await iflow.store.remove(ada)
        await iflow.store.save(other)
        with pytest.raises(LoginFailed, match="already"):
            await iflow.sign_in("ada", "cookie")
        assert [account.id for account in iflow.store.load()] == ["name:other"]


@pytest.mark.parametrize(
    ("method", "typed", "message"),
    [
        pytest.param("cookie", "session=1; other=2", "no BXAuth", id="another cookie"),
        pytest.param("api-key", "sk-with a-space", "no API key", id="a key with a space"),
        pytest.param("api-key", "sk-schlüssel", "no API key", id="a key that no header carries"),
    ],
)
async def test_what_is_pasted_has_to_be_it(tmp_path: Path, method: str, typed: str, message: str) -> None:
    async with service(tmp_path) as iflow:
        with pytest.raises(LoginFailed, match=message):
            await iflow.sign_in("ada", method, typed)
        assert list(iflow.fake.server.requests) == []


# -- who it is -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "account_id"),
    [
        pytest.param(Identity("7", "a@x.cn", "138", "A"), "user:7", id="the user id first"),
        pytest.param(Identity("", "A@x.cn", "138", "A"), "email:a@x.cn", id="then the address"),
        pytest.param(Identity("", "", "138****1", "A"), "phone:138xxxx1", id="then the phone, masked"),
        pytest.param(Identity("", "", "", "A"), "name:A", id="then the name"),
    ],
)
def test_identity(known: Identity, account_id: str) -> None:
    assert known.account_id == account_id


def test_nobody_is_not_saved() -> None:
    with pytest.raises(LoginFailed, match="whose account"):
        _ = Identity().account_id


async def test_an_account_from_before_its_user_id_was_known_stays_the_same(tmp_path: Path) -> None:
    async with service(tmp_path) as iflow:
        iflow.fake.people.without_user_ids = True
        iflow.fake.people.keys_rotate = False
        before = await iflow.sign_in("ada")
        iflow.fake.people.without_user_ids = False
        assert before.id == "email:office@example.com"
        assert (await iflow.sign_in("ada")).id == before.id
        assert (await iflow.sign_in("ben")).id == "user:u-1002"  # though their address is the same
        assert len(iflow.store.load()) == 2


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        pytest.param("2026-03-01 12:30", 1_772_339_400.0, id="China's time"),
        pytest.param("2026-03-01", None, id="a date"),
        pytest.param(None, None, id="nothing"),
    ],
)
def test_the_key_pages_time(text: object, moment: float | None) -> None:
    assert local_time(text) == moment


async def test_configured_keys_are_accounts_beside_the_stored(tmp_path: Path) -> None:
    async with service(tmp_path, api_keys=["sk-configured-one", "sk-configured-two"]) as iflow:
        ada = await iflow.sign_in("ada")
        await iflow.sign_in("ben", "api-key", "sk-configured-two")
        accounts = await plugin.load_accounts(iflow.provider, iflow.store)
        assert len(accounts) == 3
        assert accounts[-1].secrets[API_KEY] == Secret("sk-configured-one")
        assert ada.id in {account.id for account in accounts}
        assert all(account.max_concurrency == 1 for account in accounts)
