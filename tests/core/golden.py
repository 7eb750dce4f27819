"""Golden transcripts: one rich conversation in each dialect, as a real client writes it, and what every other makes of it.

``*.request.json`` and ``*.stream.txt`` are written by hand. What is derived from them is named ``A to B`` and rewritten by
``python -m tests.core.golden``: read the difference before you commit it.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

from switchgear.dialects.codec import Codec
from tests.core.codecs import ALL

FOLDER = Path(__file__).with_name("golden")
PAIRS = list(itertools.permutations(ALL, 2))


def request_to(client: Codec, upstream: Codec) -> str:
    """The client's request as the upstream is asked it, and what was left out."""
    parsed = client.parse_request((FOLDER / f"{client.name}.request.json").read_bytes())
    rendered = upstream.render_request(parsed.conversation, "upstream-model", stream=True)
    shown = {"dropped": sorted({*parsed.dropped, *rendered.dropped}), "body": json.loads(rendered.body)}
    return json.dumps(shown, indent=1, ensure_ascii=False) + "\n"


def stream_to(upstream: Codec, client: Codec) -> str:
    """The upstream's stream as the client gets it."""
    parser = upstream.parser()
    events = parser.feed((FOLDER / f"{upstream.name}.stream.txt").read_bytes())
    rest, problem = parser.end()
    assert (problem, parser.error) == ("", None)
    body = (FOLDER / f"{client.name}.request.json").read_bytes()
    renderer = client.renderer("req_golden", "public-name", 1_764_000_000, body)
    return b"".join([renderer.start(), *map(renderer.event, [*events, *rest]), renderer.end()]).decode()


def derived() -> Iterator[tuple[Path, str]]:
    """Every derived file and what it has to hold."""
    for a, b in PAIRS:
        yield FOLDER / f"{a.name} to {b.name}.request.json", request_to(a, b)
        yield FOLDER / f"{a.name} to {b.name}.stream.txt", stream_to(a, b)


if __name__ == "__main__":
    for path, text in derived():
        path.write_text(text)
