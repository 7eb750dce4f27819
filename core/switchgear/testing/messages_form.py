"""The forms of Anthropic Messages and of its token count: reading, and what an error looks like.

Source: platform.claude.com/docs, "Messages", "Streaming", "Errors", "Count tokens", and messages of real errors as
public bug reports quote them; read 2026-11.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from switchgear.testing.answer import Answer, Json
from switchgear.testing.asked import Asked, object_at, objects, parts_of, text_of, tool_of
from switchgear.testing.form import Form, named_sse, ordered
from switchgear.testing.messages_answers import blocks, message, message_delta, message_start, streamed
from switchgear.testing.messages_refusals import refusal
from switchgear.testing.openai_personalities import ErrorSpec, Shape

OVERLOADED = ErrorSpec(529, "Overloaded", "overloaded_error")
TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_NO_CREDIT = (
    "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase "
    "credits."
)
_OWN_WORDS = {
    "context_length_exceeded": (400, "prompt is too long: 9000 tokens > 8192 maximum"),
    "insufficient_quota": (400, _NO_CREDIT),
    "content_filter": (400, "Output blocked by content filtering policy"),
    "invalid_api_key": (401, "invalid x-api-key"),
}


class MessagesForm(Form):
    """``/messages``."""

    terminator = named_sse({"type": "message_stop"})
    keepalive = named_sse({"type": "ping"})
    call_prefix = "toolu_fake_"
    counts_only = False

    # -- the request ---------------------------------------------------------------------------------------

    def asked(self) -> Asked:
        """The last user's turn tells whether a tool has spoken, and what is asked."""
        messages = objects(self.body.get("messages"))
        content = next((m.get("content") for m in reversed(messages) if m.get("role") == "user"), None)
        results = parts_of(content, "tool_result")
        choice = object_at(self.body, "tool_choice")
        schema = object_at(self.body, "output_config", "format").get("schema")
        return Asked(
            text=text_of(parts_of(content, "text") if isinstance(content, list) else content),
            images=len(parts_of(content, "image"))
            + sum(len(parts_of(result.get("content"), "image")) for result in results),
            result=text_of(results[-1].get("content")) if results else None,
            tools=[tool_of(t, t["input_schema"]) for t in objects(self.body.get("tools")) if "input_schema" in t],
            must_call=choice.get("type") in ("any", "tool"),
            may_call=choice.get("type") != "none",
            wanted=choice.get("name"),
            schema=schema if isinstance(schema, dict) else None,
            reasons=object_at(self.body, "thinking").get("type") in ("enabled", "adaptive"),
            letters=_letters([self.body.get("system"), self.body.get("messages"), self.body.get("tools")]),
        )

    def refusal(self, headers: Mapping[str, str]) -> ErrorSpec | None:
        """What Anthropic refuses with status 400."""
        problem = refusal(self.body, headers, counts_only=self.counts_only)
        return None if problem is None else ErrorSpec(400, problem)

    # -- the answer ----------------------------------------------------------------------------------------

    @property
    def request_id(self) -> str:
        """Names the request in headers and errors."""
        return f"req_fake_{self.number}"

    @property
    def headers(self) -> Mapping[str, str]:
        """The request's id."""
        return {"request-id": self.request_id}

    def whole(self, answer: Answer) -> Json:
        """A message."""
        return message(answer, usage=self.says_usage is not False)

    def opening(self, answer: Answer) -> Iterable[Json]:
        """The message without content."""
        return [message_start(answer, usage=self.says_usage is not False)]

    def output(self, answer: Answer, *, interleaved: bool = False) -> Iterable[Json]:
        """Each block's start, deltas and stop; with a ping behind the first start, as Anthropic does."""
        parts = [streamed(index, block) for index, block in enumerate(blocks(answer))]
        events = ordered(parts, interleaved=interleaved)
        return [*events[:1], {"type": "ping"}, *events[1:]] if events else []

    def closing(self, answer: Answer) -> Iterable[Json]:
        """The stop reason and the usage."""
        return [message_delta(answer, usage=self.says_usage is not False)]

    def is_spoken(self, event: Json) -> bool:
        """Whether it is a delta."""
        return str(event["type"]) == "content_block_delta"

    def frame(self, event: object) -> bytes:
        """With an ``event:`` line."""
        return named_sse(event)

    # -- errors --------------------------------------------------------------------------------------------

    def key_refused(self, key: str | None, *, in_full: bool) -> ErrorSpec:
        """No key at all, or a wrong one, which is quoted only by careless servers."""
        if key is None:
            return ErrorSpec(401, "x-api-key header is required")
        return ErrorSpec(401, f"invalid x-api-key: {key}" if in_full else "invalid x-api-key")

    def error(self, spec: ErrorSpec) -> tuple[int, Shape]:
        """Anthropic's envelope, its types, and its own words where they are known."""
        status, text = _OWN_WORDS.get(spec.code or "", (spec.status, spec.message))
        if spec.code == "model_not_found":
            text = f"model: {self.body.get('model')}"
        kind = TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")
        error = {"type": "error", "error": {"type": kind, "message": text}, "request_id": self.request_id}
        return status, error

    def failed(self, answer: Answer) -> Shape:
        """Anthropic says of itself that it is overloaded."""
        return self.error(OVERLOADED)[1]

    def error_event(self) -> bytes:
        """Every failure in a stream is one."""
        return self.frame(self.error(OVERLOADED)[1])


class CountForm(MessagesForm):
    """``/messages/count_tokens``, which says what a message's usage will say."""

    streams = False
    counts_only = True

    def whole(self, answer: Answer) -> Json:
        """The count."""
        return {"input_tokens": answer.prompt_tokens}


def _letters(value: object) -> int:
    """How many letters there are in all the texts and all other JSON of ``value``."""
    return len(json.dumps([part for part in value if part], ensure_ascii=False)) if isinstance(value, list) else 0
