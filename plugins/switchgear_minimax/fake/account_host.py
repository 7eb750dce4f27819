"""The fake's account hosts: user codes, tokens, refresh."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Literal
from urllib.parse import parse_qsl

from switchgear.testing import Exchange
from switchgear_minimax.fake.ledger import CLIENTS, Code, Grant, Ledger

Json = dict[str, Any]
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
LIFETIME_S = 7200


class AccountHost:
    """The account hosts of both regions. What may differ between real answers can be set.

    ``refreshed`` is told of every refresh that is asked for.

    Attributes:
        interval_ms: the pause asked for between polls; the real one asks for 3000.
        code_lifetime_s: how long a code is good.
        polls: scripted answers (status, body) to the next polls, before the true ones.
        refusals: scripted answers to the next refreshes.
        unit: how a token's expiry is written: Unix milliseconds, Unix seconds, seconds from now, or not at all.
        expiry_field: under which name.
        lifetime_s: of access tokens.
        omits_refresh_token: refresh answers leave it out, and the old one stays good; counts down.
        id_tokens: token answers have an ``id_token``, which no real one was seen to have.
        echoes_state: whether the right ``state`` comes back.
        native_refusals: refresh tokens are refused in the ``base_resp`` envelope.
        resource_url: what token answers say of the API.
        notice: the ``notification_message`` of token answers; empty for none.
    """

    def __init__(self, ledger: Ledger, refreshed: Callable[[], None]) -> None:
        self._ledger = ledger
        self._refreshed = refreshed
        self.interval_ms = 20
        self.code_lifetime_s = 300.0
        self.polls: deque[tuple[int, Json | str]] = deque()
        self.refusals: deque[tuple[int, Json | str]] = deque()
        self.unit: Literal["ms", "s", "from now"] | None = "ms"
        self.expiry_field = "expired_in"
        self.lifetime_s = LIFETIME_S
        self.omits_refresh_token = 0
        self.id_tokens = False
        self.echoes_state = True
        self.native_refusals = False
        self.resource_url = "https://api.minimax.io/anthropic"
        self.notice = ""

    async def answer(self, exchange: Exchange, region: str, path: str, url: str) -> None:
        """Answer one request; ``url`` is the fake's own."""
        if exchange.method != "POST":
            await _reply(exchange, 405, {"error": "invalid_request"})
            return
        if not exchange.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            await _reply(exchange, 400, _error("invalid_request", "client_id is required"))
            return
        form = dict(parse_qsl(exchange.body.decode()))
        if path == "/oauth2/device/code":
            await _reply(exchange, *self._start(form, region, url))
        elif path == "/oauth2/token":
            await _reply(exchange, *self._token(form, region))
        else:
            await _reply(exchange, 404, {"error": "not_found"})

    # -- the code --------------------------------------------------------------------------------------------

    def _start(self, form: dict[str, str], region: str, url: str) -> tuple[int, Json]:
        client = CLIENTS.get(form.get("client_id", ""))
        if client is None:
            return 400, _error("invalid_client", "client_id is required" if "client_id" not in form else "unknown")
        if form.get("scope") != client[0]:
            return 400, _error("invalid_scope", "the scope is not this client's")
        if not form.get("code_challenge"):
            return 400, _error("invalid_request", "code_challenge is required")
        if form.get("code_challenge_method") != "S256" or not CHALLENGE.fullmatch(form["code_challenge"]):
            return 400, _error("invalid_request", "code_challenge_method must be S256")
        if not form.get("state"):
            return 400, _error("invalid_request", "state is required")
        code = self._ledger.new_code(Code(region, form["client_id"], form["code_challenge"]))
        address = f"{url}/{region}/platform/oauth-authorize?user_code={code}&client=cli"
        return 200, {
            "user_code": code,
            "verification_uri": address,
            "expired_in": int((time.time() + self.code_lifetime_s) * 1000),
            "interval": self.interval_ms,
            "state": form["state"] if self.echoes_state else "another",
        }

    # -- the tokens ------------------------------------------------------------------------------------------

    def _token(self, form: dict[str, str], region: str) -> tuple[int, Json | str]:
        client_id = form.get("client_id", "")
        if client_id not in CLIENTS:
            return 400, _error("invalid_client", "client_id is required")
        if form.get("grant_type") == "refresh_token":
            return self._refresh(form, region, client_id)
        if form.get("grant_type") != CLIENTS[client_id][1]:
            return 400, _error("unsupported_grant_type", "the grant type is not this client's")
        code = self._ledger.codes.get(form.get("user_code", ""))
        verifier = form.get("code_verifier", "")
        self._ledger.seen.add(verifier)
        if code is None or (code.region, code.client_id) != (region, client_id):
            return 400, _error("invalid_grant", "unknown user_code")
        if _challenge(verifier) != code.challenge:
            return 400, _error("invalid_grant", "code_verifier does not match")
        if self.polls:
            return self.polls.popleft()
        if code.denied:
            return 200, {"status": "failed", "error": "access_denied", "error_description": "the person declined"}
        if code.person is None:
            return 200, {"status": "pending", "message": "waiting for authorization"}
        del self._ledger.codes[form["user_code"]]
        return 200, self._success(Grant(code.person, region, client_id))

    def _refresh(self, form: dict[str, str], region: str, client_id: str) -> tuple[int, Json | str]:
        self._refreshed()
        if self.refusals:
            return self.refusals.popleft()
        token = form.get("refresh_token", "")
        grant = self._ledger.refresh.get(token)
        if grant is None or (grant.region, grant.client_id) != (region, client_id):
            if self.native_refusals:
                return 400, {"base_resp": {"status_code": 1004, "status_msg": "invalid_grant"}}
            return 400, _error("invalid_grant", "the refresh token was used, or is not this client's")
        answer = self._success(grant)
        if self.omits_refresh_token:
            self.omits_refresh_token -= 1
            del self._ledger.refresh[answer.pop("refresh_token")]
        else:
            del self._ledger.refresh[token]  # single use
        return 200, answer

    def _success(self, grant: Grant) -> Json:
        access, refresh = self._ledger.new_tokens(grant)
        answer: Json = {
            "status": "success",
            "access_token": access,
            "refresh_token": refresh,
            "token_type": "Bearer",
            "scope": CLIENTS[grant.client_id][0],
            "resource_url": self.resource_url,
        }
        if self.unit is not None:
            answer[self.expiry_field] = self._expiry()
        if self.notice:
            answer["notification_message"] = self.notice
        if self.id_tokens:
            answer["id_token"] = _id_token({"sub": f"subject-of-{grant.person}", "email": "team@example.test"})
        return answer

    def _expiry(self) -> int:
        if self.unit == "from now":
            return self.lifetime_s
        moment = time.time() + self.lifetime_s
        return int(moment * 1000 if self.unit == "ms" else moment)


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _id_token(claims: Json) -> str:
    parts = ({"alg": "none"}, claims)
    encoded = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)
    return ".".join((*encoded, "c2ln"))


def _error(error: str, description: str) -> Json:
    return {"error": error, "error_description": description}


async def _reply(exchange: Exchange, status: int, body: Json | str) -> None:
    if isinstance(body, str):
        await exchange.respond(status, body, content_type="text/html")
    else:
        await exchange.respond(status, json.dumps(body))
