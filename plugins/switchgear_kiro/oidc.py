"""SSO-OIDC, which Builder ID and IAM Identity Center share: its three calls, and what its refusals mean.

It is OAuth in camelCase JSON, with clients that are registered for about 90 days. Source: AWS service model and the
vendor's open command line, read 2026-11.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import httpx2

from switchgear import Failure, Secret, UpstreamClient, UpstreamError
from switchgear.oauth import DeviceCode
from switchgear_kiro.endpoints import checked_region, oidc_base
from switchgear_kiro.posting import Json, failure_of, number_in, object_in, post_json, text_in, unfit, words_of
from switchgear_kiro.settings import KiroSettings
from switchgear_kiro.tokens import Tokens, sure_tokens

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
DEFAULT_INTERVAL_S = 5.0
DEFAULT_LIFETIME_S = 600.0
"""Of a device code whose answer does not say."""


class OidcRefused(UpstreamError):
    """SSO-OIDC said no.

    Attributes:
        error: its code, as OAuth spells it; empty where it has none.
        words: what it says, for a person.
        region: where it says to ask instead; empty where it does not.
    """

    def __init__(self, failure: Failure, error: str, words: str, region: str) -> None:
        self.error = error
        self.words = words
        self.region = region
        super().__init__(failure)


@dataclass(frozen=True, slots=True)
class Registration:
    """The gateway as a client of SSO-OIDC in one region. ``expires_at`` is Unix seconds, ``None`` where unknown."""

    client_id: str
    client_secret: str = field(repr=False)
    expires_at: float | None
    region: str
    masked: Secret = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "masked", Secret(self.client_secret))

    @property
    def fields(self) -> dict[str, str]:
        """What every call says of it."""
        return {"clientId": self.client_id, "clientSecret": self.client_secret}


async def register(settings: KiroSettings, client: UpstreamClient, region: str, request: Json) -> Registration:
    """RegisterClient.

    Raises:
        OidcRefused: it said no.
        UpstreamError: it could not be asked, or failed.
    """
    answer = object_in(await _post(settings, client, region, "/client/register", request))
    client_id, client_secret = text_in(answer, "clientId"), text_in(answer, "clientSecret")
    if not client_id or not client_secret:
        raise UpstreamError(unfit("the registration holds no client"))
    return Registration(client_id, client_secret, number_in(answer, "clientSecretExpiresAt") or None, region)


async def start_device(
    settings: KiroSettings, client: UpstreamClient, registration: Registration, start_url: str
) -> DeviceCode:
    """StartDeviceAuthorization. It succeeds with an expired registration, which only the token call notices.

    Raises:
        OidcRefused: it said no.
        UpstreamError: it could not be asked, or failed.
    """
    request = {**registration.fields, "startUrl": start_url}
    answer = object_in(await _post(settings, client, registration.region, "/device_authorization", request))
    device_code, user_code = text_in(answer, "deviceCode"), text_in(answer, "userCode")
    url = text_in(answer, "verificationUri")
    if not device_code or not user_code or not url:
        raise UpstreamError(unfit("the device authorisation lacks a field"))
    return DeviceCode(
        Secret(device_code),
        user_code,
        url,
        number_in(answer, "expiresIn") or DEFAULT_LIFETIME_S,
        number_in(answer, "interval") or DEFAULT_INTERVAL_S,
        text_in(answer, "verificationUriComplete") or None,
    )


async def create_token(
    settings: KiroSettings, client: UpstreamClient, registration: Registration, grant: Json
) -> Tokens:
    """CreateToken; ``grant`` is ``grantType`` and what goes with it.

    Raises:
        OidcRefused: it said no.
        UpstreamError: it could not be asked, or failed.
    """
    request = {**registration.fields, **grant}
    return sure_tokens(await _post(settings, client, registration.region, "/token", request))


async def _post(
    settings: KiroSettings, client: UpstreamClient, region: str, path: str, request: Json
) -> httpx2.Response:
    response = await post_json(client, oidc_base(settings, region) + path, request)
    if response.status_code < 400:
        return response
    words = words_of(response)
    failure = failure_of(response, f"AWS sign-in in {region}: {words}")
    if response.status_code in {408, 429} or response.status_code >= 500:
        raise UpstreamError(failure)
    raise OidcRefused(failure, error_of(response), words, _region_of(response))


def error_of(response: httpx2.Response) -> str:
    """The error's code, as OAuth spells it; by the exception's name where the body has none.

    >>> error_of(httpx2.Response(400, headers={"x-amzn-errortype": "InvalidGrantException:http://internal/"}))
    'invalid_grant'
    """
    answer = object_in(response)
    error = text_in(answer, "error")
    if error:
        return error
    kind = response.headers.get("x-amzn-errortype", "") or text_in(answer, "__type")
    name = kind.partition(":")[0].rpartition("#")[2].removesuffix("Exception")
    if name == "InvalidRequestRegion":  # the only one that is not called like its code
        return "invalid_request"
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _region_of(response: httpx2.Response) -> str:
    try:
        return checked_region(text_in(object_in(response), "region"))
    except ValueError:
        return ""
