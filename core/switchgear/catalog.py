"""Which models exist, under which names, and why one is missing."""

from __future__ import annotations

import asyncio
import difflib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from switchgear.accounts import Entry
from switchgear.errors import Refusal
from switchgear.health import Health
from switchgear.kept_lists import keep, recall, upstream_of
from switchgear.lister import Lister
from switchgear.listing import Listing
from switchgear.plugins import Plugins
from switchgear.settings import ModelEntry
from switchgear.types import Model
from switchgear.why_missing import why_not

RELIST_ON_DEMAND_S = 10.0
"""How often a request for an unknown name may make a provider whose list failed be asked again."""
LONGEST_WAIT_S = 5.0
"""How long a request for an unknown name, or a reload, waits for lists; they are taken in later all the same."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a public name leads: an entry, and the upstream's names in it; more than one are a pool.

    ``id`` is the name with its prefix: what scopes and fallbacks go by. ``info.aliases`` lead here too, with the prefix
    and without, as the id does; they are listed nowhere.
    """

    id: str
    entry: Entry
    models: tuple[str, ...]
    info: Model


class Catalog:
    """The names clients may use, made from what is configured and what upstreams list."""

    def __init__(
        self,
        entries: Sequence[Entry],
        plugins: Plugins,
        health: Health,
        *,
        force_prefix: bool,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.entries = tuple(entries)
        self.lister = Lister(plugins, health, wall, monotonic)
        self._force_prefix = force_prefix
        self._monotonic = monotonic
        self.listings = {entry.name: self._first_listing(entry) for entry in entries}
        self._names: dict[str, Target] = {}
        self._aliases: dict[str, Target] = {}
        self._upstream_names: dict[str, list[str]] = {}
        self._targets: dict[str, dict[str, Target]] = {}
        self.rebuild()

    @staticmethod
    def _first_listing(entry: Entry) -> Listing:
        configured = entry.provider.settings.models
        return Listing("configured", configured) if configured else Listing()

    # -- looking up ----------------------------------------------------------------------------------------

    def find(self, name: str) -> Target | None:
        """Where ``name`` leads: a listed name first, then an upstream's alias; ``None`` when nobody has it."""
        return self._names.get(name) or self._aliases.get(name)

    def aliases_of(self, target: Target) -> list[str]:
        """The unlisted names that lead to ``target``; those that a listed name takes are left out."""
        return [name for name, found in self._aliases.items() if found is target and name not in self._names]

    def names(self) -> Iterator[tuple[str, Target]]:
        """Every listed name, in the operator's order."""
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
        return [
            reason
            for entry in self.entries
            for reason in why_not(entry, self.listings[entry.name], name, force_prefix=self._force_prefix)
        ]

    # -- keeping up with upstreams -------------------------------------------------------------------------

    async def refresh(self) -> None:
        """Ask every entry that lists from its upstream; the last good list stays where that fails."""
        await asyncio.gather(*(self.relist(entry) for entry in self.entries))

    async def relist(self, entry: Entry) -> None:
        """Ask one entry's upstreams now."""
        await self.lister.renew(entry, self.listings[entry.name], self._renewed)

    async def complete(self) -> None:
        """Ask the entries that have no list yet; returns after :data:`LONGEST_WAIT_S` at the latest."""
        await self._ask_soon([entry for entry in self.entries if self._lacks_list(entry)])

    async def refresh_for(self, name: str) -> None:
        """Ask the entries that have no list yet and could know ``name``, but not at every request."""
        await self._ask_soon(
            [
                entry
                for entry in self.entries
                if self._lacks_list(entry) and self._may_know(entry, name) and self._due(entry)
            ]
        )

    def _lacks_list(self, entry: Entry) -> bool:
        return self.listings[entry.name].source in {"none", "fallback"} and self.lister.may_ask(entry)

    def _may_know(self, entry: Entry, name: str) -> bool:
        prefix = entry.provider.prefix
        return not prefix or not self._force_prefix or name.startswith(f"{prefix}/")

    def _due(self, entry: Entry) -> bool:
        since_s = self._monotonic() - self.listings[entry.name].tried_at
        return self.lister.is_asking(entry) or since_s >= RELIST_ON_DEMAND_S

    async def _ask_soon(self, entries: Sequence[Entry]) -> None:
        if entries:
            asked = (self.lister.renew(entry, self.listings[entry.name], self._renewed, join=True) for entry in entries)
            with suppress(TimeoutError):
                async with asyncio.timeout(LONGEST_WAIT_S):
                    await asyncio.gather(*asked)

    async def aclose(self) -> None:
        """End the asking that is under way."""
        await self.lister.aclose()

    # -- what is known already -----------------------------------------------------------------------------

    def adopt(self, old: Catalog) -> None:
        """Take over what an earlier configuration's catalog learned of the same upstreams."""
        theirs = {entry.name: entry for entry in old.entries}
        for entry in self.entries:
            provider, other = entry.provider, theirs.get(entry.name)
            if other is None or provider.key != other.provider.key:
                continue
            if upstream_of(provider) == upstream_of(other.provider):
                mine, listing = self.listings[entry.name], old.listings[entry.name]
                mine.accounts = {id_: known for id_, known in listing.accounts.items() if id_ in _ids(entry)}
                mine.stand_ins, mine.drift, mine.tried_at = listing.stand_ins, listing.drift, listing.tried_at
                mine.problem = listing.problem if mine.source != "configured" else ""
        self.rebuild()

    def document(self) -> dict[str, Any]:
        """The lists as a document that outlives a restart, for :meth:`recall`."""
        return keep((entry.provider, self.listings[entry.name]) for entry in self.entries)

    def recall(self, document: Mapping[str, Any]) -> None:
        """Take in the lists that an earlier run kept, for accounts that have none yet. The accounts must be loaded."""
        for entry in self.entries:
            listing = self.listings[entry.name]
            listing.accounts = recall(document, entry.provider, _ids(entry)) | listing.accounts
        self.rebuild()

    # -- names ---------------------------------------------------------------------------------------------

    def rebuild(self) -> None:
        """Make the public names anew, after accounts changed."""
        for entry in self.entries:
            self._arrange(entry)
        self._name()

    def _renewed(self, entry: Entry) -> None:
        self._arrange(entry)
        self._name()

    def _arrange(self, entry: Entry) -> None:
        """Make one entry's names anew."""
        listing, settings, prefix = self.listings[entry.name], entry.provider.settings, entry.provider.prefix
        self._targets[entry.name] = targets = {}
        self._upstream_names[entry.name] = []
        if settings.disabled or entry.problem:
            return
        listing.arrange(_ids(entry), asks=self.lister.asks(entry))
        shown, hidden = _split(listing.models, settings.excluded_models)
        listing.hidden = tuple(hidden)
        self._upstream_names[entry.name] = [model.name for pool in shown.values() for model in pool]
        for alias, pool in shown.items():
            public = f"{prefix}/{alias}" if prefix else alias
            info = _info(public, pool[0], listing, settings.excluded_models)
            targets[alias] = Target(public, entry, tuple(model.name for model in pool), info)

    def _name(self) -> None:
        """The names of all entries, and who gets a bare one."""
        names: dict[str, Target] = {}
        bare: dict[str, Target] = {}
        aliases: dict[str, Target] = {}
        bare_aliases: dict[str, Target] = {}
        for entry in self.entries:
            prefix = entry.provider.prefix
            for local, target in self._targets[entry.name].items():
                names.setdefault(target.id, target)
                if prefix and not self._force_prefix:
                    bare.setdefault(local, target)
                for alias in target.info.aliases:
                    aliases.setdefault(f"{prefix}/{alias}" if prefix else alias, target)
                    if prefix and not self._force_prefix:
                        bare_aliases.setdefault(alias, target)
        for local, target in bare.items():
            names.setdefault(local, target)
        self._names = names
        self._aliases = bare_aliases | aliases


def _ids(entry: Entry) -> list[str]:
    return [account.id for account in entry.accounts]


def _split(models: Iterable[ModelEntry], patterns: Sequence[str]) -> tuple[dict[str, list[ModelEntry]], list[str]]:
    """The models by alias (the same alias again is a pool), and the aliases that a pattern hides."""
    shown: dict[str, list[ModelEntry]] = {}
    hidden: list[str] = []
    for model in models:
        if _matches(model.name, patterns) or _matches(model.public, patterns):
            hidden.append(model.public)
        else:
            shown.setdefault(model.public, []).append(model)
    return shown, hidden


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _info(public: str, model: ModelEntry, listing: Listing, excluded: Sequence[str]) -> Model:
    listed = listing.infos.get(model.name, Model(model.name))
    return Model(
        id=public,
        display_name=model.display_name or listed.display_name,
        owned_by=listed.owned_by,
        created=listed.created,
        context_length=model.context_length or listed.context_length,
        max_output_tokens=listed.max_output_tokens,
        aliases=tuple(alias for alias in listed.aliases if alias and not _matches(alias, excluded)),
    )
