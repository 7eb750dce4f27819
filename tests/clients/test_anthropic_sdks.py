"""The packages ``anthropic`` of PyPI and ``@anthropic-ai/sdk`` of npm: one script each does all they can."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.installs import npm_client, python_client
from tests.clients.page import blocks, filled
from tests.clients.sdk import SAID, SIGNATURE, THOUGHT, Outcome, outcome, run
from tests.clients.stack import stack

HERE = Path(__file__).parent
TITLE = "anthropic, Python and npm"


def command(package: str) -> list[str | Path]:
    if package == "npm":
        return ["node", HERE / "anthropic_client.mjs", npm_client("@anthropic-ai/sdk")]
    return [python_client("anthropic", "anthropic") / "python", HERE / "anthropic_client.py"]


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(("python", "f"), id="python, converted"),
        pytest.param(("python", "n"), id="python, passed through"),
        pytest.param(("npm", "f"), id="npm, converted"),
        pytest.param(("npm", "n"), id="npm, passed through"),
    ],
)
def sdk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    package, prefix = request.param
    words = command(package)
    with stack(tmp_path_factory.mktemp("anthropic"), native=prefix == "n") as behind:
        yield outcome(words, behind, prefix)


def test_a_message_and_its_usage(sdk: Outcome) -> None:
    assert (sdk["chat"]["text"], sdk["chat"]["stop"]) == ("You said: Hello", "end_turn")
    assert sdk["usage"]["input_tokens"] > 0
    assert sdk["usage"]["output_tokens"] > 0


def test_a_stream_in_pieces_with_usage(sdk: Outcome) -> None:
    assert "".join(sdk["stream"]) == sdk["stream_final"] == "You said: Hello"
    assert len(sdk["stream"]) > 2
    assert sdk["stream_usage"]["output_tokens"] == sdk["usage"]["output_tokens"]


def test_the_events_of_a_stream(sdk: Outcome) -> None:
    events = [event for event in sdk["raw_stream"] if event != "ping"]
    assert events[:2] == ["message_start", "content_block_start"]
    assert set(events[2:-3]) == {"content_block_delta"}
    assert events[-3:] == ["content_block_stop", "message_delta", "message_stop"]


@pytest.mark.parametrize("name", ["tool_loop", "streamed_tool_loop"])
def test_a_loop_with_a_tool(sdk: Outcome, name: str) -> None:
    assert sdk[name] == {"called": [["weather", {"city": "text"}]], "text": "The tool said: sunny", "stop": "end_turn"}


@pytest.mark.parametrize("name", ["runner", "streamed_runner"])
def test_the_tool_runner(sdk: Outcome, name: str) -> None:
    assert sdk[name] == {"asked": ["text"], "text": "The tool said: sunny"}


def test_the_tool_runner_asked_for_a_thread_first(sdk: Outcome) -> None:
    lines = [json.loads(line) for line in sdk.log.splitlines() if line.startswith("{")]
    outcomes = [line["outcome"] for line in lines if line["event"] == "request" and line["route"] == "/v1/messages"]
    assert outcomes.count("thread_unsupported_request") == 2, "one for each runner, which then goes on without"


def test_an_image(sdk: Outcome) -> None:
    assert sdk["image"] == "I see 1 image. You said: What is this?"


def test_an_image_in_a_tools_result(sdk: Outcome) -> None:
    assert sdk["image_in_result"].startswith("I see 1 image.")


@pytest.mark.parametrize("form", ["streamed", "whole"])
def test_thinking(sdk: Outcome, form: str) -> None:
    thinking, text = sdk["thinking"][form]
    assert thinking == {"type": "thinking", "thinking": THOUGHT, "signature": SIGNATURE}
    assert (text["type"], text["text"]) == ("text", SAID)


def test_thinking_is_sent_back(sdk: Outcome) -> None:
    assert sdk["thinking"]["after"] == SAID
    asked = sdk.thinker()
    assert [body["reasoning_effort"] for body in asked] == ["low"] * 3
    (detail,) = asked[-1]["messages"][1]["reasoning_details"]
    assert (detail["text"], detail["signature"]) == (THOUGHT, SIGNATURE)


def test_a_count_of_tokens(sdk: Outcome) -> None:
    assert sdk["tokens"] > 5


def test_the_models(sdk: Outcome) -> None:
    assert {f"{sdk.prefix}/chat", f"{sdk.prefix}/thinker"} <= set(sdk["models"])
    assert sdk["model"] == f"{sdk.prefix}/chat"


@pytest.mark.parametrize("stream", ["", "-streamed"], ids=["whole", "stream"])
@pytest.mark.parametrize(
    ("model", "expected"),
    [
        pytest.param("err-400", ("BadRequestError", 400, "invalid_request_error"), id="400"),
        pytest.param("err-401", ("AuthenticationError", 401, "authentication_error"), id="401"),
        pytest.param("err-403", ("PermissionDeniedError", 403, "permission_error"), id="403"),
        pytest.param("err-404-model", ("NotFoundError", 404, "not_found_error"), id="404"),
        pytest.param("nope", ("NotFoundError", 404, "not_found_error"), id="404 of our own"),
        pytest.param("err-413", ("ContentTooLargeError", 413, "request_too_large"), id="413"),
        pytest.param("err-422", ("UnprocessableEntityError", 422, "invalid_request_error"), id="422"),
        pytest.param("err-429-header", ("RateLimitError", 429, "rate_limit_error"), id="429"),
        pytest.param("err-quota", ("RateLimitError", 429, "rate_limit_error"), id="429, no quota"),
        pytest.param("err-500", ("InternalServerError", 500, "api_error"), id="500"),
        pytest.param("err-503", ("ServiceUnavailableError", 503, "overloaded_error"), id="503"),
        pytest.param("err-529", ("OverloadedError", 529, "overloaded_error"), id="529"),
        pytest.param("err-context", ("BadRequestError", 400, "invalid_request_error"), id="too long a prompt"),
    ],
)
def test_the_sdks_own_exception(sdk: Outcome, model: str, stream: str, expected: tuple[str, int, str]) -> None:
    error = sdk.error(model + stream)
    assert (error["classes"][0], error["status"], error["type"]) == expected, error
    assert error["request_id"]


@pytest.mark.parametrize("stream", ["", "-streamed"], ids=["whole", "stream"])
def test_when_to_come_back(sdk: Outcome, stream: str) -> None:
    assert int(sdk.error(f"err-429-header{stream}")["retry_after"]) in {1, 2}


@pytest.mark.parametrize("where", ["wrong key", "wrong key in a chat"])
def test_a_wrong_client_key_is_an_authentication_error(sdk: Outcome, where: str) -> None:
    error = sdk.error(where)
    assert (error["classes"][0], error["type"]) == ("AuthenticationError", "authentication_error")


def test_a_malformed_request_is_a_bad_request_that_names_the_field(sdk: Outcome) -> None:
    error = sdk.error("malformed")
    assert error["classes"][0] == "BadRequestError"
    assert "'messages'" in error["message"]


def test_a_cut_stream_is_an_api_error(sdk: Outcome) -> None:
    error = sdk.error("cut")
    assert "APIError" in error["classes"], error
    assert error["type"] == "api_error"


def test_the_pages_python(tmp_path: Path) -> None:
    python = python_client("anthropic", "anthropic") / "python"
    (code,) = blocks(TITLE, "python")
    with stack(tmp_path) as behind:
        said = run([python, "-c", f"{filled(code, behind)}\nprint(answer.content[0].text)"], behind).stdout
    assert said.strip() == "You said: Hello!"


def test_the_pages_javascript(tmp_path: Path) -> None:
    home = npm_client("@anthropic-ai/sdk")
    (code,) = blocks(TITLE, "javascript")
    with stack(tmp_path) as behind:
        code = f"{filled(code, behind)}\nconsole.log(answer.content[0].text);"
        said = run(["node", "--input-type=module", "-e", code], behind, folder=home).stdout
    assert said.strip() == "You said: Hello!"
