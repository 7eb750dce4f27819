"""Where the runs of a cursor account go: as the operator says, or else the service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from switchgear.testing import FakeClock
from switchgear_cursor.fake.refusals import Refusal
from switchgear_cursor.server_config import FAILURE_S, KEPT_S, Lines
from switchgear_cursor.wires import Line
from tests.plugins.cursor_desk import Desk, desk

AGENT, AGENTN = "https://agent.test", "https://agentn.test"


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk(tmp_path) as made:
        yield made


@pytest.mark.parametrize(
    ("told", "entry", "line"),
    [
        pytest.param((AGENT, AGENTN), {}, Line(AGENT), id="in privacy mode"),
        pytest.param((AGENT, AGENTN), {"privacy-mode": False}, Line(AGENTN), id="outside it"),
        pytest.param(("", AGENTN), {}, Line(AGENTN), id="the other where one is missing"),
        pytest.param((AGENT, ""), {"privacy-mode": False}, Line(AGENT), id="likewise outside it"),
        pytest.param((f"{AGENT}/path?x", ""), {}, Line(AGENT), id="the host alone"),
        pytest.param(("https://u:p@agent.test", AGENTN), {}, Line(AGENTN), id="none with a password"),
        pytest.param(("ftp://agent.test", "nonsense"), {}, None, id="none that is no host"),
        pytest.param(("", ""), {}, None, id="the usual one"),
    ],
)
async def test_the_service_says_where_runs_go(
    tmp_path: Path, told: tuple[str, str], entry: dict[str, Any], line: Line | None
) -> None:
    async with desk(tmp_path, **entry) as here:
        here.services.lists.agent_url, here.services.lists.agentn_url = told
        token = here.account().secrets["access_token"].reveal()
        found = await here.settings.memory.lines.of(here.settings, token, here.client)
        assert found == (line or Line(here.settings.endpoints.agent_fallback))


@pytest.mark.parametrize("http2", ["HTTP2_CONFIG_FORCE_ALL_DISABLED", "FORCE_BIDI_DISABLED"])
async def test_the_service_may_forbid_full_duplex(here: Desk, http2: str) -> None:
    here.services.lists.http2, here.services.lists.agent_url = http2, AGENT
    token = here.account().secrets["access_token"].reveal()
    assert await Lines().of(here.settings, token, here.client) == Line(here.server.url, http2=False)


@pytest.mark.parametrize(
    ("entry", "line"),
    [({"endpoints": {"agent": AGENT}}, Line(AGENT)), ({"http1": True}, None)],
    ids=["a host", "HTTP/1.1"],
)
async def test_the_operators_way_is_not_asked_for(tmp_path: Path, entry: dict[str, Any], line: Line | None) -> None:
    async with desk(tmp_path) as here:
        endpoints = {**here.services.settings(here.server.url)["endpoints"], **entry.get("endpoints", {})}
        here.configure(**{**entry, "endpoints": endpoints})
        found = await Lines().of(here.settings, "token", here.client)
        assert found == (line or Line(here.server.url, http2=False))
        assert here.services.lists.asked == []


async def test_a_token_is_asked_about_once_and_anew_where_its_region_is_refused(here: Desk) -> None:
    lists, lines = here.services.lists, Lines()
    lists.agent_url = AGENT
    token = here.account().secrets["access_token"].reveal()
    found = await asyncio.gather(*(lines.of(here.settings, token, here.client) for _ in range(5)))
    assert (set(found), lists.asked) == ({Line(AGENT)}, ["GetServerConfig"])
    lists.agent_url = "https://elsewhere.test"
    assert await lines.of(here.settings, token, here.client) == Line(AGENT)
    assert await lines.of(here.settings, token, here.client, anew=True) == Line("https://elsewhere.test")
    await lines.of(here.settings, here.account("ben").secrets["access_token"].reveal(), here.client)
    assert len(lists.asked) == 3


async def test_a_failure_is_kept_for_a_minute_and_an_answer_for_an_hour(here: Desk) -> None:
    clock = FakeClock()
    lists, lines = here.services.lists, Lines(clock.monotonic)
    lists.agent_url, lists.refusals["GetServerConfig"] = AGENT, [Refusal("unavailable")]
    token = here.account().secrets["access_token"].reveal()
    usual = Line(here.settings.endpoints.agent_fallback)
    assert await lines.of(here.settings, token, here.client) == usual
    clock.advance(FAILURE_S - 1)
    assert await lines.of(here.settings, token, here.client) == usual
    clock.advance(1)
    assert await lines.of(here.settings, token, here.client) == Line(AGENT)
    lists.agent_url = AGENTN
    clock.advance(KEPT_S - 1)
    assert await lines.of(here.settings, token, here.client) == Line(AGENT)
    clock.advance(1)
    assert await lines.of(here.settings, token, here.client) == Line(AGENTN)
