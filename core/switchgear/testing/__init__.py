"""What a plugin author tests with: fakes on loopback, and the conformance kit that proves a plugin over one.

Core never imports this package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from switchgear.testing.answer import THOUGHT, Answer
    from switchgear.testing.chat_faults import CHAT_FAULTS, refusing
    from switchgear.testing.clock import FakeClock
    from switchgear.testing.contract import FakeProvider, ProviderContract
    from switchgear.testing.exchange import ClientGoneError, Exchange, ReceivedRequest
    from switchgear.testing.http2_exchange import Http2Exchange, Http2Request
    from switchgear.testing.http2_server import Http2Server
    from switchgear.testing.leaks import Leak, LeakScanner
    from switchgear.testing.oauth_server import OAuthServer
    from switchgear.testing.openai_personalities import PERSONALITIES, ErrorSpec, Personality
    from switchgear.testing.openai_turn import Behaviour, Call, Timings, Turn, answer_with, plain, stream_of
    from switchgear.testing.openai_upstream import FakeOpenAI
    from switchgear.testing.person import Person
    from switchgear.testing.scripted import saying
    from switchgear.testing.seals import signature_of
    from switchgear.testing.server import LoopbackServer

__all__ = [
    "CHAT_FAULTS",
    "PERSONALITIES",
    "THOUGHT",
    "Answer",
    "Behaviour",
    "Call",
    "ClientGoneError",
    "ErrorSpec",
    "Exchange",
    "FakeClock",
    "FakeOpenAI",
    "FakeProvider",
    "Http2Exchange",
    "Http2Request",
    "Http2Server",
    "Leak",
    "LeakScanner",
    "LoopbackServer",
    "OAuthServer",
    "Person",
    "Personality",
    "ProviderContract",
    "ReceivedRequest",
    "Timings",
    "Turn",
    "answer_with",
    "plain",
    "refusing",
    "saying",
    "signature_of",
    "stream_of",
]

_MODULES = {
    "answer": ("THOUGHT", "Answer"),
    "chat_faults": ("CHAT_FAULTS", "refusing"),
    "clock": ("FakeClock",),
    "contract": ("FakeProvider", "ProviderContract"),
    "exchange": ("ClientGoneError", "Exchange", "ReceivedRequest"),
    "http2_exchange": ("Http2Exchange", "Http2Request"),
    "http2_server": ("Http2Server",),
    "leaks": ("Leak", "LeakScanner"),
    "oauth_server": ("OAuthServer",),
    "openai_personalities": ("PERSONALITIES", "ErrorSpec", "Personality"),
    "openai_turn": ("Behaviour", "Call", "Timings", "Turn", "answer_with", "plain", "stream_of"),
    "openai_upstream": ("FakeOpenAI",),
    "person": ("Person",),
    "scripted": ("saying",),
    "seals": ("signature_of",),
    "server": ("LoopbackServer",),
}
"""Where each name is. It is fetched when first used: pytest imports this package in every project it finds it in."""
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        import importlib

        return getattr(importlib.import_module(f"switchgear.testing.{_MODULE_OF[name]}"), name)
    raise AttributeError(f"module 'switchgear.testing' has no attribute {name!r}")
