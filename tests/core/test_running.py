"""Finding the gateway that runs, and what is said when none does, something else does, or it says no."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchgear.cli.amounts import percent_of, seconds_of, seconds_until, spoken
from switchgear.cli.no_config import NoConfigError
from switchgear.cli.running import (
    KEY_VARIABLE,
    GatewayError,
    NoGatewayError,
    NoManagementKeyError,
    RefusedError,
    Running,
    StrangerError,
)
from switchgear.errors import ConfigError, SwitchgearError
from switchgear.testing import Exchange, LoopbackServer
from tests.counter import counter
from tests.gateways import KEY
from tests.office import MANAGEMENT_KEY

OURS = '{"service": "switchgear", "api": "/v1", "health": "/health"}'


@pytest.fixture(autouse=True)
def _no_key_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)


def write(folder: Path, **config: Any) -> Path:
    path = folder / "config.yaml"
    path.write_text(json.dumps({"api-keys": [KEY], **config}))
    return path


async def look(path: Path, url: str | None = None, at: str = "/status") -> dict[str, Any]:
    def ask() -> dict[str, Any]:
        with Running.open(path, url) as running:
            return running.get(at)

    return await asyncio.to_thread(ask)


async def said(kind: type[SwitchgearError], path: Path, url: str | None = None, at: str = "/status") -> str:
    with pytest.raises(SwitchgearError) as caught:
        await look(path, url, at)
    assert type(caught.value) is kind, caught.value
    return str(caught.value)


# -- where it is ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost"])
async def test_it_is_found_where_the_file_says(tmp_path: Path, host: str) -> None:
    async def answer(exchange: Exchange) -> None:
        await exchange.respond(200, OURS if exchange.path == "/" else '{"providers": {}}')

    async with LoopbackServer(answer) as server:
        path = write(tmp_path, host=host, port=server.port, **{"management-key": MANAGEMENT_KEY})
        assert await look(path) == {"providers": {}}
        first, second = server.requests
        assert (first.path, "authorization" in first.headers) == ("/", False)
        assert (second.path, second.headers["authorization"]) == ("/v0/status", f"Bearer {MANAGEMENT_KEY}")


@pytest.mark.parametrize(("host", "shown"), [("::", "[::1]"), ("::1", "[::1]"), ("localhost", "localhost")])
async def test_an_address_is_written_as_urls_have_it(tmp_path: Path, host: str, shown: str) -> None:
    with socket.socket() as taken:  # a port that nobody listens on
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        message = await said(NoGatewayError, write(tmp_path, host=host, port=port))
    assert message == f"no gateway runs at http://{shown}:{port}; start it with: switchgear serve"


@pytest.mark.parametrize(
    ("config", "kind", "words"),
    [
        pytest.param({"port": 0}, GatewayError, "--url", id="a free port"),
        pytest.param({"port": "x"}, GatewayError, "config.yaml:1:", id="a wrong port"),
        pytest.param(None, NoConfigError, "--config", id="no file"),
    ],
)
async def test_where_it_is_cannot_be_told(
    tmp_path: Path, config: dict[str, Any] | None, kind: type[SwitchgearError], words: str
) -> None:
    path = tmp_path / "none.yaml" if config is None else write(tmp_path, **config)
    assert words in await said(kind, path)


@pytest.mark.parametrize("url", ["", "127.0.0.1:1", "ftp://127.0.0.1", "http://", "http://[::1", "http://h:99999"])
async def test_a_url_that_is_none_is_said_so(tmp_path: Path, url: str) -> None:
    assert "http://HOST:PORT" in await said(GatewayError, write(tmp_path), url)


# -- who answers there -----------------------------------------------------------------------------------------

STRANGERS = [
    pytest.param(200, "<html>hello</html>", id="a web page"),
    pytest.param(200, "[]", id="a list"),
    pytest.param(200, '{"service": "another"}', id="another service"),
    pytest.param(404, "", id="nothing there"),
    pytest.param(404, '{"detail": "Not Found"}', id="another API"),
    pytest.param(302, "", id="a redirect"),
    pytest.param(200, b"\xff\xfe", id="no text"),
]


@pytest.mark.parametrize(("status", "body"), STRANGERS)
async def test_the_key_goes_to_no_stranger(tmp_path: Path, status: int, body: str | bytes) -> None:
    async def answer(exchange: Exchange) -> None:
        await exchange.respond(status, body, {"location": "/elsewhere"})

    async with LoopbackServer(answer) as server:
        path = write(tmp_path, port=server.port, **{"management-key": MANAGEMENT_KEY})
        assert "no gateway of this program" in await said(StrangerError, path)
        assert [(request.path, "authorization" in request.headers) for request in server.requests] == [("/", False)]


async def test_what_speaks_no_http_is_hardly_a_gateway(tmp_path: Path) -> None:
    async def banner(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        writer.close()

    async with await asyncio.start_server(banner, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert "or it is none" in await said(GatewayError, write(tmp_path, port=port))


async def test_https_where_none_is_spoken_is_no_missing_gateway(tmp_path: Path) -> None:
    async def answer(exchange: Exchange) -> None:
        await exchange.respond(200, OURS)

    async with LoopbackServer(answer) as server:
        message = await said(GatewayError, write(tmp_path), server.url.replace("http:", "https:"))
        assert message.startswith(f"no secure connection to https://127.0.0.1:{server.port}: ")


async def test_one_that_does_not_answer_is_waited_for_only_so_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(exchange: Exchange) -> None:
        await exchange.closed.wait()

    monkeypatch.setattr("switchgear.cli.running.ANSWER_S", 0.05)
    async with LoopbackServer(silent) as server:
        assert "did not answer within" in await said(GatewayError, write(tmp_path, port=server.port))


# -- the key ---------------------------------------------------------------------------------------------------

DIGEST = "sha256:" + "0" * 64
KEYS = [
    pytest.param({"management-key": DIGEST}, "holds only a digest", id="a digest alone"),
    pytest.param({}, f"management-key: env:{KEY_VARIABLE}", id="none"),
    pytest.param({"management-key": "env:NOT_SET_HERE"}, "NOT_SET_HERE is not set", id="a variable that is not set"),
]


@pytest.mark.parametrize(("config", "words"), KEYS)
async def test_without_a_key_it_is_said_what_to_do_and_one_from_the_environment_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: dict[str, Any], words: str
) -> None:
    async with counter(tmp_path) as here:
        (tmp_path / "elsewhere").mkdir()
        path = write(tmp_path / "elsewhere", **config)
        message = await said(NoManagementKeyError, path, here.running.url)
        assert words in message
        assert KEY_VARIABLE in message
        monkeypatch.setenv(KEY_VARIABLE, f" {MANAGEMENT_KEY}\n")
        assert (await look(path, here.running.url))["draining"] is False
        assert (await look(tmp_path / "none.yaml", here.running.url))["draining"] is False


async def test_a_file_that_is_no_yaml_matters_only_where_it_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, MANAGEMENT_KEY)
    async with counter(tmp_path) as here:
        here.running.config_file.write_text("port: [")
        assert (await look(here.running.config_file, here.running.url))["draining"] is False
        await said(ConfigError, here.running.config_file)


async def test_another_machines_gateway_gets_the_key_that_was_given_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer(exchange: Exchange) -> None:
        await exchange.respond(200, OURS)

    monkeypatch.setenv(KEY_VARIABLE, "sg-the-key-of-another-machine")
    async with LoopbackServer(answer) as server:
        path = write(tmp_path, port=server.port, **{"management-key": MANAGEMENT_KEY})
        await look(path)
        await look(path, server.url)
        keys = [request.headers["authorization"] for request in server.requests if request.path != "/"]
        assert keys == [f"Bearer {MANAGEMENT_KEY}", "Bearer sg-the-key-of-another-machine"]


async def test_wrong_keys_and_the_lockout_are_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "sg-a-key-that-is-not-right")
    async with counter(tmp_path) as here:
        for _ in range(5):
            message = await said(NoManagementKeyError, tmp_path / "none.yaml", here.running.url)
            assert "does not take this management key" in message
            assert "sg-a-key" not in message
        message = await said(RefusedError, tmp_path / "none.yaml", here.running.url)
        assert "refused for 15 more minutes" in message


async def test_a_gateway_without_management_says_what_to_add(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, MANAGEMENT_KEY)
    async with counter(tmp_path, **{"management-key": None}) as here:
        message = await said(NoManagementKeyError, here.running.config_file, here.running.url)
        assert f"management-key: env:{KEY_VARIABLE}" in message


async def test_any_other_refusal_is_quoted_with_its_code(tmp_path: Path) -> None:
    async with counter(tmp_path) as here:

        def ask() -> RefusedError:
            with Running.open(here.running.config_file, here.running.url) as running:
                assert running.client_get("/health")["status"] == "ok"
                with pytest.raises(RefusedError) as caught:
                    running.patch("/accounts/kilo/nobody", {})
                return caught.value

        refused = await asyncio.to_thread(ask)
        assert (refused.status, refused.code) == (404, "unknown_account")
        assert "kilo has no account 'nobody'" in str(refused)


async def test_a_file_that_is_wrong_elsewhere_does_not_keep_the_operator_out(tmp_path: Path) -> None:
    async with counter(tmp_path) as here:
        text = here.running.config_file.read_text().replace(f'"{KEY}"', '"env:NOT_SET_IN_THIS_SHELL"')
        here.running.config_file.write_text(text)
        assert (await look(here.running.config_file, here.running.url))["config"]["rejected"] is None


# -- amounts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("1d", 86_400), (" 5m ", 300)])
def test_a_duration_as_people_write_it(text: str, seconds: int) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(("text", "percent"), [("50", 50), ("50%", 50), ("1 %", 1), ("100", 100)])
def test_a_share_as_people_write_it(text: str, percent: int) -> None:
    assert percent_of(text) == percent


@given(st.integers(1, 10**8))
def test_a_spoken_length_is_never_longer_than_it_is_and_off_by_less_than_its_smaller_unit(seconds: int) -> None:
    units = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
    parts = spoken(seconds).split()
    read = sum(int(part[:-1]) * units[part[-1]] for part in parts)
    sizes = sorted(units.values())
    second = sizes[max(0, sizes.index(units[parts[0][-1]]) - 1)]
    assert 0 <= seconds - read < second


def test_moments_are_told_apart_on_the_gateways_own_clock() -> None:
    assert seconds_until("2026-11-01T12:30:00Z", "2026-11-01T12:00:00Z") == 1800
    assert seconds_until("2026-11-01T11:59:59Z", "2026-11-01T12:00:00Z") == -1
    assert seconds_until(None, "2026-11-01T12:00:00Z") is None
    assert spoken(-1) == "0s"
