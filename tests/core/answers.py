"""Any answer of a model as its events, cut into pieces anywhere, and any cut of its bytes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from hypothesis import strategies as st

from switchgear.events import Event, Finish, Reasoning, Text, ToolCall, ToolCallDelta, Usage
from tests.core.conversations import arguments, reasonings, words


@st.composite
def _pieces(draw: st.DrawFn, text: str) -> list[str]:
    edges = [0, *sorted(draw(st.lists(st.integers(0, len(text)), max_size=3))), len(text)]
    return [text[start:end] for start, end in itertools.pairwise(edges)]


@st.composite
def _reasoning(draw: st.DrawFn, sealed: bool) -> list[Event]:
    """One stretch; the signature comes with the last piece, or after it."""
    whole = draw(reasonings.filter(lambda one: bool(one.signature) is sealed))
    if whole.redacted:
        return [whole]
    pieces: list[Event] = [Reasoning(piece) for piece in draw(_pieces(whole.text))]
    if not whole.signature:
        return pieces
    if draw(st.booleans()):
        return [*pieces, Reasoning("", whole.signature)]
    last = pieces.pop()
    assert isinstance(last, Reasoning)
    return [*pieces, Reasoning(last.text, whole.signature)]


@st.composite
def _text(draw: st.DrawFn) -> list[Event]:
    refusal = draw(st.integers(0, 4)) == 0
    return [Text(piece, refusal) for piece in draw(_pieces(draw(words)))]


@st.composite
def _calls(draw: st.DrawFn, first: int) -> list[Event]:
    """One to three calls side by side; their pieces may be interleaved, but each keeps its own order."""
    queues: list[list[Event]] = []
    for index in range(first, first + draw(st.integers(1, 3))):
        id_, name = f"call_{index}", draw(st.sampled_from(("Bash", "read_file")))
        text = draw(arguments)
        if draw(st.integers(0, 3)) == 0:
            queues.append([ToolCall(id_, name, text)])
            continue
        head, *rest = draw(_pieces(text))
        queues.append([ToolCallDelta(index, head, id_, name), *(ToolCallDelta(index, piece) for piece in rest)])
    if draw(st.booleans()):
        return [event for queue in queues for event in queue]
    # An index is counted in the order of the first pieces.
    out = [queue.pop(0) for queue in queues]
    while any(queues):
        out.append(draw(st.sampled_from([queue for queue in queues if queue])).pop(0))
    return out


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    """Counts that fit together: the cache's are some of the input, the reasoning's some of the output."""
    small = st.integers(0, 2000)
    read, written, thought = (draw(st.one_of(st.none(), small)) for _ in range(3))
    given = draw(small) + (read or 0) + (written or 0)
    return Usage(given, draw(small) + (thought or 0), read, written, thought)


@st.composite
def answers(draw: st.DrawFn) -> tuple[Event, ...]:
    """An answer with its finish and, mostly, its usage. It says something: text, reasoning or a call."""
    events: list[Event] = []
    calls = 0
    sealed = draw(st.booleans())  # an upstream signs all of its reasoning, or none
    for kind in draw(st.lists(st.sampled_from(("reasoning", "text", "calls")), min_size=1, max_size=4)):
        if kind == "reasoning":
            events += draw(_reasoning(sealed))
        elif kind == "text":
            events += draw(_text())
        else:
            called = draw(_calls(calls))
            calls += len({event.index for event in called if isinstance(event, ToolCallDelta)})
            calls += sum(isinstance(event, ToolCall) for event in called)
            events += called
    reported = draw(st.lists(usages(), max_size=2))
    if len(reported) == 2:  # an early one, before the output is counted
        events.insert(draw(st.integers(0, len(events))), reported[0])
    tail: list[Event] = [draw(_finish(called=calls > 0)), *reported[-1:]]
    return (*events, *(reversed(tail) if draw(st.booleans()) else tail))


def _finish(*, called: bool) -> st.SearchStrategy[Finish]:
    ended: list[Finish] = [Finish("length"), Finish("content_filter")]
    if called:
        return st.sampled_from([Finish("tool_calls"), Finish("tool_calls"), *ended])
    return st.sampled_from([Finish("stop"), Finish("stop"), Finish("stop", "END\n"), *ended])


@st.composite
def cuts(draw: st.DrawFn, stream: bytes) -> Sequence[bytes]:
    """The bytes in pieces: as a whole, one by one, or cut at a few places."""
    if draw(st.integers(0, 5)) == 0:
        return [stream[at : at + 1] for at in range(len(stream))]
    edges = [0, *sorted(draw(st.lists(st.integers(0, len(stream)), max_size=6))), len(stream)]
    return [stream[start:end] for start, end in itertools.pairwise(edges)]
