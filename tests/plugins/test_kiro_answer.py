"""Answers of Kiro: from an event stream's bytes to canonical events."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear import Event, Failure, Finish, Kind, Reasoning, Text, ToolCall, UpstreamError, Usage
from switchgear_kiro.answer import AnswerReader, EmptyAnswer
from switchgear_kiro.errors import verdict
from switchgear_kiro.eventstream import encode
from switchgear_kiro.stop_sequences import StopSequences
from tests.plugins.kiro_streams import answered, context, cut, event, exception, metering, stopped, text, tool

END = stopped("END_TURN")
SIZES = st.lists(st.integers(0, 120), max_size=30)


def read(*frames: bytes, generation: Any = 3, **more: Any) -> list[Event]:
    """The events of an answer without those that only say that it goes on."""
    events, error = answered(_reader(generation, more), [b"".join(frames)])
    if error is not None:
        raise error
    return [found for found in events if not isinstance(found, Usage)]


def _reader(generation: Any, more: dict[str, Any]) -> AnswerReader:
    return AnswerReader(generation=generation, **({"tool_names": {}} | more))


def thought(**payload: str) -> bytes:
    return event("reasoningContentEvent", payload)


# -- events ------------------------------------------------------------------------------------------------

CALL = ToolCall("tooluse_A", "read_file", '{"path":"a.txt"}')
TOOL_STREAM = [
    event("initial-response", {}),
    text("Let me "),
    text("look."),
    tool(),
    tool('{"pa'),
    tool('th":"a.txt"}'),
    tool(stop=True),
    stopped("TOOL_USE"),
    context(1.25),
    metering(0.031),
]


def test_reads_a_whole_answer_with_a_tool_call() -> None:
    reader = AnswerReader(generation=3, tool_names={}, max_input_tokens=200_000, prompt_estimate=900)
    events, error = answered(reader, TOOL_STREAM)
    assert error is None
    said = [found for found in events if not isinstance(found, Usage)]
    assert said == [Text("Let me "), Text("look."), CALL, Finish("tool_calls")]
    assert events[-2] == Usage(input_tokens=2490, output_tokens=10)
    assert reader.credits == 0.031


def test_shows_that_a_long_tool_input_is_on_its_way() -> None:
    reader = AnswerReader(generation=3, tool_names={}, prompt_estimate=900)
    events = [found for _ in range(3) for found in reader.feed(tool("x" * 40))]
    assert events == [Usage(900, 10), Usage(900, 20), Usage(900, 30)]


@pytest.mark.parametrize(
    ("frames", "events"),
    [
        pytest.param([text("a"), text("a")], [Text("a"), Text("a")], id="the same piece twice"),
        pytest.param([text(""), text("a")], [Text("a")], id="an empty piece"),
        pytest.param([text("äß\u4f60🙂")], [Text("äß\u4f60🙂")], id="any script"),
        pytest.param(
            [event("assistantResponseEvent", b'{"content":null,"modelId":"m"}'), text("a")], [Text("a")], id="null"
        ),
        pytest.param([text('{"content":"no"}')], [Text('{"content":"no"}')], id="text that looks like a payload"),
        pytest.param(
            [event("assistantResponseEvent", {"assistantResponseEvent": {"content": "a"}})], [Text("a")], id="wrapped"
        ),
        pytest.param(
            [event("codeReferenceEvent", {"references": []}), text("a")], [Text("a")], id="an event to ignore"
        ),
        pytest.param([event("somethingNewEvent", b"\x00 no JSON"), text("a")], [Text("a")], id="an unknown event"),
        pytest.param([encode({}, b"{}"), text("a")], [Text("a")], id="a frame without headers"),
        pytest.param([event("contextUsageEvent", b"[]"), text("a")], [Text("a")], id="figures that are none"),
        pytest.param([event("metadataEvent", {"tokenUsage": "many"}), text("a")], [Text("a")], id="usage that is none"),
        pytest.param(
            [thought(text="Hm"), thought(text="m."), thought(signature="sig"), text("a")],
            [Reasoning("Hm"), Reasoning("m."), Reasoning("", "sig"), Text("a")],
            id="reasoning, its signature, text",
        ),
        pytest.param(
            [thought(text="A", signature="1"), thought(text="B"), text("a")],
            [Reasoning("A"), Reasoning("B"), Reasoning("", "1"), Text("a")],
            id="the signature with the first piece of several",
        ),
        pytest.param(
            [thought(text="...", signature="1"), thought(text="...", signature="2")],
            [Reasoning("..."), Reasoning("", "1"), Reasoning("..."), Reasoning("", "2")],
            id="opaque reasoning twice",
        ),
        pytest.param(
            [thought(text="A"), thought(signature="1"), thought(text="B"), thought(signature="2"), text("a")],
            [Reasoning("A"), Reasoning("", "1"), Reasoning("B"), Reasoning("", "2"), Text("a")],
            id="two thoughts in a row",
        ),
        pytest.param([thought(signature="sig"), text("a")], [Reasoning("", "sig"), Text("a")], id="a signature alone"),
        pytest.param(
            [thought(redactedContent="AAA="), text("a")],
            [Reasoning("", "AAA=", redacted=True), Text("a")],
            id="withheld reasoning",
        ),
        pytest.param(
            [event("reasoningContentEvent", {"reasoningContentEvent": {"text": "A"}})],
            [Reasoning("A")],
            id="wrapped reasoning",
        ),
    ],
)
def test_reads_events(frames: list[bytes], events: list[Event]) -> None:
    assert read(*frames, END) == [*events, Finish("stop")]


def test_reads_opaque_reasoning_behind_a_tool_call() -> None:
    found = read(tool("{}", stop=True), thought(text="...", signature="sig"), END)
    assert found == [
        ToolCall("tooluse_A", "read_file", "{}"),
        Reasoning("..."),
        Reasoning("", "sig"),
        Finish("tool_calls"),
    ]


# -- tool calls --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frames", "arguments"),
    [
        pytest.param([tool(), tool(stop=True)], "{}", id="no input"),
        pytest.param([tool(""), tool(" "), tool(stop=True)], "{}", id="empty pieces"),
        pytest.param([tool('{"path":"a.txt"}', stop=True)], '{"path":"a.txt"}', id="in one frame"),
        pytest.param([tool({"path": "a.txt"}), tool(stop=True)], '{"path":"a.txt"}', id="an object"),
        pytest.param([tool({}), tool('{"path":'), tool('"a.txt"}'), tool(stop=True)], '{"path":"a.txt"}', id="an empty object first"),
        pytest.param([tool('{"path": "a.txt"}'), tool({}, stop=True)], '{"path": "a.txt"}', id="an empty object last"),
        pytest.param([tool('{"a":"\\'), tool('u00e4"}', stop=True)], '{"a":"\\u00e4"}', id="cut inside an escape"),
        pytest.param([tool('{"a":'), tool(stop=True)], '{"a":', id="what the model wrote wrongly is left to the client"),
        pytest.param([tool('{"a":1}', name=""), tool(name=""), tool(stop=True)], '{"a":1}', id="the name comes last"),
        pytest.param([event("toolUseEvent", {"toolUseEvent": {"toolUseId": "tooluse_A", "name": "read_file", "stop": True}})], "{}", id="wrapped"),
        pytest.param([tool(), event("toolUseEvent", {"input": "{}"}), event("toolUseEvent", {"stop": True})], "{}", id="without ids"),
    ],
)  # fmt: skip
def test_puts_a_tool_call_together(frames: list[bytes], arguments: str) -> None:
    assert read(*frames, END) == [ToolCall("tooluse_A", "read_file", arguments), Finish("tool_calls")]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
INPUTS = st.dictionaries(st.text(max_size=6), JSON_VALUES, min_size=1, max_size=3).map(json.dumps)


@settings(max_examples=30)
@given(INPUTS, INPUTS, st.lists(st.integers(0, 9), max_size=12), st.data())
def test_fragments_of_calls_may_be_cut_and_mixed_in_any_way(
    first: str, second: str, sizes: list[int], data: st.DataObject
) -> None:
    one = [tool(piece.decode()) for piece in cut(first.encode(), sizes)]
    two = [tool(piece.decode(), id_="tooluse_B", name="b") for piece in cut(second.encode(), sizes)]
    mixed = []
    while one and two:
        mixed.append(data.draw(st.sampled_from([one, two])).pop(0))
    found = read(*mixed, *one, *two, tool(stop=True), tool(id_="tooluse_B", name="b", stop=True), END)
    assert found == [
        ToolCall("tooluse_A", "read_file", first),
        ToolCall("tooluse_B", "b", second),
        Finish("tool_calls"),
    ]


def test_gives_tools_the_names_that_the_client_knows() -> None:
    names = {"mcp_1": "mcp__a_very_long_name"}
    found = read(tool(name="mcp_1", stop=True), tool(id_="B", name="other", stop=True), END, tool_names=names)
    assert [call.name for call in found if isinstance(call, ToolCall)] == ["mcp__a_very_long_name", "other"]


def test_an_id_that_comes_again_gets_one_of_its_own_and_a_second_stop_nothing() -> None:
    found = read(tool('{"n":1}', stop=True), tool(stop=True), tool('{"n":2}', stop=True), END)
    assert found == [
        ToolCall("tooluse_A", "read_file", '{"n":1}'),
        ToolCall("tooluse_A_2", "read_file", '{"n":2}'),
        Finish("tool_calls"),
    ]


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        pytest.param(tool(id_="", stop=True), "a tool call has no id", id="no id"),
        pytest.param(tool(name="", stop=True), "tool call 'tooluse_A' has no name", id="no name"),
        pytest.param(event("toolUseEvent", b'{"toolUseId":7}'), r"Expected `str.*\$.toolUseId", id="a wrong type"),
        pytest.param(event("assistantResponseEvent", b'{"content":"a'), "assistantResponseEvent: Input data was truncated", id="JSON cut off"),
        pytest.param(event("assistantResponseEvent", b'{"content":"\xff"}'), "assistantResponseEvent: 'utf-8' codec", id="no UTF-8"),
        pytest.param(event("assistantResponseEvent", b"[" * 100_000), "assistantResponseEvent: ", id="nested too deep"),
        pytest.param(event("metadataEvent", b'{"stopReason":1}'), "metadataEvent: Expected `str", id="a wrong stop reason"),
    ],
)  # fmt: skip
def test_names_what_it_cannot_read(frame: bytes, why: str) -> None:
    with pytest.raises(UpstreamError, match=why) as caught:
        read(text("a"), frame, END)
    assert caught.value.failure.cause == "protocol"


# -- any cut -----------------------------------------------------------------------------------------------

STREAMS = [
    pytest.param(TOOL_STREAM, {}, id="tool call"),
    pytest.param([thought(text="Hm."), thought(signature="s"), text("äö🙂 END x"), END], {"stop": ("END",)}, id="stop sequence"),
    pytest.param([text("<thi"), text("nking>Hm"), text("</thinking>\n\nHi"), END], {"thinking_tags": True}, id="tags"),
    pytest.param([text("a"), exception("throttlingError", {"message": "slow"}), text("b")], {}, id="exception"),
    pytest.param([text("a"), text("b")[:-4] + bytes(4), text("c")], {}, id="checksum"),
    pytest.param([text("a"), text("b")[:-5]], {}, id="cut off"),
]  # fmt: skip


@pytest.mark.parametrize(("frames", "more"), STREAMS)
@settings(max_examples=20)
@given(sizes=SIZES)
def test_is_the_same_however_the_bytes_are_cut(frames: list[bytes], more: dict[str, Any], sizes: list[int]) -> None:
    data = b"".join(frames)
    whole, error = answered(_reader(3, more), [data])
    pieces, same = answered(_reader(3, more), cut(data, sizes))
    assert (pieces, str(same)) == (whole, str(error))
    assert answered(_reader(3, more), [data[at : at + 1] for at in range(len(data))])[0] == whole


# -- failures ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [pytest.param([], id="first"), pytest.param([text("a")], id="after text")])
@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        pytest.param(exception("throttlingError", {"reason": "USER_REQUEST_RATE_EXCEEDED"}), Kind.RATE_LIMITED, id="rate"),
        pytest.param(exception("throttlingError", {"reason": "MONTHLY_REQUEST_COUNT"}), Kind.QUOTA_EXHAUSTED, id="quota"),
        pytest.param(exception("validationError", {"reason": "PROMPT_TOO_LONG"}), Kind.CONTEXT_TOO_LONG, id="too long"),
        pytest.param(exception("validationError", {"message": "Improperly formed request."}), Kind.INVALID_REQUEST, id="malformed"),
        pytest.param(exception("serviceUnavailableError", {"reason": "MODEL_TEMPORARILY_UNAVAILABLE"}), Kind.OVERLOADED, id="model unavailable"),
        pytest.param(exception("error", {"message": "Internal"}), Kind.SERVER_ERROR, id="internal"),
        pytest.param(exception("error", {"__type": "x#AccessDeniedException", "message": "is temporarily suspended"}), Kind.SUSPENDED, id="type over name"),
        pytest.param(exception("error", {}), Kind.SERVER_ERROR, id="no words"),
        pytest.param(exception("brandNewError", {"message": "?"}), Kind.SERVER_ERROR, id="unknown"),
        pytest.param(exception("ThrottlingException", {}), Kind.RATE_LIMITED, id="old-style name"),
        pytest.param(exception("ContentLengthExceededException", {}), Kind.CONTEXT_TOO_LONG, id="old-style too long"),
        pytest.param(exception("throttlingError", b"not JSON"), Kind.RATE_LIMITED, id="no JSON"),
        pytest.param(event("error", {"reason": "INSUFFICIENT_MODEL_CAPACITY"}), Kind.OVERLOADED, id="error as an event"),
        pytest.param(event("invalidStateEvent", {"reason": "X", "message": "bad state"}), Kind.SERVER_ERROR, id="invalid state"),
        pytest.param(encode({":message-type": "error", ":error-code": "ThrottlingException", ":error-message": "slow"}, b""), Kind.RATE_LIMITED, id="unmodelled error"),
        pytest.param(encode({":message-type": "news"}, b"{}"), Kind.SERVER_ERROR, id="an unknown kind of message"),
    ],
)  # fmt: skip
def test_an_exception_fails_the_answer_and_means_what_it_means_over_http(
    before: list[bytes], frame: bytes, kind: Kind
) -> None:
    events, error = answered(_reader(3, {}), [b"".join((*before, frame, text("never")))])
    assert events == [Text("a")] * len(before)
    assert error is not None
    assert error.failure.cause == "in_band"
    found = verdict(error.failure)
    assert found is not None
    assert found.kind is kind
    assert (found.status or 0) >= 400


def test_an_unmodelled_error_keeps_its_words() -> None:
    headers = {":message-type": "error", ":error-code": "InternalFailure", ":error-message": "out of cheese"}
    with pytest.raises(UpstreamError) as caught:
        read(encode(headers, b""))
    found = verdict(caught.value.failure)
    assert found is not None
    assert found.message == "out of cheese"


@pytest.mark.parametrize(
    ("frames", "failure"),
    [
        pytest.param(
            [text("a"), text("b")[:20]],
            Failure(
                "connection", 200, message="the upstream's answer broke off: the stream ends 20 bytes into a frame"
            ),
            id="half a frame",
        ),
        pytest.param([], Failure("protocol", 200, message="the upstream's answer is empty"), id="nothing"),
        pytest.param(
            [event("initial-response", {}), text(""), context(1.0), metering(0.1)],
            Failure("protocol", 200, message="the upstream's answer is empty"),
            id="figures only",
        ),
    ],
)
@pytest.mark.parametrize("generation", [2, 3])
def test_an_answer_that_broke_off_or_is_empty_is_no_answer(
    frames: list[bytes], failure: Failure, generation: int
) -> None:
    with pytest.raises(UpstreamError) as caught:
        read(*frames, generation=generation)
    assert caught.value.failure == failure
    assert isinstance(caught.value, EmptyAnswer) is ("empty" in failure.message)


def test_a_damaged_frame_is_no_answer() -> None:
    with pytest.raises(UpstreamError, match="message checksum is") as caught:
        read(text("a"), text("b")[:-4] + bytes(4))
    assert caught.value.failure.cause == "protocol"


# -- stop sequences, thinking in the text ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pieces", "stop", "events"),
    [
        pytest.param(["one END two"], ["END"], [Text("one "), Finish("stop", "END")], id="in one piece"),
        pytest.param(["one E", "N", "D two"], ["END"], [Text("one "), Finish("stop", "END")], id="over three"),
        pytest.param(["END"], ["END"], [Finish("stop", "END")], id="at once"),
        pytest.param(["one EN"], ["END"], [Text("one "), Text("EN"), Finish("stop")], id="not complete"),
        pytest.param(["a b c"], ["c", "b"], [Text("a "), Finish("stop", "b")], id="the first of two"),
        pytest.param(["one"], ["", "x"], [Text("one"), Finish("stop")], id="an empty one is none"),
    ],
)
def test_enforces_stop_sequences(pieces: list[str], stop: list[str], events: list[Event]) -> None:
    assert read(*map(text, pieces), END, stop=stop) == events


def test_reads_no_further_than_the_stop_sequence() -> None:
    reader = AnswerReader(generation=3, tool_names={}, stop=["END"], prompt_estimate=70)
    late = [tool("{}", stop=True), exception("error", {}), END]
    events = [*reader.feed(b"".join([text("one END two"), *late])), *reader.end()]
    assert reader.done
    assert events == [Text("one "), Usage(70, 3), Finish("stop", "END")]


@pytest.mark.parametrize(
    "late", [pytest.param(tool("{}", stop=True), id="call"), pytest.param(thought(text="A"), id="thought")]
)
def test_a_stop_sequence_in_what_was_held_ends_the_answer_too(late: bytes) -> None:
    """The text might have become a tag; that it does not turns out with what follows."""
    found = read(text("<thi"), late, END, stop=["<t"], thinking_tags=True)
    assert found == [Finish("stop", "<t")]


def test_text_held_for_a_stop_sequence_goes_out_before_what_follows() -> None:
    found = read(text("one EN"), tool("{}", stop=True), text("D"), END, stop=["END"])
    assert found == [
        Text("one "),
        Text("EN"),
        ToolCall("tooluse_A", "read_file", "{}"),
        Text("D"),
        Finish("tool_calls"),
    ]


@settings(max_examples=80)
@given(
    st.text("ab", max_size=30),
    st.lists(st.text("ab", min_size=1, max_size=4), min_size=1, max_size=3),
    st.lists(st.integers(0, 5), max_size=12),
)
def test_finds_the_same_stop_sequence_however_the_text_is_cut(said: str, stops: list[str], sizes: list[int]) -> None:
    found = StopSequences(stops)
    given_ = "".join(found.feed(piece.decode()) for piece in cut(said.encode(), sizes))
    ends = [(said.find(stop) + len(stop), said.find(stop), stop) for stop in stops if stop in said]
    if ends:
        assert (given_, found.found) == (said[: min(ends)[1]], min(ends)[2])
        assert found.feed("more") + found.rest() == ""
    else:
        assert (given_ + found.rest(), found.found) == (said, None)


def test_takes_thinking_out_of_the_text_where_it_was_asked_for_there() -> None:
    pieces = [text("<thinking>Hm"), text(".</thi"), text("nking>\n\nHi END"), text("x"), END]
    assert read(*pieces, thinking_tags=True, stop=["END"]) == [
        Reasoning("Hm"),
        Reasoning("."),
        Text("Hi "),
        Finish("stop", "END"),
    ]
    assert read(text("<thinking>Hm"), END)[0] == Text("<thinking>Hm")
