"""Fuzz Kiro's event streams: ``python -m tests.fuzz.eventstream [SECONDS] [SEED]``.

Healthy streams are cut, spliced and damaged, some of them inside their frames with the checksums made right again, so
that headers and payloads are reached too. What must hold, whatever comes:

- the only exception is ``UpstreamError``, and its failure can be classified;
- the frames are those of botocore's decoder, and what one finds wrong the other does, malformed headers apart;
- events and error are the same however the bytes are cut.

It prints the seed; one that fails is printed with its bytes, and repeats by itself.
"""

from __future__ import annotations

import random
import struct
import zlib
from typing import Any

from botocore.eventstream import EventStreamBuffer

from switchgear import Verdict
from switchgear_kiro.answer import AnswerReader
from switchgear_kiro.errors import verdict
from switchgear_kiro.eventstream import Decoder, FrameError
from tests.fuzz import seeds
from tests.plugins.kiro_streams import answered, context, event, exception, metering, stopped, text, tool

CORPUS = [
    [text("Let me "), text("look 🙂"), tool(), tool('{"pa'), tool('th":"ä"}'), tool(stop=True), stopped("TOOL_USE")],
    [event("initial-response", {}), text("Hi END"), stopped("END_TURN"), context(1.25), metering(0.03)],
    [event("reasoningContentEvent", {"text": "<thinking>", "signature": "s"}), text("<thinking>Hm</thinking>a")],
    [tool({"a": [1, {"b": None}]}, stop=True), event("metadataEvent", {"tokenUsage": {"outputTokens": 3}})],
    [text("a"), exception("throttlingError", {"message": "m", "reason": "R", "retryAfterMilliseconds": 1})],
]
TOKENS = [
    b"",
    b"\0",
    b"\xff\xff\xff\xff",
    b'"',
    b"{",
    b"}",
    b"[" * 500,
    b"null",
    b"1e400",
    b"-1",
    b"\\ud83d",
    b"stop",
    b":",
]


class Found(AssertionError):
    """Something that must hold did not."""


def damaged(rng: random.Random) -> bytes:
    """A stream, and what happened to it."""
    frames = list(rng.choice(CORPUS))
    for _ in range(rng.randrange(3)):
        frames.insert(rng.randrange(len(frames) + 1), rng.choice(rng.choice(CORPUS)))
    for _ in range(rng.randrange(3)):
        place = rng.randrange(len(frames))
        frames[place] = _sealed(_broken(frames[place][8:-4], rng), rng)
    data = b"".join(frames)
    for _ in range(rng.choice([0, 0, 0, 1, 3])):
        data = _broken(data, rng)
    return data


def _sealed(inside: bytes, rng: random.Random) -> bytes:
    """A frame with right checksums around what is left of another's headers and payload."""
    inside = inside[4:]
    length = min(rng.choice([92, 83, 78, 93, rng.randrange(256)]), len(inside))
    lengths = struct.pack(">II", len(inside) + 16, length)
    frame = lengths + struct.pack(">I", zlib.crc32(lengths)) + inside
    return frame + struct.pack(">I", zlib.crc32(frame))


def _broken(data: bytes, rng: random.Random) -> bytes:
    """One change: a bit, a piece less, a piece twice, a piece of something else."""
    start = rng.randrange(len(data) + 1)
    end = min(len(data), start + rng.choice([0, 1, 4, 40]))
    match rng.randrange(4):
        case 0 if start < len(data):
            return data[:start] + bytes([data[start] ^ 1 << rng.randrange(8)]) + data[start + 1 :]
        case 1:
            return data[:start] + data[end:]
        case 2:
            return data[:end] + data[start:]
        case _:
            return data[:start] + rng.choice(TOKENS) + data[end:]


def cut(data: bytes, rng: random.Random) -> list[bytes]:
    """The same bytes in pieces."""
    pieces = []
    longest = rng.choice([1, 3, 40, 400])
    while data:
        size = rng.randint(0, longest)
        pieces.append(data[:size])
        data = data[size:]
    return pieces


def check_frames(pieces: list[bytes]) -> None:
    """Hold the decoder to botocore's."""
    ours, refused = _frames(pieces)
    theirs: list[tuple[dict[str, Any], bytes]] = []
    buffer = EventStreamBuffer()
    accepted = False
    try:
        for piece in pieces:
            buffer.add_data(piece)
            theirs.extend((message.headers, message.payload) for message in buffer)
        accepted = not buffer._data
    except Exception as error:  # whichever it has for what it does not like
        if refused is None:
            raise Found(f"botocore refuses it: {error!r}") from error
    if refused is not None and "header" in str(refused):
        theirs, accepted = theirs[: len(ours)], False  # it takes headers that are cut off
    if ours != theirs or (refused is None) is not accepted:
        raise Found(f"{len(ours)} frames, then {refused}; botocore has {len(theirs)}")


def _frames(pieces: list[bytes]) -> tuple[list[tuple[dict[str, Any], bytes]], FrameError | None]:
    """Our frames, and what was wrong then."""
    decoder, found = Decoder(), []
    try:
        for piece in pieces:
            decoder.receive(piece)
            while (frame := decoder.next_frame()) is not None:
                found.append((dict(frame.headers), frame.payload))
        decoder.end()
    except FrameError as error:
        return found, error
    return found, None


def check_answer(data: bytes, pieces: list[bytes], options: dict[str, Any]) -> None:
    """Hold the reader to itself."""
    events, error = answered(AnswerReader(tool_names={}, max_input_tokens=1000, **options), [data])
    again, same = answered(AnswerReader(tool_names={}, max_input_tokens=1000, **options), pieces)
    if (events, str(error)) != (again, str(same)):
        raise Found(f"{events} {error}, but in pieces {again} {same}")
    if error is not None and error.failure.cause == "in_band" and not isinstance(verdict(error.failure), Verdict):
        raise Found(f"no verdict on {error.failure}")


def one(seed: int) -> bytes:
    """Try one seed; gives the bytes that were tried.

    Raises:
        Found: something did not hold.
    """
    rng = random.Random(seed)
    data = damaged(rng)
    pieces = cut(data, rng)
    options = {
        "generation": rng.choice([2, 3]),
        "stop": rng.choice([(), ("END", "a")]),
        "thinking_tags": rng.random() < 0.3,
    }
    try:
        check_frames(pieces)
        check_answer(data, pieces, options)
    except Exception as error:
        error.add_note(f"seed {seed}, {options}: {data.hex()}")
        raise
    return data


if __name__ == "__main__":
    seeds.main(one)
