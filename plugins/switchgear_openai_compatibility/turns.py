"""The messages of a chat body as a certain upstream wants them: roles, and where earlier reasoning stands. Pure.

Sources: api-docs.deepseek.com (``reasoning_content`` comes back on turns with tool calls, as an empty text too),
openrouter.ai (``reasoning_details`` come back unchanged), vllm-project/vllm (``reasoning`` from 0.16 on); that Mistral
refuses ``reasoning_content`` is known from bug reports. Read by autumn 2026.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import msgspec

SystemRole = Literal["auto", "system", "developer", "as-sent"]
ReplayReasoning = Literal["auto", "reasoning_content", "reasoning", "reasoning_details", "none"]

REASONING_FIELDS = ("reasoning_details", "reasoning_content", "reasoning")
"""Where a turn's reasoning may stand, in the order in which it is looked for."""

CLOSED_MESSAGE_FIELDS = frozenset({"role", "content", "name", "tool_calls", "tool_call_id", "prefix"})
"""What even a server that refuses every field it does not know takes in a message."""

Message = dict[str, msgspec.Raw]

_SYSTEM, _DEVELOPER, _ASSISTANT = (msgspec.Raw(b'"%s"' % role) for role in (b"system", b"developer", b"assistant"))
_NOTHING = frozenset({b"null", b'""', b"[]"})
_decode_messages = msgspec.json.Decoder(list[Message]).decode
_encode = msgspec.json.encode


@dataclass(frozen=True, slots=True)
class Turns:
    """How one upstream wants the messages. What each value means is said in ``settings``."""

    system_role: SystemRole = "auto"
    replay_reasoning: ReplayReasoning = "auto"
    strict_schema: bool = False

    @property
    def needles(self) -> tuple[bytes, ...]:
        """Messages without any of these need no change."""
        role = {"developer": (b'"system"',), "as-sent": ()}.get(self.system_role, (b'"developer"',))
        match self.replay_reasoning:
            case "auto":
                return role
            case "reasoning_content" | "reasoning":
                return (*role, b'"reasoning', b'"tool_calls"')
            case _:
                return (*role, b'"reasoning')

    def applied(self, raw: msgspec.Raw) -> msgspec.Raw:
        """The messages as the upstream wants them; the same where nothing changes, or where they are no messages."""
        try:
            given = _decode_messages(raw)
        except msgspec.ValidationError:
            return raw
        messages = [self._message(message) for message in given]
        return raw if messages == given else msgspec.Raw(_encode(messages))

    def _message(self, given: Message) -> Message:
        message = dict(given)
        role = message.get("role")
        if role == _DEVELOPER and self.system_role in {"auto", "system"}:
            message["role"] = _SYSTEM
        elif role == _SYSTEM and self.system_role == "developer":
            message["role"] = _DEVELOPER
        elif role == _ASSISTANT and self.replay_reasoning != "auto":
            _move_reasoning(message, self.replay_reasoning)
        if self.strict_schema:
            kept = CLOSED_MESSAGE_FIELDS | ({self.replay_reasoning} - {"auto", "none"})
            message = {name: value for name, value in message.items() if name in kept}
        return message


def _move_reasoning(message: Message, to: str) -> None:
    """Leave the reasoning in the field ``to`` alone; ``none`` leaves it nowhere."""
    found = {name: message.pop(name) for name in REASONING_FIELDS if name in message}
    if to == "none":
        return
    own = found.pop(to, None)
    if not _is_empty(own) and own is not None:
        message[to] = own
        return
    text = next((text for name in REASONING_FIELDS if (text := _text(found.get(name)))), "")
    if to == "reasoning_details":
        if text:
            message[to] = msgspec.Raw(_encode([{"type": "reasoning.text", "text": text}]))
    elif text or not _is_empty(message.get("tool_calls")):
        message[to] = msgspec.Raw(_encode(text))


def _is_empty(raw: msgspec.Raw | None) -> bool:
    return raw is None or bytes(raw) in _NOTHING


def _text(raw: msgspec.Raw | None) -> str:
    """The reasoning's words: a text, or those of ``reasoning_details``, of which an encrypted one has none."""
    value: Any = None if raw is None else msgspec.json.decode(raw)
    if isinstance(value, list):
        entries = [entry for entry in value if isinstance(entry, dict)]
        value = "".join(
            words for entry in entries if isinstance(words := entry.get("text") or entry.get("summary"), str)
        )
    return value if isinstance(value, str) else ""
