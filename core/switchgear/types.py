"""The values that cross a hook. All are frozen; times are Unix seconds (UTC), durations are seconds.

A plugin author meets: :class:`Provider` and :class:`Account` (who is asked), :class:`ForwardRequest` (what the
client wants), the events or the :class:`Reply` (the answer), :class:`Failure` and :class:`Verdict` (what went
wrong, and what it means).
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Protocol

import msgspec

from switchgear.conversation import NOTHING, Conversation

if TYPE_CHECKING:
    from switchgear.secret import Secret

Dialect = Literal["openai-chat", "openai-responses", "anthropic-messages", "openai-completions", "openai-embeddings"]
"""A wire format between a client and the gateway, or between the gateway and an upstream."""

# -- who is asked ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Model:
    """A model an account can use now.

    ``id`` is the upstream's own name for it. ``context_length`` is in tokens; ``created`` is Unix seconds.
    ``None`` means the upstream does not say. ``aliases`` are other names a client may use for it, spelled like an id:
    they are resolved as ids are and never listed, and give way to any listed name that is spelled the same.
    """

    id: str
    display_name: str | None = None
    owned_by: str | None = None
    created: int | None = None
    context_length: int | None = None
    max_output_tokens: int | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProviderInfo:
    """What a plugin says of itself. Every field has a default, so the hook is optional.

    Attributes:
        title: the provider's name for people.
        contract: the oldest and the newest contract version this plugin works with, both included.
        settings: the pydantic model of **one** entry of the plugin's block, a subclass of
            :class:`~switchgear.settings.ProviderSettings`; ``None`` for that class itself.
        dialects: what the upstream speaks and ``forward`` answers in with a :class:`Reply`, the best first; a plugin
            that yields events leaves it empty. An entry's settings may say otherwise, see
            :attr:`~switchgear.settings.ProviderSettings.native_dialects`.
        login_methods: the sign-in methods of ``authenticate``, the default one first. A provider that has
            any gets its block's key as its default prefix.
        terms: what the operator has to know before signing in (whose terms apply); printed by ``switchgear login``.
        fallback_models: listed, marked as such, while no account's list can be had.
        retired: when and why the service ended, and what to do instead; ``None`` while it lives.
    """

    title: str = ""
    contract: tuple[int, int] = (1, 1)
    settings: type[Any] | None = None
    dialects: tuple[Dialect, ...] = ()
    login_methods: tuple[str, ...] = ()
    terms: str = ""
    fallback_models: tuple[Model, ...] = ()
    retired: str | None = None


@dataclass(frozen=True, slots=True)
class Provider:
    """One configured entry of a plugin's block.

    Attributes:
        name: what operators call it, unique over the whole configuration; it labels metrics and logs.
        key: the block's key in ``config.yaml``, which is the plugin's entry-point name.
        prefix: its models are listed as ``prefix/alias``; empty for none.
        settings: the entry, validated by the plugin's own settings model.
    """

    name: str
    key: str
    prefix: str
    settings: Any


@dataclass(frozen=True, slots=True)
class Account:
    """One account (or key) of one provider.

    Attributes:
        id: what the provider promises is stable; never a token that rotates, never an e-mail alone.
        label: a name that is safe to show in logs, headers and metrics; made from a digest when left empty.
        secrets: tokens and keys, by a name the plugin chooses.
        details: what may be read by anyone with access to the file (method, region, issued at).
        expires_at: when the credential expires, Unix seconds; ``None`` when it does not.
        refresh_at: when it is to be refreshed ahead of that, Unix seconds (core spreads it a little); ``None`` for five
            minutes before ``expires_at``, ``math.inf`` for never ahead: only when a request needs it.
        login_expires_at: when the sign-in itself ends (a client registration, a session, a minted key) and no refresh
            helps any more, so that a person has to sign in again, Unix seconds; ``None`` when it does not, or nobody
            knows. Core warns ahead; the account serves on for as long as its credential works.
        max_concurrency: how many calls the provider allows at once; ``None`` for any number.
        problem: why it cannot be asked until somebody acts (the file it lives in is missing, or damaged), for the
            operator; empty when it can. It is shown with the others, and never asked.
        proxy_url: the proxy of this account's calls; ``None`` for a direct connection.
        disabled: the operator switched it off.
        priority: the operator's; a higher one is asked first.
        weight: likewise; its share where the strategy is ``weighted``.
    """

    id: str
    label: str = ""
    secrets: Mapping[str, Secret] = field(default_factory=lambda: NOTHING)
    details: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    expires_at: float | None = None
    refresh_at: float | None = None
    login_expires_at: float | None = None
    max_concurrency: int | None = None
    problem: str = ""
    proxy_url: Secret | None = None
    disabled: bool = False
    priority: int = 0
    weight: int = 1

    @property
    def may_be_asked(self) -> bool:
        """Whether neither the operator nor a problem keeps it out of service."""
        return not self.disabled and not self.problem

    def __post_init__(self) -> None:
        if not self.id:
            raise ValueError("an account needs a stable id")
        if not self.label:
            digest = hashlib.sha256(self.id.encode()).hexdigest()[:8]
            object.__setattr__(self, "label", f"acct_{digest}")


# -- what the client wants ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long one upstream call may take, in seconds."""

    connect_s: float = 10.0
    first_byte_s: float = 600.0
    idle_s: float = 120.0
    total_s: float = 3600.0


