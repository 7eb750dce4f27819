"""Calls about an account: its models, its profiles, its limits. They differ by host and are the same otherwise."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any, Literal

import httpx2
import msgspec

from switchgear import Failure, Timeouts, UpstreamClient, UpstreamError
from switchgear_kiro.account import Credential
from switchgear_kiro.arns import api_region, arn_for
from switchgear_kiro.endpoints import control_base
from switchgear_kiro.errors import read_error, verdict
from switchgear_kiro.headers import call_headers
from switchgear_kiro.settings import KiroSettings
from switchgear_kiro.variants import AWS_JSON, REST_JSON, ControlVariant

Json = Mapping[str, Any]
Operation = Literal["ListAvailableModels", "ListAvailableProfiles", "GetUsageLimits"]

TIMEOUTS = Timeouts(connect_s=10.0, first_byte_s=30.0, idle_s=30.0, total_s=60.0)
MAX_FAILURE_BYTES = 64 * 1024
MAX_PAGES = 20

LEGACY_SERVICE, BEARER_SERVICE = "AmazonCodeWhispererService", "KiroControlPlaneBearerService"
_REST_PATHS: dict[Operation, str] = {
    "ListAvailableModels": "/ListAvailableModels",
    "GetUsageLimits": "/getUsageLimits",
}
"""Operations that generation 2 has below a path of their own."""


def control_arn(settings: KiroSettings, credential: Credential) -> str:
    """The ARN a control-plane call of this account names; empty for none."""
    return arn_for(credential, 3 if settings.calls.of(credential.method).control == "management" else 2)


async def ask(
    settings: KiroSettings,
    credential: Credential,
    client: UpstreamClient,
    operation: Operation,
    fields: Mapping[str, str | int | bool],
    region: str = "",
) -> Json:
    """One call. ``region`` is the account's own unless given.

    Raises:
        UpstreamError: it failed, or the answer is no JSON object.
    """
    variant = settings.calls.of(credential.method).control
    base = control_base(settings, variant, region or api_region(settings, credential))
    request = _request(settings, credential, variant, base, operation, fields)
    response = await client.fetch(request, TIMEOUTS)
    if response.status_code >= 400:
        raise UpstreamError(_refusal(response, operation))
    try:
        answer = msgspec.json.decode(response.content)
    except (msgspec.DecodeError, RecursionError):
        answer = None
    if response.status_code >= 300 or not isinstance(answer, dict):
        raise UpstreamError(_failure(response, f"{operation}: the answer is no JSON object", "protocol"))
    return answer


async def pages(
    settings: KiroSettings,
    credential: Credential,
    client: UpstreamClient,
    operation: Operation,
    fields: Mapping[str, str | int | bool],
    region: str = "",
) -> AsyncIterator[Json]:
    """The same call, page by page.

    Raises:
        UpstreamError: a page cannot be had.
    """
    token = ""
    for _ in range(MAX_PAGES):
        asked = {**fields, "nextToken": token} if token else fields
        page = await ask(settings, credential, client, operation, asked, region)
        yield page
        following = page.get("nextToken")
        if not isinstance(following, str) or not following or following == token:
            return
        token = following


def _request(
    settings: KiroSettings,
    credential: Credential,
    variant: ControlVariant,
    base: str,
    operation: Operation,
    fields: Mapping[str, str | int | bool],
) -> httpx2.Request:
    if variant == "q" and operation in _REST_PATHS:
        query = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in fields.items()}
        headers = call_headers(settings, credential, REST_JSON)
        return httpx2.Request("GET", base + _REST_PATHS[operation], params=query, headers=headers)
    # A capture of kiro-cli has the profiles under the older service's name on every host (2026-10).
    legacy = variant != "management" or operation == "ListAvailableProfiles"
    target = f"{LEGACY_SERVICE if legacy else BEARER_SERVICE}.{operation}"
    headers = call_headers(settings, credential, AWS_JSON, target)
    return httpx2.Request("POST", f"{base}/", headers=headers, content=msgspec.json.encode(fields))


def _refusal(response: httpx2.Response, operation: Operation) -> Failure:
    """What came instead of an answer, with the service's own words where it has some."""
    failure = _failure(response, f"{operation}: HTTP {response.status_code}")
    found = verdict(failure)
    if found is None or not read_error(failure.body, failure.headers).message:
        return failure
    return replace(failure, message=f"{failure.message}: {found.message}")


def _failure(response: httpx2.Response, message: str, cause: Literal["status", "protocol"] = "status") -> Failure:
    headers = dict(response.headers.items())
    return Failure(cause, response.status_code, headers, response.content[:MAX_FAILURE_BYTES], message)
