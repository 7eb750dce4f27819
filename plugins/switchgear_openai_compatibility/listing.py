"""Asking an upstream for its models."""

from __future__ import annotations

from typing import Literal

import httpx2
import msgspec
import structlog

from switchgear import Account, Failure, Model, Timeouts, UpstreamClient, UpstreamError, redact
from switchgear_openai_compatibility.models import models_in
from switchgear_openai_compatibility.settings import Settings
from switchgear_openai_compatibility.verdicts import verdict_on
from switchgear_openai_compatibility.wire import below, next_page

LONGEST_WAIT_S = 30.0
MAX_PAGES = 20
MAX_ERROR_BYTES = 64 * 1024

log = structlog.get_logger("switchgear.openai-compatibility")


async def list_all(settings: Settings, account: Account, client: UpstreamClient) -> list[Model]:
    """Every page of the model list.

    Raises:
        UpstreamError: there is no list, or not for this key.
    """
    found: dict[str, Model] = {}
    page, url = await _first_page(settings, account, client)
    for _ in range(MAX_PAGES):
        for model in models_in(page):
            found.setdefault(model.id, model)
        following = next_page(page, url)
        if following is None:
            break
        url = following
        page = _json(settings, await _get(settings, url, account, client))
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
    return _json(settings, response), url


async def _get(settings: Settings, url: httpx2.URL, account: Account, client: UpstreamClient) -> httpx2.Response:
    limits = settings.timeouts.timeouts()
    timeouts = Timeouts(limits.connect_s, min(limits.first_byte_s, LONGEST_WAIT_S), min(limits.idle_s, LONGEST_WAIT_S))
    return await client.fetch(settings.target.get(url, account), timeouts)


def _is_elsewhere(response: httpx2.Response) -> bool:
    """Whether nobody of the kind is there: a 404, or a web page."""
    return response.status_code == 404 or response.headers.get("content-type", "").lower().startswith("text/html")


def _json(settings: Settings, response: httpx2.Response) -> object:
    status = response.status_code
    if status >= 400:
        raise _refused(settings, response, "status")
    if status >= 300:
        raise _refused(settings, response, "protocol", "a redirect is not followed, it could carry the key elsewhere")
    try:
        page: object = msgspec.json.decode(response.content)
        models_in(page)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _refused(settings, response, "protocol", "the list of models is no JSON") from None
    except ValueError as error:
        raise _refused(settings, response, "protocol", str(error)) from None
    return page


def _refused(
    settings: Settings, response: httpx2.Response, cause: Literal["status", "protocol"], problem: str = ""
) -> UpstreamError:
    headers = dict(response.headers.items())
    body = response.content[:MAX_ERROR_BYTES]
    failure = Failure(cause, response.status_code, headers, body, message=problem)
    words = verdict_on(failure, str(settings.target.suggestion or "")).message
    message = redact(f"HTTP {response.status_code}: {words}")
    return UpstreamError(Failure(cause, response.status_code, headers, body, message))
