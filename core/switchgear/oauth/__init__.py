"""The parts of the usual sign-in flows: PKCE, the loopback callback, device-code polling, the token endpoint.

A plugin author puts ``authenticate`` and ``refresh_token`` together from these. No provider's constant is here; all
traffic goes through the ``client`` that core gives, and all talking through the ``login`` dialog.

Sources, read 2026-11: RFC 6749, 7636 (PKCE), 8252 (native apps), 8628 (device flow), 9207 (``iss``), 9700 (best
practice).
"""

from __future__ import annotations

from switchgear.oauth.callback import CallbackListener, Landing
from switchgear.oauth.device import Wait, poll_device
from switchgear.oauth.pkce import Pkce, authorization_url, new_pkce, new_state
from switchgear.oauth.tokens import DeviceCode, TokenEndpoint, Tokens

__all__ = [
    "CallbackListener",
    "DeviceCode",
    "Landing",
    "Pkce",
    "TokenEndpoint",
    "Tokens",
    "Wait",
    "authorization_url",
    "new_pkce",
    "new_state",
    "poll_device",
]
