"""Which models exist, under which names, and why one is missing."""

from __future__ import annotations

import asyncio
import difflib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

import structlog

from switchgear.accounts import Entry
from switchgear.errors import PluginError, Refusal, UpstreamError
from switchgear.plugins import Plugins
from switchgear.settings import ModelEntry
from switchgear.types import Account, Model

RELIST_ON_DEMAND_S = 10.0
"""How often a request for an unknown name may make a provider whose list failed be asked again."""
CONCURRENT_LISTS = 8

Source = Literal["configured", "upstream", "fallback", "none"]
log = structlog.get_logger("switchgear.catalog")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a public name leads: an entry, and the upstream's names in it; more than one are a pool.

    ``id`` is the name with its prefix: what scopes and fallbacks go by.
    """

    id: str
    entry: Entry
    models: tuple[str, ...]
    info: Model


@dataclass(slots=True)
class Listing:
    """One entry's models. Times are Unix seconds; ``None`` before the first list."""

    source: Source = "none"
    models: tuple[ModelEntry, ...] = ()
    infos: dict[str, Model] = field(default_factory=dict)
    by_account: dict[str, frozenset[str]] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()
    problem: str = ""
    synced_at: float | None = None
    tried_at: float = float("-inf")
    added: int = 0
    removed: int = 0


