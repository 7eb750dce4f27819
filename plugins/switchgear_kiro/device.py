"""The device flow of SSO-OIDC: the person confirms a code on any machine's browser."""

from __future__ import annotations

from switchgear import Login, UpstreamClient
from switchgear.oauth import Wait, poll_device
from switchgear_kiro.oidc import DEVICE_GRANT, OidcRefused, Registration, create_token, start_device
from switchgear_kiro.settings import KiroSettings
from switchgear_kiro.tokens import Tokens


async def tokens_by_device(
    settings: KiroSettings, login: Login, client: UpstreamClient, registration: Registration, start_url: str
) -> Tokens:
    """Show a code, and wait until it is confirmed.

    Raises:
        OidcRefused: SSO-OIDC said no, or the person did.
        LoginFailed: the code expired.
        UpstreamError: SSO-OIDC could not be asked, or failed.
    """
    device = await start_device(settings, client, registration, start_url)
    await login.show(device.verification_uri_complete or device.verification_uri, device.user_code)
    await login.progress("waiting for the confirmation in the browser")
    grant = {"grantType": DEVICE_GRANT, "deviceCode": device.device_code.reveal()}

    async def poll() -> Tokens | Wait:
        try:
            return await create_token(settings, client, registration, grant)
        except OidcRefused as error:
            match error.error:
                case "authorization_pending":
                    return Wait.PENDING
                case "slow_down":
                    return Wait.SLOW_DOWN
            raise

    return await poll_device(poll, expires_in_s=device.expires_in_s, interval_s=device.interval_s)
