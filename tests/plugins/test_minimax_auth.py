"""Signing in to MiniMax, refreshing, and taking over another program's files: every row of what is known of it."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear import LoginCancelled, LoginFailed, LoginRequired, Secret, UpstreamError
from switchgear.oauth import poll_device
from switchgear_minimax import auth, plugin
from switchgear_minimax.accounts import key_account
from switchgear_minimax.calls import TIMEOUTS
from switchgear_minimax.tokens import moment, post_form
from switchgear_minimax.wire import api_of, resource_origin
from tests.plugins.minimax_upstream import Person, Upstream, upstream

OPENCLAW = {
    "client-id": "78257093-7e40-4613-99e0-527b14b39113",
    "scope": "group_id profile model.completion",
    "grant-type": "urn:ietf:params:oauth:grant-type:user_code",
}


def forms(up: Upstream, path: str) -> list[dict[str, str]]:
    """The forms that were posted to a path of an account host."""
    return [dict(parse_qsl(r.body.decode())) for r in up.fake.server.requests if r.path.endswith(path)]


# -- signing in ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "region"), [("oauth", "global"), ("oauth-cn", "cn")])
async def test_signs_in_by_code(tmp_path: Path, method: str, region: str) -> None:
    async with upstream(tmp_path) as up:
        up.fake.account.notice = "Welcome."
        person = Person(up.fake, "ada", method)
        account = await up.play(person)
        assert (account.id, account.label) == (f"{region}-name-ada", "ada")
        assert (account.details["region"], account.details["method"]) == (region, "oauth")
        assert account.expires_at == pytest.approx(time.time() + 7200, abs=5)
        assert re.search(r"/platform/oauth-authorize\?user_code=(\S+)&client=cli \1$", person.said[1])
        assert person.said[-1] == "MiniMax says: Welcome."
        assert up.store.load() == [account]
        assert (await up.answer(account, "anthropic-messages", max_tokens=64))[0] == 200


async def test_sends_what_the_flow_wants_and_nothing_secret_twice(tmp_path: Path) -> None:
    async with upstream(tmp_path) as up:
        up.fake.account.polls.append((200, {"status": "pending"}))
        await up.sign_in("ada")
        await up.sign_in("ben")
        starts, polls = forms(up, "/device/code"), forms(up, "/oauth2/token")
        assert {form["client_id"] for form in starts + polls} == {"659cf4c1-615c-45f6-a5f6-4bf15eb476e5"}
        assert len({form["state"] for form in starts}) == len({form["code_challenge"] for form in starts}) == 2
        assert [len(form["code_verifier"]) for form in polls] == [86, 86, 86]
        assert all(request.query == "" for request in up.fake.server.requests)
        assert {r.headers["user-agent"].split("/")[0] for r in up.fake.server.requests} == {"switchgear"}


async def test_another_client_is_used_as_a_whole(tmp_path: Path) -> None:
    async with upstream(tmp_path, oauth_client=OPENCLAW) as up:
        account = await up.sign_in()
        assert forms(up, "/oauth2/token")[0]["grant_type"] == OPENCLAW["grant-type"]
        assert account.details["client_id"] == OPENCLAW["client-id"]
        up.provider = Upstream(up.fake, up.client, tmp_path).provider  # the setting is gone, the account stays
        await up.refresh(account)
        assert forms(up, "/oauth2/token")[-1]["client_id"] == OPENCLAW["client-id"]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param((200, {"status": "pending"}), id="pending"),
        pytest.param((200, {"status": "pending", "error": "access_denied"}), id="pending goes before an error"),
        pytest.param((200, {"error": "authorization_pending"}), id="pending as RFC 8628 says it"),
        pytest.param((400, {"error": "authorization_pending"}), id="pending with a 400"),
        pytest.param((200, {"status": "checking"}), id="a status nobody knows"),
        pytest.param((200, "<html>"), id="a page"),
        pytest.param((408, {}), id="a timeout of the server"),
    ],
)
async def test_goes_on_polling(tmp_path: Path, answer: tuple[int, Any]) -> None:
    async with upstream(tmp_path) as up:
        up.fake.account.polls.append(answer)
        await up.sign_in()
        assert len(forms(up, "/oauth2/token")) == 2


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_passing_fault_slows_the_polls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    pauses: list[float] = []

    async def paced(poll: Any, **times: Any) -> Any:
        async def sleep(seconds: float) -> None:
            pauses.append(seconds)

        return await original(poll, **times, sleep=sleep)

    original = poll_device
    monkeypatch.setattr(auth, "poll_device", paced)
    async with upstream(tmp_path) as up:
        up.fake.account.interval_ms = 3000
        up.fake.account.polls += [(status, "down"), (200, {"error": "slow_down"})]
        await up.sign_in()
    assert pauses == [3, 6, 8]


@pytest.mark.parametrize(
    ("interval_ms", "pause_s"),
    [
        pytest.param(3000, 3.0, id="what the service asks for"),
        pytest.param(5, 2.0, id="never faster than every two seconds"),
        pytest.param(None, 2.0, id="two seconds where it says nothing"),
    ],
)
async def test_pace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interval_ms: Any, pause_s: float) -> None:
    asked: dict[str, float] = {}

    async def remembered(poll: Any, **times: float) -> Any:
        asked.update(times)
        return await poll()

    monkeypatch.setattr(auth, "poll_device", remembered)
    async with upstream(tmp_path, least_poll_seconds=2.0) as up:
        up.fake.account.interval_ms = interval_ms
        up.fake.account.code_lifetime_s = 7200
        await up.sign_in()
    assert asked == {"interval_s": pause_s, "expires_in_s": 900.0}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        pytest.param((200, {"status": "error"}), "HTTP 200", id="error"),
        pytest.param((200, {"status": "denied"}), "refused", id="denied"),
        pytest.param((200, {"status": "failed", "error": "expired_token"}), "expired_token", id="expired, with a 200"),
        pytest.param((400, {"error": "expired_token"}), "expired_token", id="expired, with a 400"),
        pytest.param((200, {"status": "failed", "error": "access_denied"}), "access_denied", id="access denied"),
        pytest.param((400, {"error": "invalid_grant", "error_description": "no"}), "invalid_grant: no", id="no grant"),
        pytest.param(
            (400, {"base_resp": {"status_code": 1004, "status_msg": "invalid_grant"}}), "invalid_grant", id="native"
        ),
        pytest.param((200, {"base_resp": {"status_code": 1000, "status_msg": "unknown"}}), "unknown", id="native, 200"),
        pytest.param((500, {"error": "server_error"}), "server_error", id="an error with a 500"),
        pytest.param((403, "<html>"), "HTTP 403", id="a 403 without a body we know"),
        pytest.param((200, {"status": "success", "access_token": "a"}), "without giving tokens", id="half a success"),
        pytest.param((200, {"status": "success"}), "without giving tokens", id="an empty success"),
    ],
)
async def test_stops_polling(tmp_path: Path, answer: tuple[int, Any], words: str) -> None:
    async with upstream(tmp_path) as up:
        up.fake.account.polls.append(answer)
        with pytest.raises(LoginFailed, match=re.escape(words)):
            await up.sign_in()
        assert len(forms(up, "/oauth2/token")) == 1
        assert up.store.load() == []


async def test_the_person_declines(tmp_path: Path) -> None:
    async with upstream(tmp_path) as up:
        person = Person(up.fake, "ada")
        person.declines = True
        with pytest.raises(LoginFailed, match="access_denied: the person declined"):
            await up.play(person)


async def test_nobody_confirms(tmp_path: Path) -> None:
    async with upstream(tmp_path) as up:
        up.fake.account.code_lifetime_s = 0.1
        person = Person(up.fake, "ada")
        person.stays = False
        with pytest.raises(LoginFailed, match="expired"):
            await up.play(person)
        assert up.store.load() == []


@pytest.mark.parametrize("step", [1, 2, 3])
async def test_giving_up_leaves_nothing(tmp_path: Path, step: int) -> None:
    async with upstream(tmp_path) as up:
        person = Person(up.fake, "ada")
        person.leaves_at = step
        with pytest.raises(LoginCancelled):
            await up.play(person)
        assert up.store.load() == []


async def test_another_sign_ins_answer_is_refused(tmp_path: Path) -> None:
    async with upstream(tmp_path) as up:
        up.fake.account.echoes_state = False
        with pytest.raises(LoginFailed, match="another sign-in"):
            await up.sign_in()
        assert forms(up, "/oauth2/token") == []


async def test_mixed_clients_are_told_of(tmp_path: Path) -> None:
    async with upstream(tmp_path, oauth_client={**OPENCLAW, "scope": "api"}) as up:
        with pytest.raises(LoginFailed, match=r"invalid_scope.*oauth-client"):
            await up.sign_in()


async def test_a_moved_host_is_named_and_not_followed(tmp_path: Path) -> None:
    async with upstream(tmp_path) as up:
        answer = await post_form(up.client, up.fake.host("global", "account") + "/oauth2/token", {}, TIMEOUTS)
        assert answer.status_code == 400
        with pytest.raises(
            UpstreamError, match="to localhost; if that is right, write it as the region's account host"
        ):
            await post_form(up.client, up.fake.host("global", "api") + "/oauth/token", {}, TIMEOUTS)
        assert up.fake.server.requests[-1].path == "/global/api/oauth/token"


# -- who it is -----------------------------------------------------------------------------------------------


async def test_two_people_and_one_of_them_again(tmp_path: Path) -> None:
    async with upstream(tmp_path) as up:
        ada, ben = await up.sign_in("ada"), await up.sign_in("ben")
        person = Person(up.fake, "ada")
        again = await up.play(person)
        assert "known: ada, ben; one of these is signed in anew" in person.said[0]
        assert (again.id, len({ada.id, ben.id})) == (ada.id, 2)
        assert {account.id: account for account in up.store.load()} == {ada.id: again, ben.id: ben}
        assert again.secrets != ada.secrets


async def test_the_operators_label_is_the_name(tmp_path: Path) -> None:
    async with upstream(tmp_path) as up:
        person = Person(up.fake, "ada", label="work")
        assert (await up.play(person)).id == "global-name-work"
        assert "A name" not in person.said[0]
        assert (await up.sign_in("ada", "oauth-cn", label="work")).id == "cn-name-work"


async def test_without_a_name_each_sign_in_is_an_account(tmp_path: Path) -> None:
    async with upstream(tmp_path) as up:
        first, second = await up.sign_in(label=""), await up.sign_in(label="")
        assert first.id != second.id
        assert first.id == f"global-{first.secrets['refresh_token'].fingerprint()}"
        assert (await up.refresh(first)).id == first.id


async def test_an_id_token_says_who_it_is(tmp_path: Path) -> None:
    async with upstream(tmp_path) as up:
        up.fake.account.id_tokens = True
        ada, ben = await up.sign_in("ada", label="team"), await up.sign_in("ben", label="team")
        assert (ada.id, ben.id) == ("global-sub-subject-of-ada", "global-sub-subject-of-ben")


@pytest.mark.parametrize("name", ["two\nlines", "x" * 101])
async def test_odd_names_are_refused(tmp_path: Path, name: str) -> None:
    async with upstream(tmp_path) as up:
        with pytest.raises(LoginFailed, match="a name is one line"):
            await up.sign_in(label=name)
        assert not up.fake.server.requests


# -- keys ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("region", ["global", "cn"])
@pytest.mark.parametrize("prefix", ["sk-cp-", "sk-api-"])
async def test_a_key_finds_its_region(tmp_path: Path, region: str, prefix: str) -> None:
    async with upstream(tmp_path) as up:
        up.fake._keys["ada"] = key = up.fake.ledger.new_key("ada", region, prefix)
        account = await up.sign_in("ada", "api-key")
        assert account.id == f"{region}-key-{Secret(key).fingerprint()}"
        assert (account.details["region"], account.expires_at) == (region, None)
        assert (await up.sign_in("ada", "api-key")).id == account.id
        assert len(up.store.load()) == 1
        assert (await up.answer(account))[0] == 200


@pytest.mark.parametrize(
    ("key", "words"),
    [
        pytest.param("sk-cp-0123456789abcdef0123456789", "neither region", id="unknown, although the answer is a 200"),
        pytest.param("sk-cp", "is no MiniMax key", id="too short"),
        pytest.param("sk-cp-0123456789abcdéf0123456789", "is no MiniMax key", id="not ASCII"),
    ],
)
async def test_a_wrong_key_is_refused(tmp_path: Path, key: str, words: str) -> None:
    async with upstream(tmp_path) as up:
        up.fake._keys["ada"] = key
        with pytest.raises(LoginFailed, match=words):
            await up.sign_in("ada", "api-key")
        assert up.store.load() == []


async def test_a_region_that_is_down_is_not_a_wrong_key(tmp_path: Path) -> None:
    async with upstream(tmp_path) as up:
        dead = {**up.fake.settings["endpoints"], "cn": {"api": "http://127.0.0.1:1"}}
        up.provider = Upstream(up.fake, up.client, tmp_path, endpoints=dead).provider
        up.fake._keys["ada"] = "sk-cp-0123456789abcdef0123456789"
        with pytest.raises(UpstreamError, match="cannot connect"):
            await up.sign_in("ada", "api-key")


async def test_keys_of_the_configuration_come_first(tmp_path: Path) -> None:
    keys = ["sk-cp-one-0123456789", "sk-api-two-0123456789"]
    async with upstream(tmp_path, api_keys=keys, region="cn") as up:
        stored = await up.sign_in("ada")
        await up.store.save(key_account(Secret(keys[0]), "cn"))
        accounts = await up.accounts()
        assert [account.id for account in accounts] == [
            *(f"cn-key-{Secret(key).fingerprint()}" for key in keys),
            stored.id,
        ]
        assert not any(key in repr(accounts) + repr(up.provider) for key in keys)


# -- refresh -------------------------------------------------------------------------------------------------


async def test_a_refresh_rotates_and_is_saved(tmp_path: Path) -> None:
    async with upstream(tmp_path) as up:
        account = await up.sign_in()
        fresh = await up.refresh(account)
        assert fresh.id == account.id
        assert not set(fresh.secrets.values()) & set(account.secrets.values())
        assert up.store.load() == [fresh]
        assert forms(up, "/oauth2/token")[-1]["grant_type"] == "refresh_token"


async def test_a_refresh_keeps_what_its_answer_leaves_out(tmp_path: Path) -> None:
    async with upstream(tmp_path) as up:
        account = await up.sign_in()
        assert account.details["resource_url"]
        up.fake.account.resource_url = ""
        assert (await up.refresh(account)).details == account.details


async def test_a_refresh_without_a_refresh_token_keeps_the_old_one(tmp_path: Path) -> None:
    async with upstream(tmp_path) as up:
        account = await up.sign_in()
        assert up.fake.fail("refresh_omits_token")
        fresh = await up.refresh(account)
        assert fresh.secrets["refresh_token"] == account.secrets["refresh_token"]
        assert fresh.secrets["access_token"] != account.secrets["access_token"]
        await up.refresh(fresh)


@pytest.mark.parametrize("native", [False, True], ids=["as RFC 6749 says it", "in the native envelope"])
async def test_a_spent_token_needs_a_sign_in(tmp_path: Path, native: bool) -> None:
    async with upstream(tmp_path) as up:
        up.fake.account.native_refusals = native
        account = await up.sign_in()
        fresh = await up.refresh(account)
        with pytest.raises(LoginRequired, match="invalid_grant"):
            await up.refresh(account)
        assert up.fake.refreshes == 2
        assert up.store.load() == [fresh]


@pytest.mark.parametrize(
    ("answer", "final"),
    [
        pytest.param((400, {"error": "refresh_token_reused"}), True, id="reused"),
        pytest.param((401, {"error": {"message": "invalid_refresh_token"}}), True, id="invalid refresh token"),
        pytest.param((400, {"error": "invalid_request", "error_description": "invalid_token"}), True, id="described"),
        pytest.param((200, {"status": "error", "error": "invalid_grant"}), True, id="final behind a 200"),
        pytest.param((200, {"status": "error"}), False, id="a 200 that is no success"),
        pytest.param((200, {"status": "success"}), False, id="a success without tokens"),
        pytest.param((400, {"error": "invalid_request"}), False, id="another 400"),
        pytest.param((403, "<html>"), False, id="a 403 page"),
    ],
)
async def test_what_a_refused_refresh_means(tmp_path: Path, answer: tuple[int, Any], final: bool) -> None:
    async with upstream(tmp_path) as up:
        account = await up.sign_in()
        up.fake.account.refusals.append(answer)
        with pytest.raises(UpstreamError) as caught:
            await up.refresh(account)
        assert isinstance(caught.value, LoginRequired) is final
        assert up.fake.refreshes == 1
        assert up.store.load() == [account]


@pytest.mark.parametrize("faults", [1, 2, 3])
async def test_a_passing_fault_is_tried_three_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, faults: int
) -> None:
    monkeypatch.setattr(auth, "REFRESH_PAUSE_S", 0.01)
    async with upstream(tmp_path) as up:
        account = await up.sign_in()
        up.fake.account.refusals += [(status, "down") for status in (503, 429, 408)[:faults]]
        if faults < 3:
            fresh = await up.refresh(account)
            assert up.store.load() == [fresh] != [account]
        else:
            with pytest.raises(UpstreamError, match="not refreshed: HTTP 408") as caught:
                await up.refresh(account)
            assert not isinstance(caught.value, LoginRequired)
            assert up.store.load() == [account]
        assert up.fake.refreshes == min(faults + 1, 3)


async def test_a_dead_host_leaves_the_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "REFRESH_PAUSE_S", 0.01)
    async with upstream(tmp_path) as up:
        account = await up.sign_in()
        dead = {"global": {"account": "http://127.0.0.1:1"}}
        up.provider = Upstream(up.fake, up.client, tmp_path, endpoints=dead).provider
        with pytest.raises(UpstreamError, match="cannot connect") as caught:
            await up.refresh(account)
        assert not isinstance(caught.value, LoginRequired)


async def test_a_key_cannot_be_refreshed(tmp_path: Path) -> None:
    async with upstream(tmp_path) as up:
        account = await up.sign_in("ada", "api-key")
        with pytest.raises(LoginRequired, match="refuses this key"):
            await up.refresh(account)
        assert up.fake.refreshes == 0


@pytest.mark.parametrize("field", ["expired_in", "expires_in"])
@pytest.mark.parametrize(("unit", "seconds"), [("ms", 7200), ("s", 7200), ("from now", 7200), (None, 3600)])
async def test_every_way_to_write_an_expiry(tmp_path: Path, field: str, unit: Any, seconds: int) -> None:
    async with upstream(tmp_path) as up:
        up.fake.account.unit, up.fake.account.expiry_field = unit, field
        account = await up.sign_in()
        assert account.expires_at == pytest.approx(time.time() + seconds, abs=5)
        assert account.refresh_at is None  # five minutes ahead


@settings(max_examples=60)
@given(st.floats(1_600_000_000, 2_500_000_000), st.floats(1, 999_999_999))
def test_units_are_told_apart(now: float, seconds: float) -> None:
    assert moment(seconds, now) == now + seconds
    assert moment(now, 0.0) == now
    assert moment(now * 1000, 0.0) == pytest.approx(now)


@pytest.mark.parametrize("value", [0, -5, None, True, "soon", [], float("nan"), 1e20])
def test_what_is_no_time(value: Any) -> None:
    assert moment(value, 0.0) is None


# -- where an account's calls go -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "region", "origin"),
    [
        pytest.param("https://api.minimax.io", "global", "https://api.minimax.io", id="an origin"),
        pytest.param("https://api.minimax.io/anthropic/v1", "global", "https://api.minimax.io", id="with a path"),
        pytest.param("https://api.minimaxi.com/anthropic", "cn", "https://api.minimaxi.com", id="the older name"),
        pytest.param("https://api.minimax.cn", "global", None, id="the other region's"),
        pytest.param("https://evil.test/anthropic", "global", None, id="a stranger's"),
        pytest.param("http://api.minimax.io", "global", None, id="not encrypted"),
        pytest.param("https://api.minimax.io@evil.test", "global", None, id="a user name"),
        pytest.param("https://[", "global", None, id="no URL"),
        pytest.param("", "global", None, id="nothing"),
    ],
)
def test_a_resource_url_is_taken_from_its_region_only(url: str, region: Any, origin: str | None) -> None:
    assert resource_origin(url, region) == origin


async def test_the_operators_host_goes_before_the_services(tmp_path: Path) -> None:
    async with upstream(tmp_path) as up:
        up.fake.account.resource_url = "https://api.minimaxi.com/anthropic"
        account = await up.sign_in("ada", "oauth-cn")
        assert api_of(up.provider.settings.endpoints, account) == up.fake.host("cn", "api")
        free = Upstream(up.fake, up.client, tmp_path, endpoints={}).provider.settings
        assert api_of(free.endpoints, account) == "https://api.minimaxi.com"


# -- taking over files ---------------------------------------------------------------------------------------

FILE = {
    "type": "minimax",
    "access_token": "a" * 32,
    "refresh_token": "r" * 32,
    "token_type": "Bearer",
    "scope": "openid profile coding_plan",
    "region": "global",
    "expired": "2026-11-27T12:00:00Z",
    "last_refresh": "2026-11-27T10:00:00Z",
    "resource_url": "https://api.minimax.io/anthropic",
}
DIGEST = Secret("r" * 32).fingerprint()


@pytest.mark.parametrize(
    ("fields", "id_", "region"),
    [
        pytest.param({}, f"global-{DIGEST}", "global", id="as it is written"),
        pytest.param({"type": "minimax-cn", "region": "cn"}, f"cn-{DIGEST}", "cn", id="the other region"),
        pytest.param({"type": "minimax-cn", "region": None}, f"cn-{DIGEST}", "cn", id="the type tells the region"),
        pytest.param({"label": "ada"}, "global-name-ada", "global", id="with a name"),
    ],
)
async def test_a_file_is_taken_over(tmp_path: Path, fields: dict[str, Any], id_: str, region: str) -> None:
    async with upstream(tmp_path) as up:
        account = plugin.import_account(up.provider, "cliproxyapi", {**FILE, **fields})
        assert account is not None
        assert (account.id, account.details["region"]) == (id_, region)
        assert account.expires_at == datetime(2026, 11, 27, 12, tzinfo=UTC).timestamp()
        assert account.details["client_id"] == "659cf4c1-615c-45f6-a5f6-4bf15eb476e5"


async def test_a_signed_in_account_is_the_same_when_taken_over(tmp_path: Path) -> None:
    async with upstream(tmp_path) as up:
        account = await up.sign_in(label="")
        tokens = {name: secret.reveal() for name, secret in account.secrets.items()}
        again = plugin.import_account(up.provider, "cliproxyapi", {**FILE, **tokens})
        assert again is not None
        assert (again.id, again.secrets) == (account.id, account.secrets)


@pytest.mark.parametrize(
    ("source", "fields"),
    [
        pytest.param("cliproxyapi", {"type": "kimi"}, id="another provider's"),
        pytest.param("cliproxyapi", {"type": None}, id="nobody's"),
        pytest.param("elsewhere", {}, id="another program's"),
    ],
)
async def test_other_files_are_left_alone(tmp_path: Path, source: str, fields: dict[str, Any]) -> None:
    async with upstream(tmp_path) as up:
        assert plugin.import_account(up.provider, source, {**FILE, **fields}) is None


async def test_a_file_without_tokens_is_named(tmp_path: Path) -> None:
    async with upstream(tmp_path) as up:
        with pytest.raises(LoginFailed, match="lacks refresh_token"):
            plugin.import_account(up.provider, "cliproxyapi", {**FILE, "refresh_token": ""})


@pytest.mark.parametrize("expired", ["", "yesterday", "2026-11-27T12:00:00"])
async def test_an_unreadable_expiry_is_past(tmp_path: Path, expired: str) -> None:
    async with upstream(tmp_path) as up:
        account = plugin.import_account(up.provider, "cliproxyapi", {**FILE, "expired": expired})
        assert account is not None
        assert account.expires_at == 0.0
