"""One request as runs of the agent: asked in one way, and before any output in another where that may help."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack, aclosing
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import structlog

from switchgear import Account, Event, Failure, ForwardRequest, Ignored, UpstreamClient, UpstreamError
from switchgear_cursor.connect_errors import connect_error
from switchgear_cursor.conversation_ids import ConversationIds
from switchgear_cursor.parameters import left_out
from switchgear_cursor.retries import Lessons, Tries, is_bare_exhaustion
from switchgear_cursor.run_request import ModelChoice, Run, start
from switchgear_cursor.runs import PATIENT, Patience, run
from switchgear_cursor.session import Session
from switchgear_cursor.wires import Line, open_wire

ALLOWED_TOOLS = "mcp_tool_call,get_mcp_tools_tool_call"
"""Of the service's tools the model is shown these alone, which are the client's. No boundary: each call is judged."""
FULL = 0.5
"""From this share of the window on, an exhaustion that says nothing is taken for the context's."""
BYTES_PER_TOKEN = 4

log = structlog.get_logger("switchgear.cursor")


@dataclass(frozen=True, slots=True)
class Asking:
    """What a chat needs to know beside the request.

    Attributes:
        headers: who asks: the credential and the client identification that the service requires.
        choices: the forms of the model's name to try, the best first.
        context_length: the model's window in tokens; ``None`` when it is not known.
        line: gives the way to the service; asked with ``True``, it looks it up anew.
        ids: the entry's conversation ids.
        lessons: what the entry has learnt about models.
        patience: how long the service may take.
    """

    headers: Mapping[str, str]
    choices: Sequence[ModelChoice]
    context_length: int | None
    line: Callable[[bool], Awaitable[Line]]
    ids: ConversationIds
    lessons: Lessons
    patience: Patience = PATIENT


async def chat(
    asking: Asking, request: ForwardRequest, account: Account, client: UpstreamClient
) -> AsyncGenerator[Event]:
    """Answer one request.

    Raises:
        UpstreamError: there is no answer, or none that is whole. An end frame's error is an ``in_band`` failure with
            the frame's JSON as its body. Where the prompt takes much of the window and the error says nothing,
            ``prompt`` is added to it: ``{"estimated_tokens": int, "context_length": int}``.
    """
    conversation = request.conversation
    tries = Tries(asking.choices, asking.lessons)
    line = await asking.line(False)
    with ExitStack() as held:
        conversation_id = held.enter_context(asking.ids.given(account.id, request))
        while True:
            begun = False
            prepared = start(conversation, tries.current.choice, conversation_id)
            try:
                async with aclosing(_one_run(asking, line, prepared, request, client)) as events:
                    async for event in events:
                        if not begun:
                            begun = True
                            tries.worked()
                            unsaid = {*left_out(conversation), *prepared.tools.left_out}
                            if unsaid:
                                yield Ignored(tuple(sorted(unsaid)))
                        yield event
                return
            except UpstreamError as error:
                failure = with_prompt(error.failure, prepared, asking.context_length)
                if begun:
                    raise
                before = tries.current
                changed = tries.after(failure) if failure is error.failure else None
                if changed is None:
                    raise UpstreamError(failure) from error
                if changed.other_line and not before.other_line:
                    new_line = await asking.line(True)
                    if new_line == line:
                        raise
                    line = new_line
                if changed.other_id and not before.other_id:
                    asking.ids.spend(conversation_id)
                    conversation_id = held.enter_context(asking.ids.given(account.id, request))
                log.info("asked_again", request_id=request.id, model=request.model, failure=_named(failure))


async def _one_run(
    asking: Asking, line: Line, prepared: Run, request: ForwardRequest, client: UpstreamClient
) -> AsyncGenerator[Event]:
    headers = {
        **asking.headers,
        "x-cursor-agent-allowed-tools": ALLOWED_TOOLS,
        "connect-accept-encoding": "gzip",
    }
    wire = await open_wire(line, headers, client, request.timeouts)
    session = Session(prepared, request.model)
    async with aclosing(run(wire, prepared.message, session, asking.patience)) as events:
        async for event in events:
            yield event


def with_prompt(failure: Failure, prepared: Run, context_length: int | None) -> Failure:
    """The failure with the size of the prompt in it, where that is likely to be its reason."""
    error = connect_error(failure.body)
    if error is None or not context_length or not is_bare_exhaustion(error):
        return failure
    message_bytes = len(prepared.message) - prepared.context.ByteSize()  # its tools stand in it twice
    tokens = (prepared.blobs.size + message_bytes) // BYTES_PER_TOKEN
    if tokens < FULL * context_length:
        return failure
    said: dict[str, Any] = msgspec.json.decode(failure.body)
    said["prompt"] = {"estimated_tokens": tokens, "context_length": context_length}
    return replace(failure, body=msgspec.json.encode(said))


def _named(failure: Failure) -> str:
    error = connect_error(failure.body)
    return (error.name or error.code) if error is not None else failure.cause
