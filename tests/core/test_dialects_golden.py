"""Golden transcripts per pair of dialects, with parallel tools, reasoning, and an image in a tool result."""

from __future__ import annotations

import pytest

from switchgear.dialects.codec import Codec
from tests.core.codecs import EACH, OTHERS
from tests.core.golden import FOLDER, request_to, stream_to


@pytest.mark.parametrize(("client", "upstream"), OTHERS)
def test_a_request_is_said_as_before(client: Codec, upstream: Codec) -> None:
    assert request_to(client, upstream) == (FOLDER / f"{client.name} to {upstream.name}.request.json").read_text()


@pytest.mark.parametrize(("upstream", "client"), OTHERS)
def test_a_stream_is_said_as_before(upstream: Codec, client: Codec) -> None:
    assert stream_to(upstream, client) == (FOLDER / f"{upstream.name} to {client.name}.stream.txt").read_text()


@pytest.mark.parametrize("codec", EACH)
def test_in_ones_own_dialect_no_byte_changes(codec: Codec) -> None:
    stream = (FOLDER / f"{codec.name}.stream.txt").read_bytes()
    watch = codec.watch()
    passed = watch.feed(stream)
    assert (passed + watch.end()[0], watch.done, watch.error) == (stream, True, None)
