"""Requests: what is rendered in a dialect and parsed again means the same, but for what was named."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from switchgear.conversation import Conversation, File, ToolResult
from switchgear.dialects.codec import Codec
from switchgear.errors import Refusal
from tests.core.codecs import ALL, EACH, OTHERS
from tests.core.conversations import conversations
from tests.core.losses import LOSSES, stripped
from tests.core.meaning import meaning, settled

PAGE = Path(__file__).parents[2] / "docs" / "dialects.md"
NAMES = re.findall(r"^\| `([a-z_.]+)` \|", PAGE.read_text().partition("## What is left out")[2], re.MULTILINE)
few = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def files(conversation: Conversation) -> list[File]:
    parts = [part for message in conversation.messages for part in message.parts]
    parts += [inner for part in parts if isinstance(part, ToolResult) for inner in part.parts]
    return [part for part in parts if isinstance(part, File)]


def refuses(codec: Codec, conversation: Conversation) -> bool:
    """Whether it holds a file that can be neither sent in the dialect nor left out."""
    if codec.name == "openai-chat":
        return any(file.url for file in files(conversation))
    if codec.name == "anthropic-messages":
        return any(file.media_type == "application/zip" for file in files(conversation))
    return False


def through(codec: Codec, conversation: Conversation) -> tuple[Conversation, Conversation, tuple[str, ...]]:
    """The conversation after the dialect, what it should mean by now, and the names of what was left out."""
    rendered = codec.render_request(conversation, "a-model", stream=True)
    parsed = codec.parse_request(rendered.body)
    assert parsed.dropped == ()
    assert list(rendered.dropped) == sorted(set(rendered.dropped) & set(NAMES))
    return (
        parsed.conversation,
        settled(stripped(conversation, rendered.dropped, codec.name), codec.name),
        rendered.dropped,
    )


@pytest.mark.parametrize("codec", EACH)
@few
@given(conversation=conversations())
def test_rendered_and_parsed_it_means_the_same(codec: Codec, conversation: Conversation) -> None:
    if refuses(codec, conversation):
        with pytest.raises(Refusal) as refused:
            codec.render_request(conversation, "a-model", stream=False)
        assert (refused.value.status, refused.value.code) == (400, "unsupported_content")
        return
    after, expected, _ = through(codec, conversation)
    assert meaning(settled(after, codec.name)) == meaning(expected)


@pytest.mark.parametrize(("client", "upstream"), OTHERS)
@few
@given(conversation=conversations())
def test_through_two_dialects_it_means_the_same(client: Codec, upstream: Codec, conversation: Conversation) -> None:
    if refuses(client, conversation):
        return
    first, expected, _ = through(client, conversation)
    if refuses(upstream, first):
        return
    after, _, dropped = through(upstream, first)
    both = settled(settled(stripped(expected, dropped, upstream.name), client.name), upstream.name)
    assert meaning(settled(settled(after, client.name), upstream.name)) == meaning(both)


class SeenAll(Exception):
    """Ends the search."""


def test_every_documented_name_is_needed_and_known() -> None:
    assert sorted(NAMES) == sorted(LOSSES)
    seen: Counter[str] = Counter()

    @settings(
        max_examples=300,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(conversations())
    def collect(conversation: Conversation) -> None:
        for codec in ALL:
            if not refuses(codec, conversation):
                seen.update(codec.render_request(conversation, "a-model", stream=False).dropped)
        if len(seen) >= len(NAMES):
            raise SeenAll

    with suppress(SeenAll):
        collect()
    assert sorted(seen) == sorted(NAMES)
