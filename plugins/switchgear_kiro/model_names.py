"""The names of models: the service's own, and those that clients and operators type. Pure.

The service writes versions with dots (``claude-sonnet-4.5``); clients write hyphens, dates, an older order of
the words, and the prefixes and suffixes of other gateways (CLIProxyAPIPlus, opencodex, kiro-lb; read 2026-11).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PREFIX = re.compile(r"^(kiro/|kiro-|amazonq-)+")
_DECORATION = re.compile(r"(\[1m\]|-\d{8}|-latest|-agentic|-chat)$")
_THINKING = re.compile(r"-thinking$")
_EFFORT = re.compile(r"^(?P<rest>claude-.+)-(?P<effort>low|medium|high|xhigh|max)$")
_DIGITS = re.compile(r"(?<=\d)-(?=\d)")
_OLD_ORDER = re.compile(r"^claude-(\d+(?:\.\d+)?)-([a-z]+)$")
_DOTTED_ZERO = re.compile(r"(?<=\d)(\.0)+$")
_SHOUTED = re.compile(r"^[A-Z0-9_]+$")

AUTO = frozenset({"auto", "auto-kiro"})
DATES = {
    "claude-sonnet-4": "20250514",
    "claude-sonnet-4.5": "20250929",
    "claude-haiku-4.5": "20251001",
    "claude-opus-4.5": "20251101",
}
"""The dates that Anthropic's own names of these models end in; later models have none (read 2026-11)."""


@dataclass(frozen=True, slots=True)
class Named:
    """What a name asks for.

    Attributes:
        id: the service's name of the model.
        thinking: the name asks for reasoning.
        effort: how much of it; empty where the name does not say.
    """

    id: str
    thinking: bool = False
    effort: str = ""


def read_name(name: str) -> Named:
    """What any of the names of a model asks for. A name that nobody knows is kept, tidied up.

    >>> read_name("claude-sonnet-4-5-20250929").id, read_name("kiro-claude-4.5-sonnet-agentic").id
    ('claude-sonnet-4.5', 'claude-sonnet-4.5')
    >>> read_name("claude-opus-4-6-thinking-high")
    Named(id='claude-opus-4.6', thinking=True, effort='high')
    """
    if _SHOUTED.fullmatch(name):
        return Named(name)  # the ids of generation 2's early days
    plain = _PREFIX.sub("", name.strip().lower())
    if plain in AUTO:
        return Named("auto")
    thinking, effort = False, ""
    while True:
        before = plain
        plain = _DECORATION.sub("", plain)
        if found := _EFFORT.fullmatch(plain):
            plain, effort, thinking = found["rest"], found["effort"], True
        if _THINKING.search(plain):
            plain, thinking = _THINKING.sub("", plain), True
        if plain == before:
            break
    plain = _DOTTED_ZERO.sub("", _DIGITS.sub(".", plain))
    return Named(_OLD_ORDER.sub(r"claude-\2-\1", plain), thinking, effort)


def aliases_of(id_: str) -> tuple[str, ...]:
    """Other names by which clients ask for a model; each leads back to it by :func:`read_name`.

    Those that ask for reasoning by a suffix are not among them: an alias only says which model.

    >>> aliases_of("auto")
    ('auto-kiro', 'kiro-auto')
    """
    if id_ == "auto":
        return ("auto-kiro", "kiro-auto")
    hyphens = id_.replace(".", "-")
    spelled = [id_, hyphens]
    if (parts := re.fullmatch(r"claude-([a-z]+)-(\d+(?:\.\d+)?)", id_)) is not None:
        old = f"claude-{parts[2]}-{parts[1]}"
        spelled += [old, old.replace(".", "-"), f"{hyphens}-latest", f"{id_}[1m]", f"{hyphens}[1m]"]
        if "." not in parts[2]:
            spelled += [f"{id_}-0", f"{id_}.0"]
    if id_ in DATES:
        spelled.append(f"{hyphens}-{DATES[id_]}")
    spelled += [f"kiro-{id_}", f"kiro-{hyphens}", f"kiro-{hyphens}-agentic"]
    return tuple(name for name in dict.fromkeys(spelled) if name != id_)
