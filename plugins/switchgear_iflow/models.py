"""Which models there are, what they are called, and what they hold. Pure, but for what the memory knows.

Sources, read 2026-11: the menu and the limits of the vendor's client 0.5; the public library as
router-for-me/CLIProxyAPI listed it last (2026-04). Ids that are in the menu alone were refused with a 406 to other
clients (router-for-me/CLIProxyAPI issue 1494).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from switchgear import Account, Model
from switchgear_iflow.accounts import METHOD, OAUTH_METHODS
from switchgear_iflow.memory import ModelMemory

MENU = (
    "glm-4.7",
    "iFlow-ROME-30BA3B",
    "deepseek-v3.2-chat",
    "glm-5",
    "qwen3-coder-plus",
    "kimi-k2-thinking",
    "minimax-m2.5",
    "kimi-k2.5",
    "kimi-k2-0905",
)
LIBRARY = (
    "qwen3-coder-plus",
    "qwen3-max",
    "qwen3-vl-plus",
    "qwen3-max-preview",
    "glm-4.6",
    "kimi-k2",
    "deepseek-v3.2",
    "deepseek-v3.1",
    "deepseek-r1",
    "deepseek-v3",
    "qwen3-32b",
    "qwen3-235b-a22b-thinking-2507",
    "qwen3-235b-a22b-instruct",
    "qwen3-235b",
    "iflow-rome-30ba3b",
)


@dataclass(frozen=True, slots=True)
class Alias:
    """A name for the first of several models; see ``AliasSettings``."""

    candidates: tuple[str, ...]
    preferred: tuple[str, ...] = ()


ALIASES: Mapping[str, Alias] = {
    "iflow-glm": Alias(("glm-4.6", "glm-4.7", "glm-5"), ("glm-5", "glm-4.7", "glm-4.6")),
    "iflow-minimax": Alias(("minimax-m2.5", "minimax-m2.1", "minimax-m2")),
    # One model that was seen under two ids.
    "glm-4.6": Alias(("glm-4.6", "glm-4.6-exp")),
    "deepseek-v3.2": Alias(("deepseek-v3.2", "deepseek-v3.2-chat")),
    "deepseek-v3.2-chat": Alias(("deepseek-v3.2-chat", "deepseek-v3.2")),
}
"""Without the start ``iflow-`` the first two are understood as well."""
NEW_NAMES = tuple(name for name, alias in ALIASES.items() if name not in alias.candidates)

_THOUSAND = 1000
_LIMITS = (
    (r"glm-5", 170 * _THOUSAND, 32 * _THOUSAND),
    (r"glm-4\.[67]", 200 * _THOUSAND, 32 * _THOUSAND),
    (r"minimax-", 128 * _THOUSAND, 64 * _THOUSAND),
    (r"kimi-k2\.5", 262_144, 32_768),
    (r"kimi-k2-(0905|thinking)", 256 * _THOUSAND, 32 * _THOUSAND),
    (r"kimi-k2$", 128 * _THOUSAND, 8 * _THOUSAND),
    (r"iflow-rome", 256 * _THOUSAND, 64 * _THOUSAND),
    (r"deepseek-v3.*-reasoner", 128 * _THOUSAND, 64 * _THOUSAND),
    (r"qwen3-coder", 256 * _THOUSAND, 64 * _THOUSAND),
    (r"qwen3-max-preview", 256 * _THOUSAND, 32 * _THOUSAND),
    (r"", 128 * _THOUSAND, 8 * _THOUSAND),
)


def model(model_id: str) -> Model:
    """The model with the vendor's limits, in tokens."""
    folded = model_id.casefold()
    context, output = next((c, o) for pattern, c, o in _LIMITS if re.match(pattern, folded))
    return Model(model_id, context_length=context, max_output_tokens=output)


def known_ids(account: Account) -> list[str]:
    """What the account's kind of key may use, in the service's spelling: the menu only with an iFlow sign-in."""
    signed_in = account.details.get(METHOD) in OAUTH_METHODS
    return _each_once((*MENU, *LIBRARY)) if signed_in else list(LIBRARY)


def available(
    account: Account, memory: ModelMemory, aliases: Mapping[str, Alias], listed: Iterable[str] = ()
) -> list[Model]:
    """The models of one account: known and ``listed`` by the service, without what it was refused; and the aliases."""
    ids = [id_ for id_ in _each_once((*known_ids(account), *listed)) if not memory.is_refused(account, id_)]
    folded = {id_.casefold() for id_ in ids}
    found = [model(id_) for id_ in ids]
    for name, alias in aliases.items():
        usable = [id_ for id_ in alias.candidates if not memory.is_refused(account, id_)]
        if usable and name.casefold() not in folded | {id_.casefold() for id_ in alias.candidates}:
            behind = [model(id_) for id_ in usable]
            context = min(one.context_length or 0 for one in behind)
            output = min(one.max_output_tokens or 0 for one in behind)
            found.append(Model(name, context_length=context, max_output_tokens=output))
    return found


def candidates(wanted: str, account: Account, memory: ModelMemory, aliases: Mapping[str, Alias]) -> list[str]:
    """The ids to try for ``wanted``, in order; empty when every one was refused.

    An id that is asked for by its own name is tried even where it was refused, if nothing else is left.
    """
    alias = _alias(wanted, aliases)
    spelling = {id_.casefold(): id_ for id_ in (*MENU, *LIBRARY)} | {id_.casefold(): id_ for id_ in known_ids(account)}
    own = spelling.get(wanted.casefold(), wanted)
    if alias is None:
        return [own]
    first = [id_ for id_ in alias.preferred if memory.has_served(account, id_)]
    order = _each_once((*first, *alias.candidates))
    usable = [id_ for id_ in order if not memory.is_refused(account, id_)]
    if usable or wanted.casefold() not in {id_.casefold() for id_ in order}:
        return usable
    return [own]


def _alias(wanted: str, aliases: Mapping[str, Alias]) -> Alias | None:
    folded = {name.casefold(): alias for name, alias in aliases.items()}
    name = wanted.casefold()
    return folded.get(name) or folded.get(f"iflow-{name}")


def _each_once(ids: Sequence[str]) -> list[str]:
    """The first spelling of each."""
    found: dict[str, str] = {}
    for id_ in ids:
        found.setdefault(id_.casefold(), id_)
    return list(found.values())
