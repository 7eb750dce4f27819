"""``/v0/quota``: what is left of each account's quota."""

from __future__ import annotations

import time

from switchgear.assembly import Service
from switchgear.errors import Refusal
from switchgear.http.management.accounts import AccountHandlers
from switchgear.http.management.call import Answer, Call
from switchgear.metrics.report import quota_report, rfc3339
from switchgear.secret import redact
from switchgear.snapshots import quota_rows


class QuotaHandlers:
    """Shows the last readings, or asks the providers now."""

    def __init__(self, service: Service, accounts: AccountHandlers) -> None:
        self._service = service
        self._accounts = accounts

    async def show(self, call: Call) -> Answer:
        """``GET /v0/quota?provider=NAME&fresh=1``; what could not be read is named, and the reading before it stays."""
        query = call.query("provider", "fresh")
        fresh = query.get("fresh", "0")
        if fresh not in {"0", "1"}:
            raise Refusal(400, "invalid_query", "fresh must be 0 or 1")
        service, runtime = self._service, self._service.current
        wanted = query.get("provider")
        entries = runtime.entries if wanted is None else (self._accounts.entry(wanted),)
        tells = [entry for entry in entries if runtime.plugins.implements(entry.provider.key, "read_quota")]
        if fresh == "1":
            await service.quotas.read_again(tells, runtime.plugins)
        return Answer(
            {
                "generated_at": rfc3339(time.time()),
                "quota": [
                    {"provider": entry.name, **row}
                    for entry in tells
                    for row in quota_report(quota_rows(service, entry), with_accounts=True)
                ],
                "problems": [
                    {"provider": entry.name, "account": account.label, "problem": redact(problem)}
                    for entry in tells
                    for account in entry.accounts
                    if (problem := service.quotas.problem(entry.name, account.id))
                ],
                "unread": [
                    {"provider": entry.name, "account": account.label}
                    for entry in tells
                    for account in entry.accounts
                    if account.may_be_asked and service.quotas.unread(entry.name, account.id)
                ],
                "untold": [entry.name for entry in entries if entry not in tells],
            }
        )
