"""MiniMax's token endpoint: what it is sent, and what its answers mean. It is no standard server.

Times are milliseconds, a poll that waits is a 200, and errors come in three envelopes at any status. So the body
decides, and the status only where the body says nothing. Source: CLIProxyAPI, openclaw and hermes-agent, read 2026-11.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import httpx2
import msgspec

from switchgear import Failure, LoginFailed, Secret, Timeouts, UpstreamClient, UpstreamError
from switchgear_minimax.calls import Json, failure_of, object_in

DEFAULT_LIFETIME_S = 3600.0
"""Of an access token whose answer does not say; real ones were seen to live for two hours, and for two days."""
SECONDS_BELOW, MILLISECONDS_FROM = 1e9, 1e12
STOP = frozenset({"error", "denied", "failed"})
SPENT = re.compile(r"\b(invalid_grant|refresh_token_reused|invalid_refresh_token|invalid_token)\b")
"""Words, in whatever envelope, after which a refresh token is worth nothing."""

State = Literal["pending", "slow_down", "success", "refused", "unclear"]


@dataclass(frozen=True, slots=True)
class Tokens:
    """A token response. ``expires_at`` is Unix seconds; ``subject`` is who signed in, where the answer says so at all.

    ``notice`` is what the service wants the person to read.
    """

    access_token: Secret
    refresh_token: Secret | None
    expires_at: float
    scope: str
    resource_url: str
    notice: str
    subject: str | None


async def post_form(client: UpstreamClient, url: str, form: Mapping[str, str], timeouts: Timeouts) -> httpx2.Response:
    """Post a form; a redirect is an error that names the new host: following it could carry the tokens elsewhere.

    Raises:
        UpstreamError: there is no answer, or a redirect.
    """
    headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
    request = httpx2.Request("POST", url, headers=headers, content=str(httpx2.QueryParams(form)).encode())
    response = await client.fetch(request, timeouts)
    if 300 <= response.status_code < 400:
        raise UpstreamError(Failure("protocol", response.status_code, message=_moved(request.url, response)))
    return response


def _moved(url: httpx2.URL, response: httpx2.Response) -> str:
    try:
        new = url.join(response.headers.get("location", "")).host
    except (httpx2.InvalidURL, ValueError):
        new = ""
    where = f"to {new}" if new and new != url.host else "elsewhere"
    return f"{url.host} sends sign-ins {where}; if that is right, write it as the region's account host in endpoints"


def state_of(response: httpx2.Response) -> State:
    """What an answer of the token endpoint says: by its body first, at any status."""
    answer = object_in(response)
    status, error = answer.get("status"), answer.get("error")
    if status == "pending" or error == "authorization_pending":
        return "pending"
    if error == "slow_down":
        return "slow_down"
    if error or status in STOP or _native_code(answer):
        return "refused"
    passing = response.status_code in {408, 429} or response.status_code >= 500
    if response.status_code >= 300:
        return "unclear" if passing else "refused"
    if status == "success" or (status is None and "access_token" in answer):
        return "success"
    return "unclear"


def words_of(response: httpx2.Response) -> str:
    """What the service said, for a person: the error and its description, or the status."""
    answer = object_in(response)
    native = answer.get("base_resp")
    told = native.get("status_msg") if isinstance(native, dict) else None
    error = answer.get("error")
    if isinstance(error, dict):
        error = error.get("message")
    words = (error, answer.get("error_description"), told, answer.get("message"))
    said = ": ".join(word.strip()[:200] for word in words if isinstance(word, str) and word.strip())
    return said or f"HTTP {response.status_code}"


def is_spent(response: httpx2.Response) -> bool:
    """Whether the refusal of a refresh is final."""
    if response.status_code >= 500 or response.status_code in {408, 429}:
        return False
    answer = object_in(response)
    native, error = answer.get("base_resp"), answer.get("error")
    places = (answer, native if isinstance(native, dict) else {}, error if isinstance(error, dict) else {})
    words = (
        p.get(name) for p in places for name in ("error", "code", "type", "message", "status_msg", "error_description")
    )
    return any(isinstance(word, str) and SPENT.search(word) for word in words)


def tokens_in(answer: Json, now: float) -> Tokens | None:
    """The tokens of a successful answer; ``None`` where there is none."""
    access, refresh = answer.get("access_token"), answer.get("refresh_token")
    if not isinstance(access, str) or not access:
        return None
    given = next((answer[name] for name in ("expired_in", "expires_in") if answer.get(name) is not None), None)
    return Tokens(
        Secret(access),
        Secret(refresh) if isinstance(refresh, str) and refresh else None,
        moment(given, now) or now + DEFAULT_LIFETIME_S,
        _text(answer.get("scope")),
        _text(answer.get("resource_url")),
        _text(answer.get("notification_message"))[:500],
        _subject(answer.get("id_token")),
    )


def moment(value: object, now: float) -> float | None:
    """A time as the service writes it, as Unix seconds; ``None`` where it is none.

    Below 1e9 it is seconds from ``now``, below 1e12 Unix seconds, else Unix milliseconds.

    >>> moment(7200, 1_780_000_000.0), moment(1_780_000_000, 0.0), moment("1780000000000", 0.0)
    (1780007200.0, 1780000000.0, 1780000000.0)
    """
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else 0.0
    except ValueError:
        return None
    if not 0 < number < 1e15:
        return None
    if number < SECONDS_BELOW:
        return now + number
    return number if number < MILLISECONDS_FROM else number / 1000


def checked_start(response: httpx2.Response, state: str, now: float) -> tuple[str, str, float, float | None]:
    """Read the answer to a request for a code.

    Returns:
        The code, the address to open, the code's deadline (Unix seconds), and the pause between polls in seconds
        (``None`` where it does not say).

    Raises:
        LoginFailed: the service refused, or answered another request than ours.
        UpstreamError: it failed.
    """
    answer = object_in(response)
    if response.status_code >= 500 or response.status_code == 429:
        raise UpstreamError(failure_of(response, f"no sign-in now: {words_of(response)}"))
    code, url, deadline = (answer.get(name) for name in ("user_code", "verification_uri", "expired_in"))
    if response.status_code >= 300 or not isinstance(code, str) or not isinstance(url, str) or not code:
        raise LoginFailed(
            f"MiniMax gives no code to sign in with ({words_of(response)}); check oauth-client and endpoints"
        )
    if answer.get("state") != state:
        raise LoginFailed("the answer belongs to another sign-in (its state differs); start again")
    if not url.startswith(("https://", "http://")):
        raise LoginFailed("MiniMax names no address to open; start again later")
    interval = answer.get("interval")
    interval_s = interval / 1000 if isinstance(interval, int | float) and interval > 0 else None
    return code, url, moment(deadline, now) or now, interval_s


def _native_code(answer: Json) -> int:
    native = answer.get("base_resp")
    code = native.get("status_code") if isinstance(native, dict) else 0
    return code if isinstance(code, int) else 0


def _subject(id_token: object) -> str | None:
    """Who an ``id_token`` is about; its signature is not looked at: it came over TLS from who made it.

    Nobody has seen one yet (2026-10), though the scope ``openid`` is asked for.
    """
    parts = id_token.split(".") if isinstance(id_token, str) else []
    if len(parts) != 3:
        return None
    try:
        claims = msgspec.json.decode(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, msgspec.DecodeError):
        return None
    subject = claims.get("sub") if isinstance(claims, dict) else None
    return subject if isinstance(subject, str) and subject else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
