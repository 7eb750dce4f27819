"""Who may use the management API, and who is shut out."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import httpx2

from switchgear.http.management.access import Lockout
from switchgear.upstream import tls_context
from tests.gateways import KEY
from tests.office import HEADERS, MANAGEMENT_KEY, office


async def test_without_a_key_in_the_configuration_there_is_no_management_api(tmp_path: Path) -> None:
    async with office(tmp_path, **{"management-key": None}) as here:
        for method, path in [("GET", "/accounts"), ("POST", "/logins"), ("GET", "/"), ("OPTIONS", "/accounts")]:
            body = await here.ask(method, path, 404)
            assert body["error"]["code"] == "management_off"
            assert "management-key" in body["error"]["message"]
        assert here.lines == []


PATHS = ("/v0/accounts", "/v0/nothing", "/v0/", "/v0/accounts/signing/ada")
STRANGERS: list[tuple[str, dict[str, str], int, str]] = [
    ("no key", {}, 401, "missing_management_key"),
    ("another scheme", {"authorization": f"Basic {MANAGEMENT_KEY}"}, 401, "missing_management_key"),
    ("through a proxy", {**HEADERS, "x-forwarded-for": "10.0.0.9"}, 403, "management_local_only"),
    ("a client's key", {"authorization": f"Bearer {KEY}"}, 401, "invalid_management_key"),
    ("a part of the key", {"x-api-key": MANAGEMENT_KEY[:-1]}, 401, "invalid_management_key"),
    ("a long key", {"x-api-key": "x" * 50_000}, 401, "invalid_management_key"),
    ("no key at all", {"x-api-key": "' OR 1=1 --"}, 401, "invalid_management_key"),
]


async def test_who_may_not_is_told_so_whatever_the_path(tmp_path: Path) -> None:
    async with (
        office(tmp_path) as here,
        httpx2.AsyncClient(base_url=here.running.url, trust_env=False, verify=tls_context()) as stranger,
    ):
        expected = []
        for who, headers, status, code in STRANGERS:
            for path in PATHS[: 1 if code == "invalid_management_key" else 4]:  # the fifth wrong one would lock it out
                response = await stranger.request("GET", path, headers=headers)
                assert (response.status_code, response.json()["error"]["code"]) == (status, code), (who, path)
                expected.append(("authorise", code))
        assert here.audited == expected
        assert {line["address"] for line in here.lines} == {"127.0.0.1"}


async def test_the_key_is_taken_in_either_header(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        async with httpx2.AsyncClient(base_url=here.running.url, trust_env=False, verify=tls_context()) as client:
            for headers in (HEADERS, {"x-api-key": MANAGEMENT_KEY}):
                assert (await client.get("/v0/accounts", headers=headers)).json() == {"accounts": []}


async def test_other_machines_may_where_the_operator_says_so(tmp_path: Path) -> None:
    async with office(tmp_path, **{"management-remote": True}) as here:
        await here.ask("GET", "/accounts", headers={"x-forwarded-for": "10.0.0.9"})


TARGETS = {
    "plain": b"/v0/accounts",
    "a dot": b"/v0/./accounts",
    "two slashes": b"//v0/accounts",
    "two slashes inside": b"/v0//accounts",
    "encoded": b"/%76%30/accounts",
    "a way up": b"/v1/../v0/accounts",
    "capitals": b"/V0/accounts",
    "another path in the query": b"/v0/accounts?/health",
    "absolute": b"http://localhost/v0/accounts",
    "another host": b"http://x/health?/v0/accounts",
}
HOSTS = (b"localhost", b"127.0.0.1#@evil", b"x/health?")


async def test_no_spelling_of_the_path_or_host_gets_past_the_key(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        await here.sign_in("ada")
        for target, host in itertools.product(TARGETS.values(), HOSTS):
            reader, writer = await asyncio.open_connection("127.0.0.1", here.running.port)
            writer.write(b"GET " + target + b" HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n")
            answer = await asyncio.wait_for(reader.read(), 10)
            writer.close()
            health = target == TARGETS["another host"]  # that is what it asks for, and anybody may
            assert int(answer.split()[1]) in {400, 401, 404, 200 if health else 404}, (target, host)
            assert b"signing-ada" not in answer


async def test_five_wrong_keys_shut_the_address_out_with_the_right_key_too(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        for _ in range(5):
            assert (
                await here.refused("GET", "/accounts", 401, headers={"authorization": "Bearer wrong"})
                == "invalid_management_key"
            )
        response = await here.client.get("/v0/accounts")
        assert (response.status_code, response.json()["error"]["code"]) == (429, "management_locked_out")
        assert 890 <= int(response.headers["retry-after"]) <= 900
        assert (await here.running.chat("nothing")).status_code == 404  # clients are served as before
        assert here.audited[-2:] == [("authorise", "invalid_management_key"), ("authorise", "management_locked_out")]


async def test_a_flood_of_refusals_does_not_push_the_rest_out_of_the_audit_log(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        for _ in range(80):
            await here.refused("GET", "/accounts", 401, headers={"authorization": ""})
        assert len(here.lines) == 60
        assert here.lines[-1]["result"].endswith("are not written")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_guesses_are_counted_within_ten_minutes_and_by_address() -> None:
    clock = Clock()
    lockout = Lockout(clock)
    for _ in range(4):
        lockout.wrong("a")
    clock.now += 601
    lockout.wrong("a")
    assert lockout.seconds_left("a") == 0
    for _ in range(4):
        lockout.wrong("a")
    assert lockout.seconds_left("a") == 900
    assert lockout.seconds_left("b") == 0
    clock.now += 899
    assert lockout.seconds_left("a") == 1
    clock.now += 2
    assert lockout.seconds_left("a") == 0


def test_the_table_of_guesses_is_bounded() -> None:
    lockout = Lockout(Clock())
    for number in range(3000):
        lockout.wrong(str(number))
    assert len(lockout) == 1024
