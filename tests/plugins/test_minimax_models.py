"""What an account of MiniMax can use, and what it has left."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from switchgear import Model, Quota, UpstreamError
from switchgear.plugins import Plugins
from switchgear_minimax import plugin
from switchgear_minimax.fake.api_host import window
from switchgear_minimax.fake.refusals import native
from switchgear_minimax.models import FALLBACK, always_thinks, canonical
from switchgear_minimax.settings import Settings
from tests.plugins.minimax_upstream import Upstream, upstream

# -- what the plugin says of itself --------------------------------------------------------------------------


def test_core_takes_the_plugin_in() -> None:
    plugins = Plugins()
    plugins.register("minimax", plugin)
    info = plugins.info("minimax")
    assert info.dialects == ("anthropic-messages", "openai-chat", "openai-responses")
    assert info.login_methods == ("oauth", "oauth-cn", "api-key")
    assert "MiniMax's terms" in info.terms


@pytest.mark.parametrize(
    ("entry", "dialects"),
    [
        pytest.param({}, ("anthropic-messages",), id="signed in: Messages alone"),
        pytest.param(
            {"api-keys": ["sk-cp-0123456789"]},
            ("anthropic-messages", "openai-chat", "openai-responses"),
            id="with keys: all three",
        ),
        pytest.param({"dialects": ["openai-chat"]}, ("openai-chat",), id="as the operator says"),
    ],
)
def test_dialects(entry: dict[str, Any], dialects: tuple[str, ...]) -> None:
    assert Settings.model_validate(entry).native_dialects == dialects


@pytest.mark.parametrize(
    ("entry", "where"),
    [
        pytest.param({"oauth-client": {"client-id": "x"}}, "scope", id="half a client"),
        pytest.param({"dialects": ["openai-embeddings"]}, "dialects", id="a dialect it does not speak"),
        pytest.param({"dialects": []}, "dialects", id="no dialect"),
        pytest.param({"region": "eu"}, "region", id="a region there is none of"),
        pytest.param({"endpoints": {"global": {"api": "api.minimax.io"}}}, "endpoints", id="a host that is no URL"),
        pytest.param({"endpoints": {"eu": {}}}, "endpoints", id="endpoints of no region"),
        pytest.param({"api-key": "x"}, "api-key", id="a misspelt key"),
    ],
)
def test_a_wrong_entry_is_refused(entry: dict[str, Any], where: str) -> None:
    with pytest.raises(ValueError, match=where):
        Settings.model_validate(entry)


def test_one_host_can_be_replaced_and_the_rest_stays() -> None:
    settings = Settings.model_validate({"endpoints": {"cn": {"api": "https://api.minimaxi.com/"}}})
    assert settings.endpoints.of("cn").api == "https://api.minimaxi.com"
    assert settings.endpoints.of("cn").account == "https://account.minimaxi.com"
    assert settings.endpoints.of("global").api == "https://api.minimax.io"


# -- models --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path"), [("oauth", "/anthropic/v1/models"), ("api-key", "/v1/models")])
async def test_lists(tmp_path: Path, method: str, path: str) -> None:
    async with upstream(tmp_path) as up:
        account = await up.sign_in("ada", method)
        up.fake.api.models = ["minimax-m2.7", "MiniMax-M3.1-Flash-Preview"]
        known, new = await plugin.list_models(up.provider, account, up.client)
        assert (known.id, known.context_length, known.max_output_tokens) == ("MiniMax-M2.7", 204_800, 131_072)
        assert (new.id, new.context_length) == ("MiniMax-M3.1-Flash-Preview", None)
        assert up.fake.server.requests[-1].path.endswith(path)


async def test_every_page_is_read(tmp_path: Path) -> None:
    async with upstream(tmp_path) as up:
        account = await up.sign_in()
        up.fake.api.page_size = 3
        assert await up.models(account) == [model.id for model in FALLBACK]
        assert len([r for r in up.fake.server.requests if r.path.endswith("/models")]) == 3


@pytest.mark.parametrize(
    ("status", "body"),
    [
        pytest.param(404, "404 page not found", id="no such path"),
        pytest.param(500, "", id="a fault"),
        pytest.param(200, "<html>", id="a page"),
        pytest.param(200, "", id="nothing"),
        pytest.param(200, '{"data": null}', id="null"),
        pytest.param(200, '{"data": []}', id="an empty list"),
        pytest.param(200, json.dumps(native(1004, "login fail")), id="a refusal behind a 200"),
    ],
)
async def test_no_list_is_a_failure(tmp_path: Path, status: int, body: str) -> None:
    async with upstream(tmp_path) as up:
        account = await up.sign_in()
        up.fake.api.list_fault = (status, body)
        with pytest.raises(UpstreamError):
            await up.models(account)


async def test_a_refused_token_gets_no_list(tmp_path: Path) -> None:
    async with upstream(tmp_path) as up:
        account = await up.sign_in()
        up.fake.expire()
        with pytest.raises(UpstreamError, match="HTTP 401"):
            await up.models(account)


def test_the_fallback_list() -> None:
    by_id = {model.id: model for model in FALLBACK}
    assert len(by_id) == 8
    assert "MiniMax-M3-highspeed" not in by_id
    assert by_id["MiniMax-M3"] == Model("MiniMax-M3", None, "minimax", 1780272000, 1_000_000, 524_288)


@pytest.mark.parametrize(
    ("given", "sent", "thinks"),
    [
        ("minimax-m3", "MiniMax-M3", False),
        ("MINIMAX-M2.7-HIGHSPEED", "MiniMax-M2.7-highspeed", True),
        ("MiniMax-M3.1-Flash-Preview", "MiniMax-M3.1-Flash-Preview", True),
        ("another", "another", False),
    ],
)
def test_names(given: str, sent: str, thinks: bool) -> None:
    assert (canonical(given), always_thinks(given)) == (sent, thinks)


# -- quota ---------------------------------------------------------------------------------------------------


async def quota(up: Upstream, method: str = "oauth") -> list[Quota]:
    rows: list[Quota] = await plugin.read_quota(up.provider, await up.sign_in("ada", method), up.client)
    return rows


@pytest.mark.parametrize("method", ["oauth", "oauth-cn", "api-key"])
async def test_a_plans_windows(tmp_path: Path, method: str) -> None:
    async with upstream(tmp_path) as up:
        (row,) = await quota(up, method)
        assert (row.unit, row.limit, row.used, row.source) == ("percent of the 5-hour window", 100, 16, "reported")
        assert row.resets_at == pytest.approx(time.time() + 14_400, abs=5)
        assert row.observed_at == pytest.approx(time.time(), abs=5)


@pytest.mark.parametrize(
    ("windows", "rows"),
    [
        pytest.param([], [], id="none"),
        pytest.param(
            [window(current_weekly_status=1, current_weekly_remaining_percent=40, weekly_end_time=1_790_000_000)],
            [("percent of the 5-hour window", 100, 16), ("percent of the week", 100, 60)],
            id="a weekly limit too",
        ),
        pytest.param(
            [window(current_interval_remaining_percent=None)],
            [("requests of the 5-hour window", 1500, None)],
            id="without a percentage nobody knows what the count counts",
        ),
        pytest.param(
            [window("speech-hd", current_interval_remaining_percent=1), window("MiniMax-M*")],
            [("percent of the 5-hour window", 100, 16)],
            id="text models among others",
        ),
        pytest.param(
            [window("video", current_interval_remaining_percent=50)],
            [("percent of the 5-hour window", 100, 50)],
            id="the first, where none is for text",
        ),
        pytest.param([window(current_interval_status=3)], [], id="no limit holds"),
    ],
)
async def test_windows(tmp_path: Path, windows: list[Any], rows: list[Any]) -> None:
    async with upstream(tmp_path) as up:
        up.fake.api.windows = windows
        assert [(row.unit, row.limit, row.used) for row in await quota(up)] == rows


async def test_times_in_seconds_are_understood(tmp_path: Path) -> None:
    async with upstream(tmp_path) as up:
        up.fake.api.windows = [window(end_time=1_790_000_000)]
        assert [row.resets_at for row in await quota(up)] == [1_790_000_000]


async def test_the_older_path_is_asked_where_the_newer_is_not_there(tmp_path: Path) -> None:
    async with upstream(tmp_path) as up:
        up.fake.api.has_new_quota_path = False
        assert len(await quota(up)) == 1
        assert up.fake.server.requests[-1].path.endswith("/coding_plan/remains")


@pytest.mark.parametrize(("balance", "rows"), [("98.00", [("balance left", 98.0, None)]), ("unknown", [])])
async def test_a_balance(tmp_path: Path, balance: str, rows: list[Any]) -> None:
    async with upstream(tmp_path) as up:
        up.fake._keys["ada"] = up.fake.ledger.new_key("ada", "global", "sk-api-")
        up.fake.api.balance = balance
        assert [(row.unit, row.limit, row.used) for row in await quota(up, "api-key")] == rows


async def test_a_refused_token_is_no_empty_quota(tmp_path: Path) -> None:
    async with upstream(tmp_path) as up:
        account = await up.sign_in()
        up.fake.expire()
        with pytest.raises(UpstreamError, match=r"login fail.*1004") as caught:
            await plugin.read_quota(up.provider, account, up.client)
        assert plugin.classify_error(caught.value.failure).kind == "token_expired"
