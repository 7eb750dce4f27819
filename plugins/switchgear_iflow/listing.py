"""The models an account may use: those that are known, and where the operator wants it those that iFlow lists."""

from __future__ import annotations

import time
from collections.abc import Sequence

import structlog

from switchgear import Account, Failure, Kind, Model, Timeouts, UpstreamClient, UpstreamError
from switchgear_iflow.errors import business_error, object_in, verdict_on
from switchgear_iflow.models import available
from switchgear_iflow.settings import Settings
from switchgear_iflow.wire import models_request

TIMEOUTS = Timeouts(connect_s=5.0, first_byte_s=15.0, idle_s=10.0, total_s=30.0)
OF_THE_KEY = frozenset({Kind.TOKEN_EXPIRED, Kind.SUSPENDED})

log = structlog.get_logger("switchgear.iflow")


async def list_all(settings: Settings, account: Account, client: UpstreamClient) -> list[Model]:
    """The account's models, without those it was refused lately.

    Raises:
        UpstreamError: the list was to be asked for, and the service failed (a 5xx, no answer), or said that the key
            itself is no good.
    """
    listed = await _listed(settings, account, client) if settings.ask_for_models else []
    return available(account, settings.memory, settings.alias_table, listed)


async def _listed(settings: Settings, account: Account, client: UpstreamClient) -> Sequence[str]:
    """The ids that the service lists; the last ones where it has no list now, which says nothing of its chat."""
    response = await client.fetch(models_request(settings.endpoints.inference, account, time.time()), TIMEOUTS)
    status = response.status_code
    failure = Failure("status", status, dict(response.headers.items()), response.content[:65_536])
    answer = object_in(response.content)
    if status >= 500 or (business_error(answer) is not None and verdict_on(failure).kind in OF_THE_KEY):
        raise UpstreamError(failure)
    if status in {401, 403}:
        return settings.memory.listed(account)
    data = answer.get("data") if status == 200 else None
    found = [entry.get("id") for entry in data if isinstance(entry, dict)] if isinstance(data, list) else []
    ids = [id_ for id_ in found if isinstance(id_, str) and id_ and id_.isprintable() and " " not in id_]
    if not ids and settings.memory.first_time("no list"):
        log.warning("no_model_list", status=status, advice="the built-in list is used; set ask-for-models: false")
    return settings.memory.listed(account, ids)
