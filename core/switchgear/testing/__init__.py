"""What a plugin author tests with: a scriptable server on loopback, and on it a fake upstream of every dialect.

Core never imports this package.
"""

from __future__ import annotations

from switchgear.testing.answer import THOUGHT, Answer
from switchgear.testing.exchange import ClientGoneError, Exchange, ReceivedRequest
from switchgear.testing.openai_personalities import PERSONALITIES, ErrorSpec, Personality
from switchgear.testing.openai_turn import Behaviour, Call, Timings, Turn, answer_with, plain, stream_of
from switchgear.testing.openai_upstream import FakeOpenAI
from switchgear.testing.saying import saying
from switchgear.testing.seals import signature_of
from switchgear.testing.server import LoopbackServer

__all__ = [
    "PERSONALITIES",
    "THOUGHT",
    "Answer",
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
    "saying",
    "signature_of",
    "stream_of",
]
