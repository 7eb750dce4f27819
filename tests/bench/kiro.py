"""A fake of Kiro's runtime that is never the bottleneck: ``python -m tests.bench.kiro`` prints its port.

The model name says what is answered, as in :mod:`tests.bench.answers`; each text chunk is a frame of an event stream.
"""

from __future__ import annotations

import asyncio
import functools
import json
import re

from switchgear_kiro.fake.frames import event
from tests.bench.answers import Answer, framed, json_answer, knobs, said
from tests.bench.upstream import MODELS, Upstream, serve

CHAT = b"KiroRuntimeService.GenerateAssistantResponse"
HEAD_OF_STREAM = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\nx-amzn-requestid: req_fake\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)
LAST = (
    event("metadataEvent", {"stopReason": "END_TURN"}),
    event("contextUsageEvent", {"contextUsagePercentage": 0.25}),
    event("meteringEvent", {"usage": 0.031, "unit": "credit", "unitPlural": "credits"}),
)
LISTED = json_answer(
    json.dumps({"models": [{"modelId": m, "tokenLimits": {"maxInputTokens": 200_000}} for m in MODELS]}).encode()
)

_MODEL = re.compile(rb'"modelId"\s*:\s*"([^"]*)"')


def settings(url: str) -> dict[str, object]:
    """A gateway's entry that leads to this upstream."""
    return {"api-keys": [f"ksk_{'0' * 32}"], "endpoints": {"runtime": url, "management": url}}


@functools.cache
def answer_of(model: str) -> Answer:
    """The answer of a model name; it is only ever a stream."""
    asked = knobs(model)
    return Answer(
        delay_s=asked["d"] / 1000,
        pace_s=asked["i"] / 1000,
        whole=b"",
        first=HEAD_OF_STREAM,
        text=lambda now_ns: framed(event("assistantResponseEvent", {"content": said(now_ns), "modelId": model})),
        chunks=asked["n"],
        last=b"".join(map(framed, LAST)) + b"0\r\n\r\n",
    )


class Kiro(Upstream):
    """One connection. What is no chat asks for the list of models."""

    def asked(self, request: bytes, end: int) -> None:
        model = _MODEL.search(request, end)
        if model is None or request.find(CHAT, 0, end) < 0:
            self.say(LISTED)
        else:
            self.answer(answer_of(model[1].decode()), stream=True)


if __name__ == "__main__":
    asyncio.run(serve(Kiro))
