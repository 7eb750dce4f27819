"""Asking for the models an account can use."""

from __future__ import annotations

from switchgear import Account, Failure, Model, UpstreamClient, UpstreamError
from switchgear_minimax.calls import TIMEOUTS, failure_of, object_in
from switchgear_minimax.errors import is_native_refusal
from switchgear_minimax.models import models_in, next_page
from switchgear_minimax.settings import Settings
from switchgear_minimax.wire import API_KEY, MESSAGES_MODELS_PATH, MODELS_PATH, get

PAGE_SIZE = 100
MAX_PAGES = 20


async def list_all(settings: Settings, account: Account, client: UpstreamClient) -> list[Model]:
    """Every page: a key's from OpenAI's list, a sign-in's from Anthropic's.

    Raises:
        UpstreamError: there is no list, or an empty one, which is taken for none.
    """
    found: dict[str, Model] = {}
    is_key = API_KEY in account.secrets
    params: dict[str, str] = {} if is_key else {"limit": str(PAGE_SIZE)}
    for _ in range(MAX_PAGES):
        page = await _page(settings, account, client, MODELS_PATH if is_key else MESSAGES_MODELS_PATH, params)
        known = len(found)
        found |= {model.id: model for model in models_in(page)}
        last = next_page(page)
        if last is None or len(found) == known:
            break
        params["after_id"] = last
    if not found:
        raise UpstreamError(Failure("protocol", message="the list of models is empty"))
    return list(found.values())


async def _page(
    settings: Settings, account: Account, client: UpstreamClient, path: str, params: dict[str, str]
) -> object:
    response = await client.fetch(get(settings, account, path, params), TIMEOUTS)
    page = object_in(response)
    if response.status_code >= 400 or is_native_refusal(page):
        raise UpstreamError(failure_of(response, f"no list of models: HTTP {response.status_code}"))
    try:
        models_in(page)
    except ValueError as error:
        raise UpstreamError(failure_of(response, f"no list of models: {error}", "protocol")) from None
    return page
