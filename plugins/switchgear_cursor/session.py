"""One run of the agent, seen from the client: what the server says, what is answered, and what the answer is. Sans-IO.

Messages go in as they come off the wire; canonical events and the messages to send come out. Nothing here knows of
sockets or clocks: whoever drives it sends what it gives, sends :meth:`Session.beat` from time to time, and decides how
long to wait.

Tool turns keep no state: the calls are handed to the client, and the run is left. The client's next request brings the
whole conversation, results included, and starts another run; so it may go to any account, process or machine.

Source: descriptor of the vendor's SDK 1.0.31 and published captures of the wire, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

import msgspec

from switchgear import Event, Failure, Finish, Reasoning, Text, Usage
from switchgear_cursor.framing import Envelope, Envelopes
from switchgear_cursor.proto import DecodeError
from switchgear_cursor.proto.agent_pb2 import (
    AgentClientMessage,
    AgentServerMessage,
    Empty,
    ExecClientControlMessage,
    ExecClientMessage,
    ExecId,
    ExecServerMessage,
    ExecThrow,
    GetBlobResult,
    InteractionUpdate,
    KvClientMessage,
    KvServerMessage,
    McpArgs,
    McpResult,
    McpServer,
    McpStateResult,
    McpStateSuccess,
    RequestContextResult,
    RequestContextSuccess,
    ToolNotFound,
)
from switchgear_cursor.proto.agent_pb2 import Text as Words
from switchgear_cursor.refusals import REASON, refusal, reply_to_query
from switchgear_cursor.run_request import Run
from switchgear_cursor.stops import StopTexts
from switchgear_cursor.tool_calls import ToolCalls
from switchgear_cursor.tools import PROVIDER
from switchgear_cursor.usage import usage_at_end, usage_so_far

Out = bytes | Event
"""A serialized client message to send, or a piece of the answer."""

MAX_ERROR_BYTES = 64 * 1024
HEARTBEAT = AgentClientMessage(client_heartbeat=Empty()).SerializeToString()


class Session:
    """One run, from its first message to its end.

    Attributes:
        done: the answer is whole, or the run failed; nothing more is to be read.
        failure: why it failed; ``None`` when it did not. It has the server's end frame as its body, where one says so.
        turn_ended: the server said that the answer is whole.
        stream_ended: the end frame came.
        heard: whether anything but heartbeats came with the last :meth:`feed`.
    """

    def __init__(self, run: Run, model: str = "") -> None:
        self._run = run
        self._model = model
        self._envelopes = Envelopes()
        self._calls = ToolCalls()
        self._context_tokens = 0
        self._output_tokens = 0
        self._has_text = False
        self._stops = StopTexts(run.stops)
        self.done = False
        self.turn_ended = False
        self.stream_ended = False
        self.failure: Failure | None = None
        self.heard = False

    @property
    def is_waiting(self) -> bool:
        """Whether tool calls are held back for others of the same step."""
        return bool(self._calls.pending)

    @property
    def is_open(self) -> bool:
        """Whether another call was announced and is not here: it has to come, or the answer is not whole."""
        return self._calls.is_open

    @property
    def are_too_few(self) -> bool:
        """Whether the server said that there are more calls; it may count its own, so this is only likely."""
        return self._calls.are_too_few

    def beat(self) -> list[bytes]:
        """The messages that keep the run alive, due every few seconds: the client's, and one for each waiting call."""
        waiting = [ExecClientControlMessage(heartbeat=ExecId(id=exec_id)) for exec_id in self._calls.pending]
        return [HEARTBEAT, *(_control(message) for message in waiting)]

    def feed(self, data: bytes) -> list[Out]:
        """Take bytes of the answer's body, cut anywhere. After :attr:`done` they are ignored."""
        out: list[Out] = []
        self.heard = False
        try:
            while not self.stream_ended and (envelopes := self._envelopes.feed(data)):
                data = b""
                for envelope in envelopes:
                    out += self._take(envelope)
        except DecodeError:
            self._fail("protocol", "a message of the stream cannot be read")
        except ValueError as error:
            self._fail("protocol", str(error))
        return out

    def hand_over(self) -> list[Event]:
        """Give the tool calls that are here to the client; the run is over for us, and is to be left."""
        self.done = True
        return [*self._held_text(), *self._calls.hand_over(), *self._usage_so_far(), Finish("tool_calls")]

    def cut(self) -> None:
        """The body ended without saying so: whatever came, it is not whole."""
        if not self.done:
            where = "inside a frame" if self._envelopes.is_cut else "without its end frame"
            self._fail("protocol", f"the stream ended {where}")

    def _take(self, envelope: Envelope) -> Iterable[Out]:
        self.stream_ended = self.stream_ended or envelope.is_end
        if self.done:
            return ()
        if envelope.is_end:
            return self._end(envelope)
        return self._message(AgentServerMessage.FromString(envelope.payload))

    # -- messages ------------------------------------------------------------------------------------------

    def _message(self, message: AgentServerMessage) -> Iterator[Out]:
        kind = message.WhichOneof("message")
        if kind == "interaction_update":
            yield from self._update(message.interaction_update)
            return
        self.heard = True
        match kind:
            case "kv_server_message":
                yield self._blob(message.kv_server_message)
            case "exec_server_message":
                yield from self._exec(message.exec_server_message)
            case "interaction_query":
                reply = reply_to_query(message.interaction_query)
                yield AgentClientMessage(interaction_response=reply).SerializeToString()
            case "conversation_checkpoint_update":
                used = message.conversation_checkpoint_update.token_details.used_tokens
                self._context_tokens = used or self._context_tokens
            case "exec_server_control_message":
                self._calls.taken_back(message.exec_server_control_message.abort.id)
            case _:
                pass

    def _update(self, update: InteractionUpdate) -> Iterator[Event]:
        kind = update.WhichOneof("update")
        self.heard = self.heard or kind != "heartbeat"
        match kind:
            case "text_delta":
                yield from self._text(update.text_delta.text)
            case "thinking_delta":
                if update.thinking_delta.text:
                    yield from self._held_text()
                    yield Reasoning(update.thinking_delta.text)
            case "tool_call_started" | "partial_tool_call":
                self._calls.announced(getattr(update, kind))
            case "tool_call_completed":
                self._calls.completed(update.tool_call_completed)
            case "tool_call_count":
                self._calls.count_said(update.tool_call_count.count)
            case "token_delta":
                self._output_tokens += update.token_delta.tokens
            case "turn_ended":
                self.turn_ended = True
                yield from self._finish(usage_at_end(update.turn_ended, self._context_tokens))
            case _:
                pass

    def _text(self, piece: str) -> Iterator[Event]:
        self._has_text = self._has_text or bool(piece)
        if text := self._stops.feed(piece):
            yield Text(text)
        if self._stops.found is not None:
            self.done = True
            yield from self._usage_so_far()
            yield Finish("stop", self._stops.found)

    def _held_text(self) -> list[Event]:
        text = self._stops.rest()
        return [Text(text)] if text else []

    def _blob(self, asked: KvServerMessage) -> bytes:
        answer = KvClientMessage(id=asked.id)
        if asked.WhichOneof("message") == "set_blob_args":
            self._run.blobs.store(asked.set_blob_args.blob_id, asked.set_blob_args.blob_data)
            answer.set_blob_result.SetInParent()
        else:
            data = self._run.blobs.get(asked.get_blob_args.blob_id)
            found = GetBlobResult(error=Words(text="no such blob")) if data is None else GetBlobResult(blob_data=data)
            answer.get_blob_result.CopyFrom(found)
        return AgentClientMessage(kv_client_message=answer).SerializeToString()

    def _exec(self, asked: ExecServerMessage) -> Iterator[Out]:
        kind = asked.WhichOneof("message")
        if kind == "mcp":
            yield from self._call(asked)
            return
        answer: ExecClientMessage | None
        if kind == "request_context":
            context = RequestContextSuccess(request_context=self._run.context)
            answer = _answer(asked, request_context=RequestContextResult(success=context))
        elif kind == "mcp_state":
            server = McpServer(
                name=PROVIDER, identifier=PROVIDER, tools=self._run.tools.definitions, status="connected"
            )
            servers = [server] if self._run.tools else []
            answer = _answer(asked, mcp_state=McpStateResult(success=McpStateSuccess(servers=servers)))
        else:
            answer = refusal(asked)
        yield from _answered(asked.id, answer)

    def _call(self, asked: ExecServerMessage) -> Iterator[Out]:
        args: McpArgs = asked.mcp
        name = self._run.tools.client_name(args)
        if name is None:
            self._calls.refused(args)
            missing = ToolNotFound(name=args.tool_name or args.name, available=self._run.tools.names)
            yield from _answered(asked.id, _answer(asked, mcp=McpResult(tool_not_found=missing)))
        elif args.smart_mode_approval_only:
            yield from _answered(asked.id, _answer(asked, mcp=McpResult(approved=Empty())))
        else:
            self._calls.made(asked.id, args, name)
            if self._run.one_call or self._calls.all_made:
                yield from self.hand_over()

    # -- ends ----------------------------------------------------------------------------------------------

    def _finish(self, usage: Usage | None) -> Iterator[Event]:
        calls = self._calls.hand_over()
        self.done = True
        yield from self._held_text()
        yield from calls
        if usage is not None:
            yield usage
        else:
            yield from self._usage_so_far()
        yield Finish("tool_calls" if calls else "stop")

    def _usage_so_far(self) -> list[Event]:
        usage = usage_so_far(self._context_tokens, self._output_tokens)
        return [] if usage is None else [usage]

    def _end(self, envelope: Envelope) -> list[Out]:
        """The end frame, without an end of the turn before it."""
        try:
            said: Any = msgspec.json.decode(envelope.payload or b"{}")
        except msgspec.DecodeError:
            said = None
        if not isinstance(said, dict):
            self._fail("protocol", "the end frame is no JSON object")
        elif said.get("error") is not None:
            self._fail("in_band", "", envelope.payload[:MAX_ERROR_BYTES])
        elif self._calls.is_open:
            self._fail("protocol", "the stream ended in the middle of a tool call")
        elif not self._has_text and not self._calls.pending:
            self._fail("protocol", "the stream ended without an answer")
        else:
            return list(self._finish(None))
        return []

    def _fail(self, cause: Literal["in_band", "protocol"], message: str, body: bytes = b"") -> None:
        if not self.done:
            self.done = True
            self.failure = Failure(cause, 200, body=body, message=message, model=self._model)


def _control(message: ExecClientControlMessage) -> bytes:
    return AgentClientMessage(exec_client_control_message=message).SerializeToString()


def _answer(asked: ExecServerMessage, **result: Any) -> ExecClientMessage:
    return ExecClientMessage(id=asked.id, exec_id=asked.exec_id, **result)


def _answered(exec_id: int, answer: ExecClientMessage | None) -> Iterator[bytes]:
    """The answer and the end of its execution; what has no answer is thrown back."""
    if answer is None:
        yield _control(ExecClientControlMessage(throw=ExecThrow(id=exec_id, error=REASON)))
    else:
        yield AgentClientMessage(exec_client_message=answer).SerializeToString()
    yield _control(ExecClientControlMessage(stream_close=ExecId(id=exec_id)))
