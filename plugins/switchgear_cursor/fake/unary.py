"""What every fake Connect call checks before it answers: whose it is, and whether it is put as the service wants it."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from switchgear.testing import Exchange
from switchgear_cursor.fake.people import Grant, People
from switchgear_cursor.fake.refusals import (
    ILLEGAL_TAG,
    NO_HEADER,
    NOT_LOGGED_IN,
    OUTDATED,
    TOKEN_EXPIRED,
    Refusal,
    refuse,
)

Json = dict[str, Any]
Method = Callable[[Grant, Json], "Json | Refusal"]
VERSIONS = {"cli": re.compile(r"cli-2026\.\d\d\.\d\d-[0-9a-f]{7}"), "sdk": re.compile(r"sdk-1\.\d+\.\d+")}


async def answer_unary(exchange: Exchange, people: People, methods: Mapping[str, Method], log: list[str]) -> bool:
    """Answer one request, if it is for one of ``methods``; whether it was. What was asked for goes into ``log``."""
    method = methods.get(exchange.path)
    if method is None or exchange.method != "POST":
        return False
    log.append(exchange.path.rpartition("/")[2])
    kind = exchange.headers.get("content-type", "").partition(";")[0]
    if kind not in {"application/json", "application/proto"}:
        await exchange.respond(415)
        return True
    told = _told(exchange, people, kind)
    answer = told if isinstance(told, Refusal) else method(*told)
    if isinstance(answer, Refusal):
        await refuse(exchange, answer)
    else:
        await exchange.respond(200, json.dumps(answer), content_type="application/json")
    return True


def problem_in(headers: Mapping[str, str], people: People) -> Refusal | None:
    """Why a call with these headers is refused; ``None`` where it is not. A run has the same ones, and more."""
    if headers.get("connect-protocol-version") != "1":
        return NO_HEADER
    authorization = headers.get("authorization", "")
    if people.bearer(authorization) is None:
        return TOKEN_EXPIRED if people.was_given(authorization) else NOT_LOGGED_IN
    version = VERSIONS.get(headers.get("x-cursor-client-type", ""))
    if version is None or not version.fullmatch(headers.get("x-cursor-client-version", "")):
        return OUTDATED
    if headers.get("x-ghost-mode") not in {"true", "false"} or not _is_uuid(headers.get("x-request-id", "")):
        return Refusal("invalid_argument", message="missing required header")
    made_up = {"x-cursor-checksum", "x-client-key", "cookie"} & headers.keys()
    if made_up or not headers.get("user-agent", "").startswith("switchgear/"):
        return Refusal("invalid_argument", message="this fake wants the gateway's own name, and no device's")
    return None


def _told(exchange: Exchange, people: People, kind: str) -> tuple[Grant, Json] | Refusal:
    problem = problem_in(exchange.headers, people)
    if problem is not None:
        return problem
    grant = people.bearer(exchange.headers["authorization"])
    assert grant is not None
    if kind == "application/proto":  # answered in JSON alone: the plugin does not ask in protobuf
        return ILLEGAL_TAG if exchange.body else Refusal("unavailable", message="this fake speaks JSON")
    try:
        body = json.loads(exchange.body)
    except ValueError:
        return Refusal("invalid_argument", message="parse JSON: syntax error")
    return (grant, body) if isinstance(body, dict) else Refusal("invalid_argument", message="parse JSON: no object")


def _is_uuid(text: str) -> bool:
    try:
        return uuid.UUID(text).version == 4
    except ValueError:
        return False
