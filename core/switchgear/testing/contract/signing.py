"""Level 4, first half: signing in, twice, again, and not at all."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlsplit

import httpx2

from switchgear.testing.contract.base import NotApplicable, check, expect
from switchgear.testing.contract.bench import Bench
from switchgear.testing.contract.benched import BenchedContract
from switchgear.testing.contract.fake import ADA, BEN, FakeRefusal
from switchgear.testing.person import Person
from switchgear.testing.traffic import is_here
from switchgear.upstream import tls_context

MOST_STEPS = 20
GARBAGE = "not-a-code-of-anybody"


class SigningChecks(BenchedContract):
    """Level 4: sign-in and two accounts."""

    @check(4)
    async def test_signing_in_saves_one_account(self) -> None:
        """Signing in saves one account in one file, and it answers."""
        for method in await self._methods():
            async with self.bench() as bench:
                account = await bench.sign_in(ADA, method)
                stored = bench.stored()
                expect(
                    len(bench.gateway.auth_files) == 1, f"{method}: {len(bench.gateway.auth_files)} files were written"
                )
                expect(
                    [one.id for one in stored] == [account.id], f"{method}: the file holds another account than it gave"
                )
                expect(
                    stored[0].secrets == account.secrets, f"{method}: the file holds another credential than it gave"
                )
                got = await bench.ask()
                expect(got.ok, f"{method}: the client got {got}")

    @check(4)
    async def test_two_people_have_two_accounts(self) -> None:
        """Two people have two files and two accounts, though they share an organisation and an e-mail."""
        for method in await self._methods():
            async with self.bench() as bench:
                ada = await bench.sign_in(ADA, method)
                ben = await bench.sign_in(BEN, method)
                files = len(bench.gateway.auth_files)
                expect(
                    ada.id != ben.id and files == 2,
                    f"{method}: {files} file(s) for two people, the second sign-in overwrote the first",
                )
                expect(ada.secrets != ben.secrets, f"{method}: both have the same credential")
                kept = {account.id: account.secrets for account in bench.stored()}
                expect(kept.get(ada.id) == ada.secrets, f"{method}: the first account's credential is not what it was")

    @check(4)
    async def test_the_same_person_updates_one_account(self) -> None:
        """Signing in again updates the same file; nobody else's is touched."""
        for method in await self._methods():
            async with self.bench() as bench:
                first = await bench.sign_in(ADA, method)
                await bench.sign_in(BEN, method)
                before = bench.gateway.auth_files
                again = await bench.sign_in(ADA, method)
                after = bench.gateway.auth_files
                expect(
                    again.id == first.id,
                    f"{method}: the same person is another account the second time: is the id stable?",
                )
                expect(after.keys() == before.keys(), f"{method}: {len(before)} files became {len(after)}")
                changed = [name for name in before if before[name] != after[name]]
                expect(len(changed) == 1, f"{method}: {len(changed)} files were written instead of one")

    @check(4)
    async def test_giving_up_saves_nothing(self) -> None:
        """Whoever gives up, at any step of the dialog, has no account afterwards."""
        for method in await self._methods():
            async with self.bench() as bench:
                for step in range(1, MOST_STEPS):
                    person = bench.person(ADA, method, cancel_at=step)
                    account = await bench.give_up(person)
                    if not person.gave_up:
                        break  # the dialog has fewer steps: this one went to its end
                    said = person.steps[step - 1]
                    where = f"{method}: given up at step {step} ({said.kind}: {said.text[:60]!r})"
                    expect(account is None, f"{where}, and an account was given nevertheless")
                    files = bench.gateway.auth_files
                    expect(not files, f"{where}, and a file is there: nothing is saved before the end")
                else:
                    expect(False, f"{method}: the dialog has more than {MOST_STEPS} steps")

    @check(4)
    async def test_a_refused_callback_saves_nothing(self) -> None:
        """A browser that comes back with a refusal, or with somebody else's state, signs nobody in."""
        tried = False
        for method in await self._methods():
            async with self.bench() as bench:
                for what, parameters in REFUSALS.items():
                    stranger = _Stranger(bench, method, parameters)
                    account = await bench.give_up(stranger.person)
                    if not stranger.came_back:
                        break
                    tried = True
                    saved = bool(bench.gateway.auth_files) or account is not None
                    expect(not saved, f"{method}: {what} came back, and an account was saved")
        if not tried:
            raise NotApplicable("no sign-in method sends the browser back to this machine")

    @check(4)
    async def test_a_person_who_says_no_has_no_account(self) -> None:
        """A person who refuses in the browser ends the sign-in, and nothing is saved."""
        tried = False
        for method in await self._methods():
            async with self.bench() as bench:
                if not isinstance(bench.fake, FakeRefusal):
                    raise NotApplicable("the fake's people cannot refuse: it has no refuse()")
                person = bench.person(ADA, method)
                visits = person.visit = _Refuser(bench.fake)
                account = await bench.give_up(person)
                tried |= visits.refused
                saved = bool(bench.gateway.auth_files) or account is not None
                expect(not (visits.refused and saved), f"{method}: {ADA} said no, and an account was saved")
        if not tried:
            raise NotApplicable("no sign-in method waits for a person at the provider's page")

    @check(4)
    async def test_accounts_survive_a_restart(self) -> None:
        """After a restart every account that signed in is there, and answers."""
        for method in await self._methods():
            async with self.bench() as bench:
                ids = {(await bench.sign_in(person, method)).id for person in (ADA, BEN)}
                async with bench.restarted() as later:
                    found = {account.id for account in later.entry.accounts}
                    expect(
                        found == ids,
                        f"{method}: {len(found & ids)} of {len(ids)} accounts are there: {later.entry.problem}",
                    )
                    for _ in ids:
                        got = await later.ask()
                        expect(got.ok, f"{method}: the client got {got}")

    async def _methods(self) -> tuple[str, ...]:
        """The sign-in methods.

        Raises:
            NotApplicable: there are none.
        """
        methods = (await self.loaded()).info(self.plugin).login_methods
        if not methods:
            raise NotApplicable("nobody signs in: its keys stand in the configuration")
        return methods


