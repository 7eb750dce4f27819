"""Why an entry does not list a name, in words."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from switchgear.accounts import Entry
from switchgear.listing import Listing


def why_not(entry: Entry, listing: Listing, name: str, *, force_prefix: bool) -> Iterator[str]:
    """What keeps ``name`` from being listed by this entry; one reason, or several accounts' problems in one."""
    provider = entry.provider
    if provider.settings.disabled:
        yield f"{entry.name}: is disabled"
        return
    prefix = f"{provider.prefix}/" if provider.prefix else ""
    if prefix and force_prefix and not name.startswith(prefix):
        yield f"{entry.name}: force-model-prefix is on, so its models are reached as {prefix}… only"
        return
    local = name.removeprefix(prefix)
    problems = [account.problem for account in entry.accounts if account.problem]
    if entry.problem:
        yield f"{entry.name}: serves nothing: {entry.problem}"
    elif problems and not any(account.may_be_asked for account in entry.accounts):
        yield f"{entry.name}: serves nothing: {'; '.join(problems)}"
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
    elif local in listing.drift.removed:
        yield f"{entry.name}: its upstream listed {local!r} and does so no longer"
    else:
        yield f"{entry.name}: its upstream does not list {local!r}"
