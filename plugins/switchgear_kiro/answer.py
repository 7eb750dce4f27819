"""A chat's answer: the frames of an event stream as canonical events. Sans-IO.

Which events there are, and which of them say something to a client (source: the service's models and captured streams,
read 2026-11; generation 2 and 3 differ, and any event may come from either)::

    assistantResponseEvent     text; the same piece twice in a row is two pieces
    reasoningContentEvent      reasoning, its signature, or reasoning that is withheld
    toolUseEvent               a fragment of a tool call, see tool_uses
    metadataEvent              why it ended (3); tokens, rarely
    contextUsageEvent          how full the context is
    meteringEvent              credits
    error, invalidStateEvent   a failure (older gateways, 2), as is every frame that is no event
    initial-response, messageMetadataEvent, codeReferenceEvent, supplementaryWebLinksEvent, documentCitationEvent,
    followupPromptEvent, toolResultEvent, citationEvent, codeEvent, intentsEvent, interactionComponentsEvent,
    dryRunSucceedEvent, and whatever comes next    nothing
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import ClassVar

import msgspec

from switchgear import Event, Failure, Finish, Reasoning, Text, UpstreamError
from switchgear_kiro import payloads
from switchgear_kiro.endings import Seen, ending
from switchgear_kiro.errors import ERROR_TYPE
from switchgear_kiro.eventstream import Decoder, Frame, FrameError
from switchgear_kiro.speech import Speech
from switchgear_kiro.tool_uses import ToolUses
from switchgear_kiro.usage import Figures, tokens_in
from switchgear_kiro.variants import Generation

MAX_ERROR_BYTES = 64 * 1024


class EmptyAnswer(UpstreamError):
    """The stream ended properly and held nothing. Asked again, the service usually answers."""

    def __init__(self) -> None:
        super().__init__(Failure("protocol", 200, message="the upstream's answer is empty"))


class AnswerReader:
    """Reads the body of one answer with status 200, cut anywhere.

    A tool call is given once it is whole. While it is on its way, :class:`~switchgear.Usage` so far shows that the
    upstream is at work: its input may take minutes.

    Args:
        generation: of the host that answers; it decides what a complete stream is.
        tool_names: the client's name of a tool by the one that was sent.
        max_input_tokens: the model's context window; ``None`` when unknown, then no usage is worked out.
        prompt_estimate: about how many tokens the prompt has; 0 for not known.
        stop: the client's stop sequences; the service has no field for them.
        thinking_tags: the prompt asked for thinking between tags.
    """

    def __init__(
        self,
        *,
        generation: Generation,
        tool_names: Mapping[str, str],
        max_input_tokens: int | None = None,
        prompt_estimate: int = 0,
        stop: Iterable[str] = (),
        thinking_tags: bool = False,
    ) -> None:
        self._generation = generation
        self._decoder = Decoder()
        self._figures = Figures(max_input_tokens, prompt_estimate)
        self._tools = ToolUses(tool_names)
        self._speech = Speech(stop, thinking_tags=thinking_tags)
        self._signature = ""
        self._stop_reason: str | None = None
        self._refusal: payloads.Refusal | None = None
        self._said = self._tail = False

    @property
    def done(self) -> bool:
        """A stop sequence ended the text: read no further, call :meth:`end`."""
        return self._speech.stopped_by is not None

    @property
    def credits(self) -> float:
        """What the call costs, as the upstream meters it; 0 so far or where it does not say."""
        return self._figures.credits

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """Take the next bytes; gives the events they complete. Take all of them before the next call.

        Raises:
            UpstreamError: an error came in the stream (``in_band``), or this is no event stream, or a damaged one
                (``protocol``); after the events that came before it.
        """
        if self.done:
            return
        try:
            self._decoder.receive(chunk)
            while self._speech.stopped_by is None and (frame := self._decoder.next_frame()) is not None:
                yield from self._frame(frame)
        except FrameError as error:
            raise UpstreamError(Failure("protocol", 200, message=f"the upstream's answer: {error}")) from error

    def end(self) -> Iterator[Event]:
        """The body ended properly: what was held back, the usage if anything is known of it, and the finish.

        Raises:
            UpstreamError: it ended in the middle of a frame (``connection``), or is damaged (``protocol``).
            EmptyAnswer: nothing came.
        """
        if not self.done:
            self._check_end()
        yield from self._rest()
        usage = self._figures.usage()
        if self.done:
            yield usage or self._figures.so_far()
            yield Finish("stop", self._speech.stopped_by)
            return
        if self._refusal is not None and self._refusal.explanation:
            yield Text(self._refusal.explanation, refusal=True)
        if usage is not None:
            yield usage
        yield ending(self._seen(), self._generation)

    def _check_end(self) -> None:
        try:
            self._decoder.end()
        except FrameError as error:
            raise UpstreamError(
                Failure("connection", 200, message=f"the upstream's answer broke off: {error}")
            ) from error
        if self._seen().empty:
            raise EmptyAnswer

    def _seen(self) -> Seen:
        return Seen(
            stop_reason=self._stop_reason,
            refused=self._refusal is not None,
            said=self._said,
            called=self._tools.called,
            cut_call=self._tools.cut_off,
            tail=self._tail,
            context_percent=self._figures.context_percent,
        )

    # -- frames --------------------------------------------------------------------------------------------

    def _frame(self, frame: Frame) -> Iterable[Event]:
        kind = frame.headers.get(":event-type")
        if frame.headers.get(":message-type", "event") != "event" or kind in {"error", "invalidStateEvent"}:
            raise UpstreamError(_refused(frame))
        handler = self._HANDLERS.get(kind)
        if handler is None:
            return ()
        try:
            return handler(self, frame.payload)
        except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
            raise UpstreamError(Failure("protocol", 200, message=f"the upstream's {kind!s}: {error}")) from error

    def _text(self, payload: bytes) -> Iterable[Event]:
        said = payloads.read_assistant_response(payload)
        text = (said.inner or said).content
        if not text:
            return ()
        self._said = True
        self._figures.written += tokens_in(text)
        return (*self._seal(), *self._speech.feed(text))

    def _reasoning(self, payload: bytes) -> Iterable[Event]:
        said = payloads.read_reasoning_content(payload)
        said = said.inner or said
        events = self._speech.rest()
        if self.done:
            return events
        if said.text:
            if said.signature:
                events += self._seal()
            self._figures.written += tokens_in(said.text)
            events.append(Reasoning(said.text))
        if said.signature and said.text:
            # MiniMax signs with the first piece of text, others with the last: it is given when the reasoning ends
            self._signature = said.signature
        elif said.signature:
            self._signature = ""
            events.append(Reasoning("", said.signature))
        if said.redacted_content:
            events += [*self._seal(), Reasoning("", said.redacted_content, redacted=True)]
        self._said = self._said or bool(events)
        return events

    def _tool_use(self, payload: bytes) -> Iterable[Event]:
        use = payloads.read_tool_use(payload)
        use = use.inner or use
        events = self._rest()
        if self.done:
            return events
        if isinstance(use.input, str):
            self._figures.written += tokens_in(use.input)
        call = self._tools.take(use)
        if call is not None:
            self._figures.written += tokens_in(call.name)
        return (*events, self._figures.so_far() if call is None else call)

    def _metadata(self, payload: bytes) -> Iterable[Event]:
        said = payloads.read_metadata(payload)
        said = said.inner or said
        self._tail = True
        self._stop_reason = said.stop_reason or self._stop_reason
        if said.stop_details is not None and said.stop_details.refusal is not None:
            self._refusal = said.stop_details.refusal
        if said.token_usage:
            self._figures.reported(payloads.read_figures(said.token_usage, payloads.TokenUsage))
        return ()

    def _context_usage(self, payload: bytes) -> Iterable[Event]:
        said = payloads.read_figures(payload, payloads.ContextUsage)
        self._tail = True
        self._figures.filled((said.inner or said).context_usage_percentage)
        return ()

    def _metering(self, payload: bytes) -> Iterable[Event]:
        said = payloads.read_figures(payload, payloads.Metering)
        self._tail = True
        self._figures.metered(said.inner or said)
        return ()

    # -- what is held back ---------------------------------------------------------------------------------

    def _seal(self) -> list[Event]:
        """The signature of the reasoning that ends here."""
        signature, self._signature = self._signature, ""
        return [Reasoning("", signature)] if signature else []

    def _rest(self) -> list[Event]:
        """What was held back, since something else follows, or nothing."""
        return [*self._seal(), *self._speech.rest()]

    _HANDLERS: ClassVar[Mapping[object, Callable[[AnswerReader, bytes], Iterable[Event]]]] = {
        "assistantResponseEvent": _text,
        "reasoningContentEvent": _reasoning,
        "toolUseEvent": _tool_use,
        "metadataEvent": _metadata,
        "contextUsageEvent": _context_usage,
        "meteringEvent": _metering,
    }


def _refused(frame: Frame) -> Failure:
    """The failure that an exception says. Its name goes where an HTTP error has it, so that one table reads both."""
    headers = frame.headers
    names = (headers.get(name) for name in (":exception-type", ":error-code", ":event-type"))
    name = next((name for name in names if isinstance(name, str) and name), "")
    body = frame.payload
    if not body.strip():
        message = headers.get(":error-message")
        body = msgspec.json.encode({"message": message if isinstance(message, str) else ""})
    return Failure("in_band", 200, {ERROR_TYPE: name}, body[:MAX_ERROR_BYTES])