REFUSALS: Mapping[str, Mapping[str, str]] = {
    "a refusal": {"error": "access_denied", "state": "{state}"},
    "a made-up code": {"code": GARBAGE, "state": "{state}"},
}


class _Refuser:
    """A browser whose person says no to what waits for them.

    Attributes:
        refused: an address was opened, and refused.
    """

    def __init__(self, fake: FakeRefusal) -> None:
        self._fake = fake
        self.refused = False

    async def __call__(self, url: str, code: str | None) -> None:
        await self._fake.refuse(url, code, ADA)
        self.refused = True


class _Stranger:
    """Takes the sign-in's address to another browser, which comes back without having signed in.

    First it comes back as if from somebody else's sign-in, with another ``state``; then with ``parameters``.

    Attributes:
        came_back: the address led back to this machine at all.
    """

    def __init__(self, bench: Bench, method: str, parameters: Mapping[str, str]) -> None:
        self._parameters = parameters
        self.came_back = False
        self.person = Person(method, self._visit, lambda question: bench.fake.answer(question, ADA))

    async def _visit(self, url: str, code: str | None) -> None:
        query = dict(parse_qsl(urlsplit(url).query))
        back = next((value for value in query.values() if _is_callback(value)), None)
        if back is None:
            self.person.leave()
            return
        state = query.get("state", "")
        await _get(back, {"code": GARBAGE, "state": f"{state}-of-somebody-else"})
        self.came_back = True
        status = await _get(back, {name: value.format(state=state) for name, value in self._parameters.items()})
        if status == 404:  # the provider's page would have gone elsewhere
            self.came_back = False
            self.person.leave()


async def _get(address: str, parameters: Mapping[str, str]) -> int | None:
    """Open the address; gives the status, ``None`` where nobody listens any more."""
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items())
    transport = httpx2.AsyncHTTPTransport(verify=tls_context(), trust_env=False)
    async with httpx2.AsyncClient(transport=transport) as browser:
        try:
            return (await browser.get(f"{address}{'&' if '?' in address else '?'}{query}")).status_code
        except httpx2.TransportError:
            return None


def _is_callback(value: str) -> bool:
    parts = urlsplit(value)
    return parts.scheme == "http" and is_here(parts.hostname or "")
