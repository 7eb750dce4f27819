"""The tool calls of one run: announced, made, and ready to be handed to the client. Sans-IO.

An execution that the server asks for is the call itself. What it announced before only tells whether more is to come.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from switchgear import ToolCall
from switchgear_cursor.call_ids import for_client
from switchgear_cursor.proto.agent_pb2 import McpArgs, ToolCallUpdate
from switchgear_cursor.values import from_entries


@dataclass(slots=True)
class _Announced:
    """A call that was begun; ``is_ours`` is whether only its execution ends it, and not the server's own word.

    ``other_ids`` are further names the server has for it.
    """

    is_ours: bool
    other_ids: frozenset[str]


class ToolCalls:
    """Collects them; they are handed over together, so that one that is taken back in time is never seen."""

    def __init__(self) -> None:
        self._announced: dict[str, _Announced] = {}
        self._here: set[str] = set()
        self._made: dict[int, ToolCall] = {}
        self._count_said = 0
        self._count_made = 0

    @property
    def pending(self) -> list[int]:
        """The ids of the executions that wait for a result."""
        return list(self._made)

    @property
    def is_open(self) -> bool:
        """Whether a call was announced that was not made, or not finished."""
        return bool(self._announced)

    @property
    def are_too_few(self) -> bool:
        """Whether the server said that there are more calls than are here."""
        return self._count_made < self._count_said

    @property
    def all_made(self) -> bool:
        """Whether the server said how many calls there are, and all of them are here."""
        return not self.is_open and 0 < self._count_said <= self._count_made

    def count_said(self, count: int) -> None:
        """The server said how many calls its next step makes."""
        self._count_said, self._count_made = count, 0

    def announced(self, update: ToolCallUpdate) -> None:
        """A call was begun, or goes on. One that is here already is not begun again."""
        is_ours = update.tool_call.HasField("mcp_tool_call")
        other_ids = frozenset({update.model_call_id, update.tool_call.tool_call_id} - {""})
        if self._here & {update.call_id, *other_ids}:
            return
        known = self._announced.setdefault(update.call_id, _Announced(is_ours, other_ids))
        known.is_ours = known.is_ours or is_ours

    def completed(self, update: ToolCallUpdate) -> None:
        """The server says that a call is over. It ends its own calls only."""
        known = self._announced.get(update.call_id)
        if known is not None and not known.is_ours and not update.tool_call.HasField("mcp_tool_call"):
            del self._announced[update.call_id]

    def made(self, exec_id: int, args: McpArgs, client_name: str) -> None:
        """A call of the client's tool ``client_name`` is here, whole."""
        self.refused(args)
        arguments = msgspec.json.encode(from_entries(args.args)).decode()
        call_id = for_client(args.tool_call_id) or f"call_{exec_id}"
        if any(call.id == call_id for call in self._made.values()):
            call_id = f"{call_id}_{exec_id}"
        self._made[exec_id] = ToolCall(call_id, client_name, arguments)

    def refused(self, args: McpArgs) -> None:
        """A call is here and is answered on the spot: it is no longer open.

        One under an id that was not announced is taken for the oldest of the client's that is open.
        """
        self._count_made += 1
        ids = {args.tool_call_id, args.tool_call_id.partition("\n")[0]} - {""}
        named = (call_id for call_id, known in self._announced.items() if ids & {call_id, *known.other_ids})
        oldest = (call_id for call_id, known in self._announced.items() if known.is_ours)
        found = next(named, None) or next(oldest, None)
        self._here |= ids
        if found is not None:
            self._here.add(found)
            del self._announced[found]

    def taken_back(self, exec_id: int) -> None:
        """The server no longer wants a result of this execution."""
        self._made.pop(exec_id, None)

    def hand_over(self) -> list[ToolCall]:
        """The calls, in the order they were made; there are none afterwards."""
        made = list(self._made.values())
        self._made.clear()
        return made
