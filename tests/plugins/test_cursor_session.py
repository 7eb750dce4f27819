"""One run, frame by frame: what is answered, and what becomes of the answer."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchgear import Event, Finish, Reasoning, Text, ToolCall, Usage
from switchgear_cursor.framing import END, envelope
from switchgear_cursor.proto.agent_pb2 import (
    AgentClientMessage,
    GetBlobArgs,
    KvServerMessage,
    McpArgs,
    McpToolCall,
    NativeArgs,
    SetBlobArgs,
    ToolCallUpdate,
)
from switchgear_cursor.proto.agent_pb2 import ToolCall as ToolCallMessage
from switchgear_cursor.session import Session
from tests.plugins.cursor_frames import (
    CLOCK,
    END_OK,
    HEARTBEAT,
    WEATHER,
    abort,
    announced,
    call,
    checkpoint,
    client_message,
    count,
    error_end,
    exec_,
    frame,
    session,
    started,
    text,
    thinking,
    token_delta,
    told,
    turn_ended,
    update,
)

PARIS = ToolCall("call_1", "get_weather", '{"city":"Paris"}')
ROME = ToolCall("call_2", "get_weather", '{"city":"Rome"}')
STOP = Finish("stop")


# -- published frames --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("golden", "event"),
    [
        pytest.param("00000000080a060a040a026869", Text("hi"), id="text"),
        pytest.param("00000000080a0622040a02686d", Reasoning("hm"), id="thinking"),
    ],
)
def test_published_pieces(golden: str, event: Event) -> None:
    assert told(session(), bytes.fromhex(golden)) == ([event], [])


def test_published_end() -> None:
    run = session()
    events, _ = told(run, text("hi"), bytes.fromhex("000000000a0a087206080a10011807"), bytes.fromhex("02000000027b7d"))
    assert events == [Text("hi"), Usage(10, 1, 7), STOP]
    assert run.done
    assert run.stream_ended
    assert run.failure is None


def test_published_request_context() -> None:
    _, messages = told(session(), bytes.fromhex("000000000a120808017a0265315200"))
    assert messages == [
        client_message("0000000015121308017a026531520b0a090a0722055203555443"),
        client_message("00000000062a040a020801"),
    ]


def test_published_call() -> None:
    golden = (
        "0000000044124208027a0265325a3a0a0e67772d6765745f77656174686572120f0a046369747912071a055061726973"
        "1a0663616c6c5f31220267772a0b6765745f77656174686572"
    )
    run = session(WEATHER)
    assert told(run, bytes.fromhex(golden)) == ([], [])
    assert run.is_waiting
    assert run.hand_over() == [PARIS, Finish("tool_calls")]


def test_published_heartbeat() -> None:
    run = session()
    assert [AgentClientMessage.FromString(beat) for beat in run.beat()] == [client_message("00000000023a00")]
    assert told(run, HEARTBEAT) == ([], [])
    assert not run.heard


def test_published_blob_acknowledgement() -> None:
    _, messages = told(
        session(), frame(kv_server_message=KvServerMessage(id=8, set_blob_args=SetBlobArgs(blob_id=b"i")))
    )
    assert messages == [client_message("00000000061a0408081a00")]


def test_published_throw() -> None:
    _, (thrown, closed) = told(session(), envelope(bytes.fromhex("120908037a0265339a0600")))
    golden = client_message("00000000152a1312110803120d6e6f7420617661696c61626c65")
    golden.exec_client_control_message.throw.error = thrown.exec_client_control_message.throw.error
    assert thrown == golden
    assert closed.exec_client_control_message.stream_close.id == 3


# -- blobs -------------------------------------------------------------------------------------------------


def blob_asked(blob_id: bytes) -> bytes:
    return frame(kv_server_message=KvServerMessage(id=7, get_blob_args=GetBlobArgs(blob_id=blob_id)))


def test_the_prompt_is_given_out_blob_by_blob() -> None:
    run = started()
    blob_id = run.blobs.keep(b"one")
    events, (answer,) = told(Session(run), blob_asked(blob_id))
    assert events == []
    assert answer.kv_client_message.id == 7
    assert answer.kv_client_message.get_blob_result.blob_data == b"one"


def test_a_published_question_for_a_blob() -> None:
    run = started()
    blob_id = run.blobs.keep_json({"role": "system", "content": "s"})
    _, (answer,) = told(Session(run), bytes.fromhex("00000000282226080712220a20") + blob_id)
    assert answer.kv_client_message.get_blob_result.blob_data == b'{"role":"system","content":"s"}'


def test_an_unknown_blob_is_an_error_of_its_own() -> None:
    _, (answer,) = told(session(), blob_asked(b"?"))
    assert answer.kv_client_message.get_blob_result.WhichOneof("result") == "error"


def test_what_the_server_stores_it_gets_back() -> None:
    run = session()
    told(
        run, frame(kv_server_message=KvServerMessage(id=1, set_blob_args=SetBlobArgs(blob_id=b"i", blob_data=b"kept")))
    )
    _, (answer,) = told(run, blob_asked(b"i"))
    assert answer.kv_client_message.get_blob_result.blob_data == b"kept"


def test_an_empty_blob_is_a_blob() -> None:
    run = session()
    told(run, frame(kv_server_message=KvServerMessage(id=1, set_blob_args=SetBlobArgs(blob_id=b"i"))))
    _, (answer,) = told(run, blob_asked(b"i"))
    assert answer.kv_client_message.get_blob_result.WhichOneof("result") == "blob_data"


def test_the_server_stores_no_more_than_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchgear_cursor.blobs.MAX_BYTES", 10)
    run = session()
    told(
        run,
        frame(kv_server_message=KvServerMessage(id=1, set_blob_args=SetBlobArgs(blob_id=b"i", blob_data=bytes(11)))),
    )
    assert run.failure is not None
    assert run.failure.cause == "protocol"


# -- tool calls --------------------------------------------------------------------------------------------


def test_calls_are_held_until_they_are_handed_over() -> None:
    run = session(WEATHER)
    assert told(run, text("Let me see."), call(1, "call_1", city="Paris"), call(2, "call_2", city="Rome"))[0] == [
        Text("Let me see.")
    ]
    assert run.is_waiting
    assert run.hand_over() == [PARIS, ROME, Finish("tool_calls")]
    assert run.done
    assert run.failure is None


def test_as_many_calls_as_were_said_go_at_once() -> None:
    run = session(WEATHER)
    assert told(run, count(2), call(1, "call_1", city="Paris")) == ([], [])
    assert [run.are_too_few, run.done] == [True, False]
    assert told(run, call(2, "call_2", city="Rome")) == ([PARIS, ROME, Finish("tool_calls")], [])
    assert run.done


def test_an_announced_call_is_waited_for() -> None:
    run = session(WEATHER)
    told(run, announced("call_1"), announced("call_2", "partial_tool_call"), call(1, "call_1", city="Paris"))
    expected = [run.is_open]
    told(run, call(2, "call_2", city="Rome"))
    assert [*expected, run.is_open] == [True, False]
    assert run.hand_over()[:2] == [PARIS, ROME]


@pytest.mark.parametrize(
    ("announced_as", "made_as"),
    [
        pytest.param("call_1", "call_1", id="one id"),
        pytest.param("call_x", "call_x\nfc_y", id="the first of two"),
        pytest.param("m", "model_call", id="the model's"),
        pytest.param("m", "tool_call", id="the tool's"),
        pytest.param("m", "other", id="an id that nobody announced"),
    ],
)
def test_a_call_is_known_under_each_of_its_ids(announced_as: str, made_as: str) -> None:
    run = session(WEATHER)
    tool_call = ToolCallMessage(mcp_tool_call=McpToolCall(), tool_call_id="tool_call")
    begun = ToolCallUpdate(call_id=announced_as, tool_call=tool_call, model_call_id="model_call")
    told(run, update(tool_call_started=begun), call(1, made_as))
    assert run.is_waiting
    assert not run.is_open


@pytest.mark.parametrize("call_id", ["call_1", "other"])
def test_a_call_that_is_here_is_not_begun_again(call_id: str) -> None:
    run = session(WEATHER)
    told(run, announced(call_id), call(1, "call_1"), announced(call_id), announced("call_1", "partial_tool_call"))
    assert not run.is_open


def test_a_call_that_is_only_called_ours_later_is_ours() -> None:
    run = session(WEATHER)
    told(run, announced("c", ours=False), announced("c", "partial_tool_call"), announced("c", "tool_call_completed"))
    assert run.is_open


def test_one_call_is_enough_where_the_client_wants_one() -> None:
    run = session(WEATHER, parallel_tool_calls=False)
    events, _ = told(run, call(1, "call_1", city="Paris"), call(2, "call_2", city="Rome"))
    assert events == [PARIS, Finish("tool_calls")]


def test_a_call_that_is_taken_back_is_never_seen() -> None:
    run = session(WEATHER)
    events, messages = told(run, call(1, "call_1", city="Paris"), abort(1))
    assert (events, messages, run.is_waiting) == ([], [], False)
    events, _ = told(run, text("Never mind."), turn_ended(input_tokens=1, output_tokens=1), END_OK)
    assert events[-1] == STOP


def test_a_waiting_call_is_kept_alive() -> None:
    run = session(WEATHER)
    told(run, call(4, "call_1", city="Paris"))
    beats = [AgentClientMessage.FromString(beat) for beat in run.beat()]
    assert [beat.WhichOneof("message") for beat in beats] == ["client_heartbeat", "exec_client_control_message"]
    assert beats[1].exec_client_control_message.heartbeat.id == 4


def test_a_tool_that_nobody_has_is_not_found() -> None:
    run = session(WEATHER)
    events, (answer, closed) = told(run, call(3, "call_1", "rm_rf"))
    assert events == []
    assert answer.exec_client_message.mcp.tool_not_found.available == ["get_weather"]
    assert (answer.exec_client_message.id, answer.exec_client_message.exec_id) == (3, "e3")
    assert closed.exec_client_control_message.stream_close.id == 3
    assert not run.is_waiting


def test_an_approval_is_no_call() -> None:
    run = session(WEATHER)
    asked = exec_(3, mcp=McpArgs(tool_name="get_weather", smart_mode_approval_only=True))
    _, (answer, _) = told(run, asked)
    assert answer.exec_client_message.mcp.WhichOneof("result") == "approved"
    assert not run.is_waiting


def test_ids_are_made_fit_for_clients_and_told_apart() -> None:
    run = session(WEATHER, CLOCK)
    told(run, call(1, "call_x\nfc_y"), call(2, "call_x\nfc_y"), call(3, "", "clock"))
    ids = [event.id for event in run.hand_over() if isinstance(event, ToolCall)]
    assert ids == ["call_x__fc_y", "call_x__fc_y_2", "call_3"]


def test_numbers_in_arguments_are_whole_again() -> None:
    run = session(WEATHER)
    told(run, call(1, "c", days=3, share=0.5, places=[{"lat": 48.0}], on=True, no=None))
    (made, _) = run.hand_over()
    assert made == ToolCall("c", "get_weather", '{"days":3,"share":0.5,"places":[{"lat":48}],"on":true,"no":null}')


def test_usage_before_the_end_is_what_was_said_so_far() -> None:
    run = session(WEATHER)
    told(run, checkpoint(1200), token_delta(5), token_delta(7), call(1, "call_1", city="Paris"))
    assert run.hand_over() == [PARIS, Usage(1200, 12), Finish("tool_calls")]


# -- ends --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frames", "last"),
    [
        pytest.param([text("a"), turn_ended(input_tokens=3, output_tokens=1)], Finish("stop"), id="end of the turn"),
        pytest.param([turn_ended()], Finish("stop"), id="end of an empty turn"),
        pytest.param([text("a"), END_OK], Finish("stop"), id="end frame after text"),
        pytest.param([call(1, "c"), turn_ended()], Finish("tool_calls"), id="end of the turn with a call"),
        pytest.param([call(1, "c"), END_OK], Finish("tool_calls"), id="end frame with a call"),
        pytest.param([announced("n", ours=False), announced("n", "tool_call_completed", ours=False), text("a"), END_OK], Finish("stop"), id="a tool of the service's own"),
    ],
)  # fmt: skip
def test_whole_answers(frames: list[bytes], last: Event) -> None:
    run = session(WEATHER)
    events, _ = told(run, *frames)
    run.cut()
    assert events[-1] == last
    assert run.failure is None


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param([text("a")], id="no end frame"),
        pytest.param([text("a"), text("b")[:-1]], id="cut inside a frame"),
        pytest.param([], id="nothing at all"),
        pytest.param([END_OK], id="end frame without an answer"),
        pytest.param([thinking("a"), END_OK], id="end frame after thoughts alone"),
        pytest.param([text("a"), announced("c"), END_OK], id="a call half announced"),
        pytest.param([text("a"), announced("c"), announced("c", "tool_call_completed"), END_OK], id="a client's call the server calls over"),
        pytest.param([text("a"), announced("n", ours=False), END_OK], id="a native call left open"),
        pytest.param([text("a"), envelope(b"[]", END)], id="end frame that is no object"),
        pytest.param([text("a"), envelope(b"{", END)], id="end frame that is no JSON"),
        pytest.param([text("a"), envelope(b"\x0a\xff")], id="a message that cannot be read"),
        pytest.param([text("a"), envelope(b"", 0x40)], id="unknown flags"),
    ],
)  # fmt: skip
def test_broken_answers(frames: list[bytes]) -> None:
    run = session(WEATHER)
    events, _ = told(run, *frames)
    run.cut()
    assert run.done
    assert run.failure is not None
    assert run.failure.cause == "protocol"
    assert run.failure.model == "composer-2.5"
    assert not any(isinstance(event, Finish | ToolCall) for event in events)


def test_an_error_has_the_end_frame_as_its_body() -> None:
    run = session()
    end = error_end("resource_exhausted", "FREE_USER_USAGE_LIMIT")
    assert told(run, text("a"), end)[0] == [Text("a")]
    assert run.failure is not None
    assert (run.failure.cause, run.failure.body) == ("in_band", end[5:])


def test_nothing_counts_after_the_end() -> None:
    run = session()
    events, messages = told(run, text("a"), turn_ended(), text("b"), exec_(1, read=NativeArgs()), END_OK)
    assert events == [Text("a"), STOP]
    assert messages == []


def test_a_stop_sequence_ends_the_answer() -> None:
    run = session(stop=("END",))
    events, _ = told(run, text("one E"), text("NDless"), text("more"))
    assert events == [Text("one "), Finish("stop", "END")]
    assert run.done
    assert not run.turn_ended


def test_the_beginning_of_a_stop_sequence_is_text_after_all() -> None:
    events, _ = told(session(stop=("END",)), text("the EN"), turn_ended())
    assert events == [Text("the "), Text("EN"), STOP]


# -- cuts --------------------------------------------------------------------------------------------------


WHOLE = b"".join(
    [
        HEARTBEAT, exec_(1, request_context=NativeArgs()), thinking("hm ü"), text("Grüße"), exec_(2, read=NativeArgs(subject=b"/etc")),
        frame(kv_server_message=KvServerMessage(id=1, set_blob_args=SetBlobArgs(blob_id=b"i", blob_data=b"x"))),
        checkpoint(900), call(3, "call_1", city="Paris"), turn_ended(input_tokens=9, output_tokens=2), END_OK,
    ]
)  # fmt: skip


NOISE = b"\xff\xff\xff\xff\xff\xff"


@settings(max_examples=60)
@given(
    st.sampled_from(
        [
            WHOLE,
            WHOLE + NOISE,
            WHOLE[: -len(END_OK)] + NOISE,
            text("a") + NOISE,
            text("a") + envelope(b"\x0a\xff") + text("b"),
        ]
    ),
    st.lists(st.integers(0, len(WHOLE)), max_size=20),
)
def test_cuts_change_nothing(stream: bytes, cuts: list[int]) -> None:
    at_once, run = session(WEATHER), session(WEATHER)
    expected = at_once.feed(stream)
    places = sorted({*(min(cut, len(stream)) for cut in cuts), 0, len(stream)})
    assert [out for at, end in pairwise(places) for out in run.feed(stream[at:end])] == expected
    assert (run.done, run.turn_ended, run.failure) == (at_once.done, at_once.turn_ended, at_once.failure)


@pytest.mark.parametrize(
    "noise", [NOISE, envelope(b"\x0a\xff"), text("more")], ids=["no frame", "no message", "more text"]
)
def test_what_comes_after_the_end_of_the_turn_takes_nothing_away(noise: bytes) -> None:
    run = session()
    assert told(run, text("a"), turn_ended(), noise)[0] == [Text("a"), STOP]
    run.feed(noise)
    run.cut()
    assert run.failure is None


@settings(max_examples=50)
@given(st.binary(max_size=60))
def test_no_bytes_make_it_raise(noise: bytes) -> None:
    run = session(WEATHER)
    run.feed(noise)
    run.feed(envelope(noise))
    run.cut()
    assert run.done
