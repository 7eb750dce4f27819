"""What a token response says: SSO-OIDC, the auth service and company identity providers spell it alike, or nearly."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import httpx2

from switchgear import UpstreamError
from switchgear_kiro.account import Credential
from switchgear_kiro.posting import failure_of, number_in, object_in, text_in

DEFAULT_LIFETIME_S = 3600.0
"""Of an access token whose answer does not say. An hour is usual, about eight hours were seen (2026-11)."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """A token response. ``expires_at`` is Unix seconds, whole ones; what is empty was not said."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: float
    profile_arn: str = ""
    idp: str = ""

    def on(self, credential: Credential) -> Credential:
        """``credential`` with these tokens; what the answer leaves out stays as it was."""
        return replace(
            credential,
            access_token=self.access_token,
            refresh_token=self.refresh_token or credential.refresh_token,
            expires_at=self.expires_at,
            profile_arn=self.profile_arn or credential.profile_arn,
            idp=self.idp or credential.idp,
        )


def tokens_in(response: httpx2.Response) -> Tokens | None:
    """The tokens of an answer, camelCase or snake_case; ``None`` where there is no access token."""
    answer = object_in(response)
    access_token = text_in(answer, "accessToken", "access_token")
    if not access_token:
        return None
    lifetime_s = next((s for name in ("expiresIn", "expires_in") if (s := number_in(answer, name)) is not None), None)
    return Tokens(
        access_token,
        text_in(answer, "refreshToken", "refresh_token"),
        float(int(time.time() + (DEFAULT_LIFETIME_S if lifetime_s is None else lifetime_s))),
        text_in(answer, "profileArn"),
        text_in(answer, "identityProvider"),
    )


def sure_tokens(response: httpx2.Response) -> Tokens:
    """The tokens of an answer that has to hold some.

    Raises:
        UpstreamError: it holds no access token.
    """
    tokens = tokens_in(response)
    if tokens is None:
        raise UpstreamError(failure_of(response, "the answer holds no access token"))
    return tokens