class ForwardRequest(msgspec.Struct, frozen=True, dict=True):
    """One attempt's request.

    Attributes:
        id: the request's id, the same over all its attempts.
        dialect: what ``body`` is written in, and what a :class:`Reply` has to be in: the client's own dialect where the
            provider speaks it, else the first of the provider's that the request could be converted to. For a provider
            that speaks none it is the client's, and the plugin takes :attr:`conversation`.
        client_dialect: what the client speaks. Where it is not ``dialect``, core wrote ``body``; where it is, the body
            is the client's own with ``model`` replaced by the upstream's name, and nothing else changed.
        model: the upstream's name of the model.
        body: a JSON object.
        stream: whether the client asked for server-sent events.
        headers: the client's headers, names in lower case, without credentials and hop-by-hop headers.
        timeouts: the limits of this call; ``client`` keeps them by itself.
        read_conversation: gives :attr:`conversation`.
    """

    id: str
    dialect: Dialect
    client_dialect: Dialect
    model: str
    body: bytes
    stream: bool
    headers: Mapping[str, str]
    timeouts: Timeouts
    read_conversation: Callable[[], Conversation]

    @functools.cached_property
    def json(self) -> Mapping[str, Any]:
        """The body as a mapping, parsed when first asked for."""
        decoded: dict[str, Any] = msgspec.json.decode(self.body, type=dict[str, Any])
        return MappingProxyType(decoded)

    @property
    def conversation(self) -> Conversation:
        """What the client wants, whatever it speaks; parsed when first asked for, once for all attempts."""
        return self.read_conversation()

    @property
    def last_text(self) -> str:
        """The text of the last message; empty when it holds none."""
        return self.conversation.last_text


# -- the answer: events, or raw bytes ----------------------------------------------------------------------


@dataclass(slots=True)
class Reply:
    """An upstream's answer as raw bytes, in ``ForwardRequest.dialect``.

    Attributes:
        status: the HTTP status; 400 and above is a failure and goes to ``classify_error``.
        headers: names in lower case.
        body: the bytes as they come; raises :class:`~switchgear.errors.UpstreamError` when they break off.
        aclose: gives the connection back; core calls it exactly once, always.
    """

    status: int
    headers: Mapping[str, str]
    body: AsyncIterator[bytes]
    aclose: Callable[[], Awaitable[None]]


# -- what went wrong ---------------------------------------------------------------------------------------


class Kind(StrEnum):
    """What a failure means. The policy table says what core does about each."""

    TOKEN_EXPIRED = "token_expired"  # noqa: S105 - a failure kind
    LOGIN_REQUIRED = "login_required"
    SUSPENDED = "suspended"
    FORBIDDEN = "forbidden"
    RATE_LIMITED = "rate_limited"
    QUOTA_EXHAUSTED = "quota_exhausted"
    MODEL_NOT_FOUND = "model_not_found"
    OVERLOADED = "overloaded"
    SERVER_ERROR = "server_error"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    PROTOCOL = "protocol"
    INVALID_REQUEST = "invalid_request"
    CONTEXT_TOO_LONG = "context_too_long"
    CONTENT_FILTERED = "content_filtered"
    CANCELLED = "cancelled"


Cause = Literal["status", "in_band", "connection", "timeout", "protocol"]


