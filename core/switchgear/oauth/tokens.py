"""A standard token endpoint (RFC 6749): the code exchange, the device code and the refresh, over core's client."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
import msgspec
from authlib.oauth2.rfc6749.parameters import prepare_token_request

from switchgear.errors import LoginFailed, LoginRequired, UpstreamError
from switchgear.oauth.device import DEFAULT_INTERVAL_S, Wait, poll_device
from switchgear.oauth.pkce import Pkce
from switchgear.secret import Secret
from switchgear.types import Failure, Timeouts
from switchgear.upstream import UpstreamClient

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
TIMEOUTS = Timeouts(connect_s=10.0, first_byte_s=30.0, idle_s=30.0, total_s=60.0)
SPENT = frozenset({"invalid_grant", "refresh_token_reused", "invalid_refresh_token"})
"""Errors after which a refresh token is worth nothing."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """A token response. ``expires_at`` is Unix seconds, ``None`` where the server is silent; ``raw`` is all of it."""

    access_token: Secret
    refresh_token: Secret | None
    expires_at: float | None
    raw: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """A device authorisation: what is shown to the person, and how to poll. Durations are seconds."""

    device_code: Secret
    user_code: str
    verification_uri: str
    expires_in_s: float
    interval_s: float
    verification_uri_complete: str | None = None


class TokenEndpoint:
    """One OAuth server, as one client of it.

    Args:
        url: the token endpoint.
        client_id: the public id of this client.
        client_secret: sent in the form, where the server wants one.
    """

    def __init__(self, url: str, client_id: str, client_secret: Secret | None = None) -> None:
        self._url = url
        self._client: dict[str, str] = {"client_id": client_id}
        if client_secret is not None:
            self._client["client_secret"] = client_secret.reveal()

    async def exchange(self, client: UpstreamClient, code: str, redirect_uri: str, pkce: Pkce) -> Tokens:
        """Trade an authorisation code for tokens.

        Raises:
            LoginFailed: the server refused the code.
            UpstreamError: it could not be asked, or failed.
        """
        form = self._form("authorization_code", redirect_uri, code=code, code_verifier=pkce.verifier.reveal())
        return _tokens(_checked(await self._post(client, self._url, form)))

    async def start_device(self, client: UpstreamClient, url: str, scope: str = "") -> DeviceCode:
        """Ask ``url``, the device authorisation endpoint, for a code.

        Raises:
            LoginFailed: the server refused.
            UpstreamError: it could not be asked, or failed.
        """
        form = {**self._client, **({"scope": scope} if scope else {})}
        answer = _checked(await self._post(client, url, str(httpx2.QueryParams(form))))
        try:
            return DeviceCode(
                Secret(_text(answer, "device_code")),
                _text(answer, "user_code"),
                _text(answer, "verification_uri"),
                float(answer["expires_in"]),
                float(answer.get("interval", DEFAULT_INTERVAL_S)),
                answer.get("verification_uri_complete"),
            )
        except (KeyError, TypeError, ValueError):
            raise _unfit("the device authorisation lacks a field") from None

    async def poll_device(self, client: UpstreamClient, device: DeviceCode) -> Tokens:
        """Wait until the person has confirmed the code.

        Raises:
            LoginFailed: they refused, or the code expired.
            UpstreamError: the server failed in a way that does not pass.
        """
        form = self._form(DEVICE_GRANT, device_code=device.device_code.reveal())

        async def poll() -> Tokens | Wait:
            response = await self._post(client, self._url, form)
            match _error_of(response):
                case "authorization_pending":
                    return Wait.PENDING
                case "slow_down":
                    return Wait.SLOW_DOWN
            return _tokens(_checked(response))

        return await poll_device(poll, expires_in_s=device.expires_in_s, interval_s=device.interval_s)

    async def refresh(self, client: UpstreamClient, refresh_token: Secret) -> Tokens:
        """Trade a refresh token for new tokens; an answer without a refresh token gives the old one back.

        Raises:
            LoginRequired: the token is spent, revoked or expired.
            UpstreamError: anything else.
        """
        form = self._form("refresh_token", refresh_token=refresh_token.reveal())
        response = await self._post(client, self._url, form)
        if _error_of(response) in SPENT:
            raise LoginRequired(_failure(response))
        if response.status_code >= 300:
            raise UpstreamError(_failure(response))
        tokens = _tokens(_object(response))
        if tokens.refresh_token is not None:
            return tokens
        return Tokens(tokens.access_token, refresh_token, tokens.expires_at, tokens.raw)

    def _form(self, grant_type: str, redirect_uri: str | None = None, **fields: str) -> str:
        form: str = prepare_token_request(grant_type, redirect_uri=redirect_uri, **self._client, **fields)
        return form

    async def _post(self, client: UpstreamClient, url: str, form: str) -> httpx2.Response:
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        request = httpx2.Request("POST", url, headers=headers, content=form.encode())
        response = await client.fetch(request, TIMEOUTS)
        if 300 <= response.status_code < 400:  # following it could carry the tokens elsewhere
            raise _unfit(f"{request.url.host} answers the token request with a redirect; its address has changed")
        return response


def _checked(response: httpx2.Response) -> Mapping[str, Any]:
    """The answer of a sign-in call; one that refuses is :class:`LoginFailed`, one that fails :class:`UpstreamError`."""
    error = _error_of(response)
    if error is not None and response.status_code < 500:
        description = _object(response).get("error_description")
        detail = f": {description}" if isinstance(description, str) and description else ""
        raise LoginFailed(f"the provider refused the sign-in ({error}{detail}); start again with: switchgear login")
    if response.status_code >= 300:
        raise UpstreamError(_failure(response))
    return _object(response)


def _tokens(answer: Mapping[str, Any]) -> Tokens:
    access_token = answer.get("access_token")
    if not isinstance(access_token, str) or not access_token:
        raise _unfit("the token response holds no access token")
    refresh_token = answer.get("refresh_token")
    lifetime = answer.get("expires_in")
    try:
        expires_at = None if lifetime is None else time.time() + float(lifetime)
    except (TypeError, ValueError):
        raise _unfit("the token response's expires_in is no number") from None
    refresh = Secret(refresh_token) if isinstance(refresh_token, str) and refresh_token else None
    return Tokens(Secret(access_token), refresh, expires_at, answer)


def _object(response: httpx2.Response) -> Mapping[str, Any]:
    try:
        answer = msgspec.json.decode(response.content)
    except (msgspec.DecodeError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise _unfit("the token endpoint's answer is no JSON object")
    return answer


def _error_of(response: httpx2.Response) -> str | None:
    """The ``error`` of RFC 6749, section 5.2; ``None`` where the answer has none."""
    try:
        error = _object(response).get("error")
    except UpstreamError:
        return None
    return error if isinstance(error, str) else None


def _text(answer: Mapping[str, Any], name: str) -> str:
    value = answer[name]
    if not isinstance(value, str) or not value:
        raise ValueError(name)
    return value


def _failure(response: httpx2.Response) -> Failure:
    return Failure("status", response.status_code, dict(response.headers.items()), response.content[:65_536])


def _unfit(message: str) -> UpstreamError:
    return UpstreamError(Failure("protocol", message=message))
