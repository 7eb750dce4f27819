"""Trading a refresh token for new tokens: whom to ask for each kind of account, and what a refusal means.

A refusal is final (:class:`~switchgear.LoginRequired`), or passes (:class:`~switchgear.UpstreamError`). A token that is
refused for good is first looked up again where it is kept: another program may have rotated it meanwhile.

Source: vendor's command line, KiroCrew, jwadow/kiro-gateway and hank9999/kiro.rs, read 2026-11.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace

from switchgear import Failure, LoginFailed, LoginRequired, UpstreamClient, UpstreamError
from switchgear_kiro import social
from switchgear_kiro.account import Credential
from switchgear_kiro.endpoints import DEFAULT_REGION, checked_region
from switchgear_kiro.external_idp import check_endpoint
from switchgear_kiro.oidc import OidcRefused, Registration, create_token
from switchgear_kiro.posting import failure_of, object_in, post_form, text_in, words_of
from switchgear_kiro.settings import KiroSettings
from switchgear_kiro.tokens import Tokens, sure_tokens

PATIENCE = 3
"""How often a 400 that nobody knows is taken for one that passes."""
SPENT = frozenset({"invalid_grant", "expired_token", "access_denied", "invalid_request"})
"""OAuth errors after which a refresh token is worth nothing. ``invalid_request`` is one of them at SSO-OIDC, where it
names no region: the token was ended by a sign-in elsewhere (jwadow/kiro-gateway)."""
DEAD_CLIENT = frozenset({"invalid_client", "unauthorized_client"})
SPENT_AT_SOCIAL = ("bad credentials", "invalid refresh token")
SIGN_IN = "sign in again with: switchgear login"

Reread = Callable[[], Awaitable[Credential | None]]
"""Reads the credential again where it is kept; ``None`` where it is gone."""


class _Spent(LoginRequired):
    """The refresh token is worth nothing; the one that is kept may be another by now."""


class _Unclear(UpstreamError):
    """A 400 that nobody knows."""


_unclear: Counter[str] = Counter()
"""How often each refresh token (its digest) met one in a row. In memory: a restart, as a sign-in, counts anew."""


async def refreshed(
    settings: KiroSettings, credential: Credential, client: UpstreamClient, reread: Reread | None = None
) -> Credential:
    """``credential`` with new tokens; saves nothing.

    Args:
        reread: asked once, where the token is refused for good; without it, it is final at once.

    Raises:
        LoginRequired: only a person can help.
        UpstreamError: anything that may pass.
    """
    try:
        return await _once(settings, credential, client)
    except _Spent:
        kept = None if reread is None else await reread()
        if kept is None or kept.refresh_token in {"", credential.refresh_token}:
            raise
        return await _once(settings, kept, client)


async def _once(settings: KiroSettings, credential: Credential, client: UpstreamClient) -> Credential:
    if not credential.refresh_token and credential.method != "api-key":
        raise _dead(f"there is nothing to renew this account with; {SIGN_IN}")
    digest = hashlib.sha256(credential.refresh_token.encode()).hexdigest()[:16]
    try:
        fresh = await _asked(settings, credential, client)
    except _Unclear as error:
        _unclear[digest] += 1
        if _unclear[digest] < PATIENCE:
            raise
        del _unclear[digest]
        message = f"the token was refused {PATIENCE} times ({error}); {SIGN_IN}"
        raise LoginRequired(replace(error.failure, message=message)) from error
    except LoginRequired:
        _unclear.pop(digest, None)
        raise
    _unclear.pop(digest, None)
    return fresh


async def _asked(settings: KiroSettings, credential: Credential, client: UpstreamClient) -> Credential:
    match credential.method:
        case "builder-id" | "idc":
            return await _at_oidc(settings, credential, client)
        case "social":
            return (await _at_social(settings, credential, client)).on(credential)
        case "external-idp":
            return (await _at_company(credential, client)).on(credential)
        case "api-key":
            raise _dead("Kiro does not take this API key (any more), and a key is not renewed: make a new one")


# -- SSO-OIDC ------------------------------------------------------------------------------------------------


async def _at_oidc(settings: KiroSettings, credential: Credential, client: UpstreamClient) -> Credential:
    if not credential.client_id or not credential.client_secret:
        raise _dead(f"the client registration that this sign-in is bound to is not known; {SIGN_IN}")
    region = _checked(credential.sso_region)
    try:
        tokens = await _at_region(settings, credential, client, region)
    except OidcRefused as error:
        if error.region in {"", region}:
            raise _meaning(error) from error
        region = error.region
        try:
            tokens = await _at_region(settings, credential, client, region)
        except OidcRefused as again:
            raise _meaning(again) from again
    return replace(tokens.on(credential), sso_region=region)


async def _at_region(settings: KiroSettings, credential: Credential, client: UpstreamClient, region: str) -> Tokens:
    registration = Registration(
        credential.client_id, credential.client_secret, credential.registration_expires_at, region
    )
    grant = {"grantType": "refresh_token", "refreshToken": credential.refresh_token}
    return await create_token(settings, client, registration, grant)


def _meaning(error: OidcRefused) -> UpstreamError:
    failure = error.failure
    if error.error in DEAD_CLIENT:
        what = "the client registration of this sign-in has ended"
        return LoginRequired(replace(failure, message=f"{what} ({error.words}); {SIGN_IN}"))
    if error.error in SPENT:
        return _Spent(replace(failure, message=f"the refresh token is spent ({error.words}); {SIGN_IN}"))
    return _passing(failure, error.error, error.words)


# -- the auth service of social accounts ---------------------------------------------------------------------


async def _at_social(settings: KiroSettings, credential: Credential, client: UpstreamClient) -> Tokens:
    region = _checked(credential.auth_region)
    response = await social.refresh(settings, client, region, credential.refresh_token)
    if response.status_code in {401, 403} and not object_in(response):
        # Nothing of the service's own: asked once more.
        response = await social.refresh(settings, client, region, credential.refresh_token)
    status = response.status_code
    if status < 400:
        return sure_tokens(response)
    words = words_of(response)
    unknown = status in {401, 403} and not object_in(response)
    told = f"{text_in(object_in(response), 'error')} {words}".lower()
    if unknown or (_is_spent(told) and status in {400, 401, 403}):
        raise _Spent(failure_of(response, f"the refresh token is spent ({words}); {SIGN_IN}"))
    raise _passing(failure_of(response, ""), text_in(object_in(response), "error"), words)


def _is_spent(told: str) -> bool:
    return any(words in told for words in (*SPENT_AT_SOCIAL, "invalid_grant"))


# -- a company's own identity provider -----------------------------------------------------------------------


async def _at_company(credential: Credential, client: UpstreamClient) -> Tokens:
    try:
        check_endpoint(credential.token_endpoint, credential.issuer_url)
    except LoginFailed as error:
        raise _dead(f"not renewed: {error}") from None
    form = {
        "grant_type": "refresh_token",
        "client_id": credential.client_id,
        "refresh_token": credential.refresh_token,
        **({"scope": credential.scopes} if credential.scopes else {}),
    }
    response = await post_form(client, credential.token_endpoint, form)
    if response.status_code < 400:
        return sure_tokens(response)
    words = words_of(response)
    refused = text_in(object_in(response), "error")
    if refused in DEAD_CLIENT or refused in SPENT - {"invalid_request"}:
        raise _Spent(failure_of(response, f"the company's identity provider refuses the token ({words}); {SIGN_IN}"))
    raise _passing(failure_of(response, ""), refused, words)


# -- what a refusal is -----------------------------------------------------------------------------------------


def _passing(failure: Failure, error: str, words: str) -> UpstreamError:
    """A refusal that is not final. One below 429 is no client's fault, so its status must not be taken for one."""
    message = f"not renewed: {words}"
    if failure.status == 429 or (failure.status or 0) >= 500:
        return UpstreamError(replace(failure, message=message))
    unclear = failure.status == 400 and error != "slow_down"
    return (_Unclear if unclear else UpstreamError)(Failure("protocol", message=message))


def _checked(region: str) -> str:
    """The region an account is renewed in. It stands in a file, and goes into a host name."""
    try:
        return checked_region(region or DEFAULT_REGION)
    except ValueError as error:
        raise _dead(f"not renewed: {error}; {SIGN_IN}") from None


def _dead(message: str) -> LoginRequired:
    return LoginRequired(Failure("protocol", message=message))
