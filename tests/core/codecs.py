"""The dialects a conversation can be written in, and their pairs, for tables of tests."""

from __future__ import annotations

import itertools

import pytest

from switchgear.dialects.anthropic_messages import AnthropicMessagesCodec
from switchgear.dialects.codec import Codec
from switchgear.dialects.openai_chat import OpenAIChatCodec
from switchgear.dialects.openai_responses import OpenAIResponsesCodec

ALL: tuple[Codec, ...] = (OpenAIChatCodec(), AnthropicMessagesCodec(), OpenAIResponsesCodec())
EACH = [pytest.param(codec, id=codec.name) for codec in ALL]
PAIRS = [pytest.param(a, b, id=f"{a.name} to {b.name}") for a, b in itertools.product(ALL, ALL)]
OTHERS = [pytest.param(a, b, id=f"{a.name} to {b.name}") for a, b in itertools.permutations(ALL, 2)]
