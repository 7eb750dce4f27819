"""Level 6: nothing that is secret gets out, and everything goes the one way out."""

from __future__ import annotations

from switchgear.testing.contract.base import check, expect
from switchgear.testing.contract.benched import BenchedContract


class SecrecyChecks(BenchedContract):
    """Level 6."""

    @check(6)
    async def test_logs_hold_no_secret(self) -> None:
        """No log line and no output holds a secret, before anything is masked."""
        await self._nothing_in("a log line", "standard output")

    @check(6)
    async def test_answers_hold_no_secret(self) -> None:
        """No answer, header, error or page holds a secret."""
        await self._nothing_in("an answer", "the page")

    @check(6)
    async def test_auth_files_show_no_secret(self) -> None:
        """No auth file shows a secret, in its name, its label or anywhere: they are in the sealed part alone."""
        await self._nothing_in("the auth file", "an auth file")

    @check(6)
    async def test_nothing_prints_a_secret(self) -> None:
        """Accounts and settings print without their secrets."""
        await self._nothing_in("the repr")

    @check(6)
    async def test_urls_hold_no_secret(self) -> None:
        """No secret is part of an address that is called: addresses end in other people's logs."""
        await self._nothing_in("the URL")

    @check(6)
    async def test_everything_goes_through_cores_client(self) -> None:
        """It opens no connection of its own: proxies, time limits and this kit would not reach it."""
        strays = (await self.toured()).strays
        expect(not strays, f"it opened connections to {', '.join(sorted(set(strays)))} past the client it was given")

    @check(6)
    async def test_nothing_is_left_running(self) -> None:
        """When the gateway has ended, no task and no thread of it goes on."""
        left = (await self.toured()).left
        expect(not left, f"left: {'; '.join(left)}")

    async def _nothing_in(self, *places: str) -> None:
        leaks = (await self.toured()).scanner.leaks(*places)
        expect(not leaks, "; ".join(dict.fromkeys(map(str, leaks[:3]))))
