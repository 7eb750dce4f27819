"""The management API over HTTP: what the accounts' routes do, and what bad requests get."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.office import office


async def test_accounts_are_listed_shown_and_compared_by_fingerprints(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        ada = await here.sign_in("ada")
        await here.sign_in("ben")
        listed = (await here.ask("GET", "/accounts"))["accounts"]
        assert [(row["provider"], row["label"], row["state"]) for row in listed] == [
            ("signing", "ada", "ready"),
            ("signing", "ben", "ready"),
        ]
        assert (await here.ask("GET", "/accounts", params={"provider": "signing"}))["accounts"] == listed
        for name in ("ada", listed[0]["account"], listed[0]["file"]):
            shown = await here.ask("GET", f"/accounts/signing/{name}")
            assert shown["fingerprints"]["access"] == ada.secrets["access"].fingerprint()
        assert here.lines == []  # looking is no change


async def test_a_change_is_in_force_at_once(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        await here.sign_in("ada")
        changes = {"label": "work", "disabled": True, "priority": 7, "proxy-url": "socks5://u:a-password@127.0.0.1:9"}
        shown = await here.ask("PATCH", "/accounts/signing/ada", json=changes)
        assert (shown["label"], shown["state"], shown["priority"]) == ("work", "disabled", 7)
        assert shown["settings"]["proxy-url"] == "socks5://127.0.0.1:9"
        assert (await here.running.chat("signing/m")).status_code == 503
        await here.ask("PATCH", "/accounts/signing/work", json={"disabled": None, "proxy-url": None})
        assert (await here.running.chat("signing/m")).status_code == 200
        shown = await here.ask("PATCH", "/accounts/signing/work", json={"label": None, "priority": None})
        assert (shown["label"], shown["priority"]) == ("ada", 0)
        assert here.audited == [("change", "ok")] * 3
        assert {(line["actor"], line["provider"], line["account"]) for line in here.lines} == {
            ("management", "signing", here.files.path("ada").stem)
        }
        assert "a-password" not in json.dumps(here.lines)


async def test_a_refresh_now_and_one_that_is_spent(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        before = await here.sign_in("ada")
        shown = await here.ask("POST", "/accounts/signing/ada/refresh")
        assert shown["fingerprints"]["access"] != before.secrets["access"].fingerprint()
        assert shown["last-refresh"]["result"] == "ok"
        here.upstream.revoke()
        assert await here.refused("POST", "/accounts/signing/ada/refresh", 409) == "not_refreshed"
        assert (await here.ask("GET", "/accounts/signing/ada"))["state"] == "login required"
        assert here.audited == [("refresh", "ok"), ("refresh", "not_refreshed")]


async def test_a_removed_account_is_gone_at_once(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        await here.sign_in("ada")
        assert (await here.ask("DELETE", "/accounts/signing/ada"))["removed"] is True
        assert (await here.running.client.get("/v1/models")).json()["data"] == []
        assert (await here.running.chat("signing/m")).status_code == 404
        assert here.files.load() == []
        assert await here.refused("DELETE", "/accounts/signing/ada", 404) == "unknown_account"
        assert here.audited == [("remove", "ok"), ("remove", "unknown_account")]


async def test_a_file_that_is_not_used_is_seen_and_can_be_removed(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        await here.sign_in("ada")
        damaged = tmp_path / "auth" / "signing-damaged-0123456789abcdef.json"
        damaged.write_text("{")
        damaged.chmod(0o600)
        await here.running.service.reload_accounts(here.running.service.current)
        shown = await here.ask("GET", f"/accounts/signing/{damaged.stem}")
        assert shown["state"] == "quarantined"
        assert await here.refused("PATCH", f"/accounts/signing/{damaged.stem}", 409, json={}) == "account_not_usable"
        await here.ask("DELETE", f"/accounts/signing/{damaged.stem}")
        assert [row["label"] for row in (await here.ask("GET", "/accounts"))["accounts"]] == ["ada"]


async def test_a_disk_that_takes_nothing_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    async with office(tmp_path) as here:
        await here.sign_in("ada")
        monkeypatch.setattr("switchgear.account_settings.write_atomically", full)
        monkeypatch.setattr("switchgear.audit._append", full)
        assert await here.refused("PATCH", "/accounts/signing/ada", 500, json={"label": "x"}) == "not_saved"
        monkeypatch.undo()
        assert (await here.ask("GET", "/accounts/signing/ada"))["label"] == "ada"


# -- bad requests --------------------------------------------------------------------------------------------

BAD: list[Any] = [
    pytest.param("GET", "/accounts?x=1", None, 400, "invalid_query", id="an unknown parameter"),
    pytest.param("GET", "/accounts?provider=nobody", None, 404, "unknown_provider", id="an unknown provider"),
    pytest.param("GET", "/accounts/signing", None, 404, "unknown_path", id="a path too short"),
    pytest.param("GET", "/accounts/signing/ada/x/y", None, 404, "unknown_path", id="a path too long"),
    pytest.param("GET", "/accounts/signing/..%2f..%2fetc", None, 404, "unknown_path", id="a way up"),
    pytest.param("GET", "/accounts/nobody/ada", None, 404, "unknown_provider", id="another's account"),
    pytest.param("GET", "/accounts/signing/a", None, 409, "ambiguous_account", id="an ambiguous name"),
    pytest.param("PUT", "/accounts/signing/ada", b"{}", 405, "method_not_allowed", id="another method"),
    pytest.param("PATCH", "/accounts/signing/ada", b"", 400, "invalid_json", id="no body"),
    pytest.param("PATCH", "/accounts/signing/ada", b"{", 400, "invalid_json", id="no JSON"),
    pytest.param("PATCH", "/accounts/signing/ada", b"\xff{}", 400, "invalid_json", id="no text"),
    pytest.param("PATCH", "/accounts/signing/ada", b"[]", 400, "invalid_field", id="a list"),
    pytest.param("PATCH", "/accounts/signing/ada", b'{"labl": "x"}', 400, "invalid_field", id="an unknown field"),
    pytest.param(
        "PATCH", "/accounts/signing/ada", b'{"priority": "1"}', 400, "invalid_field", id="a text for a number"
    ),
    pytest.param("PATCH", "/accounts/signing/ada", b'{"disabled": 1}', 400, "invalid_field", id="a number for true"),
    pytest.param("PATCH", "/accounts/signing/ada", b'{"label": "/"}', 400, "invalid_field", id="no label"),
    pytest.param("PATCH", "/accounts/signing/ada", b'{"label": "adam"}', 400, "invalid_field", id="another's label"),
    pytest.param(
        "PATCH", "/accounts/signing/ada", b'{"proxy-url": "file:///etc"}', 400, "invalid_field", id="no proxy"
    ),
    pytest.param("PATCH", "/accounts/signing/ada", b"[" * 60_000, 400, "invalid_field", id="nested deeply"),
    pytest.param("PATCH", "/accounts/signing/ada", b" " * 70_000, 413, "request_too_large", id="too large"),
    pytest.param("POST", "/logins", b'{"provider": "nobody"}', 404, "unknown_provider", id="a login nowhere"),
    pytest.param("POST", "/logins", b'{"method": "device"}', 400, "invalid_field", id="a login without provider"),
    pytest.param(
        "POST", "/logins", b'{"provider": "signing", "method": "x"}', 400, "unknown_method", id="an unknown method"
    ),
    pytest.param("POST", "/logins", b'{"provider": "signing", "label": "\\n"}', 400, "invalid_field", id="a bad label"),
    pytest.param("POST", "/logins", b'{"provider": "signing", "x": 1}', 400, "invalid_field", id="a login with more"),
    pytest.param("GET", "/logins/none", None, 404, "unknown_login", id="an unknown login"),
    pytest.param(
        "POST", "/logins/none/answers", b'{"id": 1, "answer": ""}', 404, "unknown_login", id="an answer to it"
    ),
    pytest.param("DELETE", "/logins/none", None, 404, "unknown_login", id="the end of it"),
]


async def test_a_bad_request_is_refused_with_its_reason_and_changes_nothing(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        await here.sign_in("ada")
        await here.sign_in("adam")
        for case in BAD:
            method, path, body, status, code = case.values
            assert await here.refused(str(method), str(path), int(str(status)), content=body) == code, case.id
        assert sorted(account.id for account in here.files.load()) == ["ada", "adam"]
        assert not list((tmp_path / "auth").glob("operator/*"))
        response = await here.client.patch("/v0/accounts/signing/ada", json={"labl": "x"})
        assert "`labl`" in response.json()["error"]["message"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["label", "disabled", "priority", "proxy-url", "provider", "id"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)


async def test_no_body_makes_the_gateway_fail(tmp_path: Path) -> None:
    found: list[bytes] = []

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=40))
    def collect(body: bytes) -> None:
        found.append(body)

    collect()
    async with office(tmp_path) as here:
        await here.sign_in("ada")
        name = here.files.path("ada").name
        for body in found:
            for method, path in [("PATCH", f"/accounts/signing/{name}"), ("POST", "/logins/x/answers")]:
                response = await here.client.request(method, f"/v0{path}", content=body)
                assert response.status_code in {200, 400, 404}, (body, response.text)


async def test_a_handler_that_fails_is_an_error_of_ours_and_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError("a defect with a secret-of-the-house")

    async with office(tmp_path) as here:
        monkeypatch.setattr("switchgear.account_list.rows", broken)
        response = await here.client.get("/v0/accounts")
        assert (response.status_code, response.json()["error"]["code"]) == (500, "internal_error")
        assert "secret-of-the-house" not in response.text
