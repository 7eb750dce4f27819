"""A fake upstream with a memory, on a real socket: OpenAI's endpoints, and Anthropic Messages beside them.

``model`` chooses what happens: a plain model answers well, a magic id (``err-429-header``, ``cut``, ``usage-none``; see
``FAULTS`` and ``QUIRKS``) does what its name says. The base path chooses whose habits it has (``PERSONALITIES``).
"""

from __future__ import annotations

import json
import ssl as tls
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from switchgear.testing.answer import Json
from switchgear.testing.error_faults import any_error
from switchgear.testing.exchange import Exchange
from switchgear.testing.forms import COUNT_TOKENS, FORMS
from switchgear.testing.openai_faults import FAULTS
from switchgear.testing.openai_personalities import BY_NAME, ErrorSpec, Personality, personality_of
from switchgear.testing.openai_quirks import QUIRKS
from switchgear.testing.openai_turn import Behaviour, Call, Timings, Turn, plain
from switchgear.testing.server import MAX_REQUESTS_KEPT, LoopbackServer

PLAIN_MODELS = ("demo-model", "demo-mini", "demo-embedding")
ENDPOINTS = frozenset(FORMS)
MODELS = "/models"
FREE = frozenset({MODELS, COUNT_TOKENS})
"""What generates nothing."""


@dataclass(slots=True)
class Rule:
    """One scripted exception from what the model's name says. ``left`` counts down; ``None`` is for ever."""

    behaviour: Behaviour
    model: str | None
    key: str | None
    endpoint: str | None
    left: int | None

    def fits(self, call: Call) -> bool:
        """Whether it is about this call. Without an ``endpoint`` it is about all that generates something."""
        endpoint_fits = call.endpoint not in FREE if self.endpoint is None else call.endpoint == self.endpoint
        return (
            endpoint_fits
            and self.left != 0
            and self.model in {None, call.model}
            and (self.key is None or self.key == call.key)
        )


