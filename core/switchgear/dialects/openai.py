"""What the codecs of OpenAI's chat, completions and embeddings share; the latter two are no more than this."""

from __future__ import annotations

from typing import Any

import msgspec

from switchgear.conversation import Conversation
from switchgear.dialects.codec import (
    NO_USAGE,
    ErrorDetail,
    Parsed,
    Rendered,
    Renderer,
    StreamParser,
    StreamWatch,
    Whole,
)
from switchgear.dialects.openai_errors import error_body, error_event
from switchgear.dialects.openai_stream import FAILED_FINISH, NULL, OpenAIStreamWatch
from switchgear.dialects.openai_usage import UsageFields, read_usage
from switchgear.events import Event
from switchgear.types import Dialect


class _Choice(msgspec.Struct):
    finish_reason: str | None = None


class _Answer(msgspec.Struct):
    choices: list[_Choice] | None = None
    data: msgspec.Raw = NULL
    usage: UsageFields | None = None
    error: msgspec.Raw = NULL


_decode = msgspec.json.Decoder(_Answer).decode


class OpenAICodec:
    """One of OpenAI's dialects; ``output`` is the field an answer must have."""

    converts = False

    def __init__(self, name: Dialect, *, output: str, streams: bool) -> None:
        self.name = name
        self.streams = streams
        self._output = output

    def watch(self) -> StreamWatch:
        """See the protocol."""
        return OpenAIStreamWatch()

    def read_whole(self, body: bytes) -> Whole:
        """See the protocol."""
        if not body.strip():
            return Whole(problem="the answer is empty")
        try:
            try:
                answer = _decode(body)
            except msgspec.ValidationError:
                return self._read_odd(body)
        except (msgspec.DecodeError, RecursionError):
            return Whole(problem="the answer is no JSON")
        given = answer.choices is not None if self._output == "choices" else answer.data != NULL
        if answer.error != NULL or not given:
            return Whole(error=body)
        for choice in answer.choices or ():
            if choice.finish_reason in FAILED_FINISH:
                return Whole(error=body)
        return Whole(NO_USAGE if answer.usage is None else answer.usage.usage())

    def _read_odd(self, body: bytes) -> Whole:
        raw: Any = msgspec.json.decode(body)
        if not isinstance(raw, dict) or raw.get("error") is not None or not raw.get(self._output):
            return Whole(error=body)
        usage = raw.get("usage")
        return Whole(read_usage(usage).usage() if isinstance(usage, dict) else NO_USAGE)

    def named(self, beginning: bytes, model: str) -> bytes:
        """See the protocol."""
        return beginning

    def error_body(self, error: ErrorDetail, request_id: str = "") -> bytes:
        """See the protocol."""
        return error_body(error)

    def error_event(self, error: ErrorDetail) -> bytes:
        """See the protocol."""
        return error_event(error)

    # An embedding or a completion is no conversation: nobody calls what follows where ``converts`` is false.

    def parse_request(self, body: bytes) -> Parsed:
        """See the protocol."""
        raise NotImplementedError

    def render_request(self, conversation: Conversation, model: str, *, stream: bool) -> Rendered:
        """See the protocol."""
        raise NotImplementedError

    def parse_answer(self, body: bytes) -> list[Event]:
        """See the protocol."""
        raise NotImplementedError

    def parser(self) -> StreamParser:
        """See the protocol."""
        raise NotImplementedError

    def renderer(self, request_id: str, model: str, created: int, body: bytes) -> Renderer:
        """See the protocol."""
        raise NotImplementedError
