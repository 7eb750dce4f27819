"""A conversation's messages as turns that the service takes. Pure.

What holds of the turns, whatever the client sent (the service refuses anything else as "Improperly formed request.", or
"Invalid tool use format.", in most of its versions; read 2026-11):

* a user's turn is first and last, and the roles alternate: neighbours are joined, and a filler stands for what lacks;
* a turn with calls is followed by a result for each of them: one that is missing is made up, as an error;
* a result stands behind its call: any other becomes text;
* images stand beside the text, those out of a tool's result too, and no turn has more than ten.
"""

from __future__ import annotations

import binascii
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from switchgear import File, Image, Message, Part, Reasoning, Text, ToolCall, ToolResult
from switchgear_kiro import prompts
from switchgear_kiro.call_input import call_input
from switchgear_kiro.documents import document_text
from switchgear_kiro.images import MAX_IMAGES, image_block, too_many_images
from switchgear_kiro.request_body import (
    ImageBlock,
    ReasoningContent,
    ReasoningText,
    TextBlock,
    ToolResultBlock,
    ToolUse,
)
from switchgear_kiro.tool_names import CallIds, ToolNames


@dataclass(slots=True)
class UserTurn:
    """What came from the client's side between two answers; ``texts`` are those of its messages."""

    texts: list[str] = field(default_factory=list)
    images: list[ImageBlock] = field(default_factory=list)
    results: list[ToolResultBlock] = field(default_factory=list)

    def content(self) -> str:
        """The text; never empty."""
        return "\n\n".join(self.texts) or (prompts.RESULTS if self.results else prompts.NOTHING)

    def show(self, images: Iterable[ImageBlock]) -> None:
        """Put images beside the text."""
        self.images.extend(images)
        if len(self.images) > MAX_IMAGES:
            raise too_many_images()


@dataclass(slots=True)
class AssistantTurn:
    """One answer; ``texts`` are those of its messages."""

    texts: list[str] = field(default_factory=list)
    calls: list[ToolUse] = field(default_factory=list)
    reasoning: ReasoningContent | None = None

    def content(self) -> str:
        """The text; never empty."""
        return "\n\n".join(self.texts) or prompts.NOTHING


class Turns:
    """Takes messages in one by one, and gives the turns.

    Args:
        names: the tools' names, those of all calls among them.
        keep_reasoning: ``False`` leaves out earlier reasoning, proved or not.

    Attributes:
        keeps_reasoning: some earlier reasoning is kept.
        lost_reasoning: some is not.
    """

    def __init__(self, names: ToolNames, *, keep_reasoning: bool) -> None:
        self.keeps_reasoning = False
        self.lost_reasoning = False
        self._names = names
        self._may_keep_reasoning = keep_reasoning
        self._turns: list[UserTurn | AssistantTurn] = []
        self._ids = CallIds()
        self._waiting: dict[str, deque[str]] = {}  # the last answer's calls without a result: sent ids by the client's

    def add(self, message: Message) -> None:
        """Take the next message in.

        Raises:
            UpstreamError: 400; it holds what the service does not take.
        """
        match message.role:
            case "assistant":
                self._answered(message.parts)
            case "tool":
                self._gave(message.parts)
            case "user":
                self._asked(message.parts)
            case "system" | "developer":
                if text := text_of(message):
                    self._user().texts.append(prompts.system_in_between(text))

    def finish(self) -> list[UserTurn | AssistantTurn]:
        """The turns; the last one is the current one."""
        if self._turns and isinstance(self._turns[-1], AssistantTurn) and not self._waiting:
            self._user().texts.append(prompts.GO_ON)
        self._settle()
        return self._turns

    # -- whose turn it is ----------------------------------------------------------------------------------------

    def _user(self) -> UserTurn:
        if self._turns and isinstance(last := self._turns[-1], UserTurn):
            return last
        turn = UserTurn()
        self._turns.append(turn)
        return turn

    def _assistant(self) -> AssistantTurn:
        if self._turns and isinstance(last := self._turns[-1], AssistantTurn):
            return last
        self._settle()
        turn = AssistantTurn()
        self._turns.append(turn)
        return turn

    def _settle(self) -> None:
        """The user's turn, a filler where there is none, is complete: make up the results that are missing."""
        results = self._user().results
        for sent_ids in self._waiting.values():
            results.extend(ToolResultBlock(sent, "error", [TextBlock(prompts.NO_RESULT)]) for sent in sent_ids)
        self._waiting = {}

    # -- what is said in it --------------------------------------------------------------------------------------

    def _asked(self, parts: Iterable[Part]) -> None:
        texts, images = _shown(parts)
        turn = self._user()
        if len(images) <= MAX_IMAGES < len(turn.images) + len(images):
            self._assistant()  # a turn of its own, behind a filler
            turn = self._user()
        turn.show(images)
        _append(turn.texts, "\n".join(texts))

    def _answered(self, parts: Iterable[Part]) -> None:
        turn = self._assistant()
        texts: list[str] = []
        for part in parts:
            match part:
                case Text(text):
                    texts.append(text)
                case Reasoning():
                    self._thought(turn, part)
                case ToolCall(call_id, name, arguments):
                    sent = self._ids.take(call_id)
                    self._waiting.setdefault(call_id, deque()).append(sent)
                    turn.calls.append(ToolUse(sent, self._names.sent(name), call_input(arguments)))
        _append(turn.texts, "".join(texts))

    def _gave(self, parts: Iterable[Part]) -> None:
        turn = self._user()
        for part in parts:
            if not isinstance(part, ToolResult):
                continue
            texts, images = _shown(part.parts)
            turn.show(images)
            if images and not texts:
                texts = [prompts.IMAGE_IS_BESIDE]
            sent_ids = self._waiting.get(part.call_id)
            if sent_ids:
                content = [TextBlock(text) for text in texts or [prompts.NO_OUTPUT]]
                status = "error" if part.is_error else "success"
                turn.results.append(ToolResultBlock(sent_ids.popleft(), status, content))
            else:
                turn.texts.append(prompts.orphan(part.call_id, "\n".join(texts)))

    def _thought(self, turn: AssistantTurn, thought: Reasoning) -> None:
        """Keep reasoning that is proved. A turn has room for one: the last, which led to what follows."""
        content = _proved(thought) if self._may_keep_reasoning else None
        if content is None or turn.reasoning is not None:
            self.lost_reasoning = True
        if content is not None:
            self.keeps_reasoning = True
            turn.reasoning = content


def text_of(message: Message) -> str:
    """The text of a message that has nothing else."""
    return "\n".join(_shown(message.parts)[0])


def _shown(parts: Iterable[Part]) -> tuple[list[str], list[ImageBlock]]:
    """Texts that have something in them, those of documents too; and images."""
    texts: list[str] = []
    images: list[ImageBlock] = []
    for part in parts:
        match part:
            case Text(text):
                _append(texts, text)
            case File():
                _append(texts, document_text(part))
            case Image():
                images.append(image_block(part))
    return texts, images


def _append(texts: list[str], text: str) -> None:
    if text.strip():
        texts.append(text)


def _proved(thought: Reasoning) -> ReasoningContent | None:
    """Reasoning with its proof, in the form it came in; ``None`` for one without: the service refuses it."""
    if not thought.signature:
        return None
    if not thought.redacted:
        return ReasoningContent(reasoning_text=ReasoningText(thought.text, thought.signature))
    try:
        binascii.a2b_base64(thought.signature, strict_mode=True)
    except (binascii.Error, ValueError):
        return None  # another upstream's
    return ReasoningContent(redacted_content=thought.signature)
