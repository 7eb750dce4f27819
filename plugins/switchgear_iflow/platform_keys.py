"""The API key of a signed-in browser session of platform.iflow.cn.

Source: router-for-me/CLIProxyAPI before f5dc6483d (``internal/auth/iflow``) and jc01rho/CLIProxyAPIPlus; read 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2

from switchgear import Failure, Secret, UpstreamClient, UpstreamError
from switchgear_iflow.accounts import local_time, text
from switchgear_iflow.errors import object_in
from switchgear_iflow.service import TIMEOUTS, Refused, refusal
from switchgear_iflow.settings import Settings

_SESSION = re.compile(r"(?:^|[;\s])BXAuth=([^;\s]+)")
DEAD = "the browser session is over: sign in at platform.iflow.cn again, and copy its BXAuth cookie anew"


@dataclass(frozen=True, slots=True)
class PlatformKey:
    """``expires_at`` is Unix seconds, ``None`` where the service does not say; ``api_key`` is empty while masked."""

    name: str
    api_key: str
    expires_at: float | None


def session_cookie(pasted: str) -> Secret | None:
    """The one cookie that is needed, out of what was pasted; ``None`` when it is not in it."""
    found = _SESSION.search(pasted.strip().removeprefix("Cookie:"))
    return None if found is None else Secret(f"BXAuth={found[1]};")


async def shown_key(settings: Settings, client: UpstreamClient, cookie: Secret) -> PlatformKey:
    """What the key page shows; usually the name and a masked key. Raises as :func:`issued_key`."""
    headers = {"cookie": cookie.reveal(), "accept": "application/json"}
    return await _ask(client, httpx2.Request("GET", settings.endpoints.platform_keys, headers=headers))


async def issued_key(settings: Settings, client: UpstreamClient, cookie: Secret, name: str) -> PlatformKey:
    """Have the key of this name issued anew; the one before it is over.

    Raises:
        Refused: the browser session is over.
        UpstreamError: anything else.
    """
    url = settings.endpoints.platform_keys
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    headers = {"cookie": cookie.reveal(), "accept": "application/json", "origin": origin, "referer": origin}
    key = await _ask(client, httpx2.Request("POST", url, headers=headers, json={"name": name}))
    if not key.api_key:
        raise UpstreamError(Failure("protocol", message="iFlow issued no API key"))
    return key


async def _ask(client: UpstreamClient, request: httpx2.Request) -> PlatformKey:
    response = await client.fetch(request, TIMEOUTS)
    answer = object_in(response.content)
    if answer.get("success") is True and isinstance(answer.get("data"), dict):
        return _key(answer["data"])
    status = response.status_code
    is_page = not answer and status < 400
    error = refusal(response, answer, "the key page gave no key")
    if error.failure.status not in {429, 503} and (is_page or answer.get("success") is False or status in {401, 403}):
        raise Refused(Failure("status", status, message=DEAD))
    raise error


def _key(data: Mapping[str, Any]) -> PlatformKey:
    api_key = text(data, "apiKey")
    return PlatformKey(text(data, "name"), "" if "*" in api_key else api_key, local_time(data.get("expireTime")))
