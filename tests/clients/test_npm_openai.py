"""The npm package ``openai``: one script does all it can, the tests look at what came of it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.clients.installs import npm_client
from tests.clients.stack import KEY, Stack, ask, stack

SCRIPT = Path(__file__).with_name("openai_client.mjs")


@dataclass(frozen=True)
class Outcome:
    report: dict[str, Any]
    behind: Stack

    def __getitem__(self, name: str) -> Any:
        return self.report[name]


@pytest.fixture(scope="module")
def npm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    home = npm_client("openai")
    folder = tmp_path_factory.mktemp("npm")
    with stack(folder) as behind:
        env = {"PATH": os.environ["PATH"], "OPENAI_BASE_URL": behind.base_url, "OPENAI_API_KEY": KEY}
        done = ask(["node", SCRIPT, home, "f/chat", "f/text-embedding-3-small"], env, folder)
        assert done.returncode == 0, done.stderr
        yield Outcome(json.loads(done.stdout), behind)


def test_a_chat_and_its_usage(npm: Outcome) -> None:
    assert npm["chat"] == "You said: Hello"
    assert npm["usage"]["total_tokens"] > 0


def test_a_stream_in_pieces_with_usage(npm: Outcome) -> None:
    assert "".join(npm["stream"]) == "You said: Hello"
    assert len(npm["stream"]) > 2
    assert npm["stream_usage"]["total_tokens"] > 0


def test_a_tool_call_and_its_result(npm: Outcome) -> None:
    assert npm["tool"] == {"finish": "tool_calls", "name": "weather", "arguments": {"city": "text"}}
    assert npm["after_tool"] == "The tool said: sunny"


def test_a_streamed_tool_call(npm: Outcome) -> None:
    assert npm["streamed_tool"]["name"] == "weather"
    assert json.loads(npm["streamed_tool"]["arguments"]) == {"city": "text"}


def test_an_image(npm: Outcome) -> None:
    assert npm["image"] == "I see 1 image. You said: What is this?"


def test_output_by_json_schema(npm: Outcome) -> None:
    assert json.loads(npm["schema"]) == {"city": "text", "degrees": 1}


def test_embeddings_in_base64_and_as_floats(npm: Outcome) -> None:
    asked = [call.body.get("encoding_format") for call in npm.behind.fake.calls if call.endpoint == "/embeddings"]
    assert asked == ["base64", "float"], "the SDK's default is base64"
    for packed, plain in zip(npm["embeddings"], npm["float_embeddings"], strict=True):
        assert packed == pytest.approx(plain, abs=1e-6)


def test_the_models(npm: Outcome) -> None:
    assert {"f/chat", "chat", "f/text-embedding-3-small"} <= set(npm["models"])


@pytest.mark.parametrize("stream", ["", "-streamed"], ids=["whole", "stream"])
@pytest.mark.parametrize(
    ("model", "expected"),
    [
        pytest.param("err-400", ("BadRequestError", 400), id="400"),
        pytest.param("err-401", ("AuthenticationError", 401), id="401"),
        pytest.param("err-404-model", ("NotFoundError", 404), id="404"),
        pytest.param("nope", ("NotFoundError", 404), id="404 of our own"),
        pytest.param("err-429-header", ("RateLimitError", 429), id="429"),
        pytest.param("err-500", ("InternalServerError", 500), id="500"),
        pytest.param("err-503", ("InternalServerError", 503), id="503"),
    ],
)
def test_the_sdks_own_exception(npm: Outcome, model: str, stream: str, expected: tuple[str, int]) -> None:
    error = npm["errors"][model + stream]
    assert (error["name"], error["status"]) == expected, error


def test_a_wrong_client_key_is_an_authentication_error(npm: Outcome) -> None:
    assert npm["errors"]["wrong key"]["name"] == "AuthenticationError"


def test_a_cut_stream_is_an_api_error(npm: Outcome) -> None:
    assert npm["errors"]["cut"]["name"] == "APIError", npm["errors"]["cut"]
