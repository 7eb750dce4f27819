"""One chat: asked in the way that works for the account, and its answer as events."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, replace

import httpx2
import structlog

from switchgear import (
    Account,
    Conversation,
    Event,
    Failure,
    ForwardRequest,
    Ignored,
    Kind,
    Provider,
    Reply,
    UpstreamClient,
    UpstreamError,
)
from switchgear_kiro.account import Credential
from switchgear_kiro.answer import AnswerReader
from switchgear_kiro.arns import api_region, arn_for
from switchgear_kiro.conversation_ids import conversation_id
from switchgear_kiro.conversation_state import ChatBody, chat_body
from switchgear_kiro.course import Course
from switchgear_kiro.endpoints import chat_url
from switchgear_kiro.errors import verdict
from switchgear_kiro.headers import call_headers
from switchgear_kiro.limits import usage_limits
from switchgear_kiro.listing import profiled
from switchgear_kiro.memory import Known
from switchgear_kiro.model_names import Named, read_name
from switchgear_kiro.models import BY_ID
from switchgear_kiro.prompt_size import prompt_tokens
from switchgear_kiro.quota import is_spent, resets_at
from switchgear_kiro.settings import KiroSettings
from switchgear_kiro.variants import CHAT_VARIANTS

MAX_FAILURE_BYTES = 64 * 1024
SUSPICIOUS_REFUSALS = 3
"""After so many rate limits in a row the usage call is asked: the vendor's staff say that a spent quota and a security
hold may come in the words of a rate limit (kirodotdev/Kiro 9193 and 9297, read 2026-11)."""

log = structlog.get_logger("switchgear.kiro")


async def forward(
    provider: Provider, request: ForwardRequest, account: Account, client: UpstreamClient
) -> AsyncIterator[Event]:
    """Ask, and give the answer's events."""
    settings: KiroSettings = provider.settings
    known = settings.memory.of(account.id)
    credential = await profiled(settings, Credential.of(account), client, known)
    chat = _Chat(settings, request, credential, known, client)
    variants = settings.calls.of(credential.method).chat
    course = Course(variants, known.variant, known.renamed.get(chat.conversation, chat.conversation))
    while True:
        started = False
        call = chat.made(course)
        try:
            async with aclosing(chat.events(call)) as events:
                async for event in events:
                    if not started:
                        started = True
                        known.worked(course.variant, chat.conversation, course.conversation)
                        if call.body.notes:
                            yield Ignored(call.body.notes)
                    yield event
        except UpstreamError as error:
            if started:
                raise
            if not course.changed_by(error, has_reasoning=call.body.has_reasoning):
                raise await chat.explained(course.final(error)) from None
        else:
            log.info(
                "answered",
                request_id=request.id,
                provider=provider.name,
                account=account.label,
                model=chat.model,
                variant=course.variant,
                credits=round(call.reader.credits, 6),
            )
            return


@dataclass(frozen=True, slots=True)
class _Call:
    request: httpx2.Request
    body: ChatBody
    reader: AnswerReader


