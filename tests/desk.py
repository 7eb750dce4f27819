"""An operator's desk: a configuration on disk, the upstream behind it, and the commands, run in this process."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from switchgear import Account, Secret
from switchgear.authfile import DirectoryStore
from switchgear.cli.main import cli
from switchgear.errors import SwitchgearError
from tests.signing import SigningUpstream, configure
from tests.stores import store


@dataclass
class Desk:
    """An operator's folder, the upstream behind it, and what the commands said."""

    folder: Path
    upstream: SigningUpstream
    said: str = ""

    @property
    def files(self) -> DirectoryStore:
        return store(self.folder / "auth", "signing")

    async def sign_in(self, person: str, **fields: Any) -> Account:
        tokens = self.upstream.tokens(person)
        secrets = {"access": Secret(tokens["access_token"]), "refresh": Secret(tokens["refresh_token"])}
        account = Account(person, person, secrets, {"method": "device"}, expires_at=time.time() + 3600)
        account = replace(account, **fields)
        await self.files.save(account)
        return account

    async def run(self, *arguments: str) -> tuple[int, str, str]:
        """The command, as the program runs it, but in this process: its exit code, output and errors."""
        arguments = (*arguments, "--config", str(self.folder / "config.yaml"))
        result = await asyncio.to_thread(CliRunner().invoke, cli, arguments)
        code, errors = result.exit_code, result.stderr
        if isinstance(result.exception, SwitchgearError):
            errors += str(result.exception)
        elif result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        self.said += result.stdout + errors
        return code, result.stdout, errors

    async def json(self, *arguments: str) -> Any:
        code, out, errors = await self.run(*arguments, "--json")
        assert code == 0, errors
        return json.loads(out)

    async def rows(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.json("accounts", "list"))["accounts"]
        return found

    @property
    def audited(self) -> list[dict[str, Any]]:
        path = self.folder / "state" / "audit.log"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Desk]:
    """A desk in ``folder``; when it is left, nothing that was said may hold a secret."""
    upstream = SigningUpstream()
    async with upstream.server:
        configure(folder, upstream)
        found = Desk(folder, upstream)
        yield found
        said = found.said + json.dumps(found.audited)
        assert [secret for secret in upstream.handed_out if secret in said] == []
