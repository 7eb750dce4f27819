"""What a plugin author tests with: a scriptable server on loopback, and a fake OpenAI-compatible upstream on it.

Core never imports this package.
"""

from __future__ import annotations

from switchgear.testing.exchange import ClientGoneError, Exchange, ReceivedRequest
from switchgear.testing.openai_personalities import PERSONALITIES, ErrorSpec, Personality
from switchgear.testing.openai_turn import Behaviour, Call, Timings, Turn, answer_with, plain, stream_of
from switchgear.testing.openai_upstream import FakeOpenAI
from switchgear.testing.server import LoopbackServer

__all__ = [
    "PERSONALITIES",
    "Behaviour",
    "Call",
    "ClientGoneError",
    "ErrorSpec",
    "Exchange",
    "FakeOpenAI",
    "LoopbackServer",
    "Personality",
    "ReceivedRequest",
    "Timings",
    "Turn",
    "answer_with",
    "plain",
    "stream_of",
]
