"""Where calls go, and with which headers. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx2

from switchgear import Account, ForwardRequest
from switchgear_minimax.body import fit
from switchgear_minimax.settings import Endpoints, Region, Settings

ACCESS_TOKEN, REFRESH_TOKEN, API_KEY = "access_token", "refresh_token", "api_key"
"""The names of an account's secrets; it has either a key or the tokens."""
REGION, METHOD, CLIENT_ID, SCOPE, RESOURCE = "region", "method", "client_id", "scope", "resource_url"
"""The names of its details."""

PATHS = {
    "anthropic-messages": "/anthropic/v1/messages",
    "openai-chat": "/v1/chat/completions",
    "openai-responses": "/v1/responses",
}
MODELS_PATH = "/v1/models"
MESSAGES_MODELS_PATH = "/anthropic/v1/models"
QUOTA_PATHS = ("/v1/token_plan/remains", "/v1/api/openplatform/coding_plan/remains")
"""The plan's windows: today's path, and the older one."""
BALANCE_PATH = "/account/query_balance"
ANTHROPIC_VERSION = "2023-06-01"
"""Accepted, not required."""

API_HOSTS: dict[Region, frozenset[str]] = {
    "global": frozenset({"api.minimax.io"}),
    "cn": frozenset({"api.minimax.cn", "api.minimaxi.com"}),
}
"""The hosts of a region that its credentials may be sent to."""


def region_of(account: Account) -> Region:
    """The region the account's credential belongs to."""
    return "cn" if account.details.get(REGION) == "cn" else "global"


def api_of(endpoints: Endpoints, account: Account) -> str:
    """The API's base URL for this account.

    That is the operator's, where they set one; else what the sign-in said, if it is a host of the account's region.
    """
    region = region_of(account)
    configured = endpoints.of(region).api
    if configured != type(endpoints.of(region))().api:
        return configured
    return resource_origin(account.details.get(RESOURCE, ""), region) or configured


def resource_origin(resource_url: str, region: Region) -> str | None:
    """The origin of a token response's ``resource_url``; ``None`` unless it is a known host of the region.

    >>> resource_origin("https://api.minimaxi.com/anthropic/v1", "cn")
    'https://api.minimaxi.com'
    >>> resource_origin("https://api.minimaxi.com/anthropic", "global") is None
    True
    """
    try:
        parts = urlsplit(resource_url.strip())
        known = parts.scheme == "https" and parts.netloc in API_HOSTS[region]
    except ValueError:
        return None
    return f"https://{parts.netloc}" if known else None


def is_pay_as_you_go(account: Account) -> bool:
    """Whether the account is a key of the pay-as-you-go API, which has a balance instead of a plan."""
    key = account.secrets.get(API_KEY)
    return key is not None and key.reveal().startswith("sk-api-")


def bearer(account: Account) -> dict[str, str]:
    """The credential's header. Always this one: on ``cn``, ``x-api-key`` was seen to end in an HTTP 500."""
    secret = account.secrets[API_KEY if API_KEY in account.secrets else ACCESS_TOKEN]
    return {"authorization": f"Bearer {secret.reveal()}", "accept": "application/json"}


def get(settings: Settings, account: Account, path: str, params: dict[str, str] | None = None) -> httpx2.Request:
    """A question about the account."""
    return httpx2.Request("GET", api_of(settings.endpoints, account) + path, params=params, headers=bearer(account))


def post(settings: Settings, request: ForwardRequest, account: Account) -> httpx2.Request:
    """The client's request as the service wants it."""
    headers = {**bearer(account), "content-type": "application/json"}
    if request.stream:
        headers["accept"] = "text/event-stream"
    if request.dialect == "anthropic-messages":
        headers["anthropic-version"] = ANTHROPIC_VERSION
    url = api_of(settings.endpoints, account) + PATHS[request.dialect]
    return httpx2.Request("POST", url, headers=headers, content=fit(request))
