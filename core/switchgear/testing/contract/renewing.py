"""Level 4, second half: a credential is renewed once, saved first, and never lost."""

from __future__ import annotations

import asyncio
import time

import httpx2

from switchgear.errors import LoginRequired, PluginError, UpstreamError
from switchgear.refreshing import expired
from switchgear.testing.contract.base import NotApplicable, check, expect
from switchgear.testing.contract.bench import Bench
from switchgear.testing.contract.benched import BenchedContract
from switchgear.testing.contract.fake import ADA, BEN
from switchgear.testing.contract.loads import FAILURES
from switchgear.testing.traffic import gateway_task

AT_ONCE = 8
ROUNDS = 4


class RenewingChecks(BenchedContract):
    """Level 4: refresh."""

    @check(4)
    async def test_one_refresh_serves_all(self) -> None:
        """However many requests find the token expired, it is refreshed once, and all of them are answered."""
        for method in await self._refreshable_methods():
            async with self.bench() as bench:
                await bench.sign_in(ADA, method)
                bench.fake.expire()
                before = bench.fake.refreshes
                answers = await asyncio.gather(*(bench.ask(stream=number % 2 == 0) for number in range(AT_ONCE)))
                bad = [str(got) for got in answers if not got.ok]
                expect(not bad, f"{method}: {len(bad)} of {AT_ONCE} went wrong: {bad[:1]}")
                made = bench.fake.refreshes - before
                expect(made == 1, f"{method}: it was refreshed {made} times")

    @check(4)
    async def test_a_fresh_token_is_not_refreshed_again(self) -> None:
        """After a refresh nothing is refreshed until the token is refused or about to expire: it does not loop."""
        for method in await self._refreshable_methods():
            async with self.bench() as bench:
                await bench.sign_in(ADA, method)
                bench.fake.expire()
                await bench.ask()
                fresh, now = bench.entry.accounts[0], time.time()
                expect(not expired(fresh, now), f"{method}: a token that was just refreshed is said to be expired")
                ahead = fresh.refresh_at is None or fresh.refresh_at > now
                expect(ahead, f"{method}: a token that was just refreshed is said to be due again")
                before = bench.fake.refreshes
                for _ in range(ROUNDS):
                    await bench.ask()
                    await gateway_task(bench.entry.refresh_due())
                again = bench.fake.refreshes - before
                expect(again == 0, f"{method}: {ROUNDS} requests later it was refreshed {again} more time(s)")

    @check(4)
    async def test_a_new_token_is_saved_before_it_is_used(self) -> None:
        """A new token is in the auth file before a request goes out with it: the old one may be spent."""
        for method in await self._refreshable_methods():
            async with self.bench() as bench:
                await bench.sign_in(ADA, method)
                before = bench.fake.refreshes
                watch = _SaveWatch(bench)
                bench.fake.expire()
                got = await bench.ask()
                expect(bench.fake.refreshes > before, f"{method}: the token was not refreshed; the client got {got}")
                late = ", ".join(watch.late)
                expect(not late, f"{method}: {late} was called while the file still held the old token")

    @check(4)
    async def test_a_refreshed_account_survives_a_restart(self) -> None:
        """After refreshes, a gateway that starts anew over the same files can refresh once more."""
        for method in await self._refreshable_methods():
            async with self.bench() as bench:
                await bench.sign_in(ADA, method)
                for _ in range(2):
                    bench.fake.expire()
                    await bench.ask()
                async with bench.restarted() as later:
                    bench.fake.expire()
                    got = await later.ask()
                    expect(got.ok, f"{method}: the client got {got}: a refresh token was lost")

    @check(4)
    async def test_an_omitted_refresh_token_is_kept(self) -> None:
        """An answer without a refresh token keeps the old one."""
        for method in await self._refreshable_methods():
            async with self.bench() as bench:
                bench.fail("refresh_omits_token")
                await bench.sign_in(ADA, method)
                for number in ("first", "second"):
                    bench.fake.expire()
                    got = await bench.ask()
                    expect(got.ok, f"{method}: after the {number} refresh the client got {got}")

    @check(4)
    async def test_a_refresh_that_fails_for_now_costs_nothing(self) -> None:
        """A refresh that fails in passing leaves the account and its file as they are; the next one works."""
        for method in await self._refreshable_methods():
            async with self.bench() as bench:
                account = await bench.sign_in(ADA, method)
                for what, answer in FAILURES.items():
                    bench.gateway.traffic.answer = answer
                    problem = await _refresh(bench, account.id)
                    where = f"{method}: {what}, and "
                    expect(problem is not None, f"{where}the refresh is said to have worked")
                    expect(not isinstance(problem, LoginRequired), f"{where}the account is given up: {problem}")
                    expect(not isinstance(problem, PluginError), f"{where}it raised {problem}; raise UpstreamError")
                    kept = [one.secrets for one in bench.stored()]
                    expect(kept == [account.secrets], f"{where}the file no longer holds the credential")
                bench.gateway.traffic.answer = None
                bench.fake.expire()
                got = await bench.ask()
                expect(got.ok, f"{method}: afterwards the client got {got}")

    @check(4)
    async def test_a_spent_token_takes_its_account_out(self) -> None:
        """A refresh token that is refused takes its account out, once and for all; the others are served."""
        for method in await self._refreshable_methods():
            async with self.bench() as bench:
                spent = await bench.sign_in(ADA, method)
                bench.fake.expire()
                bench.fake.revoke()
                ben = await bench.sign_in(BEN, method)
                expect(ben.id != spent.id, f"{method}: ben has ada's account")
                for _ in range(ROUNDS):
                    got = await bench.ask()
                    expect(got.ok, f"{method}: the other account did not serve; the client got {got}")
                before = bench.fake.refreshes
                for _ in range(ROUNDS):
                    await bench.ask()
                    await gateway_task(bench.entry.refresh_due())
                again = bench.fake.refreshes - before
                expect(again == 0, f"{method}: the spent token was tried {again} more time(s) with {ROUNDS} requests")
                state = bench.gateway.service.account_state(bench.entry, spent)
                expect(
                    state == "auth_failed", f"{method}: the account is {state}: raise LoginRequired for a spent token"
                )

    async def _refreshable_methods(self) -> tuple[str, ...]:
        """The sign-in methods whose credentials are refreshed.

        Raises:
            NotApplicable: there are none.
        """
        plugins = await self.loaded()
        if not plugins.implements(self.plugin, "refresh_token"):
            raise NotApplicable("it has nothing to refresh")
        methods = plugins.info(self.plugin).login_methods if self.refreshable is None else self.refreshable
        if not methods:
            raise NotApplicable("no sign-in method's credentials are refreshed")
        return methods


class _SaveWatch:
    """Looks, before each call that goes upstream, whether it bears a new secret while the file holds the old ones.

    Attributes:
        late: the paths that were called so.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._known = bench.fake.secrets()
        self._old = self._saved()
        self.late: list[str] = []
        bench.gateway.traffic.answer = self._look

    def _saved(self) -> list[object]:
        return [account.secrets for account in self._bench.stored()]

    def _look(self, request: httpx2.Request) -> None:
        sent = b"\n".join([str(request.url).encode(), *(value for _, value in request.headers.raw), request.content])
        new = self._bench.fake.secrets() - self._known
        if any(secret.encode() in sent for secret in new) and self._saved() == self._old:
            self.late.append(request.url.path)


async def _refresh(bench: Bench, account_id: str) -> Exception | None:
    """Refresh the account now; gives what went wrong."""
    account = next(one for one in bench.entry.accounts if one.id == account_id)
    try:
        await gateway_task(bench.entry.refresh(account))
    except (UpstreamError, PluginError) as error:
        return error
    return None
