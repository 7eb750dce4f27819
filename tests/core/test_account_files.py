"""Accounts that live in other programs' files: watched, shown with their problem, and not asked while they have one."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import pydantic
import pytest

from switchgear import (
    Account,
    ForwardRequest,
    LoginRequired,
    Model,
    Provider,
    ProviderInfo,
    ProviderSettings,
    Secret,
    Text,
    assembly,
    hookimpl,
)
from switchgear.account_list import rows
from switchgear.explaining import explain
from switchgear.loading import Installed
from tests.gateways import Running, gateway

NAME = "filed"


class Settings(ProviderSettings):
    """One entry: files with a token and its end, each an account."""

    files: tuple[str, ...] = pydantic.Field(default=(), strict=False)

    @property
    def account_files(self) -> tuple[Path, ...]:
        """See the base class."""
        return tuple(Path(name) for name in self.files)


def account_in(path: Path) -> Account:
    account = Account(str(path), path.stem)
    try:
        token, lasts_s = json.loads(path.read_text())
    except FileNotFoundError:
        return Account(str(path), path.stem, problem=f"{path}: there is no such file")
    except ValueError:
        return Account(str(path), path.stem, problem=f"{path}: it is damaged")
    return Account(account.id, account.label, {"token": Secret(token)}, expires_at=time.time() + lasts_s)


@dataclass
class House:
    """A gateway whose accounts are the files ``one`` and ``two``. ``asked`` has the tokens of the calls, in order."""

    folder: Path
    running: Running | None = None
    asked: list[str] = field(default_factory=list)
    refreshed: list[str] = field(default_factory=list)
    loaded: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, name: str, content: object) -> Path:
        path = self.folder / f"{name}.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    @property
    def here(self) -> Running:
        assert self.running is not None
        return self.running

    async def changed(self) -> None:
        """Wait until the gateway has noticed a change."""
        self.loaded.clear()
        await asyncio.wait_for(self.loaded.wait(), 5)

    async def chat(self) -> str:
        """The token the call was made with; else the status of the refusal."""
        before = len(self.asked)
        status = (await self.here.chat("m")).status_code
        return self.asked[before] if status == 200 else str(status)

    async def states(self) -> list[tuple[str, str, str]]:
        found = await rows(self.here.service, self.here.service.current.entries)
        return [(row.label, row.state, row.problem) for row in found]

    def plugin(self) -> ModuleType:
        async def load_accounts(provider: Provider) -> list[Account]:
            return [account_in(path) for path in provider.settings.account_files]

        async def list_models() -> list[Model]:
            return [Model("m")]

        async def refresh_token(account: Account) -> Account:
            self.refreshed.append(account.label)
            raise AssertionError("a file that cannot be used has nothing to refresh")

        async def forward(request: ForwardRequest, account: Account) -> AsyncIterator[Text]:
            self.asked.append(account.secrets["token"].reveal())
            yield Text("Hi")

        def provider_info() -> ProviderInfo:
            return ProviderInfo(settings=Settings)

        module = ModuleType(f"{NAME}_plugin")
        for hook in (load_accounts, list_models, refresh_token, forward, provider_info):
            module.__dict__[hook.__name__] = hookimpl(hook)
        return module


@asynccontextmanager
async def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **files: Any) -> AsyncIterator[House]:
    house = House(tmp_path)
    for name, content in files.items():
        house.put(name, content)
    monkeypatch.setitem(sys.modules, f"{NAME}_plugin", house.plugin())
    monkeypatch.setattr(assembly, "ACCOUNTS_LOOK_S", 0.01)
    reload = assembly.Service.reload_accounts

    async def reloaded(self: assembly.Service, runtime: assembly.Runtime) -> None:
        await reload(self, runtime)
        house.loaded.set()

    monkeypatch.setattr(assembly.Service, "reload_accounts", reloaded)
    plugins = {NAME: Installed(NAME, "tests", "1", (EntryPoint(NAME, f"{NAME}_plugin", "switchgear"),))}
    config = {NAME: [{"files": [str(tmp_path / f"{name}.json") for name in ("one", "two")]}]}
    async with gateway(tmp_path, config, available=plugins) as running:
        house.running = running
        yield house


async def test_one_whose_file_cannot_be_used_is_shown_and_the_other_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log_output: pytest.CaptureFixture[str]
) -> None:
    async with opened(tmp_path, monkeypatch, two=["token-of-two", 3600]) as house:
        missing = f"{tmp_path / 'one.json'}: there is no such file"
        assert await house.states() == [("one", "not usable", missing), ("two", "ready", "")]
        assert [await house.chat() for _ in range(3)] == ["token-of-two"] * 3
        (left_out,) = explain(house.here.service.current, "m", "openai-chat")["left_out"]
        assert (left_out["account"], left_out["reason"]) == ("one", missing)
        assert (await house.here.provider(NAME))["accounts"]["auth_failed"] == 1
        assert "account_not_usable" in log_output.readouterr().err


async def test_a_file_that_comes_is_noticed_and_one_that_is_damaged_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path, monkeypatch) as house:
        assert await house.chat() == "404", "nobody has told what there is"
        (reason,) = explain(house.here.service.current, "m", "openai-chat")["reasons"]
        assert f"serves nothing: {tmp_path / 'one.json'}: there is no such file; {tmp_path / 'two.json'}" in reason
        house.put("one", ["token-of-one", 3600])
        await house.changed()
        assert await house.chat() == "token-of-one"
        house.put("one", "{")
        await house.changed()
        assert (await house.chat(), house.refreshed) == ("503", [])
        house.put("one", ["token-of-one", 3600])
        await house.changed()
        assert await house.chat() == "token-of-one"


async def test_a_file_that_went_just_now_needs_a_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(tmp_path, monkeypatch, one=["token-of-one", -1]) as house:
        monkeypatch.setattr(assembly, "ACCOUNTS_LOOK_S", 3600)
        (entry,) = house.here.service.current.entries
        path = tmp_path / "one.json"
        path.unlink()
        with pytest.raises(LoginRequired, match="no such file"):
            await entry.fresh(str(path))
        assert house.refreshed == []
