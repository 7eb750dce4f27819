"""The command line tool ``llm``, set up as docs/clients.md says."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.clients.installs import python_client
from tests.clients.stack import KEY, Stack, ask, loopback_only, stack

MODELS = """\
- model_id: chat
  model_name: f/chat
  api_base: "{base_url}"
  api_key_name: switchgear
  supports_schema: true
  supports_tools: true
  vision: true
- model_id: refused
  model_name: err-401
  api_base: "{base_url}"
  api_key_name: switchgear
"""
SCHEMA = '{"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}'


@dataclass(frozen=True)
class Llm:
    command: Path
    env: dict[str, str]
    behind: Stack

    def run(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        return ask([self.command, *words], {**self.env, **env}, self.behind.folder)

    def says(self, *words: str, **env: str) -> str:
        done = self.run(*words, **env)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    @property
    def last(self) -> dict[str, object]:
        """The last body that went upstream."""
        return self.behind.fake.calls[-1].body


@pytest.fixture(scope="module")
def llm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Llm]:
    command = python_client("llm", "llm") / "llm"
    folder = tmp_path_factory.mktemp("llm")
    with stack(folder) as behind, loopback_only(folder) as env:
        user = folder / "user"
        user.mkdir()
        (user / "extra-openai-models.yaml").write_text(MODELS.format(base_url=behind.base_url))
        ready = Llm(command, {**env, "LLM_USER_PATH": str(user)}, behind)
        ready.says("keys", "set", "switchgear", "--value", KEY)
        yield ready


def test_a_chat(llm: Llm) -> None:
    assert llm.says("-m", "chat", "--no-stream", "Hello") == "You said: Hello"
    assert llm.last.get("stream") is not True


def test_a_stream(llm: Llm) -> None:
    assert llm.says("-m", "chat", "Hello") == "You said: Hello"
    assert llm.last["stream"] is True


def test_a_conversation(llm: Llm) -> None:
    llm.says("-m", "chat", "One")
    assert llm.says("-c", "Two") == "You said: Two"
    messages = llm.last["messages"]
    assert isinstance(messages, list)
    assert [message["role"] for message in messages] == ["user", "assistant", "user"]


def test_output_by_schema(llm: Llm) -> None:
    assert json.loads(llm.says("-m", "chat", "--schema", SCHEMA, "now")) == {"city": "text"}


def test_output_by_the_short_form_of_a_schema(llm: Llm) -> None:
    assert json.loads(llm.says("-m", "chat", "--schema", "city, degrees int", "now")) == {"city": "text", "degrees": 1}


def test_its_folder_is_where_the_page_says(llm: Llm) -> None:
    folder = Path(llm.says("logs", "path")).parent
    assert (folder / "extra-openai-models.yaml").exists()


@pytest.mark.parametrize("form", [["--no-stream"], []], ids=["whole", "stream"])
def test_a_tool_is_called_and_its_result_sent(llm: Llm, form: list[str]) -> None:
    function = "def sky(city: str) -> str:\n    'The sky.'\n    return 'blue over ' + city"
    said = llm.says("-m", "chat", *form, "--functions", function, "use the tool")
    assert said.endswith("The tool said: blue over text")


def test_an_image(llm: Llm, tmp_path: Path) -> None:
    picture = tmp_path / "dot.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(32))
    assert llm.says("-m", "chat", "What is this?", "-a", str(picture)) == "I see 1 image. You said: What is this?"


def test_an_embedding(llm: Llm) -> None:
    said = llm.says(*("embed", "-m", "3-small", "-c", "Hello"), OPENAI_BASE_URL=llm.behind.base_url, OPENAI_API_KEY=KEY)
    numbers = json.loads(said)
    assert numbers
    assert all(isinstance(number, float) for number in numbers)


def test_an_error_is_shown_as_the_gateway_says_it(llm: Llm) -> None:
    done = llm.run("-m", "refused", "--no-stream", "Hello")
    assert done.returncode != 0
    assert "401" in done.stderr
    assert "Traceback" not in done.stderr