@dataclass(frozen=True, slots=True)
class Failure:
    """What was seen when an upstream call failed; no meaning yet.

    Attributes:
        cause: ``status`` (an HTTP error), ``in_band`` (an error inside a 200), ``connection`` (refused, DNS, TLS,
            reset), ``timeout`` (a limit of :class:`Timeouts` fired) or ``protocol`` (an answer that is none).
        status: the HTTP status; ``None`` when there was no answer.
        headers: the answer's headers, names in lower case.
        body: the answer's body or the error event, 64 KiB of it at most.
        message: what happened, in our words; used when the body says nothing.
        model: the upstream's name of the model that was asked for.
        host: the host that could not be reached, with its port; empty where it answered.
    """

    cause: Cause
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    body: bytes = b""
    message: str = ""
    model: str = ""
    host: str = ""

    def __str__(self) -> str:
        return self.message or f"HTTP {self.status}"


Scope = Literal["model", "account", "provider"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a failure means.

    Attributes:
        kind: decides what core does; see :class:`Kind`.
        scope: what the failure tells something about: this (account, model) pair, the account, or the provider;
            ``None`` leaves it to the policy table.
        retry_after: seconds to wait, as the upstream says; ``None`` when it does not.
        reset_at: when a quota comes back, Unix seconds; ``None`` when unknown.
        message: the upstream's words, for the client and the log; core removes known secrets from it.
        code: the upstream's error code, kept for the client; ``None`` when it has none.
        type: the upstream's error type, likewise.
        param: the request field the upstream blames, likewise.
        status: the HTTP status that fits the error, where it came inside a 200; ``None`` for the failure's own.
    """

    kind: Kind
    scope: Scope | None = None
    retry_after: float | None = None
    reset_at: float | None = None
    message: str = ""
    code: str | None = None
    type: str | None = None
    param: str | None = None
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Quota:
    """One limit of one account, or one pool of what it may spend.

    Rows of one account with one ``unit`` are pools that add up; limits that hold side by side have units of their own.

    ``unit`` is the provider's word (``credits``, ``requests``, ``tokens``); ``limit`` and ``used`` count it and are
    ``None`` when unknown; ``source`` is ``reported`` by the provider or ``observed`` from answers.

    Attributes:
        name: which of several it is, in the provider's words (``trial``, ``bonus``, ``5 hours``); empty for the only
            one.
        plan: the plan the account is on, in the provider's words; empty where it does not say.
    """

    unit: str
    limit: float | None
    used: float | None
    resets_at: float | None
    source: Literal["reported", "observed"]
    observed_at: float
    name: str = ""
    plan: str = ""


# -- what core lends to a hook -----------------------------------------------------------------------------


class AuthStore(Protocol):
    """The auth files of one provider entry, and of nobody else."""

    def load(self) -> list[Account]:
        """The accounts saved so far. A damaged file is left out, and reported by core."""

    async def save(self, account: Account) -> None:
        """Write one account durably, mode 0600, its secrets sealed. The same ``id`` again updates the same file.

        What the operator decides (``disabled``, ``priority``, ``proxy_url``) is not written: it is kept apart.

        Raises:
            AuthFileError: it could not be written; the old file is still there, whole.
        """

    async def remove(self, account: Account) -> None:
        """Delete the account's file; no error when there is none."""


class AttemptRecord(msgspec.Struct, frozen=True, gc=False):
    """One finished upstream call, as observers see it. It holds no secret and no prompt.

    A frozen msgspec struct, as one is made for every call: ``msgspec.structs.asdict`` gives it as a dict.

    ``kind`` is ``None`` for a success. Durations are milliseconds; ``ttft_ms`` is ``None`` when no byte was sent
    on. Token counts are ``None`` when the upstream reported none.
    """

    request_id: str
    provider: str
    account: str
    model: str
    attempt: int
    status: int | None
    kind: Kind | None
    duration_ms: float
    ttft_ms: float | None
    input_tokens: int | None
    output_tokens: int | None


@dataclass(frozen=True, slots=True)
class Alert:
    """A built-in rule that changed its state for one provider.

    Attributes:
        state: as it is now; ``resolved`` follows ``firing``, the others end as ``inactive``.
        value: as last measured; ``None`` when there was nothing to measure.
        runbook: names the playbook, a heading of the page on alerts.
    """

    rule: str
    provider: str
    state: Literal["inactive", "pending", "firing", "resolved"]
    value: float | None
    threshold: float
    runbook: str
