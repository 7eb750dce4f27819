"""Answers: rendered in a dialect and read again, in any pieces, they fold to the same; cut short, they are never whole."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from switchgear.conversation import Conversation, Message
from switchgear.dialects.codec import Codec, ErrorDetail, Renderer
from switchgear.dialects.fold import Fold, fold
from switchgear.events import Event, Finish, Text
from tests.core.answers import answers, cuts
from tests.core.codecs import EACH, OTHERS
from tests.core.losses import stripped
from tests.core.meaning import counted, meaning, settled

ASKED = json.dumps({"model": "a", "stream": True, "stream_options": {"include_usage": True}, "max_tokens": 1}).encode()
BROKEN = ErrorDetail(502, 'the upstream broke off: "ü"\n', code="protocol")
few = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def renderer(codec: Codec) -> Renderer:
    return codec.renderer("request-1", "a-model", 1_764_000_000, ASKED)


def stream(codec: Codec, events: Iterable[Event]) -> bytes:
    rendering = renderer(codec)
    return b"".join([rendering.start(), *map(rendering.event, events), rendering.end()])


def parsed(codec: Codec, pieces: Sequence[bytes]) -> tuple[list[Event], str]:
    parser = codec.parser()
    events = [event for piece in pieces for event in parser.feed(piece)]
    rest, problem = parser.end()
    assert parser.error is None
    return events + rest, problem


def form(codec: Codec, folded: Fold) -> Any:
    """What a folded answer says, in one spelling, after it went through the dialect."""
    finish = folded.finish
    turn = Conversation((folded.message,))
    if codec.name == "anthropic-messages":
        turn = stripped(turn, ("refusal",))
    else:
        finish = Finish(finish.reason)  # only Messages names the stop sequence
    return meaning(settled(turn, codec.name))["messages"], finish


def shape(codec: Codec, events: Iterable[Event]) -> Any:
    """The same with the usage."""
    folded = fold(events)
    usage = counted(folded.usage)
    return *form(codec, folded), usage


@pytest.mark.parametrize("codec", EACH)
@few
@given(events=answers(), data=st.data())
def test_a_stream_in_any_pieces_folds_to_the_same(codec: Codec, events: tuple[Event, ...], data: st.DataObject) -> None:
    pieces = data.draw(cuts(stream(codec, events)))
    after, problem = parsed(codec, pieces)
    assert problem == ""
    assert sum(isinstance(event, Finish) for event in after) == 1
    assert shape(codec, after) == shape(codec, events)


@pytest.mark.parametrize("codec", EACH)
@few
@given(events=answers(), data=st.data())
def test_a_watch_changes_no_byte_and_sees_the_same(
    codec: Codec, events: tuple[Event, ...], data: st.DataObject
) -> None:
    whole = stream(codec, events)
    watch = codec.watch()
    passed = b"".join(map(watch.feed, data.draw(cuts(whole))))
    rest, problem = watch.end()
    assert (passed + rest, problem, watch.error) == (whole, "", None)
    assert watch.started
    assert watch.done
    assert counted(watch.usage) == counted(fold(parsed(codec, [whole])[0]).usage)
    if watch.final is not None:
        assert shape(codec, codec.parse_answer(watch.final)) == shape(codec, events)


@pytest.mark.parametrize("codec", EACH)
@few
@given(events=answers())
def test_a_whole_answer_folds_to_the_same(codec: Codec, events: tuple[Event, ...]) -> None:
    rendering = renderer(codec)
    for event in events:
        rendering.event(event)
    body = rendering.whole()
    read = codec.read_whole(body)
    assert (read.error, read.problem) == (None, "")
    assert counted(read.usage) == counted(fold(events).usage)
    assert shape(codec, codec.parse_answer(body)) == shape(codec, events)


@pytest.mark.parametrize(("upstream", "client"), OTHERS)
@few
@given(events=answers(), data=st.data())
def test_through_two_dialects_it_folds_to_the_same(
    upstream: Codec, client: Codec, events: tuple[Event, ...], data: st.DataObject
) -> None:
    between, _ = parsed(upstream, data.draw(cuts(stream(upstream, events))))
    after, problem = parsed(client, data.draw(cuts(stream(client, between))))
    assert problem == ""
    assert shape(client, after) == shape(client, between)


@pytest.mark.parametrize("codec", EACH)
@few
@given(events=answers(), data=st.data())
def test_a_stream_cut_short_is_never_whole(codec: Codec, events: tuple[Event, ...], data: st.DataObject) -> None:
    whole = stream(codec, events)
    for end in data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=12)):
        after, problem = parsed(codec, [whole[:end]])
        watch = codec.watch()
        watch.feed(whole[:end])
        _, seen = watch.end()
        assert (problem == "") is (seen == ""), (problem, seen, whole[:end])
        finished = any(isinstance(event, Finish) for event in after)
        assert not finished or form(codec, fold(after)) == form(codec, fold(events))
        assert problem or finished


@pytest.mark.parametrize("codec", EACH)
@few
@given(events=answers(), data=st.data())
def test_an_error_ends_a_stream_anywhere(codec: Codec, events: tuple[Event, ...], data: st.DataObject) -> None:
    said = [event for event in events if not isinstance(event, Finish)]
    rendering = renderer(codec)
    before = [rendering.start(), *map(rendering.event, said[: data.draw(st.integers(0, len(said)))])]
    ending = rendering.error_event(BROKEN)
    for last in (ending, _as_watched(codec, before)):
        parser, watch = codec.parser(), codec.watch()
        pieces = data.draw(cuts(b"".join([*before, last])))
        after = [event for piece in pieces for event in parser.feed(piece)]
        for piece in pieces:
            watch.feed(piece)
        assert parser.error is not None
        assert watch.error == parser.error
        assert "the upstream broke off" in parser.error.decode()
        assert not any(isinstance(event, Finish) for event in after)
        assert parser.end()[1]
        assert watch.end()[1]


def _as_watched(codec: Codec, before: Sequence[bytes]) -> bytes:
    watch = codec.watch()
    for piece in before:
        watch.feed(piece)
    return watch.error_event(BROKEN)


@pytest.mark.parametrize("codec", EACH)
def test_an_error_may_be_all_of_a_stream(codec: Codec) -> None:
    parser, watch = codec.parser(), codec.watch()
    event = codec.error_event(BROKEN)
    assert parser.feed(event) == []
    watch.feed(event)
    assert parser.error is not None
    assert watch.error == parser.error


@pytest.mark.parametrize("codec", EACH)
def test_an_error_is_no_answer(codec: Codec) -> None:
    body = codec.error_body(BROKEN, "request-1")
    assert codec.read_whole(body).error is not None


@pytest.mark.parametrize("codec", EACH)
def test_a_stream_without_a_finish_is_finished_by_the_renderer(codec: Codec) -> None:
    after, problem = parsed(codec, [stream(codec, [Text("Hi")])])
    assert problem == ""
    assert fold(after).message == Message("assistant", (Text("Hi"),))
    assert fold(after).finish == Finish("stop")


@pytest.mark.parametrize("codec", EACH)
def test_every_split_in_two_gives_the_same(codec: Codec) -> None:
    whole = stream(codec, [Text("é\u2028"), Text("🦊"), Finish("length")])
    first = shape(codec, parsed(codec, [whole])[0])
    for cut in range(len(whole)):
        assert shape(codec, parsed(codec, [whole[:cut], whole[cut:]])[0]) == first
