"""What goes onto the wire: addresses and signed headers. Pure.

Source: the vendor's client 0.5 (``modules/app/api``), read 2026-11. Of what that client sends, only the signature is
needed by the protocol; the ``User-Agent`` in it is the gateway's own.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from importlib.metadata import version

import httpx2

from switchgear import Account
from switchgear_iflow.accounts import API_KEY

USER_AGENT = f"switchgear/{version('switchgear')}"
"""Set explicitly, since the signature holds for exactly what is sent."""
JSON, EVENT_STREAM = "application/json", "text/event-stream"
STREAMS = (EVENT_STREAM, "application/octet-stream")
"""What a stream is typed as; the second by cacaview/iflow2api, read 2026-11."""
TRACE = "eagleeye-traceid"
"""The answer's header with the id that the service's own log knows."""


def signature(api_key: str, user_agent: str, session_id: str, timestamp: str) -> str:
    """The HMAC-SHA256 of what identifies the call, in lower-case hexadecimal digits."""
    message = f"{user_agent}:{session_id}:{timestamp}"
    return hmac.new(api_key.encode(), message.encode(), hashlib.sha256).hexdigest()


def signed_headers(account: Account, session_id: str, now: float) -> dict[str, str]:
    """The headers that every call to the inference host carries.

    Args:
        account: whose API key signs.
        session_id: empty for none; it is sent and signed nevertheless.
        now: Unix seconds.
    """
    api_key = account.secrets[API_KEY].reveal()
    timestamp = str(int(now * 1000))
    return {
        "authorization": f"Bearer {api_key}",
        "user-agent": USER_AGENT,
        "session-id": session_id,
        "x-iflow-timestamp": timestamp,
        "x-iflow-signature": signature(api_key, USER_AGENT, session_id, timestamp),
    }


def chat_request(
    inference: str, account: Account, body: bytes, *, request_id: str, stream: bool, now: float
) -> httpx2.Request:
    """One chat call. ``request_id`` is the gateway's, so that both logs can be laid side by side."""
    headers = {
        **signed_headers(account, f"session-{request_id}", now),
        "content-type": JSON,
        "accept": EVENT_STREAM if stream else JSON,
    }
    return httpx2.Request("POST", f"{inference}/chat/completions", headers=headers, content=body)


def models_request(inference: str, account: Account, now: float) -> httpx2.Request:
    """The question for the model list."""
    headers = {**signed_headers(account, "", now), "accept": JSON}
    return httpx2.Request("GET", f"{inference}/models", headers=headers)


def with_content_type(headers: Mapping[str, str], *, stream: bool) -> dict[str, str]:
    """The answer's headers, with the type its body has: a stream where one was asked for and came, JSON otherwise."""
    given = headers.get("content-type", "").lower()
    if given.startswith("text/html"):
        return dict(headers)
    is_stream = given.startswith(EVENT_STREAM) or (stream and given.startswith(STREAMS))
    return {**headers, "content-type": EVENT_STREAM if is_stream else JSON}
