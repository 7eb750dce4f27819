"""The authorisation code of SSO-OIDC: the browser comes back to this machine, with PKCE."""

from __future__ import annotations

from switchgear import Login, LoginFailed, UpstreamClient
from switchgear.oauth import CallbackListener, authorization_url, new_pkce, new_state
from switchgear_kiro.endpoints import oidc_base
from switchgear_kiro.oidc import Registration, create_token
from switchgear_kiro.registration import SCOPES
from switchgear_kiro.settings import KiroSettings
from switchgear_kiro.tokens import Tokens

CALLBACK_PATH = "/oauth/callback"


async def tokens_by_browser(
    settings: KiroSettings, login: Login, client: UpstreamClient, registration: Registration
) -> Tokens:
    """Open the page, wait for the browser to come back, and trade its code.

    Raises:
        OidcRefused: SSO-OIDC said no.
        LoginFailed: the person said no, or nobody came.
        UpstreamError: SSO-OIDC could not be asked, or failed.
    """
    pkce, state = new_pkce(), new_state()
    async with CallbackListener(state, path=CALLBACK_PATH) as listener:
        page = authorization_url(
            oidc_base(settings, registration.region) + "/authorize",
            registration.client_id,
            listener.redirect_uri,
            state=state,
            pkce=pkce,
            scopes=" ".join(SCOPES),  # plural, unlike OAuth's
        )
        await login.show(page)
        came = await listener.wait(login)
    code = came.get("code", "")
    if not code:
        raise LoginFailed("the browser came back without a code; start again with: switchgear login")
    grant = {
        "grantType": "authorization_code",
        "code": code,
        "codeVerifier": pkce.verifier.reveal(),
        "redirectUri": listener.redirect_uri,
    }
    return await create_token(settings, client, registration, grant)
