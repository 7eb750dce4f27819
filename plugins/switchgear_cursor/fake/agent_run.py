"""One run, as the service sees it: it asks, is answered, and says the answer. Everything the client says is checked."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from typing import Any, Protocol

from switchgear_cursor.fake import agent_messages as say
from switchgear_cursor.fake.agent_errors import Breach, Json, Refused, bare
from switchgear_cursor.fake.agent_prompt import Prompt, read_prompt
from switchgear_cursor.fake.agent_request import CURSORS_OWN, MAX_REPLAY_BYTES, Asked
from switchgear_cursor.fake.fields import Fields, Value
from switchgear_cursor.fake.stream import ServerStream

ANSWER_LIMIT_S = 10.0
"""How long the client may take for an answer."""
EXEC, KV, CONTROL, RESPONSE, HEARTBEAT = 2, 3, 5, 6, 7


class Channel(Protocol):
    """The way to one client. What it raises when the client goes is ``ClientGoneError``."""

    async def receive(self) -> bytes | None:
        """The client's next message; ``None`` once it has half-closed."""

    async def send(self, data: bytes) -> None:
        """Send a piece of the answer's body."""

    async def end(self) -> None:
        """The body is complete."""

    def reset(self) -> None:
        """Break the run off."""


class Run:
    """A run under way.

    Attributes:
        asked: what it is asked.
        person: whose credential it bears.
        headers: of the call.
        told: the prompt, once it was asked for.
        heartbeats: how many the client sent.
        exec_heartbeats: how many of them were for an execution.
        late: messages about executions that were over already, by the execution's number.
        is_over: the turn has ended: the client may half-close now.
        was_left: the client went before the end.
        was_dropped: the service dropped it, as a silent client.
    """

    def __init__(
        self, asked: Asked, person: str, headers: Mapping[str, str], channel: Channel, out: ServerStream
    ) -> None:
        self.asked = asked
        self.person = person
        self.headers = headers
        self.told: Prompt | None = None
        self.heartbeats = 0
        self.exec_heartbeats = 0
        self.late: list[int] = []
        self.is_over = False
        self.was_left = False
        self.was_dropped = False
        self._channel = channel
        self._out = out
        self._inbox: asyncio.Queue[tuple[int, Fields]] = asyncio.Queue()
        self._number = 0
        self._aborted: set[int] = set()

    async def listen(self, silence_s: float) -> None:
        """Take in what the client sends, until it half-closes; one that is silent for ``silence_s`` is dropped.

        Raises:
            Breach: it half-closes too early, or sends what no client sends.
        """
        while True:
            try:
                async with asyncio.timeout(silence_s):
                    data = await self._channel.receive()
            except TimeoutError:
                self.was_dropped = True
                self._channel.reset()
                return
            if data is None:
                if not self.is_over:
                    raise Breach("the client half-closed before the end of the turn")
                return
            given = Fields(data)
            if len(given.numbers) != 1:
                raise Breach(f"a client message has the fields {sorted(given.numbers)}")
            (kind,) = given.numbers
            self._take(kind, given.message(kind))

    def _take(self, kind: int, given: Fields) -> None:
        if kind == HEARTBEAT:
            self.heartbeats += 1
        elif kind == CONTROL and given.numbers == {3}:
            self.exec_heartbeats += 1
        elif kind in {EXEC, CONTROL} and _exec_number(kind, given) in self._aborted:
            self.late.append(_exec_number(kind, given))
        elif kind in {EXEC, KV, CONTROL, RESPONSE}:
            self._inbox.put_nowait((kind, given))
        else:
            raise Breach(f"a client message of the kind {kind} in the middle of a run")

    # -- asking ------------------------------------------------------------------------------------------------

    async def prompt(self) -> Prompt:
        """The prompt, whose blobs are asked for one by one."""
        blobs = [await self.blob(root) for root in self.asked.roots]
        if sum(map(len, blobs)) > MAX_REPLAY_BYTES and not CURSORS_OWN.match(self.asked.model):
            raise Refused(bare("invalid_argument"))
        self.told = read_prompt(blobs, self.asked.said, len(self.asked.images))
        return self.told

    async def blob(self, blob_id: bytes) -> bytes:
        """A blob of the client's.

        Raises:
            Refused: it has none of this id.
        """
        number = self.next_number()
        await self.say(say.get_blob(number, blob_id))
        given = await self.answer(KV)
        if given.number(1) != number or not given.has(2):
            raise Breach(f"a blob was asked for as {number}; the answer is {sorted(given.numbers)}")
        data = given.message(2).data(1)
        if not data:
            raise Refused(bare("internal", "Blob not found"))
        if hashlib.sha256(data).digest() != blob_id:
            raise Breach("a blob's id is not the SHA-256 of its content")
        return data

    async def keep(self, data: bytes) -> None:
        """Have the client keep a blob, and give it back."""
        number, blob_id = self.next_number(), hashlib.sha256(data).digest()
        await self.say(say.set_blob(number, blob_id, data))
        given = await self.answer(KV)
        if given.number(1) != number or given.numbers != {1, 3}:
            raise Breach("a blob to keep was not acknowledged")
        if await self.blob(blob_id) != data:
            raise Breach("a kept blob came back changed")

    async def context(self) -> None:
        """Ask for the request context; its tools have to be the request's, and nothing of the machine is in it."""
        answer = (await self.execute(10, {})).message(10)
        context = answer.message(1).message(1)
        names = {tool.text(1) for tool in context.messages(7)}
        if answer.numbers != {1} or names != set(self.asked.tools):
            raise Breach(f"the request context holds the tools {sorted(names)}")
        if context.numbers - {4, 7} or context.message(4).numbers - {3, 10}:
            raise Breach("the request context tells something of the machine")

    async def execute(self, kind: int, args: Mapping[int, Value]) -> Fields:
        """Have something done; gives the answer, behind which the execution was closed."""
        number, exec_id = self.next_number(), f"e{self._number}"
        await self.say(say.execution(number, exec_id, kind, args))
        given = await self.answer(EXEC)
        if given.number(1) != number or given.text(15) != exec_id:
            raise Breach(f"the execution {number} is answered as {given.number(1)} {given.text(15)!r}")
        await self.closed(number)
        return given

    async def call(self, name: str, args: Mapping[str, Any], call_id: str, form: int = 0) -> int:
        """Call a tool of the client's; gives the execution's number. ``form`` is how the tool is named."""
        tool, number = self.asked.tools[name], self.next_number()
        prefixes = (f"{tool.provider}-", "", f"mcp_{tool.provider}_", f"mcp__{tool.provider}__")
        wire_name = prefixes[form % len(prefixes)] + name
        tool_name = "" if form % len(prefixes) else name
        fields = say.mcp_args(wire_name, tool_name, tool.provider, call_id, args)
        await self.say(say.execution(number, f"e{number}", 11, fields))
        return number

    async def abort(self, number: int) -> None:
        """Never mind an execution; nothing may come for it from now on."""
        self._aborted.add(number)
        await self.say(say.abort(number))

    async def closed(self, number: int) -> None:
        """Wait until the client has closed an execution."""
        given = await self.answer(CONTROL)
        if given.numbers != {1} or given.message(1).number(1) != number:
            raise Breach(f"the execution {number} was not closed")

    async def answer(self, kind: int) -> Fields:
        """The client's next message but for heartbeats, which has to be of this kind."""
        await self.flush()
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                got, given = await self._inbox.get()
        except TimeoutError:
            raise Breach(f"a question was not answered within {ANSWER_LIMIT_S:g} s") from None
        if got != kind:
            raise Breach(f"a client message of the kind {got}, where one of the kind {kind} was due")
        return given

    def next_number(self) -> int:
        """For a question."""
        self._number += 1
        return self._number

    # -- saying ------------------------------------------------------------------------------------------------

    async def say(self, payload: bytes) -> None:
        """Say a message; it may be held back until the next one, or :meth:`flush`."""
        for piece in self._out.add(payload):
            await self._channel.send(piece)

    async def flush(self) -> None:
        """Send what is held back."""
        for piece in self._out.rest():
            await self._channel.send(piece)

    async def finish(self, used: Mapping[int, int]) -> None:
        """The answer is whole, and the stream ends well."""
        self.is_over = True
        await self.say(say.turn_ended(used))
        await self.end()

    async def end(self, error: Json | None = None) -> None:
        """End the stream, with an error if one is given."""
        self.is_over = True
        for piece in self._out.end({} if error is None else {"error": error}):
            await self._channel.send(piece)
        await self._channel.end()

    async def close(self) -> None:
        """End the body, without an end of the stream."""
        self.is_over = True
        await self.flush()
        await self._channel.end()

    async def cut(self) -> None:
        """Let what was said arrive, then break the run off."""
        await self.flush()
        self._channel.reset()

    async def gone(self, limit_s: float = ANSWER_LIMIT_S) -> None:
        """Wait until the client leaves, which ends the scenario.

        Raises:
            Breach: it does not.
        """
        await self.flush()
        await asyncio.sleep(limit_s)
        raise Breach(f"the client did not leave the run within {limit_s:g} s")


def _exec_number(kind: int, given: Fields) -> int:
    """The number of the execution that an answer or a control message is about."""
    if kind == EXEC:
        return given.number(1)
    (control,) = given.numbers or {0}
    return given.message(control).number(1) if control else 0
