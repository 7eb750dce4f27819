"""A Messages answer as canonical events: from a stream, and from one whole message."""

from __future__ import annotations

import msgspec

from switchgear.dialects.anthropic_messages.stream import (
    FINISH,
    NO_RAW,
    Block,
    Delta,
    StreamEvent,
    Tokens,
    UsageFields,
    canonical,
    data_of,
    read_event,
    salvage,
)
from switchgear.events import Event, Finish, Reasoning, Text, ToolCall, ToolCallDelta
from switchgear.sse import EventSplitter

_NO_INPUT = frozenset({b"null", b"{}"})


class _Call:
    """A ``tool_use`` block that is still open. ``given`` is the input its start carried, which any piece overrides."""

    __slots__ = ("given", "index")

    def __init__(self, index: int, given: str) -> None:
        self.index = index
        self.given = given


class MessagesStreamParser:
    """See :class:`~switchgear.dialects.codec.StreamParser`."""

    def __init__(self) -> None:
        self.done = False
        self.error: bytes | None = None
        self._tokens = Tokens()
        self._splitter = EventSplitter()
        self._open_calls: dict[int, _Call] = {}
        self._calls = 0
        self._said = False
        self._finish: Finish | None = None

    def feed(self, chunk: bytes) -> list[Event]:
        """See the protocol."""
        events: list[Event] = []
        self._read(self._splitter.feed(chunk)[1], events)
        return events

    def end(self) -> tuple[list[Event], str]:
        """See the protocol."""
        events: list[Event] = []
        rest = self._splitter.rest()
        if rest.strip():
            try:
                self._read([rest], events)
            except ValueError:
                return events, "the stream broke off inside an event"
        if self.error is not None:
            return events, "the stream ended with an error"
        if not self.done and self._finish is None:
            return events, "the stream ended without a stop reason" if self._said else "the stream held no output"
        if not self.done:
            self._stop(events)
        return events, "" if self._said or self._finish is not None else "the stream held no output"

    def _read(self, raw_events: list[bytes], events: list[Event]) -> None:
        for raw in raw_events:
            if self.done or self.error is not None:
                return
            data = data_of(raw)
            if not data:
                continue
            event = read_event(raw, data)
            if event is None:
                self.error = data
            else:
                self._take(event, events)

    def _take(self, event: StreamEvent, events: list[Event]) -> None:
        match event.type:
            case "content_block_delta" if event.delta is not None:
                self._add(event.index, event.delta, events)
            case "content_block_start" if event.content_block is not None:
                self._start(event.index, event.content_block, events)
            case "content_block_stop":
                self._close(event.index, events)
            case "message_start" if event.message is not None:
                self._count(event.message.usage, events)
            case "message_delta":
                self._count(event.usage, events)
                if event.delta is not None and event.delta.stop_reason:
                    self._finish = _finish(event.delta.stop_reason, event.delta.stop_sequence)
            case "message_stop":
                self.done = True
                self._stop(events)

    def _add(self, index: int, delta: Delta, events: list[Event]) -> None:
        if delta.text:
            events.append(Text(delta.text))
        elif delta.thinking:
            events.append(Reasoning(delta.thinking))
        elif delta.signature:
            events.append(Reasoning("", delta.signature))
        elif delta.partial_json:
            call = self._open_calls.get(index)
            if call is None:
                return  # of a tool that Anthropic's servers run
            call.given = ""
            events.append(ToolCallDelta(call.index, delta.partial_json))
        else:
            return
        self._said = True

    def _start(self, index: int, block: Block, events: list[Event]) -> None:
        if block.type == "tool_use":
            self._close(index, events)
            given = bytes(block.input).strip()
            call = _Call(self._calls, "" if given in _NO_INPUT else given.decode())
            self._open_calls[index] = call
            self._calls += 1
            events.append(ToolCallDelta(call.index, "", *_named(block)))
            self._said = True
            return
        event = _shown(block)
        if event is not None:
            events.append(event)
            self._said = True

    def _close(self, index: int, events: list[Event]) -> None:
        call = self._open_calls.pop(index, None)
        if call is not None and call.given:
            events.append(ToolCallDelta(call.index, call.given))

    def _count(self, said: UsageFields | None, events: list[Event]) -> None:
        if said is not None:
            events.append(self._tokens.add(said))

    def _stop(self, events: list[Event]) -> None:
        for index in tuple(self._open_calls):
            self._close(index, events)
        if self._finish is None and self._said:
            self._finish = Finish("tool_calls" if self._calls else "stop")
        if self._finish is not None:
            events.append(self._finish)


class Answer(msgspec.Struct):
    """A whole message, or an error in its place."""

    type: str = ""
    content: list[Block] | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: UsageFields | None = None
    error: msgspec.Raw = NO_RAW


_decode = msgspec.json.Decoder(Answer).decode


def read_answer(body: bytes) -> Answer:
    """The message that ``body`` is, as far as it can be read; one without content where it is none.

    Raises:
        ValueError: it is no JSON.
    """
    try:
        try:
            return _decode(body)
        except msgspec.ValidationError:
            raw = msgspec.json.decode(body)
            if not isinstance(raw, dict):
                return Answer()
            answer = salvage(raw, Answer)
            if isinstance(raw.get("content"), list):
                answer.content = [salvage(block, Block) for block in raw["content"] if isinstance(block, dict)]
            return answer
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"the answer is no JSON: {error}") from None


def parse_answer(body: bytes) -> list[Event]:
    """See :class:`~switchgear.dialects.codec.Codec`."""
    answer = read_answer(body)
    events: list[Event] = []
    called = False
    for block in answer.content or ():
        if block.type == "tool_use":
            given = bytes(block.input).strip()
            events.append(ToolCall(*_named(block), "{}" if given in _NO_INPUT else given.decode()))
            called = True
        elif (event := _shown(block)) is not None:
            events.append(event)
    if answer.usage is not None:
        events.append(canonical(answer.usage))
    if answer.stop_reason:
        events.append(_finish(answer.stop_reason, answer.stop_sequence))
    else:
        events.append(Finish("tool_calls" if called else "stop"))
    return events


def _shown(block: Block) -> Text | Reasoning | None:
    """What a block says beside tool calls; ``None`` for nothing, and for what Anthropic's servers did."""
    match block.type:
        case "text" if block.text:
            return Text(block.text)
        case "thinking" if block.thinking or block.signature:
            return Reasoning(block.thinking or "", block.signature or "")
        case "redacted_thinking" if block.data:
            return Reasoning("", block.data, redacted=True)
    return None


def _named(block: Block) -> tuple[str, str]:
    if not block.id or not block.name:
        raise ValueError("a tool_use block lacks its id or its name")
    return block.id, block.name


def _finish(reason: str, stop_sequence: str | None) -> Finish:
    return Finish(FINISH.get(reason, "stop"), stop_sequence)
