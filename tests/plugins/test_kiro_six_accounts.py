"""Six accounts of Kiro that have most things in common, of which none may take another's place.

All have one e-mail address; the social ones share a profile's ARN, the Builder IDs a start URL and a registration, and
those of the organisation all three.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from switchgear import Account
from switchgear_kiro.account import Credential
from switchgear_kiro.fake import FakeKiro
from tests.plugins.kiro_service import Served, served
from tests.stores import store

SIX = (
    ("ada", "social"),
    ("ben", "social"),
    ("ada", "builder-id"),
    ("ben", "builder-id"),
    ("ada", "idc"),
    ("ben", "idc"),
)
"""Who signs in, and how, in this order."""
TURNS = 12
"""So many requests, and each account has had its turn twice."""
ROUND_ROBIN: dict[str, Any] = {"routing": {"strategy": "round-robin"}}


@dataclass(frozen=True)
class Seen:
    """What the fake saw of a round of requests."""

    users: frozenset[str]
    bearers: frozenset[str]


@dataclass
class Folder:
    """The auth directory, as it lies on the disk."""

    path: Path

    @property
    def files(self) -> dict[str, bytes]:
        return {file.name: file.read_bytes() for file in self.path.glob("*.json")}

    @property
    def credentials(self) -> dict[str, Credential]:
        """By the name of the file."""
        found = store(self.path, "kiro")
        return {found.path(account.id).name: Credential.of(account) for account in found.load()}

    def touched_since(self, before: Mapping[str, bytes]) -> tuple[set[str], set[str]]:
        """The files that are new or not what they were, and those that are gone."""
        after = self.files
        return {name for name in after if after[name] != before.get(name)}, before.keys() - after.keys()

    def name(self, account: Account) -> str:
        """Of the account's file."""
        return store(self.path, "kiro").path(account.id).name


async def round_of(up: Served) -> Seen:
    """Each account has its turn; whose the calls were that were let in, and what they bore."""
    calls = up.fake.runtime.calls
    before = len(calls)
    answers = [await up.ask("openai-chat", stream=number % 2 == 0) for number in range(TURNS)]
    assert {answer.status_code for answer in answers} == {200}
    asked = calls[before:]
    assert len(asked) == TURNS
    bearers = frozenset(call.headers["authorization"].removeprefix("Bearer ") for call in asked)
    return Seen(frozenset(call.user.user_id for call in asked), bearers)


async def sign_in_one_after_another(up: Served, folder: Folder) -> list[Account]:
    """All six; at each sign-in the files of the others stay as they are, to the byte."""
    accounts = []
    for name, method in SIX:
        before = folder.files
        account = await up.sign_in(name, method)
        assert folder.touched_since(before) == ({folder.name(account)}, set())
        accounts.append(account)
    return accounts


async def refresh_one_after_another(up: Served, folder: Folder) -> None:
    """Each as if its token had been refused; likewise."""
    for account in up.entry.accounts:
        before = folder.files
        fresh = await up.entry.refresh(account)
        assert folder.touched_since(before) == ({folder.name(account)}, set())
        assert fresh.id == account.id
        assert fresh.secrets != account.secrets


def ids(accounts: Iterable[Account]) -> list[str]:
    return [account.id for account in accounts]


@pytest.mark.parametrize("hidden", [set(), {"email"}], ids=["one address", "no address is told"])
async def test_none_takes_anothers_place(tmp_path: Path, hidden: set[str]) -> None:
    folder = Folder(tmp_path / "auth")
    async with FakeKiro() as fake:
        fake.management.hides = hidden
        async with served(tmp_path, fake, others=ROUND_ROBIN) as up:
            first = await sign_in_one_after_another(up, folder)
            names = folder.files.keys()
            labels = {account.label for account in up.entry.accounts}
            assert len(set(ids(first))) == len(names) == len(labels) == 6
            assert sorted(label.rpartition("-")[0] for label in labels) == sorted(method for _, method in SIX)
            assert_they_have_most_things_in_common(folder)
            one = await round_of(up)
            assert len(one.users) == len(one.bearers) == 6

            assert ids(await sign_in_one_after_another(up, folder)) == ids(first)
            two = await round_of(up)
            assert (two.users, len(two.bearers)) == (one.users, 6)
            assert not two.bearers & one.bearers, "each is served by its own new token"

            await refresh_one_after_another(up, folder)
            assert fake.refreshes == 6
            three = await round_of(up)
            assert (three.users, len(three.bearers)) == (one.users, 6)
            assert not three.bearers & two.bearers
            users = {name: credential.user_id for name, credential in folder.credentials.items()}

        async with served(tmp_path, fake, others=ROUND_ROBIN) as later:
            assert await round_of(later) == three, "a restart costs no refresh, and no account"
            assert fake.refreshes == 6
            fake.expire()
            four = await round_of(later)
            assert (four.users, len(four.bearers), fake.refreshes) == (one.users, 6, 12)
            assert ids(await sign_in_one_after_another(later, folder)) == ids(first)
            assert (await round_of(later)).users == one.users
            assert {account.label for account in later.entry.accounts} == labels

        assert folder.files.keys() == names
        assert {name: credential.user_id for name, credential in folder.credentials.items()} == users
        assert len(set(users.values())) == 6


def assert_they_have_most_things_in_common(folder: Folder) -> None:
    """Else six files would prove little."""
    found = list(folder.credentials.values())
    shared = [
        {(each.method, getattr(each, name)) for each in found}
        for name in ("profile_arn", "start_url", "client_id", "email")
    ]
    assert [len(values) for values in shared] == [3, 3, 3, 3]


async def test_one_that_is_spent_takes_nobody_with_it_and_comes_back_to_its_own_file(tmp_path: Path) -> None:
    """The refresh token of one account is revoked, then its owner signs in again."""
    folder = Folder(tmp_path / "auth")
    async with served(tmp_path, others=ROUND_ROBIN) as up:
        spent = (await sign_in_one_after_another(up, folder))[1]
        names = folder.files.keys()
        grant = up.fake.sign_in.people.refreshable(Credential.of(spent).refresh_token)
        assert grant is not None
        grant.access.clear()
        grant.refresh = ""
        assert len((await round_of(up)).users) == 5, "and no client feels it"
        states = {up.running.service.account_state(up.entry, account) for account in up.entry.accounts}
        assert states == {"ready", "auth_failed"}
        before = folder.files
        assert (await up.sign_in(*SIX[1])).id == spent.id
        assert folder.touched_since(before) == ({folder.name(spent)}, set())
        assert len((await round_of(up)).users) == 6
        assert folder.files.keys() == names