class _Chat:
    """One request of a client to one account.

    Attributes:
        model: the service's name of the model that is asked.
        conversation: the conversation's id, before it was refused if it ever was.
    """

    def __init__(
        self,
        settings: KiroSettings,
        request: ForwardRequest,
        credential: Credential,
        known: Known,
        client: UpstreamClient,
    ) -> None:
        self._settings = settings
        self._request = request
        self._credential = credential
        self._known = known
        self._client = client
        listed = request.model in known.listed or request.model in BY_ID
        named = Named(request.model) if listed else read_name(request.model)
        self.model = named.id
        self._asked = _thinking(request.conversation, named)
        self._prompt_tokens = prompt_tokens(self._asked)
        self.conversation = conversation_id(
            self._asked, request.headers, account_id=credential.account_id, model=self.model
        )

    def made(self, course: Course) -> _Call:
        """The call, as the course has it now.

        Raises:
            UpstreamError: the conversation holds what cannot be said.
        """
        settings, credential, known = self._settings, self._credential, self._known
        variant = CHAT_VARIANTS[course.variant]
        in_body = course.variant == "runtime-json"  # there, what elsewhere is a header is a member of the body
        body = chat_body(
            self._asked,
            model=self.model,
            origin=settings.origin_of(credential.method),
            profile_arn=arn_for(credential, variant.generation),
            agent_mode=settings.agent_mode if in_body else None,
            conversation_id=course.conversation,
            thinking_schema=known.schema(self.model),
            thinking_tags=settings.thinking_tags,
            keep_reasoning=course.keep_reasoning,
        )
        headers = call_headers(settings, credential, variant.content_type, variant.target)
        if not in_body:
            headers["x-amzn-kiro-agent-mode"] = settings.agent_mode
        url = chat_url(settings, course.variant, api_region(settings, credential))
        reader = AnswerReader(
            generation=variant.generation,
            tool_names=body.tool_names,
            max_input_tokens=known.max_input_tokens(self.model),
            prompt_estimate=self._prompt_tokens,
            stop=self._asked.stop,
            thinking_tags=body.thinks_in_tags,
        )
        return _Call(httpx2.Request("POST", url, headers=headers, content=body.body), body, reader)

    async def events(self, call: _Call) -> AsyncGenerator[Event]:
        """The events of the answer.

        Whether it is one, its status tells: an event stream is labelled as JSON on some variants.

        Raises:
            UpstreamError: it failed.
        """
        reply = await self._client.reply(call.request, self._request.timeouts)
        try:
            if reply.status != 200:
                raise UpstreamError(await self._failure(reply))
            async for chunk in reply.body:
                for event in call.reader.feed(chunk):
                    yield event
                if call.reader.done:
                    break
            for event in call.reader.end():
                yield event
        finally:
            await reply.aclose()

    async def _failure(self, reply: Reply) -> Failure:
        body = bytearray()
        async for part in reply.body:
            body += part
            if len(body) > MAX_FAILURE_BYTES:
                break
        if reply.status < 400:
            message = f"HTTP {reply.status} is no answer to a chat"
            return Failure("protocol", reply.status, reply.headers, message=message, model=self.model)
        return Failure("status", reply.status, reply.headers, bytes(body[:MAX_FAILURE_BYTES]), model=self.model)

    # -- what a failure really is ------------------------------------------------------------------------------

    async def explained(self, error: UpstreamError) -> UpstreamError:
        """The failure, with what else is known of it: when a spent quota comes back, and what hides in a rate limit."""
        found = verdict(error.failure)
        kind = None if found is None else found.kind
        if kind is Kind.RATE_LIMITED:
            self._known.rate_refusals += 1
            if self._known.rate_refusals % SUSPICIOUS_REFUSALS == 0:
                return await self._looked_behind(error)
        if kind is Kind.QUOTA_EXHAUSTED and found is not None and found.retry_after is None:
            return self._until_reset(error)
        return error

    async def _looked_behind(self, error: UpstreamError) -> UpstreamError:
        try:
            limits = await usage_limits(self._settings, self._credential, self._client)
        except UpstreamError as other:
            found = verdict(other.failure)
            return other if found is not None and found.kind is Kind.SUSPENDED else error
        now = time.time()
        if not is_spent(limits, now):
            return error
        self._known.quota_resets_at = resets_at(limits, now)
        spent = Failure("status", 402, error.failure.headers, SPENT, model=self.model)
        return self._until_reset(UpstreamError(spent))

    def _until_reset(self, error: UpstreamError) -> UpstreamError:
        """The failure with when the quota comes back, where the usage call has told and the failure does not."""
        failure, moment = error.failure, self._known.quota_resets_at
        if moment is None or moment <= time.time() or "retry-after" in failure.headers:
            return error
        headers = {**failure.headers, "retry-after": str(int(moment))}
        return UpstreamError(replace(failure, headers=headers))


SPENT = b'{"message": "You have reached the limit.", "reason": "MONTHLY_REQUEST_COUNT"}'
"""As the service says it where it says it."""


def _thinking(conversation: Conversation, named: Named) -> Conversation:
    """The conversation, with the reasoning that the model's name asks for; what the client says itself counts more."""
    options = conversation.reasoning
    silent = options.enabled is None and options.effort is None and options.budget_tokens is None
    if not named.thinking or not silent:
        return conversation
    return replace(conversation, reasoning=replace(options, enabled=True, effort=named.effort or None))
