"""Reading a Messages stream: watching it, and parsing it (faults S1 to S6)."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear import Finish, Reasoning, Text, ToolCall, ToolCallDelta, Usage
from switchgear.dialects.anthropic_messages import AnthropicMessagesCodec
from switchgear.dialects.codec import ErrorDetail, StreamParser, StreamWatch
from switchgear.dialects.fold import fold
from switchgear.events import Event

CODEC = AnthropicMessagesCodec()


def event(kind: str, **fields: object) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def block(index: int, kind: str, **fields: object) -> bytes:
    return event("content_block_start", index=index, content_block={"type": kind, **fields})


def delta(index: int, kind: str, **fields: object) -> bytes:
    return event("content_block_delta", index=index, delta={"type": kind, **fields})


def ended(reason: str | None, sequence: str | None = None, **usage: object) -> bytes:
    return event("message_delta", delta={"stop_reason": reason, "stop_sequence": sequence}, usage=usage)


def closed(index: int) -> bytes:
    return event("content_block_stop", index=index)


START = event("message_start", message={"id": "msg_1", "content": [], "usage": {"input_tokens": 7, "output_tokens": 1}})
PING = event("ping")
TEXT_BLOCK = block(0, "text", text="")
TEXT = delta(0, "text_delta", text="Hi")
END = ended("end_turn", output_tokens=5)
STOP = event("message_stop")
ERROR = event("error", error={"type": "overloaded_error", "message": "busy"})


def watch(*parts: bytes) -> StreamWatch:
    watched = CODEC.watch()
    for part in parts:
        watched.feed(part)
    return watched


def parse(*parts: bytes) -> tuple[list[Event], str, StreamParser]:
    parser = CODEC.parser()
    events = [event for part in parts for event in parser.feed(part)]
    last, problem = parser.end()
    return events + last, problem, parser


@pytest.mark.parametrize(
    ("part", "started"),
    [
        pytest.param(START, False, id="the start of the message"),
        pytest.param(PING, False, id="a ping"),
        pytest.param(b": keep-alive\n\n", False, id="a comment"),
        pytest.param(TEXT_BLOCK, False, id="an empty text block"),
        pytest.param(block(0, "thinking", thinking="", signature=""), False, id="an empty thinking block"),
        pytest.param(delta(0, "text_delta", text=""), False, id="empty text"),
        pytest.param(delta(0, "input_json_delta", partial_json=""), False, id="empty arguments"),
        pytest.param(ended(None, output_tokens=1), False, id="usage without a stop reason"),
        pytest.param(TEXT, True, id="text"),
        pytest.param(delta(0, "thinking_delta", thinking="hm"), True, id="thinking"),
        pytest.param(delta(0, "input_json_delta", partial_json="{"), True, id="arguments"),
        pytest.param(block(0, "text", text="Hi"), True, id="a text block that starts with text"),
        pytest.param(block(0, "tool_use", id="a", name="f", input={}), True, id="a tool call"),
        pytest.param(block(0, "server_tool_use", id="a", name="web_search"), True, id="a server tool's call"),
        pytest.param(block(0, "redacted_thinking", data="x"), True, id="redacted thinking"),
        pytest.param(END, True, id="the end of an empty answer"),
        pytest.param(delta(0, "text_delta", text="Hi", thinking=7), True, id="odd types"),
        pytest.param(TEXT.removeprefix(b"event: content_block_delta\n"), True, id="no event line"),
        pytest.param(
            b'event: content_block_delta\ndata: {"delta": {"text": "Hi"}}\n\n', True, id="a type in the event line only"
        ),
    ],
)
def test_what_counts_as_output(part: bytes, started: bool) -> None:
    assert watch(part).started is started


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        pytest.param([START, TEXT, END, STOP], "", id="complete"),
        pytest.param([START, END, STOP], "", id="an empty answer"),
        pytest.param([TEXT, END], "", id="no message_stop, but a stop reason"),
        pytest.param([TEXT, STOP], "", id="message_stop without a stop reason, after output"),
        pytest.param([TEXT, END, STOP.rstrip()], "", id="message_stop without a line end"),
        pytest.param([TEXT, END, STOP, b"data: [DONE]\n\n"], "", id="closed as OpenAI does"),
        pytest.param([TEXT], "the stream ended without a stop reason", id="no end at all"),
        pytest.param([TEXT, b'event: message_delta\ndata: {"ty'], "the stream broke off inside an event", id="cut"),
        pytest.param([TEXT, ERROR], "the stream ended with an error", id="an error"),
        pytest.param([START, PING], "the stream held no output", id="the start only"),
        pytest.param([START, STOP], "the stream held no output", id="message_stop only"),
        pytest.param([], "the stream held no output", id="nothing"),
    ],
)
def test_how_it_ended(parts: list[bytes], problem: str) -> None:
    assert watch(*parts).end()[1] == problem
    assert parse(*parts)[1] == problem


def test_a_missing_message_stop_is_supplied() -> None:
    assert watch(TEXT, END).end() == (b'event: message_stop\ndata: {"type":"message_stop"}\n\n', "")


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(ERROR, id="error event"),
        pytest.param(ERROR.removeprefix(b"event: error\n"), id="no event line"),
        pytest.param(b'event: error\ndata: {"message": "boom"}\n\n', id="an error by its event line only"),
        pytest.param(b"event: error\ndata: boom\n\n", id="an error that is no JSON"),
        pytest.param(b'data: {"error": {"message": "boom"}}\n\n', id="an error in OpenAI's form"),
        pytest.param(b'{"error": "boom"}\n\n', id="bare JSON line"),
        pytest.param(event("error", error="boom", index="x"), id="with odd types"),
    ],
)
def test_an_error_stops_what_comes_before_it(error: bytes) -> None:
    watched = CODEC.watch()
    assert watched.feed(TEXT + error + TEXT) == TEXT
    assert watched.error is not None
    events, problem, parser = parse(TEXT + error + TEXT)
    assert (events, problem) == ([Text("Hi")], "the stream ended with an error")
    assert parser.error == watched.error


@pytest.mark.parametrize(
    "part",
    [
        pytest.param(b"data: <html>\n\n", id="HTML"),
        pytest.param(b"data: []\n\n", id="a list"),
        pytest.param(b"data: " + b"[" * 100_000 + b"\n\n", id="nested without end"),
    ],
)
def test_an_event_that_is_no_json_object_is_no_stream_of_ours(part: bytes) -> None:
    with pytest.raises(ValueError, match="no JSON"):
        watch(part)
    with pytest.raises(ValueError, match="no JSON"):
        parse(part)


@pytest.mark.parametrize(
    ("parts", "usage"),
    [
        pytest.param([START, END], Usage(7, 5), id="input first, output last"),
        pytest.param([TEXT], Usage(), id="missing"),
        pytest.param(
            [START, ended("end_turn", input_tokens=0, output_tokens=5)], Usage(7, 5), id="a zero hides nothing"
        ),
        pytest.param([START, ended("end_turn", input_tokens=9, output_tokens=5)], Usage(9, 5), id="the last counts"),
        pytest.param([ended("end_turn", input_tokens=0, output_tokens=0)], Usage(0, 0), id="zero only"),
        pytest.param(
            [START, ended("end_turn", output_tokens=5, cache_read_input_tokens=3, cache_creation_input_tokens=2)],
            Usage(12, 5, 3, 2),
            id="the cache belongs to the input",
        ),
        pytest.param(
            [ended("end_turn", output_tokens=5, output_tokens_details={"thinking_tokens": 4})],
            Usage(None, 5, reasoning_tokens=4),
            id="thinking tokens",
        ),
        pytest.param([ended("end_turn", input_tokens="many", output_tokens=5)], Usage(None, 5), id="no number"),
        pytest.param([ended("end_turn", output_tokens=None)], Usage(), id="null"),
    ],
)
def test_usage(parts: list[bytes], usage: Usage) -> None:
    assert watch(*parts).usage == usage
    assert fold(parse(*parts)[0]).usage == usage


CALLS = [
    block(1, "tool_use", id="a", name="f", input={}),
    delta(1, "input_json_delta", partial_json=""),
    delta(1, "input_json_delta", partial_json='{"x"'),
    delta(1, "input_json_delta", partial_json=": 1}"),
    closed(1),
    block(2, "server_tool_use", id="s", name="web_search", input={}),
    delta(2, "input_json_delta", partial_json='{"query": "y"}'),
    closed(2),
    block(3, "web_search_tool_result", tool_use_id="s", content=[]),
    closed(3),
    block(4, "tool_use", id="b", name="g", input={}),
    closed(4),
]


@pytest.mark.parametrize(
    ("parts", "parts_said"),
    [
        pytest.param([TEXT_BLOCK, TEXT, delta(0, "text_delta", text="!")], (Text("Hi!"),), id="text"),
        pytest.param([block(0, "text", text="H"), delta(0, "text_delta", text="i")], (Text("Hi"),), id="text at once"),
        pytest.param([TEXT, delta(0, "citations_delta", citation={})], (Text("Hi"),), id="citations are left out"),
        pytest.param(
            [
                block(0, "thinking", thinking="", signature=""),
                delta(0, "thinking_delta", thinking="h"),
                delta(0, "thinking_delta", thinking="m"),
                delta(0, "signature_delta", signature="s1"),
                closed(0),
                block(1, "thinking", thinking="so", signature="s2"),
            ],
            (Reasoning("hm", "s1"), Reasoning("so", "s2")),
            id="thinking up to its signature",
        ),
        pytest.param(
            [block(0, "thinking", thinking=""), delta(0, "signature_delta", signature="s")],
            (Reasoning("", "s"),),
            id="thinking that is not shown",
        ),
        pytest.param(
            [block(0, "redacted_thinking", data="x"), block(1, "redacted_thinking", data="y")],
            (Reasoning("", "x", redacted=True), Reasoning("", "y", redacted=True)),
            id="redacted thinking",
        ),
        pytest.param(
            CALLS, (ToolCall("a", "f", '{"x": 1}'), ToolCall("b", "g", "{}")), id="calls, without the server's own"
        ),
        pytest.param(
            [block(0, "tool_use", id="a", name="f", input={"x": 1}), closed(0)],
            (ToolCall("a", "f", '{"x": 1}'),),
            id="a call whole at its start",
        ),
        pytest.param(
            [block(0, "tool_use", id="a", name="f", input={"x": 1}), delta(0, "input_json_delta", partial_json="{}")],
            (ToolCall("a", "f", "{}"),),
            id="pieces override the input at the start",
        ),
        pytest.param(
            [
                block(0, "tool_use", id="a", name="f"),
                block(1, "tool_use", id="b", name="g"),
                delta(1, "input_json_delta", partial_json='{"y":'),
                delta(0, "input_json_delta", partial_json="{}"),
                delta(1, "input_json_delta", partial_json="2}"),
            ],
            (ToolCall("a", "f", "{}"), ToolCall("b", "g", '{"y":2}')),
            id="interleaved",
        ),
    ],
)
def test_what_a_stream_says(parts: list[bytes], parts_said: tuple[object, ...]) -> None:
    events, problem, _ = parse(START, *parts, END, STOP)
    assert (fold(events).parts, problem) == (parts_said, "")


def test_a_calls_first_piece_has_its_id_and_its_name_and_a_number_among_calls() -> None:
    events, _, _ = parse(*CALLS)
    assert [event for event in events if isinstance(event, ToolCallDelta) and event.id] == [
        ToolCallDelta(0, "", "a", "f"),
        ToolCallDelta(1, "", "b", "g"),
    ]


@pytest.mark.parametrize("fields", [pytest.param({"name": "f"}, id="no id"), pytest.param({"id": "a"}, id="no name")])
def test_a_call_nobody_could_answer_is_no_stream_of_ours(fields: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="lacks its id or its name"):
        parse(block(0, "tool_use", **fields))


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        pytest.param("end_turn", Finish("stop"), id="end_turn"),
        pytest.param("tool_use", Finish("tool_calls"), id="tool_use"),
        pytest.param("max_tokens", Finish("length"), id="max_tokens"),
        pytest.param("model_context_window_exceeded", Finish("length"), id="context window"),
        pytest.param("refusal", Finish("content_filter"), id="refusal"),
        pytest.param("pause_turn", Finish("stop"), id="pause_turn"),
        pytest.param("something_new", Finish("stop"), id="an unknown one"),
    ],
)
def test_why_it_ended(reason: str, finish: Finish) -> None:
    assert parse(TEXT, ended(reason), STOP)[0][-1] == finish
    assert parse(TEXT, ended(reason))[0][-1] == finish
    assert CODEC.parse_answer(json.dumps({"content": [], "stop_reason": reason}).encode())[-1] == finish


def test_the_stop_sequence_is_told() -> None:
    assert parse(TEXT, ended("stop_sequence", "END"), STOP)[0][-1] == Finish("stop", "END")


def test_a_stream_without_a_stop_reason_finishes_by_what_it_said() -> None:
    assert parse(TEXT, STOP)[0][-1] == Finish("stop")
    assert parse(block(0, "tool_use", id="a", name="f"), STOP)[0][-1] == Finish("tool_calls")


def test_there_is_one_finish_and_nothing_after_it() -> None:
    events, problem, parser = parse(START, TEXT, END, ended(None, output_tokens=6), STOP, TEXT, END, STOP)
    assert [type(event) for event in events] == [Usage, Text, Usage, Usage, Finish]
    assert (problem, parser.done, events[3]) == ("", True, Usage(7, 6))


def test_a_broken_stream_has_no_finish() -> None:
    events, problem, parser = parse(START, TEXT)
    assert (events, parser.done) == ([Usage(7, 1), Text("Hi")], False)
    assert problem == "the stream ended without a stop reason"


WHOLE_STREAM = b"".join(
    [
        START,
        PING,
        b": comment\n\n",
        TEXT_BLOCK,
        TEXT,
        event("content_block_delta", index=0, delta={"type": "text_delta", "text": " é"}).replace(
            b"\\u00e9", "é".encode()
        ),
        closed(0),
        *CALLS,
        END.replace(b"\n", b"\r\n"),
        STOP,
    ]
)


@settings(max_examples=60)
@given(st.lists(st.integers(0, len(WHOLE_STREAM)), max_size=12))
def test_any_split_passes_the_same_bytes_and_says_the_same(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(WHOLE_STREAM)]
    chunks = [WHOLE_STREAM[a:b] for a, b in itertools.pairwise(edges)]
    watched = CODEC.watch()
    passed = b"".join(watched.feed(chunk) for chunk in chunks)
    last, problem = watched.end()
    assert (passed + last, problem) == (WHOLE_STREAM, "")
    assert (watched.usage, watched.done, watched.started) == (Usage(7, 5), True, True)
    assert parse(*chunks)[:2] == parse(WHOLE_STREAM)[:2]


def test_split_at_every_byte() -> None:
    single = [bytes([byte]) for byte in WHOLE_STREAM]
    folded = fold(parse(*single)[0])
    assert folded.parts == (Text("Hi é"), ToolCall("a", "f", '{"x": 1}'), ToolCall("b", "g", "{}"))
    assert watch(*single).usage == folded.usage == Usage(7, 5)


def test_the_error_event_of_a_watched_stream() -> None:
    assert watch(TEXT).error_event(ErrorDetail(503, "gone")) == CODEC.error_event(ErrorDetail(503, "gone"))


@pytest.mark.parametrize("reason", ["abort", "error"])
def test_a_reason_that_is_a_failure_is_no_finish(reason: str) -> None:
    ending = f'event: message_delta\ndata: {{"type":"message_delta","delta":{{"stop_reason":"{reason}"}}}}\n\n'.encode()
    for reader in (CODEC.watch(), CODEC.parser()):
        reader.feed(ending)
        assert reader.error is not None
    whole = f'{{"type":"message","content":[],"stop_reason":"{reason}"}}'.encode()
    assert CODEC.read_whole(whole).error == whole
