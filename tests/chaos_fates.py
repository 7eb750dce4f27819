"""What is configured in the chaos test, and what may become of a call, by how often."""

from __future__ import annotations

from typing import Literal

from switchgear.types import Kind

BUDGET = 4
FIRST_BYTE_S = 0.6
FALLBACKS = {"dead": ["a"], "a": ["b", "c"], "b": ["c"]}
LIMITS = {"b": 3}
ACCOUNTS = {"a": ("a1", "a2", "a3"), "b": ("b1", "b2"), "c": ("c1", "c2", "c3"), "dead": ("d1", "d2")}
MODELS: dict[str, dict[str, tuple[str, ...]]] = {
    "a": {"small": ("small",), "large": ("large",)},
    "b": {"small": ("small",), "large": ("b-large",)},
    "c": {"small": ("small",), "large": ("one-large", "other-large")},
    "dead": {"small": ("small",), "large": ("large",)},
}
"""By provider: what clients call a model, and what it is called upstream; two names are a pool."""
DIALECTS = {"a": ["openai-chat"], "b": ["anthropic-messages"], "c": ["openai-chat", "openai-responses"]}
STRATEGIES = ("round-robin", "fill-first", "weighted", "least-busy")

Fate = Literal[
    "fine", "429", "quota", "401", "suspended", "forbidden", "not-found", "5xx", "400", "cut", "cut-later", "html",
    "in-band", "in-band-later", "silent", "hold", "hold-later", "refused",
]  # fmt: skip
Behaviour = Literal["stays", "slow", "leaves", "leaves-later"]

FATES: dict[Fate, int] = {
    "fine": 600, "429": 60, "quota": 15, "401": 40, "suspended": 6, "forbidden": 15, "not-found": 15, "5xx": 90,
    "400": 20, "cut": 40, "cut-later": 25, "html": 15, "in-band": 20, "in-band-later": 20, "silent": 3,
}  # fmt: skip
"""How often each is drawn."""
MEANS: dict[Fate, set[Kind | None]] = {
    "fine": {None},
    "429": {Kind.RATE_LIMITED},
    "quota": {Kind.QUOTA_EXHAUSTED},
    "401": {Kind.TOKEN_EXPIRED},
    "suspended": {Kind.SUSPENDED},
    "forbidden": {Kind.FORBIDDEN},
    "not-found": {Kind.MODEL_NOT_FOUND},
    "5xx": {Kind.SERVER_ERROR, Kind.OVERLOADED},
    "400": {Kind.INVALID_REQUEST},
    "cut": {Kind.CONNECTION},
    "cut-later": {Kind.CONNECTION},
    "html": {Kind.PROTOCOL},
    "in-band": {Kind.SERVER_ERROR},
    "in-band-later": {Kind.SERVER_ERROR},
    "silent": {Kind.TIMEOUT},
    "hold": {Kind.CANCELLED},
    "hold-later": {Kind.CANCELLED},
    "refused": {Kind.CONNECTION},
}
"""What the gateway must make of each."""
STATUS: dict[Fate, tuple[int, str]] = {
    "429": (429, "slow down"), "quota": (402, "the quota is spent"), "401": (401, "the token expired"),
    "suspended": (403, "this account is suspended"), "forbidden": (403, "not in your tier"),
    "not-found": (404, "no such model"), "400": (400, "bad payload"),
}  # fmt: skip
