"""The model lists over a restart: the last good ones, as a document in ``state-dir``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import structlog
from pydantic import BaseModel

from switchgear.listing import AccountModels, Listing
from switchgear.types import Provider

DOCUMENT = "models"
"""The document's name in the :class:`~switchgear.state.StateStore`."""

log = structlog.get_logger("switchgear.catalog")


@dataclass(frozen=True, slots=True)
class Kept:
    """One entry's lists as a document: ``accounts`` by a digest of their ids, which can be an address of somebody."""

    plugin: str
    upstream: str
    accounts: dict[str, AccountModels]


def keep(listings: Iterable[tuple[Provider, Listing]]) -> dict[str, Any]:
    """The lists as a JSON document; :func:`recall` reads it."""
    kept = {
        provider.name: Kept(
            provider.key, upstream_of(provider), {_digest(id_): known for id_, known in listing.accounts.items()}
        )
        for provider, listing in listings
        if listing.accounts
    }
    document: dict[str, Any] = msgspec.to_builtins({"providers": kept})
    return document


def recall(document: Mapping[str, Any], provider: Provider, account_ids: Iterable[str]) -> dict[str, AccountModels]:
    """What ``document`` knows of these accounts' models; nothing, where it is damaged or of another upstream."""
    try:
        kept = msgspec.convert(document.get("providers", {}).get(provider.name), Kept | None)
    except (msgspec.ValidationError, AttributeError) as error:
        log.warning("state_ignored", provider=provider.name, problem=str(error))
        return {}
    if kept is None or (kept.plugin, kept.upstream) != (provider.key, upstream_of(provider)):
        return {}
    digests = {_digest(id_): id_ for id_ in account_ids}
    return {digests[digest]: replace(known, kept=True) for digest, known in kept.accounts.items() if digest in digests}


def upstream_of(provider: Provider) -> str:
    """A digest of where the entry's upstream is: every URL in its settings. Another base URL, another list."""
    return hashlib.sha256("\n".join(urls_of(provider)).encode()).hexdigest()[:16]


def urls_of(provider: Provider) -> list[str]:
    """Every URL in the entry's settings, sorted."""
    settings = provider.settings
    return sorted(_urls(settings.model_dump())) if isinstance(settings, BaseModel) else []


def _urls(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if value.startswith(("http://", "https://")):
            yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _urls(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _urls(inner)


def _digest(account_id: str) -> str:
    return hashlib.sha256(account_id.encode(errors="surrogatepass")).hexdigest()[:24]
