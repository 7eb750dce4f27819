"""What one provider entry's upstream says it has, account by account, and what is served of it.

A list is never taken at its word when it takes models away. What vanished stays served, marked as missing, until two
further good lists lack it too, or half an hour has passed; a list that lost everything or more than half is no good
list, so after it only the half hour counts. What could not be listed at all keeps its last good list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from switchgear.drift import NO_DRIFT, Drift, compare
from switchgear.settings import ModelEntry
from switchgear.types import Model

FURTHER_LISTS = 2
QUARANTINE_S = 1800.0

Source = Literal["configured", "upstream", "plugin", "snapshot", "fallback", "none"]
"""Where an entry's models come from: ``models`` of the configuration; the upstream's list; the plugin, which names
them itself and asks nobody; the list that an earlier run of the gateway kept, as the upstream has not answered since;
the plugin's stand-ins, as there never was a list; nowhere yet."""


@dataclass(frozen=True, slots=True)
class Missing:
    """A model that is served and no longer listed: since when (Unix seconds), and how many good lists lacked it."""

    since: float
    lists: int = 0


@dataclass(frozen=True, slots=True)
class AccountModels:
    """What one account can use.

    Attributes:
        infos: by the upstream's name, in the order of the last list; those that are missing come last.
        missing: which of them the last list lacked.
        synced_at: when the last list came, Unix seconds.
        kept: the list is an earlier run's; this run has had none yet.
    """

    infos: Mapping[str, Model]
    missing: Mapping[str, Missing]
    synced_at: float
    kept: bool = False

    @property
    def listed(self) -> list[str]:
        """What the last list named."""
        return [name for name in self.infos if name not in self.missing]

    def after(self, models: Sequence[Model], now: float) -> AccountModels:
        """The same once this list has come."""
        found = {model.id: model for model in models}
        good = not compare(self.infos, found).suspicious
        missing: dict[str, Missing] = {}
        for name in self.infos:
            if name not in found:
                was = self.missing.get(name, Missing(now))
                lists = was.lists + good
                if lists <= FURTHER_LISTS and now - was.since < QUARANTINE_S:
                    missing[name] = Missing(was.since, lists)
        return AccountModels(found | {name: self.infos[name] for name in missing}, missing, now)


@dataclass(slots=True)
class Listing:
    """One entry's models. Times are Unix seconds, but for ``tried_at``; ``None`` before the first list.

    Attributes:
        source: where the models come from; of a mixture the better.
        models: what is served, hidden ones too.
        infos: what is known of each, by the upstream's name.
        by_account: the models of each account that has a list.
        missing: the models that no account's last list named, and since when.
        hidden: the public names that ``excluded-models`` hides.
        problem: why the last list of some account could not be had; empty when all came.
        synced_at: when the newest list came.
        tried_at: when a list was last asked for, on the monotonic clock.
        drift: what the last list changed; it stays while what it took away is missing.
        stand_ins: the plugin's fallback models, once there was need of them.
        accounts: what each account can use, by its id.
    """

    source: Source = "none"
    models: tuple[ModelEntry, ...] = ()
    infos: dict[str, Model] = field(default_factory=dict)
    by_account: dict[str, frozenset[str]] = field(default_factory=dict)
    missing: dict[str, float] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()
    problem: str = ""
    synced_at: float | None = None
    tried_at: float = float("-inf")
    drift: Drift = NO_DRIFT
    stand_ins: tuple[Model, ...] = ()
    accounts: dict[str, AccountModels] = field(default_factory=dict)

    def take(self, lists: Mapping[str, Sequence[Model]], now: float) -> tuple[str, ...]:
        """Take in the lists that came, by account id; gives the models that are served no longer.

        The first list of an account is no drift: whoever adds an account changes what there is.
        """
        before = [name for id_ in lists if id_ in self.accounts for name in self.accounts[id_].infos]
        listed = [model.id for id_, models in lists.items() if id_ in self.accounts for model in models]
        self.drift = compare(before, listed)
        for id_, models in lists.items():
            known = self.accounts.get(id_, AccountModels({}, {}, now))
            self.accounts[id_] = known.after(models, now)
        left = {name for known in self.accounts.values() for name in known.infos}
        return tuple(name for name in dict.fromkeys(before) if name not in left)

    def arrange(self, account_ids: Iterable[str], *, asks: bool) -> None:
        """Make what is served from the lists of these accounts; ``asks``: the lists are an upstream's."""
        if self.source == "configured":
            return
        known = {id_: self.accounts[id_] for id_ in account_ids if id_ in self.accounts}
        present = {name: each.infos[name] for each in known.values() for name in each.listed}
        gone = {name: info for each in known.values() for name, info in each.infos.items() if name not in present}
        self.missing = {}
        for name, missing in (pair for each in known.values() for pair in each.missing.items() if pair[0] in gone):
            self.missing[name] = min(missing.since, self.missing.get(name, missing.since))
        self.infos = present | gone
        self.by_account = {id_: frozenset(each.infos) for id_, each in known.items()}
        self.synced_at = max((each.synced_at for each in known.values()), default=None)
        if not known:
            self.infos = {model.id: model for model in self.stand_ins}
            self.source = "fallback" if self.stand_ins else "none"
        elif not asks:
            self.source = "plugin"
        else:
            self.source = "snapshot" if all(each.kept for each in known.values()) else "upstream"
        made = {model.name: model for model in self.models}
        self.models = tuple(made.get(name) or ModelEntry.model_construct(name=name) for name in self.infos)

    def source_of(self, model: str) -> Source:
        """Where one model comes from: an entry can have some accounts' lists new and others' kept."""
        holders = [each for each in self.accounts.values() if model in each.infos]
        return "snapshot" if self.source == "upstream" and holders and all(h.kept for h in holders) else self.source
