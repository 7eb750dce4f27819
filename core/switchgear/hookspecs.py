"""The contract between core and a provider plugin, version 1.

A plugin is a module (or object) named by an entry point in the group ``switchgear``. The entry point's name is the key
of its block in ``config.yaml``; the plugin is imported only when that block is there. Mark each hook with
:data:`hookimpl` and take only the arguments you use; they are passed by name.

Only ``list_models`` and ``forward`` are needed to serve a model. Hooks are *targeted*: core calls the one plugin a
provider entry belongs to, so no plugin ever sees another's accounts. ``attempt_finished`` and ``alert_changed`` are
broadcast to every loaded plugin. A plugin that is no provider may wrap a hook with ``@hookimpl(wrapper=True)``: it
is a generator that yields once, receives what the hook returned (an awaitable or an async iterator, not yet run) and
returns that or something in its place.

A hook that raises, returns the wrong type or takes too long is contained: the failure is counted, logged under the
plugin's name and shown in ``/health``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pluggy

from switchgear.dialog import Login
from switchgear.events import Event
from switchgear.types import (
    Account,
    Alert,
    AttemptRecord,
    AuthStore,
    Failure,
    ForwardRequest,
    Model,
    Provider,
    ProviderInfo,
    Quota,
    Reply,
    Verdict,
)

if TYPE_CHECKING:
    from switchgear.upstream import UpstreamClient


CONTRACT_VERSION = 1
"""Raised when a hook changes in a way that an existing plugin would notice."""

ENTRY_POINT_GROUP = "switchgear"

hookspec = pluggy.HookspecMarker("switchgear")
hookimpl = pluggy.HookimplMarker("switchgear")


@hookspec(firstresult=True)
def provider_info() -> ProviderInfo:
    """Say what the plugin is.

    Called once, when the plugin is loaded; without it every default of
    :class:`~switchgear.types.ProviderInfo` holds.
    """
    raise NotImplementedError


@hookspec(firstresult=True)
async def load_accounts(provider: Provider, store: AuthStore) -> Sequence[Account]:
    """Give the accounts that are usable now.

    Called at start, after a reload, and when the auth directory changes. Without this hook the accounts are those in
    ``store``; and for a provider without ``authenticate``, one anonymous account.

    Args:
        provider: the configured entry; keys written in it are in ``provider.settings``.
        store: this entry's auth files.

    Returns:
        The accounts in the operator's order, which ``fill-first`` follows.
    """
    raise NotImplementedError


@hookspec(firstresult=True)
async def list_models(provider: Provider, account: Account, client: UpstreamClient) -> Sequence[Model]:
    """List the models this account can use now.

    Called at start, every ``models-ttl-seconds``, and when a client asks for a name that nobody lists; the credential
    is fresh, as for ``forward``.

    Returns:
        The models. An empty list means the account has none; a failure is raised, never returned empty: the last
        good list then stays.

    Raises:
        UpstreamError: the list could not be had.
    """
    raise NotImplementedError


@hookspec(firstresult=True)
async def authenticate(provider: Provider, login: Login, store: AuthStore, client: UpstreamClient) -> Account:
    """Sign one account in, and save it.

    Called when an operator signs in. Talk to the person only through ``login``. ``switchgear.oauth`` has the parts of
    the usual flows.

    Args:
        login: the dialog; ``login.method`` is one of ``ProviderInfo.login_methods``.

    Returns:
        The account, saved. Its ``id`` is made from what the provider promises is stable (issuer and subject, an account
        id), so that signing in again updates one file and two accounts never share one.

    Raises:
        LoginCancelled: the person gave up.
        LoginFailed: the provider, or the answer, did not fit; the message says what to do.
        UpstreamError: the provider could not be asked, or failed.
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def import_account(
    provider: Provider, source: str, document: Mapping[str, Any], beside: Mapping[str, Mapping[str, Any]]
) -> Account | None:
    """Make an account out of another program's credential file. Plain, no input, no output; core saves what it gives.

    Called when an operator imports the accounts of another program, for a JSON file, or each one of a directory.

    Args:
        source: the program that wrote the file: ``cliproxyapi``, or ``vendor`` for the provider's own client.
        document: the file's JSON object.
        beside: the JSON objects of the other files of its directory, by file name, for a credential in two files. One
            is read when it is asked for.

    Returns:
        The account, with the same ``id`` that signing in would give it; ``None`` when the file is not this provider's.

    Raises:
        LoginFailed: it is this provider's file, and its fields do not suffice; the message names what is missing.
    """
    raise NotImplementedError


@hookspec(firstresult=True)
async def refresh_token(provider: Provider, account: Account, store: AuthStore, client: UpstreamClient) -> Account:
    """Trade the account's refresh token for a new credential, and save it before returning.

    Called at most once at a time per account: shortly before ``expires_at``, or after the upstream refused the token.
    It runs in a task of its own, so a client that hangs up cannot interrupt it.

    Args:
        account: as last saved; its token may be expired already.

    Returns:
        The same account (same ``id``) with the new credential. An answer without a refresh token keeps the old one.

    Raises:
        LoginRequired: the refresh token is spent; only the operator can help.
        UpstreamError: anything else; the account stays as it is and is tried again.
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def forward(
    provider: Provider, request: ForwardRequest, account: Account, client: UpstreamClient
) -> AsyncIterator[Event] | Reply:
    """Answer one request.

    Called for each attempt. Write it as an async generator that yields events (simplest; core renders them in the
    client's dialect; ``request.conversation`` is what the client wants, whatever it speaks), or as a coroutine that
    returns a :class:`~switchgear.types.Reply` of raw bytes in ``request.dialect`` (fastest). That dialect is one of the
    provider's: core passes the bytes on where the client speaks it too, and converts both ways where not.

    Cancellation is how core says that the client went away or a limit fired: let it through.

    Raises:
        UpstreamError: the call failed; ``classify_error`` is asked what it means. Before the first byte has gone to the
            client another candidate may be tried; after it, nothing is retried.
    """
    raise NotImplementedError


@hookspec(firstresult=True)
async def count_tokens(
    provider: Provider, request: ForwardRequest, account: Account, client: UpstreamClient
) -> int | None:
    """Have the upstream count the input tokens of a request, without answering it.

    Called when a client asks for the count. ``request`` is as for ``forward``. Without this hook, and where it gives
    nothing or fails, core estimates, and says so in the answer.

    Returns:
        The tokens; ``None`` where the upstream cannot count.

    Raises:
        UpstreamError: the call failed.
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def classify_error(provider: Provider, failure: Failure) -> Verdict | None:
    """Say what a failure means. Pure and fast: no input, no output, no clock.

    Match on status and code first, on message text last.

    Returns:
        The verdict; ``None`` leaves it to core's default, which goes by the HTTP status and the usual envelopes.
    """
    raise NotImplementedError


@hookspec(firstresult=True)
async def read_quota(provider: Provider, account: Account, client: UpstreamClient) -> Sequence[Quota]:
    """Read the account's limits.

    Called on a slow timer and on demand, never in a request's way; the credential is fresh, as for ``forward``.
    """
    raise NotImplementedError


@hookspec
def attempt_finished(record: AttemptRecord) -> None:
    """Observe one finished upstream call. Broadcast; return values are ignored; must be fast."""


@hookspec
def alert_changed(alert: Alert) -> None:
    """Observe an alert that changed its state. Broadcast; return values are ignored; must be fast."""
