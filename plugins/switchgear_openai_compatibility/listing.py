"""Asking an upstream for its models."""

from __future__ import annotations

import httpx2
import structlog

from switchgear import Account, Model, Timeouts, UpstreamClient
from switchgear_openai_compatibility.answers import json_of, refused
from switchgear_openai_compatibility.models import models_in
from switchgear_openai_compatibility.settings import Settings
from switchgear_openai_compatibility.wire import below, next_page

LONGEST_WAIT_S = 30.0
MAX_PAGES = 20

log = structlog.get_logger("switchgear.openai-compatibility")


async def list_all(settings: Settings, account: Account, client: UpstreamClient) -> list[Model]:
    """Every page of the model list.

    Raises:
        UpstreamError: there is no list, or not for this key.
    """
    found: dict[str, Model] = {}
    page, url = await _first_page(settings, account, client)
    for _ in range(MAX_PAGES):
        known = len(found)
        for model in models_in(page):
            found.setdefault(model.id, model)
        following = next_page(page, url)
        if following is None or len(found) == known:
            break
        url = following
        page = _page(settings, await _get(settings, url, account, client))
    return list(found.values())


async def _first_page(settings: Settings, account: Account, client: UpstreamClient) -> tuple[object, httpx2.URL]:
    target = settings.target
    url, suggestion = target.models_url, target.suggestion
    response = await _get(settings, url, account, client)
    if suggestion is not None and not target.probed and _is_elsewhere(response):
        target.probed = True
        probed_url = below(suggestion, settings.models_path)
        probed = await _get(settings, probed_url, account, client)
        if not _is_elsewhere(probed):
            problem = f"{target.base} lists no models, {suggestion} does and is used: write it as base-url"
            log.warning("base_url_without_path", provider=settings.name, problem=problem)
            target.move(suggestion)
            response, url = probed, probed_url
    return _page(settings, response), url


async def _get(settings: Settings, url: httpx2.URL, account: Account, client: UpstreamClient) -> httpx2.Response:
    limits = settings.timeouts.timeouts()
    timeouts = Timeouts(limits.connect_s, min(limits.first_byte_s, LONGEST_WAIT_S), min(limits.idle_s, LONGEST_WAIT_S))
    return await client.fetch(settings.target.get(url, account), timeouts)


def _is_elsewhere(response: httpx2.Response) -> bool:
    """Whether nobody of the kind is there: a 404, or a web page."""
    return response.status_code == 404 or response.headers.get("content-type", "").lower().startswith("text/html")


def _page(settings: Settings, response: httpx2.Response) -> object:
    page = json_of(settings, response)
    try:
        models_in(page)
    except ValueError as error:
        raise refused(settings, response, "protocol", str(error)) from None
    return page
