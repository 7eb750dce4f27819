"""The gateway as a registered client of SSO-OIDC: which registration a sign-in uses, an old one or a new one.

A refresh token is bound to the registration that obtained it, so a sign-in lasts as long as its registration does:
about 90 days. A stored one is used again only while much of that is left: who signs in because of the warning that it
ends gets a new one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from switchgear import Account, UpstreamClient
from switchgear_kiro.account import Credential
from switchgear_kiro.oidc import DEVICE_GRANT, Registration, register
from switchgear_kiro.settings import KiroSettings

CLIENT_NAME = "Switchgear"
"""A free label, which the consent page shows."""
SCOPES = (
    "codewhisperer:completions",
    "codewhisperer:analysis",
    "codewhisperer:conversations",
    "codewhisperer:transformations",
    "codewhisperer:taskassist",
)
LEAST_LEFT_S = 60 * 86_400.0
"""How long a stored registration has to be good, to be used for another sign-in."""
REDIRECT_URI = "http://127.0.0.1/oauth/callback"
"""Registered without a port: any is accepted then (aws-toolkit-vscode, read 2026-11)."""

Flow = Literal["device", "code"]


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a registration is for. ``device`` is the device flow, ``code`` the browser's way back to this machine."""

    region: str
    flow: Flow
    start_url: str

    @property
    def request(self) -> dict[str, object]:
        """RegisterClient's request."""
        asked: dict[str, object] = {"clientName": CLIENT_NAME, "clientType": "public", "scopes": SCOPES}
        if self.flow == "device":
            return {**asked, "grantTypes": [DEVICE_GRANT, "refresh_token"]}
        grants = {"grantTypes": ["authorization_code", "refresh_token"]}
        return {**asked, **grants, "redirectUris": [REDIRECT_URI], "issuerUrl": self.start_url}

    def is_served_by(self, credential: Credential, now: float) -> bool:
        """Whether the credential's registration is for this as well. ``now`` is Unix seconds."""
        return (
            bool(credential.client_id and credential.client_secret)
            and (credential.registration_expires_at or 0.0) - now >= LEAST_LEFT_S
            and credential.sso_region == self.region
            and credential.flow == self.flow
            and credential.scopes == " ".join(SCOPES)
            and (self.flow == "device" or credential.start_url == self.start_url)
        )

    def noted_in(self, credential: Credential, registration: Registration) -> Credential:
        """``credential`` with the registration its tokens are bound to."""
        return replace(
            credential,
            start_url=self.start_url,
            sso_region=registration.region,
            client_id=registration.client_id,
            client_secret=registration.client_secret,
            registration_expires_at=registration.expires_at,
            scopes=" ".join(SCOPES),
            flow=self.flow,
        )


def stored_registration(accounts: Iterable[Account], purpose: Purpose, now: float) -> Registration | None:
    """The stored registration that is good for ``purpose`` and lasts longest; ``None`` where none is."""
    fitting = [one for one in map(Credential.of, accounts) if purpose.is_served_by(one, now)]
    if not fitting:
        return None
    best = max(fitting, key=lambda one: one.registration_expires_at or 0.0)
    return Registration(best.client_id, best.client_secret, best.registration_expires_at, best.sso_region)


async def new_registration(settings: KiroSettings, client: UpstreamClient, purpose: Purpose) -> Registration:
    """Register anew.

    Raises:
        OidcRefused: SSO-OIDC said no.
        UpstreamError: it could not be asked, or failed.
    """
    return await register(settings, client, purpose.region, purpose.request)
