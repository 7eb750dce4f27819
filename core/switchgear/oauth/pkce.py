"""The way to the provider's page: proof key for code exchange (RFC 7636, S256 only), and a one-use ``state``."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from switchgear.secret import Secret

METHOD = "S256"


@dataclass(frozen=True, slots=True)
class Pkce:
    """One attempt's verifier, 86 unreserved characters, and its challenge. Never used twice."""

    verifier: Secret
    challenge: str
    method: str = METHOD


def new_pkce() -> Pkce:
    """A fresh verifier and its S256 challenge."""
    verifier = secrets.token_urlsafe(64)
    return Pkce(Secret(verifier), create_s256_code_challenge(verifier))


def new_state() -> str:
    """A fresh ``state``: 64 hexadecimal digits."""
    return secrets.token_hex(32)


def authorization_url(
    url: str, client_id: str, redirect_uri: str, *, state: str, pkce: Pkce, scope: str | None = None, **more: str
) -> str:
    """The address the person opens to grant an authorisation code (RFC 6749, section 4.1.1).

    ``more`` are parameters of the provider's own.
    """
    address: str = prepare_grant_uri(
        url,
        client_id,
        "code",
        redirect_uri,
        scope,
        state,
        code_challenge=pkce.challenge,
        code_challenge_method=pkce.method,
        **more,
    )
    return address
