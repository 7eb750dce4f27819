"""Clerk's front-end API: a ticket becomes a session, a session becomes tokens of one minute.

Source: packages/cloud/src/WebAuthService.ts of RooCodeInc/Roo-Code, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx2
import msgspec

from switchgear import Failure, LoginFailed, LoginRequired, Secret, Timeouts, UpstreamClient, UpstreamError
from switchgear_roo.claims import read_claims
from switchgear_roo.identity import fit_session_id, unfit_token

TIMEOUTS = Timeouts(connect_s=10.0, first_byte_s=10.0, idle_s=10.0, total_s=10.0)
MAX_FAILURE_BYTES = 65_536
DEAD = frozenset({401, 404})
"""The session is over, or its client token is worth nothing."""


@dataclass(frozen=True, slots=True)
class SessionToken:
    """A minted token. ``expires_at`` is Unix seconds; ``client_token`` is a new one, ``None`` where none came."""

    jwt: Secret
    expires_at: float
    client_token: Secret | None = None


async def redeem(client: UpstreamClient, base: str, ticket: str) -> tuple[Secret, str]:
    """Trade a ticket, which is good once, for a client token and a session id.

    The client token comes in the header ``Authorization``, bare, and nowhere else.

    Raises:
        LoginFailed: the ticket was refused, or no session came of it.
        UpstreamError: Clerk could not be asked, or failed.
    """
    response = await _send(client, "POST", f"{base}/v1/client/sign_ins", None, {"strategy": "ticket", "ticket": ticket})
    if response.status_code in {400, 401, 403, 404, 422}:
        said = _words(response.content)
        detail = f" ({said})" if said else ""
        raise LoginFailed(f"the ticket was refused{detail}; start again with: switchgear login")
    answer = _object(response)
    client_token = response.headers.get("authorization", "").strip()
    session_id = _text(_inner(answer), "created_session_id")
    if unfit_token(client_token):
        raise LoginFailed("the sign-in brought no client token; start again with: switchgear login")
    if not fit_session_id(session_id):
        raise LoginFailed("the sign-in made no session; start again with: switchgear login")
    return Secret(client_token), session_id


async def mint(
    client: UpstreamClient, base: str, client_token: Secret, session_id: str, organization_id: str | None
) -> SessionToken:
    """A session token of about a minute.

    Args:
        client: core's.
        base: Clerk's address.
        client_token: of the sign-in.
        session_id: of the sign-in.
        organization_id: sent as it is, also when it is empty; not sent when it is ``None``.

    Raises:
        LoginRequired: 401 or 404; the session is over.
        UpstreamError: anything else; the session may still be good.
    """
    form = {"_is_native": "1"}
    if organization_id is not None:
        form["organization_id"] = organization_id
    response = await _send(client, "POST", f"{base}/v1/client/sessions/{session_id}/tokens", client_token, form)
    if response.status_code in DEAD:
        raise LoginRequired(_failure(response, "the session has ended; sign in again with: switchgear login"))
    token = _text(_object(response), "jwt")
    claims = read_claims(token)
    if unfit_token(token) or claims is None or claims.expires_at is None:
        raise UpstreamError(Failure("protocol", message="Clerk's answer holds no session token that says its expiry"))
    renewed = response.headers.get("authorization", "").strip()
    changed = bool(renewed) and not unfit_token(renewed) and renewed != client_token.reveal()
    return SessionToken(Secret(token), claims.expires_at, Secret(renewed) if changed else None)


async def who(client: UpstreamClient, base: str, client_token: Secret) -> tuple[str, str]:
    """The person's user id and primary e-mail; the latter is empty where there is none.

    Raises:
        UpstreamError: it could not be asked for, or the answer names nobody.
    """
    person = _inner(_object(await _send(client, "GET", f"{base}/v1/me", client_token)))
    user_id = _text(person, "id")
    if not user_id:
        raise UpstreamError(Failure("protocol", message="Clerk's answer does not say who signed in"))
    primary = person.get("primary_email_address_id")
    addresses = person.get("email_addresses")
    for address in addresses if isinstance(addresses, list) else ():
        if isinstance(address, dict) and primary is not None and address.get("id") == primary:
            return user_id, _text(address, "email_address")
    return user_id, ""


async def organization_name(client: UpstreamClient, base: str, client_token: Secret, organization_id: str) -> str:
    """The organisation's slug, or its name; empty where the person's memberships do not tell."""
    url = f"{base}/v1/me/organization_memberships"
    try:
        answer = _object(await _send(client, "GET", url, client_token))
    except UpstreamError:
        return ""  # it only names the account for people
    memberships = answer.get("response")
    for membership in memberships if isinstance(memberships, list) else ():
        organization = membership.get("organization") if isinstance(membership, dict) else None
        if isinstance(organization, dict) and organization.get("id") == organization_id:
            return _text(organization, "slug") or _text(organization, "name")
    return ""


async def _send(
    client: UpstreamClient, method: str, url: str, client_token: Secret | None, form: Mapping[str, str] | None = None
) -> httpx2.Response:
    headers = {"accept": "application/json"}
    if client_token is not None:
        headers["authorization"] = f"Bearer {client_token.reveal()}"
    if form is None:
        return await client.fetch(httpx2.Request(method, url, headers=headers), TIMEOUTS)
    headers["content-type"] = "application/x-www-form-urlencoded"
    return await client.fetch(httpx2.Request(method, url, headers=headers, content=urlencode(form).encode()), TIMEOUTS)


def _object(response: httpx2.Response) -> Mapping[str, Any]:
    """The JSON object of a good answer."""
    if response.status_code >= 300:
        raise UpstreamError(_failure(response, f"Clerk answered HTTP {response.status_code}"))
    answer = _decoded(response.content)
    if answer is None:
        raise UpstreamError(Failure("protocol", message="Clerk's answer is no JSON object"))
    return answer


def _failure(response: httpx2.Response, message: str) -> Failure:
    """A refusal is no fault of the request that needed the token, so it is not told by its status."""
    said = _words(response.content)
    passes = response.status_code in {408, 429} or response.status_code >= 500
    return Failure(
        "status" if passes else "protocol",
        response.status_code,
        dict(response.headers.items()),
        response.content[:MAX_FAILURE_BYTES],
        f"{message} ({said})" if said else message,
    )


def _words(body: bytes) -> str:
    """What Clerk says in ``{"errors": [{"code", "message", "long_message", "meta"}], "clerk_trace_id"}``."""
    errors = (_decoded(body) or {}).get("errors")
    first = errors[0] if isinstance(errors, list) and errors else None
    if not isinstance(first, dict):
        return ""
    return (_text(first, "long_message") or _text(first, "message") or _text(first, "code"))[:300]


def _decoded(body: bytes) -> Mapping[str, Any] | None:
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def _inner(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = answer.get("response")
    return inner if isinstance(inner, dict) else {}


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""
