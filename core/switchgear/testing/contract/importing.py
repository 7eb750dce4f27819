"""Level 4, besides: an account out of another program's file is the account that signing in gives."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from switchgear.importing import Taken, import_folder
from switchgear.testing.contract.base import NotApplicable, check, expect
from switchgear.testing.contract.bench import Bench
from switchgear.testing.contract.benched import BenchedContract
from switchgear.testing.contract.fake import ADA, FakeExport


class ImportChecks(BenchedContract):
    """Level 4: import."""

    @check(4)
    async def test_an_imported_account_answers(self) -> None:
        """An account out of another program's file is saved in one file, and it answers."""
        async with self.bench() as bench:
            source, document = await self._file(bench)
            await _import(bench, source, document)
            files = len(bench.gateway.auth_files)
            expect(files == 1, f"{files} files were written")
            got = await bench.ask()
            expect(got.ok, f"the client got {got}")

    @check(4)
    async def test_importing_again_changes_nothing(self) -> None:
        """The same file again is the same account: it is left alone, and no second one is there."""
        async with self.bench() as bench:
            source, document = await self._file(bench)
            await _import(bench, source, document)
            before = bench.gateway.auth_files
            again = await _taken(bench, source, document)
            after = bench.gateway.auth_files
            expect(len(after) == len(before), f"{len(before)} file(s) became {len(after)}: is the id stable?")
            expect(after == before, f"the file was written again: {again.outcome} {again.detail}")

    @check(4)
    async def test_an_imported_account_is_the_one_that_signs_in(self) -> None:
        """Who signs in after an import has the account that was imported, not another one."""
        async with self.bench() as bench:
            source, document = await self._file(bench)
            if not bench.methods:
                raise NotApplicable("nobody signs in: its keys stand in the configuration")
            await _import(bench, source, document)
            imported = [account.id for account in bench.stored()]
            account = await bench.sign_in(ADA)
            expect([account.id] == imported, "the import has another id than the sign-in of the same person")

    async def _file(self, bench: Bench) -> tuple[str, Mapping[str, Any]]:
        """Another program's file.

        Raises:
            NotApplicable: there is none, or nothing that takes it in.
        """
        if not bench.gateway.service.current.plugins.implements(self.plugin, "import_account"):
            raise NotApplicable("it imports nothing")
        if not isinstance(bench.fake, FakeExport):
            raise NotApplicable("the fake knows no other program's file: it has no imports()")
        return bench.fake.imports()


async def _import(bench: Bench, source: str, document: Mapping[str, Any]) -> None:
    taken = await _taken(bench, source, document)
    expect(taken.outcome == "imported", f"{source}'s file was {taken.outcome}: {taken.detail}")
    await bench.gateway.reload()


async def _taken(bench: Bench, source: str, document: Mapping[str, Any]) -> Taken:
    with tempfile.TemporaryDirectory(prefix="switchgear-") as folder:
        file = Path(folder, "account.json")
        await asyncio.to_thread(_write, file, document)
        (taken,) = await import_folder(
            bench.gateway.service.current, [bench.entry], source, Path(folder), dry_run=False
        )
    return taken


def _write(file: Path, document: Mapping[str, Any]) -> None:
    file.touch(mode=0o600)
    file.write_text(json.dumps(document))
