"""Asking for the models an account can use."""

from __future__ import annotations

import structlog

from switchgear import Account, Failure, Model, UpstreamClient, UpstreamError
from switchgear_cursor.account import Credential
from switchgear_cursor.calls import Json, ask
from switchgear_cursor.endpoints import AVAILABLE_MODELS, USABLE_MODELS
from switchgear_cursor.models import catalogue_of
from switchgear_cursor.settings import CursorSettings

WITH_VARIANTS: Json = {"useModelParameters": True, "doNotUseMarkdown": True}

log = structlog.get_logger("switchgear.cursor")


async def list_all(settings: CursorSettings, account: Account, client: UpstreamClient) -> list[Model]:
    """The account's list; what the wire wants for each model is kept for later requests.

    Raises:
        UpstreamError: there is no list, or an empty one, which is taken for none.
    """
    token = Credential.of(account).access_token
    usable = await ask(settings, token, client, USABLE_MODELS)
    try:
        available = await ask(settings, token, client, AVAILABLE_MODELS, WITH_VARIANTS)
    except UpstreamError as error:  # the ids are enough to serve
        log.warning("model_variants_unknown", account=account.label, problem=str(error))
        available = {}
    try:
        catalogue = catalogue_of(usable, available)
    except ValueError as error:
        raise UpstreamError(Failure("protocol", message=f"no list of models: {error}")) from None
    if not catalogue.listed:
        raise UpstreamError(Failure("protocol", message="the list of models is empty"))
    settings.memory.of(account.id).catalogue = catalogue
    return [listed.model for listed in catalogue.listed.values()]
