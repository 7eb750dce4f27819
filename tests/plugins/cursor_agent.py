"""The other end of a run for the tests of chats: a server's view of one stream, and a request to begin it with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from switchgear import Account, Conversation, Event, ForwardRequest, Ignored, Timeouts, UpstreamClient
from switchgear.testing import Http2Exchange
from switchgear_cursor.chat import Asking, chat
from switchgear_cursor.conversation_ids import ConversationIds
from switchgear_cursor.framing import Envelopes
from switchgear_cursor.proto.agent_pb2 import AgentClientMessage, AgentRunRequest
from switchgear_cursor.retries import Lessons
from switchgear_cursor.run_request import ModelChoice
from switchgear_cursor.runs import Patience
from switchgear_cursor.wires import Line
from tests.plugins.cursor_frames import conversation

QUICK = Patience(
    beat_s=0.03, first_frame_s=5, silence_s=5, heartbeats_s=5, siblings_s=0.05, counted_s=0.1, leaving_s=0.1
)
IMPATIENT = Patience(beat_s=0.03, first_frame_s=0.2, silence_s=0.2, heartbeats_s=0.2, siblings_s=0.05, leaving_s=0.1)
MODEL = ModelChoice("composer-2.5")


class Seat:
    """What the server reads and says in one run."""

    def __init__(self, exchange: Http2Exchange) -> None:
        self.exchange = exchange
        self._envelopes = Envelopes()
        self._messages: list[AgentClientMessage] = []

    async def message(self, kind: str = "") -> AgentClientMessage:
        """The client's next message; the next of this kind, where one is given."""
        while True:
            while not self._messages:
                data = await self.exchange.read()
                assert data, "the client half-closed"
                self._messages += [
                    AgentClientMessage.FromString(envelope.payload) for envelope in self._envelopes.feed(data)
                ]
            message = self._messages.pop(0)
            if not kind or message.WhichOneof("message") == kind:
                return message

    async def begin(self) -> AgentRunRequest:
        """Read the first message, and answer 200."""
        message = await self.message()
        assert message.WhichOneof("message") == "run_request"
        await self.exchange.start(200, {"content-type": "application/connect+proto", "x-trace": "t1"})
        return message.run_request

    async def say(self, *frames: bytes) -> None:
        for frame in frames:
            await self.exchange.send(frame)


Script = Callable[[Seat, AgentRunRequest], Awaitable[None]]


def agent(*scripts: Script) -> Callable[[Http2Exchange], Awaitable[None]]:
    """A handler that plays one script a run; the last one over and over."""
    left = list(scripts)

    async def handle(exchange: Http2Exchange) -> None:
        seat = Seat(exchange)
        script = left.pop(0) if len(left) > 1 else left[0]
        await script(seat, await seat.begin())

    return handle


def saying(*frames: bytes) -> Script:
    """Say these, and end the stream."""

    async def script(seat: Seat, _: AgentRunRequest) -> None:
        await seat.say(*frames)
        await seat.exchange.end()

    return script


@dataclass
class Chatter:
    """Asks an agent at ``url``; ``lines`` are the ways it is given when it looks them up anew.

    ``headers`` are the client's, ``identity`` what is said of the account.
    """

    client: UpstreamClient
    url: str
    choices: Sequence[ModelChoice] = (MODEL,)
    patience: Patience = QUICK
    context_length: int | None = None
    http2: bool = True
    lines: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    identity: dict[str, str] = field(default_factory=lambda: {"authorization": "Bearer t"})
    dropped: list[str] = field(default_factory=list)
    ids: ConversationIds = field(default_factory=ConversationIds)
    lessons: Lessons = field(default_factory=Lessons)

    async def line(self, anew: bool) -> Line:
        if anew and self.lines:
            self.url = self.lines.pop(0)
        return Line(self.url, self.http2)

    def request(self, asked: Conversation) -> ForwardRequest:
        return ForwardRequest(
            "r1", "openai-chat", "openai-chat", "composer-2.5", b"{}", True, self.headers, Timeouts(), lambda: asked
        )

    def asking(self) -> Asking:
        return Asking(
            self.identity, self.choices, self.context_length, self.line, self.ids, self.lessons, self.patience
        )

    async def ask(self, asked: Conversation | None = None) -> list[Event]:
        request = self.request(asked or conversation())
        events = [event async for event in chat(self.asking(), request, Account("a"), self.client)]
        return without_ignored(events, self.dropped)


def without_ignored(events: list[Event], dropped: list[str]) -> list[Event]:
    """The answer; what was ignored goes into ``dropped``, and nothing of the answer may come before it."""
    left: list[Event] = [event for event in events if not isinstance(event, Ignored)]
    before = events[: len(events) - len(left)]
    assert all(isinstance(event, Ignored) for event in before)
    dropped += [name for event in before if isinstance(event, Ignored) for name in event.names]
    return left