class Catalog:
    """The names clients may use, made from what is configured and what upstreams list."""

    def __init__(
        self,
        entries: Sequence[Entry],
        plugins: Plugins,
        *,
        force_prefix: bool,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.entries = tuple(entries)
        self._plugins = plugins
        self._force_prefix = force_prefix
        self._wall = wall
        self._monotonic = monotonic
        self._slots = asyncio.Semaphore(CONCURRENT_LISTS)
        self.listings = {entry.name: self._first_listing(entry) for entry in entries}
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._names: dict[str, Target] = {}
        self._upstream_names: dict[str, list[str]] = {}
        self.rebuild()

    @staticmethod
    def _first_listing(entry: Entry) -> Listing:
        configured = entry.provider.settings.models
        return Listing("configured", configured) if configured else Listing()

    # -- looking up ----------------------------------------------------------------------------------------

    def find(self, name: str) -> Target | None:
        """Where ``name`` leads; ``None`` when nobody lists it."""
        return self._names.get(name)

    def names(self) -> Iterator[tuple[str, Target]]:
        """Every public name, in the operator's order."""
        return iter(self._names.items())

    def models_of(self, provider: str) -> list[str]:
        """The upstream's names of the models the entry serves now."""
        return self._upstream_names.get(provider, [])

    def served_by(self, provider: str, account: str) -> list[tuple[str, str]]:
        """The models one account serves: each public name, with its prefix, and the upstream's name behind it."""
        mine = self.listings[provider].by_account.get(account)
        return [
            (name, model)
            for name, target in self._names.items()
            if target.entry.name == provider and target.id == name
            for model in target.models[:1]
            if mine is None or model in mine
        ]

    def unknowable(self, name: str) -> Entry | None:
        """An entry that may serve ``name`` and whose list could not be had; ``None`` when every list is here."""
        for entry in self.entries:
            listing = self.listings[entry.name]
            prefix = entry.provider.prefix
            mine = name.startswith(f"{prefix}/") if prefix else True
            if mine and listing.source == "none" and listing.problem and not entry.problem:
                return entry
        return None

    def unknown(self, name: str, allowed: Callable[[str], bool]) -> Refusal:
        """The 404 for a name that nobody (or nobody in the key's scope) lists, with the nearest ones."""
        near = self.near(name, allowed)
        hint = f"; did you mean {' or '.join(near)}?" if near else "; GET /v1/models lists those that are"
        return Refusal(404, "model_not_found", f"the model {name[:100]!r} is not served here{hint}", param="model")

    def near(self, name: str, allowed: Callable[[str], bool]) -> list[str]:
        """The public names most like ``name``, at most three."""
        known = [public for public, target in self._names.items() if allowed(target.id)]
        folded = {public.casefold(): public for public in known}
        close = difflib.get_close_matches(name.casefold()[:100], folded, n=3, cutoff=0.5)
        tail = name.rpartition("/")[2].casefold()
        same_tail = [public for public in known if tail and public.rpartition("/")[2].casefold() == tail]
        return list(dict.fromkeys([*same_tail, *(folded[match] for match in close)]))[:3]

    def why_missing(self, name: str) -> list[str]:
        """What keeps ``name`` from being listed, one reason an entry, in words."""
        return [reason for entry in self.entries for reason in self._why_not(entry, name)]

    def _why_not(self, entry: Entry, name: str) -> Iterable[str]:
        provider, listing = entry.provider, self.listings[entry.name]
        prefix = f"{provider.prefix}/" if provider.prefix else ""
        if prefix and self._force_prefix and not name.startswith(prefix):
            yield f"{entry.name}: force-model-prefix is on, so its models are reached as {prefix}… only"
            return
        local = name.removeprefix(prefix)
        if entry.problem:
            yield f"{entry.name}: serves nothing: {entry.problem}"
        elif local in listing.hidden:
            pattern = next(p for p in provider.settings.excluded_models if fnmatchcase(local, p))
            yield f"{entry.name}: hides {local!r} by excluded-models {pattern!r}"
        elif listing.source == "configured":
            upstream = next((model.public for model in listing.models if model.name == local), None)
            if upstream is not None and upstream != local:
                yield f"{entry.name}: serves {local!r} under its alias {prefix}{upstream}"
            else:
                yield f"{entry.name}: its 'models' do not name {local!r}"
        elif listing.problem:
            yield f"{entry.name}: its model list could not be had: {listing.problem}"
        else:
            yield f"{entry.name}: its upstream does not list {local!r}"

    def adopt(self, name: str, listing: Listing) -> None:
        """Take over what an earlier catalog learned from an entry's upstream."""
        mine = self.listings.get(name)
        if mine is not None and mine.source != "configured" and listing.source in {"upstream", "fallback"}:
            self.listings[name] = listing
            self.rebuild()

    # -- keeping up with upstreams -------------------------------------------------------------------------

    async def refresh(self) -> None:
        """Ask every entry that lists from its upstream; the last good list stays where that fails."""
        await asyncio.gather(*(self._relist(entry) for entry in self.entries))

    async def relist(self, entry: Entry) -> None:
        """Ask one entry's upstreams now."""
        await self._relist(entry)

    async def refresh_for(self, name: str) -> None:
        """Ask again the entries that have no list yet and could know ``name``, but not at every request."""
        now = self._monotonic()
        stale = [
            entry
            for entry in self.entries
            if self.listings[entry.name].source in {"none", "fallback"}
            and (entry.name in self._under_way or now - self.listings[entry.name].tried_at >= RELIST_ON_DEMAND_S)
            and (not entry.provider.prefix or name.startswith(f"{entry.provider.prefix}/") or not self._force_prefix)
        ]
        if stale:
            await asyncio.gather(*(self._relist(entry) for entry in stale))

    async def _relist(self, entry: Entry) -> None:
        """List one entry anew; whoever wants the same meanwhile shares it."""
        task = self._under_way.get(entry.name)
        if task is None:
            task = self._under_way[entry.name] = asyncio.create_task(self._list_all(entry))
            task.add_done_callback(lambda _: self._under_way.pop(entry.name, None))
        await asyncio.shield(task)

    async def _list_all(self, entry: Entry) -> None:
        listing = self.listings[entry.name]
        if listing.source == "configured" or not entry.accounts or entry.provider.settings.disabled:
            return
        listing.tried_at = self._monotonic()
        found: dict[str, frozenset[str]] = {}
        infos: dict[str, Model] = {}
        problem = ""
        async with self._slots:
            for account in entry.accounts:
                try:
                    models = await self._list(entry, account)
                except (UpstreamError, PluginError) as error:
                    problem = str(error)
                    log.warning("models_not_listed", provider=entry.name, account=account.label, problem=problem)
                    continue
                infos.update((model.id, model) for model in models)
                found[account.id] = frozenset(model.id for model in models)
        if found:
            self._accept(listing, infos, found)
        elif listing.synced_at is None and entry.info.fallback_models:
            listing.source = "fallback"
            listing.infos = {model.id: model for model in entry.info.fallback_models}
            listing.models = tuple(ModelEntry(name=model_id) for model_id in listing.infos)
        listing.problem = problem
        self.rebuild()  # at once: other entries may take longer

    async def _list(self, entry: Entry, account: Account) -> Sequence[Model]:
        account = await entry.fresh(account.id)
        models = await self._plugins.list_models(entry.provider, account, entry.client(account))
        return entry.info.fallback_models if models is None else models

    def _accept(self, listing: Listing, infos: dict[str, Model], found: dict[str, frozenset[str]]) -> None:
        old, new = set(listing.infos), set(infos)
        if listing.synced_at is not None:
            listing.added, listing.removed = len(new - old), len(old - new)
        listing.source = "upstream"
        listing.infos = infos
        listing.by_account = found
        listing.models = tuple(ModelEntry.model_construct(name=model_id) for model_id in infos)
        listing.synced_at = self._wall()

    def rebuild(self) -> None:
        """Make the public names anew, after lists or accounts changed."""
        names: dict[str, Target] = {}
        upstream_names: dict[str, list[str]] = {}
        bare: dict[str, Target] = {}
        for entry in self.entries:
            settings, prefix = entry.provider.settings, entry.provider.prefix
            if settings.disabled or entry.problem:
                continue
            listing = self.listings[entry.name]
            shown, hidden = _split(listing.models, settings.excluded_models)
            listing.hidden = tuple(hidden)
            upstream_names[entry.name] = [model.name for pool in shown.values() for model in pool]
            for alias, pool in shown.items():
                public = f"{prefix}/{alias}" if prefix else alias
                first = pool[0]
                target = Target(public, entry, tuple(model.name for model in pool), _info(public, first, listing))
                names.setdefault(public, target)
                if prefix and not self._force_prefix:
                    bare.setdefault(alias, target)
        for alias, target in bare.items():
            names.setdefault(alias, target)
        self._names = names
        self._upstream_names = upstream_names


def _split(models: Iterable[ModelEntry], patterns: Sequence[str]) -> tuple[dict[str, list[ModelEntry]], list[str]]:
    """The models by alias (the same alias again is a pool), and the aliases that a pattern hides."""
    shown: dict[str, list[ModelEntry]] = {}
    hidden: list[str] = []
    for model in models:
        if any(fnmatchcase(model.name, p) or fnmatchcase(model.public, p) for p in patterns):
            hidden.append(model.public)
        else:
            shown.setdefault(model.public, []).append(model)
    return shown, hidden


def _info(public: str, model: ModelEntry, listing: Listing) -> Model:
    listed = listing.infos.get(model.name, Model(model.name))
    return Model(
        id=public,
        display_name=model.display_name or listed.display_name,
        owned_by=listed.owned_by,
        created=listed.created,
        context_length=model.context_length or listed.context_length,
        max_output_tokens=listed.max_output_tokens,
    )
