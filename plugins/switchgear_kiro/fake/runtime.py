"""The fake's data plane: chats, on every host and in every form, strict about what the real one refuses."""

from __future__ import annotations

import itertools
import re
import secrets
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from switchgear.testing import Exchange
from switchgear_kiro.fake.people import People, User
from switchgear_kiro.fake.profile_arns import arn_problem
from switchgear_kiro.fake.refusals import (
    ARN_MISSING,
    BAD_TOKEN,
    BODY_INVALID,
    TOLD,
    UNKNOWN_OPERATION,
    Refusal,
    refuse,
)
from switchgear_kiro.fake.rules import read_body
from switchgear_kiro.fake.scenarios import SCENARIOS
from switchgear_kiro.fake.streams import Behaviour, Turn, plain
from switchgear_kiro.variants import CHAT_VARIANTS, ChatVariant, Generation

Json = dict[str, Any]

PATH = re.compile(r"/(?P<host>runtime|q|codewhisperer)(?:/(?P<region>[a-z0-9-]+))?(?P<path>/|/[A-Za-z]+)")
MARKER = re.compile(r"\[scenario: (?P<name>[^\]]+)\]")
"""In the text of the current message: which scenario answers."""
TOKEN_TYPES = {"api-key": "API_KEY", "external-idp": "EXTERNAL_IDP"}
REFUSES_TWICE = frozenset({"empty"})
"""What is tried again before it is told: it has to come three times."""


@dataclass(frozen=True, slots=True)
class Call:
    """One chat that was let in.

    Attributes:
        user: whose.
        variant: how it came.
        region: of the host.
        body: parsed.
        headers: names in lower case.
    """

    user: User
    variant: ChatVariant
    region: str
    body: Json
    headers: Mapping[str, str]


class FakeRuntime:
    """Answers chats below ``/runtime``, ``/q`` and ``/codewhisperer``.

    Attributes:
        calls: those that were in order, oldest first.
        refused: those that were not, with the refusal.
        offline: variants that nobody knows here.
        under_way: how many are being answered.
        chopped: streams go in tiny pieces.
    """

    def __init__(self, people: People, models: Callable[[], list[Json]], changed: Callable[[], None]) -> None:
        self._people = people
        self._models = models
        self._changed = changed
        self._scripts: defaultdict[str, deque[Behaviour]] = defaultdict(deque)
        self._numbers = itertools.count(1)
        self.signatures: set[str] = set()
        self.calls: list[Call] = []
        self.refused: list[Refusal] = []
        self.offline: set[ChatVariant] = {"codewhisperer"}
        self.under_way = 0
        self.chopped = False

    def script(self, *scenarios: str | Behaviour, model: str = "") -> None:
        """Let the next chats, or the next ones with this model, be answered so: scenarios by name, or behaviours."""
        self._scripts[model].extend(SCENARIOS[one] if isinstance(one, str) else one for one in scenarios)

    def fail(self, fault: str) -> bool:
        """Let the next chat fail so; false where there is no such scenario."""
        if fault not in SCENARIOS or " " in fault:
            return False
        self.script(*[fault] * (3 if fault in REFUSES_TWICE else 1))
        return True

    async def answer(self, exchange: Exchange) -> bool:
        """Answer one request, if it is for here; whether it was."""
        found = PATH.fullmatch(exchange.path)
        if found is None:
            return False
        host, region, path = found["host"], found["region"] or "us-east-1", found["path"]
        generation: Generation = 3 if host == "runtime" else 2
        typed = path == "/"
        variant = _variant(exchange, host, path)
        if variant is None or variant in self.offline:
            await self._refuse(exchange, UNKNOWN_OPERATION, generation, typed=True)
            return True
        known = {model["modelId"]: model for model in self._models()}
        admitted = self._admitted(exchange, region, known, variant)
        if isinstance(admitted, Refusal):
            await self._refuse(exchange, admitted, generation, typed=typed)
            return True
        user, body = admitted
        self.calls.append(Call(user, variant, region, body, exchange.headers))
        signature = f"sig{secrets.token_hex(16)}"
        self.signatures.add(signature)
        turn = Turn(exchange, body, generation, typed, next(self._numbers), signature, self.chopped)
        self.under_way += 1
        self._changed()
        try:
            await self._behaviour(body)(turn)
        finally:
            self.under_way -= 1
            self._changed()
        return True

    def _admitted(
        self, exchange: Exchange, region: str, models: Mapping[str, Json], variant: ChatVariant
    ) -> tuple[User, Json] | Refusal:
        user = self._people.bearer_of(exchange)
        if user is None or exchange.headers.get("tokentype") != TOKEN_TYPES.get(user.kind):
            return BAD_TOKEN
        if user.suspended:
            return TOLD["suspended"]
        generation = CHAT_VARIANTS[variant].generation
        in_body = variant == "runtime-json"
        body = read_body(exchange.body, models, self.signatures, takes_agent_mode=in_body)
        if isinstance(body, Refusal):
            return body
        arn = body.get("profileArn")
        return arn_problem(user, generation, region, arn, missing=ARN_MISSING, wrong=BODY_INVALID) or (user, body)

    def _behaviour(self, body: Json) -> Behaviour:
        message = body["conversationState"]["currentMessage"]["userInputMessage"]
        for model in (message.get("modelId", ""), ""):
            if self._scripts[model]:
                return self._scripts[model].popleft()
        marked = MARKER.search(message["content"])
        return SCENARIOS[marked["name"]] if marked else plain

    async def _refuse(self, exchange: Exchange, refusal: Refusal, generation: Generation, *, typed: bool) -> None:
        self.refused.append(refusal)
        await refuse(exchange, refusal, generation, typed=typed)


def _variant(exchange: Exchange, host: str, path: str) -> ChatVariant | None:
    """How a chat came; ``None`` where it is none that this host knows."""
    target, content_type = exchange.headers.get("x-amz-target", ""), exchange.headers.get("content-type", "")
    for name, variant in CHAT_VARIANTS.items():
        here = name.partition("-")[0] == host and (exchange.method, path) == ("POST", variant.path)
        if here and content_type == variant.content_type and (not variant.target or target == variant.target):
            return name
    return None
