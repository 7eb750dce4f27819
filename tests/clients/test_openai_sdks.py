"""The packages ``openai`` of PyPI and npm on the Responses API, and a streamed loop with a tool on Chat."""

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
TITLE = "openai, Python and npm"


def command(package: str) -> list[str | Path]:
    if package == "npm":
        return ["node", HERE / "openai_responses_client.mjs", npm_client("openai")]
    return [python_client("openai", "openai") / "python", HERE / "openai_client.py"]


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
    with stack(tmp_path_factory.mktemp("responses"), native=prefix == "n") as behind:
        yield outcome(words, behind, prefix)


def test_a_response_and_its_usage(sdk: Outcome) -> None:
    assert (sdk["response"]["text"], sdk["response"]["status"]) == ("You said: Hello", "completed")
    assert sdk["usage"]["total_tokens"] == sdk["usage"]["input_tokens"] + sdk["usage"]["output_tokens"] > 0


def test_a_stream_in_pieces(sdk: Outcome) -> None:
    assert "".join(sdk["stream"]) == sdk["stream_final"] == "You said: Hello"
    assert len(sdk["stream"]) > 2


def test_the_events_of_a_stream_are_numbered(sdk: Outcome) -> None:
    events = sdk["raw_stream"]
    assert (events[0], events[-1]) == ("response.created", "response.completed")
    assert sdk["sequence"] == list(range(len(events)))


@pytest.mark.parametrize("name", ["chat_loop", "tool_loop", "streamed_tool_loop", "remembered_tool_loop"])
def test_a_loop_with_a_tool(sdk: Outcome, name: str) -> None:
    assert sdk[name] == {"called": [["weather", {"city": "text"}]], "text": "The tool said: sunny"}


def test_a_conversation_that_the_gateway_remembers(sdk: Outcome) -> None:
    assert sdk["second"]["text"] == "You said: And this?"
    asked = [call.body["messages"] for call in sdk.behind.fake.calls if call.model == "demo-model"]
    (second,) = [messages for messages in asked if messages[-1]["content"] == "And this?"]
    assert [message["role"] for message in second] == ["user", "assistant", "user"]


def test_a_response_is_kept_until_it_is_deleted(sdk: Outcome) -> None:
    assert sdk["retrieved"] is True
    assert sdk["deleted"]["classes"][0] == "NotFoundError"


def test_what_shall_not_be_stored_is_not(sdk: Outcome) -> None:
    assert sdk["not_stored"]["classes"][0] == "NotFoundError"


def test_a_forgotten_response_is_a_bad_request_not_a_conversation_without_its_beginning(sdk: Outcome) -> None:
    error = sdk["forgotten"]
    assert (error["classes"][0], error["status"], error["code"]) == (
        "BadRequestError",
        400,
        "previous_response_not_found",
    )


def test_an_image(sdk: Outcome) -> None:
    assert sdk["image"] == "I see 1 image. You said: What is this?"


def test_output_by_json_schema(sdk: Outcome) -> None:
    assert json.loads(sdk["schema"]) == {"city": "text"}


def test_reasoning_and_its_way_back(sdk: Outcome) -> None:
    assert sdk["reasoning"] == {"types": ["reasoning", "message"], "summary": [THOUGHT], "after": SAID}
    first, second = sdk.thinker()
    assert first["reasoning_effort"] == "high"
    (detail,) = second["messages"][1]["reasoning_details"]
    assert (detail["text"], detail["signature"]) == (THOUGHT, SIGNATURE)


@pytest.mark.parametrize("stream", ["", "-streamed"], ids=["whole", "stream"])
@pytest.mark.parametrize(
    ("model", "expected"),
    [
        pytest.param("err-400", ("BadRequestError", 400, "invalid_request"), id="400"),
        pytest.param("err-401", ("AuthenticationError", 401, "invalid_api_key"), id="401"),
        pytest.param("err-403", ("PermissionDeniedError", 403, "unsupported_region"), id="403"),
        pytest.param("err-404-model", ("NotFoundError", 404, "model_not_found"), id="404"),
        pytest.param("nope", ("NotFoundError", 404, "model_not_found"), id="404 of our own"),
        pytest.param("err-422", ("UnprocessableEntityError", 422, "invalid_request"), id="422"),
        pytest.param("err-429-header", ("RateLimitError", 429, "rate_limit_exceeded"), id="429"),
        pytest.param("err-quota", ("RateLimitError", 429, "insufficient_quota"), id="429, no quota"),
        pytest.param("err-500", ("InternalServerError", 500, "server_error"), id="500"),
        pytest.param("err-503", ("InternalServerError", 503, "overloaded"), id="503"),
        pytest.param("err-529", ("InternalServerError", 529, "overloaded"), id="529"),
        pytest.param("err-context", ("BadRequestError", 400, "context_length_exceeded"), id="too long a prompt"),
    ],
)
def test_the_sdks_own_exception(sdk: Outcome, model: str, stream: str, expected: tuple[str, int, str]) -> None:
    error = sdk.error(model + stream)
    assert (error["classes"][0], error["status"], error["code"]) == expected, error


@pytest.mark.parametrize("stream", ["", "-streamed"], ids=["whole", "stream"])
def test_when_to_come_back(sdk: Outcome, stream: str) -> None:
    assert int(sdk.error(f"err-429-header{stream}")["retry_after"]) in {1, 2}


def test_a_wrong_client_key_is_an_authentication_error(sdk: Outcome) -> None:
    assert sdk.error("wrong key")["classes"][0] == "AuthenticationError"


def test_a_malformed_request_is_a_bad_request_that_names_the_field(sdk: Outcome) -> None:
    error = sdk.error("malformed")
    assert error["classes"][0] == "BadRequestError"
    assert "'tools'" in error["message"]


def test_a_cut_stream_is_an_api_error(sdk: Outcome) -> None:
    assert sdk.error("cut")["classes"][0] == "APIError", sdk.error("cut")


def test_the_pages_python(tmp_path: Path) -> None:
    python = python_client("openai", "openai") / "python"
    code = "\n".join([*blocks(TITLE, "python"), "print(answer.choices[0].message.content, response.output_text)"])
    with stack(tmp_path) as behind:
        said = run([python, "-c", filled(code, behind)], behind).stdout
    assert said.strip() == "You said: Hello! You said: Hello!"


def test_the_pages_javascript(tmp_path: Path) -> None:
    home = npm_client("openai")
    shown = "console.log(answer.choices[0].message.content, response.output_text);"
    code = "\n".join([*blocks(TITLE, "javascript"), shown])
    with stack(tmp_path) as behind:
        said = run(["node", "--input-type=module", "-e", filled(code, behind)], behind, folder=home).stdout
    assert said.strip() == "You said: Hello! You said: Hello!"
