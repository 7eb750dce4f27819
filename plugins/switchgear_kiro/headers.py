"""The headers of a call. Pure."""

from __future__ import annotations

from importlib.metadata import version

from switchgear_kiro.account import Credential
from switchgear_kiro.settings import KiroSettings

USER_AGENT = f"switchgear/{version('switchgear')} KiroIDE"
"""The gateway's own name, and the bare product token without which usage calls were seen to be refused (the vendor's
KiroCrew, read 2026-11). Whether chats are, too, nobody has shown; the value does not vary, as the service expects."""
TOKEN_TYPES = {"external-idp": "EXTERNAL_IDP", "api-key": "API_KEY"}
"""What a bearer has to be announced as; one that needs it and comes without looks like an invalid one."""


def call_headers(settings: KiroSettings, credential: Credential, content_type: str, target: str = "") -> dict[str, str]:
    """The headers that every call to the data and the control plane has.

    Args:
        settings: the entry's.
        credential: whose call it is.
        content_type: of the body.
        target: the operation, where the path does not tell.
    """
    headers = {
        "authorization": f"Bearer {credential.access_token}",
        "content-type": content_type,
        "user-agent": settings.user_agent or USER_AGENT,
        "x-amzn-codewhisperer-optout": "true" if settings.opt_out else "false",
    }
    if target:
        headers["x-amz-target"] = target
    if credential.method in TOKEN_TYPES:
        headers["tokentype"] = TOKEN_TYPES[credential.method]
    if credential.idp == "Internal":
        headers["redirect-for-internal"] = "true"
    return headers
