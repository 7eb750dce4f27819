"""Signing in with AWS: with a Builder ID, or at an organisation's IAM Identity Center; by device code or by browser."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import urlsplit, urlunsplit

from switchgear import Account, Login, LoginFailed, UpstreamClient
from switchgear_kiro.account import Credential, Method
from switchgear_kiro.authorization_code import tokens_by_browser
from switchgear_kiro.device import tokens_by_device
from switchgear_kiro.endpoints import DEFAULT_REGION, checked_region
from switchgear_kiro.oidc import OidcRefused
from switchgear_kiro.registration import Flow, Purpose, new_registration, stored_registration
from switchgear_kiro.settings import KiroSettings

BUILDER_ID_START_URL = "https://view.awsapps.com/start"
DEAD_REGISTRATION = frozenset({"invalid_client", "unauthorized_client"})
"""Errors after which a registration is worth nothing."""


@dataclass(frozen=True, slots=True)
class Directory:
    """Whose sign-in page it is, and where it lives. ``idp`` is the token file's word for it."""

    method: Method
    idp: str
    start_url: str
    region: str


BUILDER_ID = Directory("builder-id", "BuilderId", BUILDER_ID_START_URL, DEFAULT_REGION)


def organisation(start_url: str, region: str, idp: str = "Enterprise") -> Directory:
    """An organisation's, from what a person or the portal says.

    Raises:
        LoginFailed: one of the two cannot be right.
    """
    return Directory("idc", idp, checked_start_url(start_url), sign_in_region(region))


def checked_start_url(text: str) -> str:
    """A start URL as it is kept: https, without a fragment and a closing slash.

    Raises:
        LoginFailed: it is none.
    """
    try:
        parts = urlsplit(text.strip())
        usable = parts.scheme == "https" and bool(parts.hostname) and not parts.username and len(text) <= 1024
    except ValueError:
        usable = False
    if not usable or not text.isprintable():
        raise LoginFailed(
            "that is no start URL; it looks like https://d-1234567890.awsapps.com/start, and your organisation has it"
        )
    return urlunsplit((parts.scheme, parts.netloc.lower(), parts.path.rstrip("/"), parts.query, ""))


def sign_in_region(text: str) -> str:
    """A region as it may go into a host name.

    Raises:
        LoginFailed: it is none.
    """
    try:
        return checked_region(text.strip().lower())
    except ValueError:
        raise LoginFailed("that is no AWS region; it looks like eu-central-1, and your organisation has it") from None


async def sign_in_with_aws(
    settings: KiroSettings,
    login: Login,
    client: UpstreamClient,
    stored: Iterable[Account],
    directory: Directory,
    flow: Flow = "device",
) -> Credential:
    """Sign in there. Whose account it is, and with which profile, is left to the caller.

    A stored registration that AWS does not take (any more) is replaced, and a directory that lives in another region is
    asked there: once each, from the start, for a code is bound to both.

    Raises:
        LoginFailed: AWS or the person said no, or nobody came.
        UpstreamError: AWS could not be asked, or failed.
    """
    purpose = Purpose(directory.region, flow, directory.start_url)
    registration = stored_registration(stored, purpose, time.time())
    while True:
        reused = registration is not None
        try:
            registration = registration or await new_registration(settings, client, purpose)
            if flow == "device":
                tokens = await tokens_by_device(settings, login, client, registration, directory.start_url)
            else:
                tokens = await tokens_by_browser(settings, login, client, registration)
        except OidcRefused as error:
            if error.region not in {"", purpose.region} and purpose.region == directory.region:
                await login.progress(f"AWS says that this sign-in belongs to {error.region}; starting again there")
                purpose, registration = replace(purpose, region=error.region), None
            elif error.error in DEAD_REGISTRATION and reused:
                await login.progress("AWS does not take the stored client registration any more; starting anew")
                registration = None
            else:
                raise LoginFailed(_refusal(error, directory)) from error
        else:
            known = Credential(directory.method, idp=directory.idp)
            return tokens.on(purpose.noted_in(known, registration))


def _refusal(error: OidcRefused, directory: Directory) -> str:
    again = "start again with: switchgear login"
    match error.error:
        case "access_denied":
            return f"the sign-in was declined in the browser; {again}"
        case "expired_token":
            return f"the code expired before it was confirmed; {again}"
        case "invalid_request" if directory.method == "idc":
            return f"AWS refused the sign-in ({error.words}): check the start URL and the region, and {again}"
        case _:
            return f"AWS refused the sign-in ({error.error or 'no reason'}: {error.words}); {again}"
