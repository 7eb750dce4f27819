"""Getting access tokens: for a key or a session's token, at either of the two places that give one.

Source: the vendor's SDK (exchange), its IDE and several usage meters (``/oauth/token``), read 2026-11.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import httpx2

from switchgear import Failure, UpstreamClient, UpstreamError
from switchgear_cursor.calls import failure_of, object_in, post_patiently, text_in, words_of
from switchgear_cursor.connect_errors import connect_error
from switchgear_cursor.endpoints import EXCHANGE, OAUTH_TOKEN
from switchgear_cursor.settings import CursorSettings

DESKTOP_CLIENT = "KbZUR41cY7W6zRSdpSUJ7I7mLYBKOCmB"
"""The public client id that sessions are renewed as; there is no secret with it."""
REFUSALS = frozenset({400, 401, 403})


@dataclass(frozen=True, slots=True)
class Tokens:
    """What was given out; ``refresh_token`` is empty where the old one stays."""

    access_token: str = field(repr=False)
    refresh_token: str = field(default="", repr=False)


class TokenRefused(UpstreamError):
    """The service does not take the key or token, and will not take it later."""

    def __init__(self, failure: Failure, words: str) -> None:
        super().__init__(failure)
        self.words = words


async def exchange(settings: CursorSettings, bearer: str, client: UpstreamClient) -> Tokens:
    """Trade a key for an access token, which is good for about an hour.

    Raises:
        TokenRefused: it is not taken.
        UpstreamError: anything that may pass.
    """
    headers = {"authorization": f"Bearer {bearer}"}
    response = await post_patiently(client, settings.endpoints.api + EXCHANGE, {}, headers)
    _check(response)
    answer = object_in(response) or {}
    access = text_in(answer, "accessToken")
    if not access:
        raise UpstreamError(failure_of(response, "the exchange gave no access token"))
    return Tokens(access, text_in(answer, "refreshToken"))


async def renew(settings: CursorSettings, refresh_token: str, client: UpstreamClient) -> Tokens:
    """Trade a session's refresh token, as the vendor's IDE does.

    Raises:
        TokenRefused: the session has ended, or is not one that is renewed here.
        UpstreamError: anything that may pass.
    """
    body = {"grant_type": "refresh_token", "client_id": DESKTOP_CLIENT, "refresh_token": refresh_token}
    response = await post_patiently(client, settings.endpoints.api + OAUTH_TOKEN, body)
    _check(response)
    answer = object_in(response) or {}
    if answer.get("shouldLogout") is True:
        raise TokenRefused(failure_of(response), "the session has ended")
    access = text_in(answer, "access_token")
    if not access:
        raise UpstreamError(failure_of(response, "the session was not renewed now"))
    return Tokens(access, text_in(answer, "refresh_token"))


def _check(response: httpx2.Response) -> None:
    if response.status_code == 200:
        return
    words = words_of(response)
    error = connect_error(response.content)
    about_region = error is not None and error.is_about_region  # the way is refused, not the token
    if response.status_code in REFUSALS and not about_region:
        raise TokenRefused(failure_of(response), words)
    raise UpstreamError(failure_of(response, f"no token: {words}"))
