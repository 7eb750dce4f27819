"""The upstream of :mod:`tests.signing_plugin`: it knows ada and ben, their keys and tokens, and forgets nothing."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx2

from switchgear.testing import Exchange, LoopbackServer
from switchgear.upstream import tls_context
from tests.gateways import completion

ROOT = Path(__file__).parent.parent
DIST_INFO = "switchgear_signing-1.dist-info"
KEYS = {"ada": "key-of-ada-0123456789abcdef", "ben": "key-of-ben-0123456789abcdef"}
CLIENT_KEY = "sg-client-key-0123456789"


class SigningUpstream:
    """An OAuth server and a model in one.

    Attributes:
        chat_status: what every chat is answered with; 200 unless set.
        refreshed: the refresh tokens that were used, in order.
        handed_out: every token, code and key there is or was.
        verifiers: what the code exchanges sent.
    """

    def __init__(self) -> None:
        self.server = LoopbackServer(self._answer)
        self.chat_status = 200
        self.refreshed: list[str] = []
        self.handed_out: set[str] = set(KEYS.values())
        self.verifiers: list[str] = []
        self._access: dict[str, str] = {key: person for person, key in KEYS.items()}
        self._refresh: dict[str, str] = {}
        self._devices: dict[str, dict[str, str | None]] = {}
        self._codes: dict[str, dict[str, str]] = {}
        self._numbers = itertools.count(1)

    @property
    def url(self) -> str:
        return self.server.url

    def _new(self, what: str, person: str) -> str:
        token = f"{what}-{person}-{next(self._numbers):04}-{os.urandom(6).hex()}"
        self.handed_out.add(token)
        return token

    def revoke(self) -> None:
        """No refresh token is good any more."""
        self._refresh.clear()

    def tokens(self, person: str) -> dict[str, Any]:
        access, refresh = self._new("access", person), self._new("refresh", person)
        self._access[access] = self._refresh[refresh] = person
        return {"access_token": access, "refresh_token": refresh, "expires_in": 3600, "sub": person}

    async def confirm(self, url: str, code: str | None, person: str) -> None:
        """The person's browser: opens the address, signs in, confirms, and follows where it is sent."""
        async with httpx2.AsyncClient(
            verify=tls_context(), trust_env=False, follow_redirects=True, timeout=10
        ) as browser:
            query = {"person": person} if code is None else {"person": person, "user_code": code}
            joint = "&" if urlsplit(url).query else "?"
            response = await browser.get(f"{url}{joint}{urlencode(query)}")
            assert response.status_code == 200, response.text

    async def landing(self, url: str, person: str) -> str:
        """Where the person's browser would be sent to: what they paste when it is on another machine."""
        async with httpx2.AsyncClient(verify=tls_context(), trust_env=False, timeout=10) as browser:
            return (await browser.get(f"{url}&person={person}")).headers["location"]

    # -- the server ----------------------------------------------------------------------------------------

    async def _answer(self, exchange: Exchange) -> None:
        form = dict(parse_qsl(exchange.body.decode(errors="replace")))
        query = {name: values[0] for name, values in parse_qs(exchange.query).items()}
        match exchange.path:
            case "/device":
                await self._device(exchange)
            case "/activate":
                self._devices[query["user_code"]]["person"] = query["person"]
                await exchange.respond(200, "confirmed")
            case "/authorize":
                await self._authorize(exchange, query)
            case "/token":
                await self._token(exchange, form)
            case _:
                await self._served(exchange)

    async def _device(self, exchange: Exchange) -> None:
        number = next(self._numbers)
        user_code, device_code = f"ABCD-{number:04}", self._new("device", "code")
        self._devices[user_code] = {"device_code": device_code, "person": None}
        answer = {
            "device_code": device_code,
            "user_code": user_code,
            "verification_uri": f"{self.url}/activate",
            "expires_in": 60,
            "interval": 0.02,
        }
        await exchange.respond(200, json.dumps(answer))

    async def _authorize(self, exchange: Exchange, query: Mapping[str, str]) -> None:
        code = self._new("code", query["person"])
        self._codes[code] = {"person": query["person"], "challenge": query["code_challenge"]}
        back = urlencode({"code": code, "state": query["state"]})
        await exchange.respond(302, headers={"location": f"{query['redirect_uri']}?{back}"})

    async def _token(self, exchange: Exchange, form: Mapping[str, str]) -> None:
        person: str | None
        error = "invalid_grant"
        match form["grant_type"]:
            case "refresh_token":
                self.refreshed.append(form["refresh_token"])
                person = self._refresh.pop(form["refresh_token"], None)
            case "authorization_code":
                grant = self._codes.pop(form["code"], {"person": "", "challenge": ""})
                self.verifiers.append(form["code_verifier"])
                digest = hashlib.sha256(form["code_verifier"].encode()).digest()
                fits = base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == grant["challenge"]
                person = grant["person"] if fits else None
            case _:
                [device] = [d for d in self._devices.values() if d["device_code"] == form["device_code"]]
                person, error = device["person"], "authorization_pending"
        if not person:
            await exchange.respond(400, json.dumps({"error": error}))
        else:
            await exchange.respond(200, json.dumps(self.tokens(person)))

    async def _served(self, exchange: Exchange) -> None:
        person = self._access.get(exchange.headers.get("authorization", "").removeprefix("Bearer "))
        if person is None:
            await exchange.respond(401, '{"error": {"message": "who are you?"}}')
        elif exchange.path == "/whoami":
            await exchange.respond(200, json.dumps({"sub": person}))
        elif exchange.path == "/models":
            await exchange.respond(200, '["m"]')
        elif self.chat_status != 200:
            await exchange.respond(self.chat_status, '{"error": {"message": "not now"}}')
        else:
            await exchange.respond(200, completion(f"Hello, {person}"))


# -- a folder with a configuration, and processes in it ------------------------------------------------------


def configure(folder: Path, upstream: SigningUpstream, **more: Any) -> Path:
    """Write config.yaml, and make the plugin findable for processes; gives the file."""
    info = folder / "path" / DIST_INFO
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: switchgear-signing\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[switchgear]\nsigning = tests.signing_plugin\nlater = tests.signing_plugin\n"
    )
    path = folder / "config.yaml"
    fields = {
        "port": 0,
        "api-keys": [CLIENT_KEY],
        "auth-dir": str(folder / "auth"),
        "state-dir": str(folder / "state"),
        "signing": [{"base-url": upstream.url}],
        **more,
    }
    path.write_text(json.dumps(fields))
    return path


def environment(folder: Path) -> dict[str, str]:
    """For a process that finds the plugin, sits at no display, and treats warnings as errors."""
    paths = [str(folder / "path"), str(ROOT), str(ROOT / "core"), str(ROOT / "plugins")]
    left_out = {"DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION", "SSH_TTY", "BROWSER", "NO_COLOR"}
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    return {**kept, "PYTHONPATH": os.pathsep.join(paths), "PYTHONWARNINGS": "error", "COLUMNS": "200", "TERM": "xterm"}


def command(*arguments: str) -> tuple[str, ...]:
    """The program with these arguments."""
    return (sys.executable, "-m", "switchgear", *arguments)
