"""The token endpoint of the fake OAuth server: codes, polls of a device flow, refreshes, and what goes wrong there."""

from __future__ import annotations

import json
import re
from collections import defaultdict, deque
from collections.abc import Mapping
from typing import Literal

from switchgear.testing.exchange import Exchange
from switchgear.testing.oauth_grants import Grants, challenge_of, now

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
SLOWER_S = 5.0

Step = Literal["code", "device", "poll", "refresh"]
"""What can be scripted: the exchange of a code, the start of a device flow, a poll of it, and a refresh."""
Fault = Literal[
    "authorization_pending",
    "slow_down",
    "access_denied",
    "expired_token",
    "invalid_grant",
    "unavailable",
    "cut",
    "silent",
    "cut_after",
    "silent_after",
    "omit",
    "page",
]
"""How a step goes wrong. The first five are OAuth's own errors.

``unavailable`` is a 503, ``cut`` a reset instead of an answer and ``silent`` none until the client goes: nothing was
done. ``cut_after`` and ``silent_after``: it was done, the token is rotated, and the answer is lost. ``omit`` leaves the
refresh token out, the old one staying good. ``page`` is a 200 with a web page.
"""


class TokenEndpointFake:
    """What :class:`~switchgear.testing.oauth_server.OAuthServer` does at ``/token``; see there."""

    def __init__(self, client_id: str, client_secret: str | None, lifetime_s: float, rotates: bool) -> None:
        self.client_id = client_id
        self.client_secret = client_secret
        self.lifetime_s = lifetime_s
        self.rotates = rotates
        self.grants = Grants()
        self.refreshes = 0
        self.polls = 0
        self._scripts: dict[Step, deque[Fault]] = defaultdict(deque)
        if client_secret is not None:
            self.grants.secrets.add(client_secret)

    def script(self, step: Step, *faults: Fault) -> None:
        """Let the next steps of this kind go wrong, one after another; then all is well again."""
        self._scripts[step].extend(faults)

    def notify(self) -> None:
        """Something was counted."""

    async def token(self, exchange: Exchange, form: Mapping[str, str]) -> None:
        """Answer one request with this form."""
        self.grants.secrets.update(form[name] for name in ("code_verifier", "code") if form.get(name))
        if form.get("client_id") != self.client_id or form.get("client_secret") != self.client_secret:
            await send_error(exchange, "invalid_client", 401)
            return
        match form.get("grant_type"):
            case "authorization_code":
                if not await self.faulty(exchange, "code"):
                    await self._trade_code(exchange, form)
            case str(grant) if grant == DEVICE_GRANT:
                self.polls += 1
                self.notify()
                if not await self.faulty(exchange, "poll"):
                    await self._poll(exchange, form)
            case "refresh_token":
                self.refreshes += 1
                self.notify()
                await self._refresh(exchange, form)
            case _:
                await send_error(exchange, "unsupported_grant_type")

    async def _trade_code(self, exchange: Exchange, form: Mapping[str, str]) -> None:
        asked = self.grants.codes.get(form.get("code", ""))
        verifier = form.get("code_verifier", "")
        if asked is None:
            await send_error(exchange, "invalid_grant", description="unknown code")
        elif asked.grant is not None:
            asked.grant.revoke()  # RFC 6749, section 4.1.2
            await send_error(exchange, "invalid_grant", description="the code was used before")
        elif form.get("redirect_uri") != asked.redirect_uri:
            await send_error(exchange, "invalid_grant", description="another redirect_uri")
        elif not VERIFIER.fullmatch(verifier) or challenge_of(verifier) != asked.challenge:
            await send_error(exchange, "invalid_grant", description="the verifier does not fit the challenge")
        else:
            asked.grant = self.grants.begin(asked.person or "")
            await send_json(exchange, self.grants.issue(asked.grant, self.lifetime_s))

    async def _poll(self, exchange: Exchange, form: Mapping[str, str]) -> None:
        asked = self.grants.devices.get(form.get("device_code", ""))
        if asked is None or asked.grant is not None:
            await send_error(exchange, "invalid_grant", description="unknown device code")
            return
        early, asked.next_poll_at = now() < asked.next_poll_at, now() + asked.interval_s * 0.9  # a timer may be early
        if asked.denied:
            await send_error(exchange, "access_denied")
        elif asked.expires_at <= now():
            await send_error(exchange, "expired_token")
        elif early:
            asked.interval_s += SLOWER_S
            await send_error(exchange, "slow_down")
        elif asked.person is None:
            await send_error(exchange, "authorization_pending")
        else:
            asked.grant = self.grants.begin(asked.person)
            await send_json(exchange, self.grants.issue(asked.grant, self.lifetime_s))

    async def _refresh(self, exchange: Exchange, form: Mapping[str, str]) -> None:
        script = self._scripts["refresh"]
        fault = script[0] if script else None
        if fault not in {"cut_after", "silent_after", "omit"}:
            if await self.faulty(exchange, "refresh"):
                return
            fault = None
        else:
            script.popleft()
        grant = self.grants.of_refresh(form.get("refresh_token", ""))
        if grant is None:
            await send_error(exchange, "invalid_grant", description="the refresh token is unknown, spent or revoked")
            return
        answer = self.grants.issue(grant, self.lifetime_s, rotate=self.rotates, omit=fault == "omit")
        if fault == "cut_after":
            exchange.cut()
        elif fault == "silent_after":
            await exchange.closed.wait()
        else:
            await send_json(exchange, answer)

    async def faulty(self, exchange: Exchange, step: Step) -> bool:
        """Let the step go wrong as it is scripted, if it is; whether it did."""
        script = self._scripts[step]
        if not script:
            return False
        match script.popleft():
            case "unavailable":
                await exchange.respond(503, "try again later", content_type="text/plain")
            case "cut":
                exchange.cut()
            case "silent":
                await exchange.closed.wait()
            case "page":
                await exchange.respond(200, "<h1>Welcome</h1>", content_type="text/html")
            case error:
                await send_error(exchange, error)
        return True


async def send_error(exchange: Exchange, error: str, status: int = 400, description: str | None = None) -> None:
    """Send an error of RFC 6749, section 5.2."""
    more = {} if description is None else {"error_description": description}
    await send_json(exchange, {"error": error, **more}, status)


async def send_json(exchange: Exchange, value: object, status: int = 200) -> None:
    """Send what nobody on the way may keep."""
    await exchange.respond(status, json.dumps(value), {"cache-control": "no-store", "pragma": "no-cache"})
