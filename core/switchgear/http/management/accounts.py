"""``/v0/accounts``: seeing accounts, and changing them."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from switchgear import account_edits, account_list
from switchgear.account_edits import EditError
from switchgear.account_list import Found, NoAccountError, SeveralAccountsError
from switchgear.accounts import Entry
from switchgear.assembly import Service
from switchgear.errors import Refusal
from switchgear.http.management.call import Answer, Call, near
from switchgear.secret import redact
from switchgear.types import Account


class Changes(Struct, forbid_unknown_fields=True, rename="kebab"):
    """The body of a ``PATCH``: what is there is changed; ``null`` goes back to what the plugin says."""

    label: str | UnsetType | None = UNSET
    disabled: bool | UnsetType | None = UNSET
    priority: int | UnsetType | None = UNSET
    weight: int | UnsetType | None = UNSET
    proxy_url: str | UnsetType | None = UNSET


class AccountHandlers:
    """Work on the entries of the current configuration."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def list(self, call: Call) -> Answer:
        """``GET /v0/accounts?provider=NAME``."""
        wanted = call.query("provider").get("provider")
        if wanted is not None:
            found = await account_list.rows(self._service, [self.entry(wanted)])
        else:
            found = await account_list.rows(self._service, self._service.current.entries)
            found += await account_list.strangers(self._service)
        return Answer({"accounts": [row.fields() for row in found]})

    async def show(self, call: Call) -> Answer:
        """``GET /v0/accounts/PROVIDER/ACCOUNT``."""
        call.query()
        entry, found = self.find(call, *call.parts)
        if found.account is None:
            rows = await account_list.rows(self._service, [entry])
            return Answer(next(row.fields() for row in rows if row.file == found.file))
        return await self._shown(entry, found.account)

    async def change(self, call: Call) -> Answer:
        """``PATCH /v0/accounts/PROVIDER/ACCOUNT``."""
        entry, account = self.usable(call, *call.parts)
        given: dict[str, Any] = msgspec.structs.asdict(await call.body(Changes))
        changes = {name: value for name, value in given.items() if value is not UNSET}
        try:
            edited = await account_edits.edit(entry, account, changes)
        except EditError as error:
            raise Refusal(400, "invalid_field", str(error)) from None
        self._service.current.catalog.rebuild()
        return await self._shown(entry, edited)

    async def refresh(self, call: Call) -> Answer:
        """``POST /v0/accounts/PROVIDER/ACCOUNT/refresh``."""
        entry, account = self.usable(call, *call.parts)
        try:
            fresh = await account_edits.refresh(self._service, entry, account)
        except EditError as error:
            raise Refusal(409, "not_refreshed", str(error)) from None
        return await self._shown(entry, fresh)

    async def remove(self, call: Call) -> Answer:
        """``DELETE /v0/accounts/PROVIDER/ACCOUNT``."""
        entry, found = self.find(call, *call.parts)
        try:
            await account_edits.remove(entry, found)
        except EditError as error:
            raise Refusal(409, "not_removable", str(error)) from None
        self._service.current.catalog.rebuild()
        return Answer({"provider": call.provider, "account": call.account, "removed": True})

    def entry(self, name: str) -> Entry:
        """The entry called so.

        Raises:
            Refusal: 404; the message has the names most like it.
        """
        runtime = self._service.current
        for entry in runtime.entries:
            if entry.name == name:
                return entry
        if name in runtime.broken:
            why = redact(runtime.broken[name])
            raise Refusal(404, "unknown_provider", f"the plugin of {name} cannot be used: {why}")
        hint = near(name, [entry.name for entry in runtime.entries])
        raise Refusal(404, "unknown_provider", f"no provider is named {name[:64]!r}; {hint}")

    def find(self, call: Call, provider: str, name: str) -> tuple[Entry, Found]:
        """The account called ``name``, noted in ``call`` for the audit log.

        Raises:
            Refusal: 404, no such provider or account; 409, the name fits several.
        """
        entry = self.entry(provider)
        call.provider = entry.name
        try:
            found = account_list.find(entry, name)
        except NoAccountError as error:
            raise Refusal(404, "unknown_account", str(error)) from None
        except SeveralAccountsError as error:
            raise Refusal(409, "ambiguous_account", str(error)) from None
        call.account = found.file.removesuffix(".json")
        return entry, found

    def usable(self, call: Call, provider: str, name: str) -> tuple[Entry, Account]:
        """As :meth:`find`, but for a file that holds no usable account.

        Raises:
            Refusal: likewise.
        """
        entry, found = self.find(call, provider, name)
        if found.account is None:
            raise Refusal(409, "account_not_usable", f"{found.file}: {entry.store.problems[found.file]}")
        return entry, found.account

    async def _shown(self, entry: Entry, account: Account) -> Answer:
        return Answer(await asyncio.to_thread(account_list.shown, self._service, entry, account))