class FakeOpenAI:
    """The fake upstream, for as long as its ``async with`` block lasts.

    Attributes:
        keys: the API keys it accepts; empty for a keyless server, which ignores what it is given.
        accepts: says instead whether a key is good, where tokens come and go; ``None`` leaves it to ``keys``.
        models: the ids it lists and answers plainly; any other that is not magic is a 404.
        quote_key_in_full: a refused key is quoted whole in the error, as careless servers do; else as OpenAI does.
        timings: how slow its slow behaviours are.
        calls: the last 10,000 requests to an endpoint that generates something, oldest first.
        lists: the same for model lists.
        counts: the same for token counts.
        cancelled: the calls whose client went away before the end.
        active: how many calls are under way; ``most_active`` is the highest that ever was.
        server: the server below, for its connections and raw requests.
    """

    def __init__(
        self,
        keys: Iterable[str] = (),
        models: Iterable[str] = PLAIN_MODELS,
        *,
        accepts: Callable[[str], bool] | None = None,
        ssl: tls.SSLContext | None = None,
    ) -> None:
        self.keys = set(keys)
        self.accepts = accepts
        self.models = list(models)
        self.quote_key_in_full = False
        self.timings = Timings()
        self.calls: deque[Call] = deque(maxlen=MAX_REQUESTS_KEPT)
        self.lists: deque[Call] = deque(maxlen=MAX_REQUESTS_KEPT)
        self.counts: deque[Call] = deque(maxlen=MAX_REQUESTS_KEPT)
        self.cancelled: deque[Call] = deque(maxlen=MAX_REQUESTS_KEPT)
        self.active = 0
        self.most_active = 0
        self.server = LoopbackServer(self._handle, ssl=ssl)
        self._rules: list[Rule] = []
        self._calls_made = 0

    async def __aenter__(self) -> Self:
        await self.server.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.server.__aexit__(kind, error, trace)

    @property
    def url(self) -> str:
        """``http://127.0.0.1:port``, without a path."""
        return self.server.url

    def base_url(self, personality: str = "openai") -> str:
        """The base URL to configure for a personality, ``http://127.0.0.1:port/v1`` for OpenAI's."""
        return self.url + BY_NAME[personality].base

    def script(
        self,
        *,
        behaviour: str | Behaviour,
        model: str | None = None,
        key: str | None = None,
        endpoint: str | None = None,
        times: int | None = None,
    ) -> None:
        """From now on answer the calls that fit with ``behaviour``: a magic id, ``"plain"``, or a function.

        Rules with ``times`` come first, in the order they were given, and are used up; then the last one without.
        ``endpoint`` is a path below the base; absent, every endpoint that generates something: not ``/models``, and
        not ``/messages/count_tokens``.
        """
        found = behaviour_of(behaviour) if isinstance(behaviour, str) else behaviour
        if found is None:
            raise ValueError(f"no behaviour is called {behaviour!r}")
        self._rules.append(Rule(found, model, key, endpoint, times))

    def unscript(self) -> None:
        """Forget every scripted rule."""
        self._rules.clear()

    async def wait_for_calls(self, count: int, timeout_s: float = 5.0) -> None:
        """Wait until ``count`` calls have come, model lists and token counts not counted."""
        await self.server.wait_for(lambda: self._calls_made >= count, timeout_s)

    async def wait_for_cancelled(self, count: int = 1, timeout_s: float = 5.0) -> None:
        """Wait until so many clients have left before their answer's end."""
        await self.server.wait_for(lambda: len(self.cancelled) >= count, timeout_s)

    async def wait_until_idle(self, timeout_s: float = 5.0) -> None:
        """Wait until no call is under way."""
        await self.server.wait_for(lambda: self.active == 0, timeout_s)

    # -- answering -----------------------------------------------------------------------------------------

    async def _handle(self, exchange: Exchange) -> None:
        found = personality_of(exchange.path)
        if found is None or found[0].query not in exchange.query:
            await exchange.respond(404, '{"detail":"Not Found"}')
            return
        personality, endpoint = found
        call = _recorded(exchange, personality, endpoint)
        turn = Turn(call, exchange, personality, self.timings)
        if exchange.method == "GET" and endpoint == MODELS:
            self.lists.append(call)
            await self._behave(turn, self._list)
        elif exchange.method == "POST" and endpoint == COUNT_TOKENS:
            self.counts.append(call)
            await self._behave(turn, self._generate)
        elif exchange.method == "POST" and endpoint in ENDPOINTS:
            self.calls.append(call)
            self._calls_made += 1
            await self._behave(turn, self._generate)
        else:
            await _unknown_path(turn)

    def _is_good(self, key: str | None) -> bool:
        if self.accepts is not None:
            return key is not None and self.accepts(key)
        return not self.keys or key in self.keys

    async def _behave(self, turn: Turn, behaviour: Behaviour) -> None:
        self.active += 1
        self.most_active = max(self.most_active, self.active)
        self.server.notify()
        try:
            if not self._is_good(turn.call.key):
                await turn.error(turn.form.key_refused(turn.call.key, in_full=self.quote_key_in_full))
            else:
                await (self._scripted(turn.call) or behaviour)(turn)
        finally:
            self.active -= 1
            turn.call.answered = turn.exchange.ended
            turn.call.cancelled = turn.exchange.closed.is_set() and not (turn.exchange.ended or turn.exchange.was_cut)
            if turn.call.cancelled:
                self.cancelled.append(turn.call)
            self.server.notify()

    def _scripted(self, call: Call) -> Behaviour | None:
        fitting = [rule for rule in self._rules if rule.fits(call)]
        for rule in fitting:
            if rule.left is not None:
                rule.left -= 1
                return rule.behaviour
        return fitting[-1].behaviour if fitting else None

    async def _list(self, turn: Turn) -> None:
        shape = turn.personality.models(self.models)
        if shape is None:
            await turn.error(ErrorSpec(404, "Resource not found", code="404"))
        else:
            await turn.json(shape)

    async def _generate(self, turn: Turn) -> None:
        if await turn.refused():
            return
        name = turn.call.model.rpartition("/")[2]
        behaviour = behaviour_of(name)
        if behaviour is not None and name != "plain":
            await behaviour(turn)
        elif name in self.models or turn.call.model in self.models:
            await plain(turn)
        else:
            message = f"The model `{turn.call.model}` does not exist or you do not have access to it."
            await turn.error(ErrorSpec(404, message, code="model_not_found", param="model"))


def behaviour_of(name: str) -> Behaviour | None:
    """The behaviour with this magic id, or ``plain``."""
    return plain if name == "plain" else FAULTS.get(name) or QUIRKS.get(name) or any_error(name)


def _recorded(exchange: Exchange, personality: Personality, endpoint: str) -> Call:
    try:
        decoded: Any = json.loads(exchange.body) if exchange.body else {}
    except ValueError:
        decoded = {}
    body: Json = decoded if isinstance(decoded, dict) else {}
    scheme, _, token = exchange.headers.get("authorization", "").partition(" ")
    other = exchange.headers.get("x-api-key") or exchange.headers.get("api-key")
    key = token if scheme.lower() == "bearer" and token else other
    model = str(body.get("model", ""))
    return Call(endpoint, personality.name, model, key, exchange.headers, exchange.query, body, exchange.body)


async def _unknown_path(turn: Turn) -> None:
    where = f"{turn.exchange.method} {turn.exchange.path}"
    match turn.personality.name:
        case "lmstudio":
            await turn.json({"error": f"Unexpected endpoint or method. ({where})"})
        case "vllm-old" | "vllm-new" | "sglang":
            await turn.json({"detail": "Not Found"}, 404)
        case "ollama":
            await turn.exchange.respond(404, "404 page not found", content_type="text/plain")
        case _:
            await turn.error(ErrorSpec(404, f"Invalid URL ({where})"))
