"""The hooks. An upstream is an entry of the block, an account is one of its keys."""

from __future__ import annotations

from switchgear import (
    Account,
    Failure,
    ForwardRequest,
    Model,
    Provider,
    ProviderInfo,
    Reply,
    UpstreamClient,
    Verdict,
    hookimpl,
)
from switchgear_openai_compatibility.asking import ask
from switchgear_openai_compatibility.counting import count
from switchgear_openai_compatibility.listing import list_all
from switchgear_openai_compatibility.settings import Settings
from switchgear_openai_compatibility.target import API_KEY
from switchgear_openai_compatibility.verdicts import verdict_on
from switchgear_openai_compatibility.whole_as_stream import is_json, streamed


@hookimpl
def provider_info() -> ProviderInfo:
    """OpenAI's three oldest dialects; an entry says what else its upstream speaks."""
    return ProviderInfo(
        title="OpenAI-compatible server",
        settings=Settings,
        dialects=("openai-chat", "openai-completions", "openai-embeddings"),
    )


@hookimpl
async def load_accounts(provider: Provider) -> list[Account]:
    """One account a key, in the file's order; a keyless server has one without a key."""
    settings: Settings = provider.settings
    if not settings.api_key_entries:
        return [Account(f"{settings.name}-nokey", label=f"{settings.name}-nokey")]
    return [
        Account(
            settings.account_id(entry),
            label=entry.label or settings.account_id(entry),
            secrets={API_KEY: entry.api_key},
            proxy_url=entry.proxy_url,
        )
        for entry in settings.api_key_entries
    ]


@hookimpl
async def list_models(provider: Provider, account: Account, client: UpstreamClient) -> list[Model]:
    """Ask the upstream."""
    return await list_all(provider.settings, account, client)


@hookimpl
async def forward(provider: Provider, request: ForwardRequest, account: Account, client: UpstreamClient) -> Reply:
    """Pass the body on, and the answer back."""
    reply = await ask(provider.settings, request, account, client)
    return await streamed(reply, request) if request.stream and is_json(reply) else reply


@hookimpl
async def count_tokens(
    provider: Provider, request: ForwardRequest, account: Account, client: UpstreamClient
) -> int | None:
    """Ask the upstream, where it speaks ``anthropic-messages``."""
    return await count(provider.settings, request, account, client)


@hookimpl
def classify_error(provider: Provider, failure: Failure) -> Verdict:
    """By envelope, code and words."""
    suggestion = provider.settings.target.suggestion
    return verdict_on(failure, "" if suggestion is None else str(suggestion))
