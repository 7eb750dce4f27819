"""The auth service of social accounts (Google, GitHub): codes, a device flow of its own, and refresh.

It takes snake_case and gives camelCase, counts a device flow in milliseconds, and answers a poll that waits with a 200.
Source: the vendor's command line and minpeter/kiro-lb, read 2026-11.
"""

from __future__ import annotations

import httpx2

from switchgear import Login, LoginFailed, Secret, UpstreamClient, UpstreamError
from switchgear.oauth import Pkce, Wait, poll_device
from switchgear_kiro.account import Credential
from switchgear_kiro.endpoints import DEFAULT_REGION, auth_base
from switchgear_kiro.posting import failure_of, number_in, object_in, post_json, text_in, unfit, words_of
from switchgear_kiro.settings import KiroSettings
from switchgear_kiro.tokens import Tokens, sure_tokens, tokens_in

IDPS = ("Google", "Github")
DEVICE_CLIENT = "kiro-cli"
"""The only client the device flow knows."""
DEFAULT_INTERVAL_S, DEFAULT_LIFETIME_S = 5.0, 300.0
AGAIN = "start again with: switchgear login"
WHOSE = (
    "whoever is signed in to app.kiro.dev in that browser is signed in here: for a second account use the method "
    "portal, or a private window; do not sign the first account out there, for that ends its sign-in here too"
)


async def exchange(
    settings: KiroSettings, client: UpstreamClient, code: str, pkce: Pkce, redirect_uri: str, idp: str
) -> Credential:
    """Trade the code that the portal sent the browser back with. ``redirect_uri`` is compared byte by byte.

    Raises:
        LoginFailed: the service refused; its words are in the message, such as that it takes no new people now.
        UpstreamError: it could not be asked, or failed; the code is spent.
    """
    request = {"code": code, "code_verifier": pkce.verifier.reveal(), "redirect_uri": redirect_uri}
    response = await post_json(client, auth_base(settings) + "/oauth/token", request)
    return _credential(_checked(response), idp)


async def sign_in_by_device(settings: KiroSettings, login: Login, client: UpstreamClient) -> Credential:
    """Show a code, and wait until it is confirmed.

    Raises:
        LoginFailed: the service or the person said no, or the code expired.
        UpstreamError: the service could not be asked, or failed.
    """
    idp = IDPS[await login.choose("Which account do you sign in with?", ("Google", "GitHub"))]
    url = auth_base(settings)
    request = {"clientId": DEVICE_CLIENT, "loginProvider": idp}
    answer = object_in(_answered(await post_json(client, f"{url}/oauth/device/authorization", request)))
    code, user_code = Secret(text_in(answer, "deviceCode")), text_in(answer, "userCode")
    page = text_in(answer, "verificationUriComplete", "verificationUri")
    if not code or not user_code or not page:
        raise UpstreamError(unfit("the device authorisation lacks a field"))
    await login.progress(WHOSE)
    await login.show(page, user_code)
    await login.progress("waiting for the confirmation in the browser")
    asked = {"clientId": DEVICE_CLIENT, "deviceCode": code.reveal()}

    async def poll() -> Tokens | Wait:
        response = _answered(await post_json(client, f"{url}/oauth/device/poll", asked))
        tokens = tokens_in(response)
        if tokens is not None:
            return tokens
        match text_in(object_in(response), "status"):
            case "authorization_pending":
                return Wait.PENDING
            case "slow_down":
                return Wait.SLOW_DOWN
            case status:
                raise LoginFailed(f"{_TERMINAL.get(status) or f'Kiro ended the sign-in ({status[:80]})'}; {AGAIN}")

    tokens = await poll_device(
        poll,
        expires_in_s=_seconds(number_in(answer, "expiresInMilliseconds"), DEFAULT_LIFETIME_S),
        interval_s=_seconds(number_in(answer, "intervalInMilliseconds"), DEFAULT_INTERVAL_S),
    )
    return _credential(tokens, idp)


_TERMINAL = {
    "expired_token": "the code expired before it was confirmed",
    "access_denied": "the sign-in was declined in the browser",
}


async def refresh(settings: KiroSettings, client: UpstreamClient, region: str, refresh_token: str) -> httpx2.Response:
    """Ask for new tokens; what the answer means is told by ``refreshing``.

    Raises:
        UpstreamError: there is no answer.
    """
    url = auth_base(settings, region) + "/refreshToken"
    return await post_json(client, url, {"refreshToken": refresh_token})


def _credential(tokens: Tokens, idp: str) -> Credential:
    if not tokens.refresh_token:
        raise LoginFailed(f"Kiro gave no refresh token, so the sign-in would not last; {AGAIN}")
    return tokens.on(Credential("social", idp=idp, auth_region=DEFAULT_REGION))


def _checked(response: httpx2.Response) -> Tokens:
    return sure_tokens(_answered(response))


def _answered(response: httpx2.Response) -> httpx2.Response:
    """The answer of a sign-in call; one that refuses is :class:`LoginFailed`, one that fails :class:`UpstreamError`."""
    status = response.status_code
    if status < 400:
        return response
    if status in {408, 429} or status >= 500:
        raise UpstreamError(failure_of(response, f"Kiro's sign-in service: {words_of(response)}"))
    raise LoginFailed(f"Kiro refused the sign-in ({words_of(response)}); {AGAIN}")


def _seconds(milliseconds: float | None, default_s: float) -> float:
    return default_s if milliseconds is None else milliseconds / 1000
