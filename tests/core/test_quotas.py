"""Quotas: read where a provider tells them, kept where it cannot, and shown."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from switchgear import Account, Failure, Model, Quota, Text, UpstreamError, hookimpl
from switchgear.loading import Installed
from switchgear.metrics.status import QuotaRow
from tests.gateways import gateway

NOON = 1_767_268_800.0


@pytest.mark.parametrize(
    ("limit", "used", "ratio", "exhausted"),
    [
        pytest.param(1000.0, 695.0, 0.695, False, id="some"),
        pytest.param(1000.0, 1000.0, 1.0, True, id="all"),
        pytest.param(1000.0, 1200.0, 1.2, True, id="more than all"),
        pytest.param(0.0, 0.0, 1.0, True, id="a limit of nothing"),
        pytest.param(None, 5.0, None, False, id="no limit known"),
        pytest.param(10.0, None, None, False, id="no use known"),
    ],
)
def test_the_used_share(limit: float | None, used: float | None, ratio: float | None, exhausted: bool) -> None:
    row = QuotaRow("a", "credits", limit, used, None, "reported", NOON)
    assert (row.used_ratio, row.exhausted) == (ratio, exhausted)


async def test_it_is_read_kept_and_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used = {"one": 100.0, "two": 950.0}
    accounts = ["one", "two"]
    failing: list[str] = []

    async def load_accounts() -> list[Account]:
        return [Account(name, label=name, secrets={}) for name in accounts]

    async def read_quota(account: Account) -> list[Quota]:
        if account.id in failing:
            raise UpstreamError(Failure("status", 503))
        return [Quota("credits", 1000.0, used[account.id], NOON + 60, "reported", NOON)]

    async def list_models() -> list[Model]:
        return [Model("m")]

    async def forward() -> Any:
        yield Text("")

    module = ModuleType("metered_plugin")
    for hook in (load_accounts, read_quota, list_models, forward):
        module.__dict__[hook.__name__] = hookimpl(hook)
    monkeypatch.setitem(sys.modules, "metered_plugin", module)
    metered = {"metered": Installed("metered", "tests", "1", (EntryPoint("metered", "metered_plugin", "switchgear"),))}
    async with gateway(tmp_path, {"metered": [{}]}, available=metered) as running:
        service = running.service

        async def read() -> list[tuple[str, float]]:
            runtime = service.current
            await service.quotas.read(runtime.entries, runtime.plugins)
            return [(row["account"], row["used_ratio"]) for row in (await running.provider("metered"))["quota"]]

        assert await read() == [("one", 0.1), ("two", 0.95)]
        failing.append("two")
        used.update(one=200.0, two=999.0)
        assert await read() == [("one", 0.2), ("two", 0.95)], "the last good reading stays"
        accounts.remove("two")
        await service.reload_accounts(service.current)
        assert await read() == [("one", 0.2)]
        [row] = (await running.provider("metered"))["quota"]
        assert row == {
            "account": "one",
            "name": "",
            "plan": "",
            "unit": "credits",
            "limit": 1000.0,
            "remaining": 800.0,
            "used_ratio": 0.2,
            "total_used_ratio": 0.2,
            "resets_at": "2026-01-01T12:01:00Z",
            "source": "reported",
            "observed_at": "2026-01-01T12:00:00Z",
            "exhausted": False,
        }
