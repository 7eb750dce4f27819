"""The fake sign-in: the page, the poll, the exchange of keys, and the renewal of sessions."""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import httpx2

from switchgear.testing import Exchange
from switchgear_cursor.endpoints import EXCHANGE, OAUTH_TOKEN, POLL, SIGN_IN_PAGE
from switchgear_cursor.fake.people import People, User
from switchgear_cursor.fake.refusals import SUSPENDED, Refusal, refuse

Json = dict[str, Any]
DESKTOP_CLIENT = "KbZUR41cY7W6zRSdpSUJ7I7mLYBKOCmB"
PERSON_HEADER, ANSWER_HEADER = "x-person", "x-answer"


@dataclass(slots=True)
class Attempt:
    """One sign-in. ``user`` confirmed it, or ``refused`` it."""

    challenge: str
    user: User | None = None
    refused: bool = False


class FakeLogin:
    """Part of the service.

    Attributes:
        knows_post: the poll can be posted; false for a server that answers a post as it does an unknown path.
        pending: the whole answer while nobody has confirmed.
        polls: verb and status of each poll so far, oldest first.
        scripts: answers to coming polls instead of the usual ones: status and body.
        exchange_refusals: what the coming exchanges are refused with.
        renews_sessions: ``/oauth/token`` gives tokens; false: it refuses, as it does sessions of the command line.
        exchanges_sessions: the exchange takes a session's token, too.
        logs_out: the renewal says that the session has ended.
        omits_refresh_token: the next answer with tokens has none, and the old one stays good.
        refreshes: how often tokens were asked for at either place.
    """

    def __init__(self, people: People, notify: Callable[[], None]) -> None:
        self._people = people
        self._notify = notify
        self._attempts: dict[str, Attempt] = {}
        self.knows_post = True
        self.pending = "Not found"
        self.polls: list[tuple[str, int]] = []
        self.scripts: list[tuple[int, str]] = []
        self.exchange_refusals: list[Refusal] = []
        self.renews_sessions = True
        self.exchanges_sessions = False
        self.logs_out = False
        self.omits_refresh_token = False
        self.refreshes = 0

    async def answer(self, exchange: Exchange) -> bool:
        """Answer one request, if it is for here; whether it was."""
        match exchange.method, exchange.path:
            case "GET", path if path == SIGN_IN_PAGE:
                await self._page(exchange)
            case "POST" | "GET", path if path == POLL:
                await self._poll(exchange)
            case "POST", path if path == EXCHANGE:
                await self._exchange(exchange)
            case "POST", path if path == OAUTH_TOKEN:
                await self._renew(exchange)
            case _:
                return False
        return True

    # -- the page ------------------------------------------------------------------------------------------

    async def visit(self, url: str, person: str, *, confirms: bool = True) -> None:
        """The person's browser.

        Raises:
            RuntimeError: the page is none.
        """
        headers = {PERSON_HEADER: person, ANSWER_HEADER: "yes" if confirms else "no"}
        async with httpx2.AsyncClient(trust_env=False, verify=False) as browser:
            answer = await browser.get(url, headers=headers)
        if answer.status_code != 200:
            raise RuntimeError(f"the sign-in page said {answer.status_code}: {answer.text[:200]}")

    async def _page(self, exchange: Exchange) -> None:
        told = {name: values[0] for name, values in parse_qs(exchange.query).items()}
        person = exchange.headers.get(PERSON_HEADER, "")
        good = told.get("mode") == "login" and told.get("redirectTarget") in {"cli", "sdk"}
        if not good or len(told.get("challenge", "")) != 43 or not _is_uuid(told.get("uuid", "")) or not person:
            await exchange.respond(400, "bad sign-in link", content_type="text/plain")
            return
        attempt = self._attempts.setdefault(told["uuid"], Attempt(told["challenge"]))
        if exchange.headers.get(ANSWER_HEADER) == "yes":
            attempt.user = self._people.user(person)
        else:
            attempt.refused = True
        self._notify()
        await exchange.respond(200, "All set! Feel free to return to Cursor.", content_type="text/plain")

    # -- the poll ------------------------------------------------------------------------------------------

    async def _poll(self, exchange: Exchange) -> None:
        status, body = self._polled(exchange)
        self.polls.append((exchange.method, status))
        kind = "application/json" if body.startswith("{") else "text/plain"
        await exchange.respond(status, body, content_type=kind)

    def _polled(self, exchange: Exchange) -> tuple[int, str]:
        if exchange.method == "POST" and not self.knows_post:
            return 404, '{"message": "Route POST:/auth/poll not found", "error": "Not Found", "statusCode": 404}'
        told = _object(exchange.body) if exchange.method == "POST" else dict(httpx2.QueryParams(exchange.query))
        verifier = str(told.get("verifier", ""))
        if verifier:
            self._people.given.add(verifier)
        if self.scripts:
            return self.scripts.pop(0)
        if not _is_uuid(str(told.get("uuid", ""))):
            return 400, '{"error": "uuid must be a string"}'
        attempt = self._attempts.get(str(told["uuid"]))
        if attempt is None or (attempt.user is None and not attempt.refused):
            return 404, self.pending
        if attempt.refused:
            return 403, '{"error": "Your organization does not allow this sign-in"}'
        if _challenge(verifier) != attempt.challenge or attempt.user is None:
            return 403, '{"error": "invalid verifier"}'
        del self._attempts[str(told["uuid"])]  # a sign-in is handed out once
        token = self._people.session(attempt.user)
        return 200, json.dumps({"accessToken": token, "refreshToken": token, "authId": attempt.user.subject})

    # -- tokens --------------------------------------------------------------------------------------------

    async def _exchange(self, exchange: Exchange) -> None:
        self.refreshes += 1
        if self.exchange_refusals:
            await refuse(exchange, self.exchange_refusals.pop(0))
            return
        scheme, _, bearer = exchange.headers.get("authorization", "").partition(" ")
        session = self._people.session_of(bearer) if self.exchanges_sessions else None
        user = self._people.key_owner(bearer) or (session.user if session is not None else None)
        if user is None or scheme != "Bearer" or not _is_json(exchange) or _object(exchange.body) != {}:
            await exchange.respond(401, "Invalid User API Key", content_type="text/plain")
            return
        if user.suspended:
            await refuse(exchange, SUSPENDED)
            return
        token = self._people.access(user) if session is None else self._people.session(user)
        await self._give(exchange, {"accessToken": token, "refreshToken": token}, "refreshToken")

    async def _renew(self, exchange: Exchange) -> None:
        self.refreshes += 1
        told = _object(exchange.body)
        session = self._people.session_of(str(told.get("refresh_token", "")))
        named = (told.get("grant_type"), told.get("client_id"))
        if named != ("refresh_token", DESKTOP_CLIENT) or not _is_json(exchange):
            await exchange.respond(400, '{"error": "invalid_request"}', content_type="application/json")
        elif self.logs_out:
            await self._give(exchange, {"access_token": "", "id_token": "", "shouldLogout": True}, "")
        elif session is None or not self.renews_sessions:
            body = '{"error": "invalid_grant", "error_description": "Unknown or invalid refresh token."}'
            await exchange.respond(403, body, content_type="application/json")
        else:
            token = self._people.session(session.user)
            answer = {"access_token": token, "id_token": token, "shouldLogout": False, "refresh_token": token}
            await self._give(exchange, answer, "refresh_token")

    async def _give(self, exchange: Exchange, answer: Json, refresh: str) -> None:
        if self.omits_refresh_token and refresh in answer:
            self.omits_refresh_token = False
            answer.pop(refresh)
        await exchange.respond(200, json.dumps(answer), content_type="application/json")


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _is_uuid(text: str) -> bool:
    try:
        return uuid.UUID(text).version == 4
    except ValueError:
        return False


def _is_json(exchange: Exchange) -> bool:
    return exchange.headers.get("content-type", "").partition(";")[0] == "application/json"


def _object(body: bytes) -> Json:
    try:
        told = json.loads(body or b"null")
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
