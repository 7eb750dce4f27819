"""The fake's API hosts: chat in three dialects, model lists, quota."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

from switchgear.testing import PERSONALITIES, THOUGHT, Call, Exchange, Timings, Turn, plain
from switchgear_minimax.fake.chat import HABITS, chunks, whole
from switchgear_minimax.fake.faults import fail
from switchgear_minimax.fake.ledger import Grant, Ledger
from switchgear_minimax.fake.refusals import (
    MODELS,
    TOLD,
    chat_problems,
    envelope,
    messages_problems,
    native,
    responses_problems,
)

Json = dict[str, Any]
Problems = Callable[[Json], Iterator[str]]
ENDPOINTS: dict[str, tuple[str, str, Problems]] = {
    "/anthropic/v1/messages": ("anthropic-messages", "/messages", messages_problems),
    "/v1/chat/completions": ("openai-chat", "/chat/completions", chat_problems),
    "/v1/responses": ("openai-responses", "/responses", responses_problems),
}
"""The chat endpoints: dialect, the form of the answers, what is refused."""
NATIVE = ("/v1/token_plan/remains", "/v1/api/openplatform/coding_plan/remains", "/account/query_balance")
LEGACY = {"/oauth/code": "/oauth2/device/code", "/oauth/token": "/oauth2/token"}
_OPENAI = next(personality for personality in PERSONALITIES if personality.name == "openai")


class ApiHost:
    """The API hosts of both regions. What may differ between real answers can be set.

    Attributes:
        calls: every chat request that was let in, oldest first.
        under_way: how many of them are not answered yet; ``changed`` is told when one is, or when its client left.
        faults: what becomes of the next chat calls.
        habits: of answers, some of :data:`switchgear_minimax.fake.chat.HABITS`.
        models: the ids that are listed.
        page_size: of Anthropic's list, at most.
        list_fault: what the lists are answered with instead (status, body); ``None`` for the list.
        windows: the plan's ``model_remains``.
        balance: what is left of the pay-as-you-go API's.
        has_new_quota_path: false for a host that knows the older path only.
    """

    def __init__(self, ledger: Ledger, changed: Callable[[], None]) -> None:
        self._ledger = ledger
        self._changed = changed
        self.calls: list[Call] = []
        self.under_way = 0
        self.faults: deque[str] = deque()
        self.habits: set[str] = set()
        self.models = list(MODELS)
        self.page_size = 100
        self.list_fault: tuple[int, str] | None = None
        self.windows: list[Json] = [window()]
        self.balance = "12.50"
        self.has_new_quota_path = True

    async def answer(self, exchange: Exchange, region: str, path: str, account_url: str) -> None:
        """Answer one request."""
        if path in LEGACY:
            await exchange.respond(307, headers={"location": account_url + LEGACY[path]})
        elif path in ENDPOINTS and exchange.method == "POST":
            await self._chat(exchange, region, path)
        elif path in NATIVE and exchange.method == "GET":
            await self._native(exchange, region, path)
        elif path in {"/v1/models", "/anthropic/v1/models"} and exchange.method == "GET":
            await self._list(exchange, region, path)
        else:
            await exchange.respond(404, "404 page not found", content_type="text/plain")

    def _holder(self, exchange: Exchange, region: str, path: str) -> Grant | None:
        scheme, _, credential = exchange.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" and path.startswith("/anthropic"):
            credential = exchange.headers.get("x-api-key", "")
        return self._ledger.holder(credential, region)

    # -- chat ------------------------------------------------------------------------------------------------

    async def _chat(self, exchange: Exchange, region: str, path: str) -> None:
        dialect, form, problems = ENDPOINTS[path]
        if region == "cn" and "x-api-key" in exchange.headers:
            error = envelope(dialect, 500, "api_error", "system error (1033)")
            await exchange.respond(500, json.dumps(error))
            return
        holder = self._holder(exchange, region, path)
        if holder is None:
            status, type_, message = TOLD["token_expired"]
            await exchange.respond(status, json.dumps(envelope(dialect, status, type_, message)))
            return
        if not self.habits <= HABITS:
            raise ValueError(f"nobody was seen to have these habits: {sorted(self.habits - HABITS)}")
        body: Json = json.loads(exchange.body)
        model = str(body.get("model"))
        call = Call(form, "openai", model, holder.person, exchange.headers, exchange.query, body, exchange.body)
        self.calls.append(call)
        turn = Turn(call, exchange, _OPENAI, Timings())
        thinks = self._thinks(model, body) and "no thought" not in self.habits
        # a tool's id is call_function_<random>_<n>
        calls = tuple({**c, "id": f"call_function_{turn.answer.number}_{n}"} for n, c in _numbered(turn))
        turn.answer = replace(turn.answer, reasoning=THOUGHT if thinks else "", tool_calls=calls)
        if "leak" in self.habits and turn.answer.text:
            turn.answer = replace(turn.answer, text=f"{turn.answer.text}\n[e~[", split=(turn.answer.text, "\n[e", "~["))
        self.under_way += 1
        try:
            await self._answer(turn, dialect, thinks, problems)
        finally:
            self.under_way -= 1
            self._changed()

    async def _answer(self, turn: Turn, dialect: str, thinks: bool, problems: Problems) -> None:
        if self.faults:
            await fail(self.faults.popleft(), turn, dialect, self._events(turn, dialect, thinks))
            return
        problem = next(problems(turn.call.body), None)
        if problem is not None:
            await turn.exchange.respond(400, json.dumps(envelope(dialect, 400, "bad_request_error", problem)))
        elif dialect != "openai-chat":
            await plain(turn)
        elif not turn.stream:
            await turn.json(whole(turn, thinks, self.habits))
        else:
            await turn.start()
            await turn.send(*chunks(turn, thinks, self.habits))
            await turn.end()

    def _events(self, turn: Turn, dialect: str, thinks: bool) -> Iterator[Json]:
        return chunks(turn, thinks, self.habits) if dialect == "openai-chat" else iter(turn.chunks())

    def _thinks(self, model: str, body: Json) -> bool:
        """M2 always does; M3 unless it is told not to."""
        thinking = body.get("thinking")
        return model != "MiniMax-M3" or not isinstance(thinking, dict) or thinking.get("type") != "disabled"

    # -- lists and quota -------------------------------------------------------------------------------------

    async def _list(self, exchange: Exchange, region: str, path: str) -> None:
        if self._holder(exchange, region, path) is None:
            error = envelope("openai-chat", *TOLD["token_expired"])
            await exchange.respond(401, json.dumps(error))
            return
        if self.list_fault is not None:
            await exchange.respond(*self.list_fault)
            return
        if path == "/v1/models":
            data = [
                {"id": id_, "object": "model", "created": 1_773_799_200, "owned_by": "minimax"} for id_ in self.models
            ]
            await exchange.respond(200, json.dumps({"object": "list", "data": data}))
            return
        asked = {name: values[0] for name, values in parse_qs(exchange.query).items()}
        start = self.models.index(asked["after_id"]) + 1 if "after_id" in asked else 0
        ids = self.models[start : start + min(int(asked.get("limit", "20")), self.page_size)]
        page = {
            "data": [
                {"id": id_, "type": "model", "display_name": id_, "created_at": "2026-03-18T00:00:00Z"} for id_ in ids
            ],
            "first_id": ids[0] if ids else None,
            "last_id": ids[-1] if ids else None,
            "has_more": start + len(ids) < len(self.models),
        }
        await exchange.respond(200, json.dumps(page))

    async def _native(self, exchange: Exchange, region: str, path: str) -> None:
        if path == NATIVE[0] and not self.has_new_quota_path:
            await exchange.respond(404, "404 page not found", content_type="text/plain")
            return
        scheme, _, credential = exchange.headers.get("authorization", "").partition(" ")
        fits = credential.startswith("sk-api-") == (path == NATIVE[2])  # a key of the one is none of the other
        if scheme != "Bearer" or not fits or self._ledger.holder(credential, region) is None:
            await exchange.respond(200, json.dumps(native(1004, "login fail: Please carry the API secret key")))
        elif path == NATIVE[2]:
            await exchange.respond(200, json.dumps(native(0, "success", available_amount=self.balance)))
        else:
            await exchange.respond(200, json.dumps(native(0, "success", model_remains=self.windows)))


def window(name: str = "general", **fields: Any) -> Json:
    """One entry of ``model_remains``: 84 % of the five hours left, and no weekly limit."""
    now_ms = int(time.time() * 1000)
    return {
        "model_name": name,
        "start_time": now_ms - 3_600_000,
        "end_time": now_ms + 14_400_000,
        "remains_time": 14_400_000,
        "current_interval_total_count": 1500,
        "current_interval_usage_count": 228,
        "current_interval_remaining_percent": 84,
        "current_interval_status": 1,
        "weekly_start_time": 0,
        "weekly_end_time": 0,
        "weekly_remains_time": 0,
        "current_weekly_total_count": 0,
        "current_weekly_usage_count": 0,
        "current_weekly_remaining_percent": 100,
        "current_weekly_status": 3,
        "weekly_boost_permille": 0,
        **fields,
    }


def _numbered(turn: Turn) -> Iterator[tuple[int, Json]]:
    yield from enumerate(turn.answer.tool_calls, 1)
