"""The form of OpenAI Responses: reading, and the order of a stream's events.

Source: platform.openai.com/docs, "Responses", "Streaming events" and "Error codes", read 2026-11.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import count

from switchgear.testing.answer import Answer, Json
from switchgear.testing.asked import Asked, object_at, objects, parts_of, text_of, tool_of
from switchgear.testing.form import SERVER_ERROR, Form, Part, named_sse, ordered
from switchgear.testing.openai_personalities import ErrorSpec, Personality, Shape
from switchgear.testing.responses_answers import items, response
from switchgear.testing.responses_refusals import refusal

_FAILED = {"code": "server_error", "message": SERVER_ERROR.message}


class ResponsesForm(Form):
    """``/responses``. Events are numbered as they are framed, so that those left out or said twice leave no gap."""

    def __init__(self, body: Json, personality: Personality, number: int) -> None:
        super().__init__(body, personality, number)
        self._numbers = count()

    # -- the request ---------------------------------------------------------------------------------------

    def asked(self) -> Asked:
        """The last item tells whether a tool has spoken; the last user's message is the text."""
        given = self.body.get("input")
        found = [{"role": "user", "content": given}] if isinstance(given, str) else objects(given)
        last = found[-1] if found else {}
        content = next((item.get("content") for item in reversed(found) if item.get("role") == "user"), None)
        spoke = last.get("type") == "function_call_output"
        choice = self.body.get("tool_choice")
        reasoning = object_at(self.body, "reasoning")
        schema = object_at(self.body, "text", "format")
        return Asked(
            text=text_of(content),
            images=len(parts_of(last.get("output") if spoke else content, "input_image")),
            result=text_of(last.get("output")) if spoke else None,
            tools=[tool_of(t, t.get("parameters")) for t in parts_of(self.body.get("tools"), "function")],
            must_call=choice == "required" or object_at(choice).get("type") == "function",
            may_call=choice != "none",
            wanted=object_at(choice).get("name"),
            schema=_schema(schema),
            reasons=reasoning.get("effort", "none") not in (None, "none") or bool(reasoning.get("summary")),
            letters=_letters(self.body),
        )

    def refusal(self, headers: Mapping[str, str]) -> ErrorSpec | None:
        """What OpenAI refuses."""
        return refusal(self.body)

    # -- the answer ----------------------------------------------------------------------------------------

    @property
    def headers(self) -> Mapping[str, str]:
        """The request's id."""
        return {"x-request-id": f"req_fake_{self.number}"}

    def whole(self, answer: Answer) -> Json:
        """A response."""
        return response(answer, self.body, usage=self.says_usage is not False)

    def opening(self, answer: Answer) -> Iterable[Json]:
        """Created, and in progress."""
        begun = response(answer, self.body, "in_progress")
        return [{"type": f"response.{state}", "response": begun} for state in ("created", "in_progress")]

    def output(self, answer: Answer, *, interleaved: bool = False) -> Iterable[Json]:
        """Each item from its adding until it is done."""
        parts: list[Part] = []
        for index, item in enumerate(items(answer, self.body)):
            at = {"output_index": index}
            begins, deltas, ends = (
                [{**event, **at, "item_id": item.whole["id"]} for event in events]
                for events in (item.begins, item.deltas, item.ends)
            )
            added = {"type": "response.output_item.added", **at, "item": item.added}
            done = {"type": "response.output_item.done", **at, "item": item.whole}
            parts.append(([added, *begins], deltas, [*ends, done]))
        return ordered(parts, interleaved=interleaved)

    def closing(self, answer: Answer) -> Iterable[Json]:
        """The whole response, complete or not."""
        ended = self.whole(answer)
        return [{"type": f"response.{ended['status']}", "response": ended}]

    def is_spoken(self, event: Json) -> bool:
        """Whether it is a delta."""
        return str(event["type"]).endswith(".delta")

    def frame(self, event: object) -> bytes:
        """With an ``event:`` line, and numbered."""
        if isinstance(event, dict) and "type" in event:
            event = {"type": event["type"], "sequence_number": next(self._numbers), **event}
        return named_sse(event)

    # -- errors --------------------------------------------------------------------------------------------

    def failed(self, answer: Answer) -> Shape:
        """A response whose status says so."""
        return {**response(answer, self.body, "failed"), "error": _FAILED}

    def failure(self, answer: Answer) -> bytes:
        """The same, as the last event."""
        return self.frame({"type": "response.failed", "response": self.failed(answer)})

    def error_event(self) -> bytes:
        """An error without a response."""
        return self.frame({"type": "error", **_FAILED, "param": None})


def _schema(form: Json) -> Json | None:
    if form.get("type") == "json_object":
        return {"type": "object"}
    schema = form.get("schema")
    return schema if isinstance(schema, dict) else None


def _letters(body: Json) -> int:
    """How many letters all that is read has."""
    given = [body.get("instructions"), body.get("input"), body.get("tools")]
    return len(json.dumps([part for part in given if part], ensure_ascii=False))
