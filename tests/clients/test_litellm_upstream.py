"""An upstream that nobody here wrote: a LiteLLM proxy with a mock model, with the files of docs/upstreams.md."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import OpenAI
from ruamel.yaml import YAML

from tests.clients.installs import ROOT, python_client
from tests.clients.stack import KEY, answers, ask, free_port, gateway, loopback_only, process, wait_for

MASTER_KEY = "sk-litellm-master-key-0123456789"
SAID = "Hello from a server that nobody here wrote."


@dataclass(frozen=True)
class Chain:
    client: OpenAI
    config: Path
    env: dict[str, str]


def of_the_docs() -> tuple[str, dict[str, Any]]:
    """The two files of the section: what LiteLLM is given, and what the gateway is given."""
    page = (ROOT / "docs" / "upstreams.md").read_text()
    section = page.partition("## A LiteLLM proxy")[2].partition("\n## ")[0]
    theirs, ours = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    return theirs, YAML(typ="safe").load(ours)


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    command = python_client("litellm", "litellm[proxy]") / "litellm"
    folder = tmp_path_factory.mktemp("litellm")
    theirs, ours = of_the_docs()
    config = folder / "litellm.yaml"
    config.write_text(theirs)
    port = free_port()
    (entry,) = ours["openai-compatibility"]
    entry["base-url"] = entry["base-url"].replace("4000", str(port))
    key = {"LITELLM_MASTER_KEY": MASTER_KEY}
    words = [str(command), "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    with loopback_only(folder) as env:
        whole = {**env, **key, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        with process(words, folder / "litellm.log", whole) as (proxy, log):
            wait_for(proxy, log, lambda: answers(f"http://127.0.0.1:{port}/health/liveliness"))
            with gateway(folder, ours, key) as url, OpenAI(base_url=f"{url}/v1", api_key=KEY, max_retries=0) as client:
                yield Chain(client, folder / "config.yaml", key)


def says(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


def test_a_chat(chain: Chain) -> None:
    answer = chain.client.chat.completions.create(model="ll/mock-gpt", messages=says("Hello"))
    assert answer.choices[0].message.content == SAID
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None


def test_a_stream(chain: Chain) -> None:
    stream = chain.client.chat.completions.create(
        model="ll/mock-gpt", messages=says("Hello"), stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == SAID
    assert "stop" in {chunk.choices[0].finish_reason for chunk in chunks if chunk.choices}
    assert any(chunk.usage for chunk in chunks)


def test_its_models_are_the_gateways(chain: Chain) -> None:
    assert {model.id for model in chain.client.models.list()} == {"ll/mock-gpt", "mock-gpt"}


def test_the_command_lists_its_models(chain: Chain) -> None:
    words = [sys.executable, "-m", "switchgear", "models", "--config", str(chain.config)]
    done = ask(words, {**os.environ, **chain.env}, chain.config.parent)
    assert done.returncode == 0, done.stderr
    assert "ll/mock-gpt" in done.stdout


@pytest.mark.parametrize(
    ("key", "model", "kind"),
    [
        pytest.param(MASTER_KEY, "not-there", "model_not_found", id="model"),
        # Without a database it answers an unknown key with 400 "No connected db.", not with 401.
        pytest.param("sk-another-key-0123456789", "mock-gpt", "login_required", id="key"),
    ],
)
def test_what_it_refuses_is_the_sdks_own_exception(
    chain: Chain, tmp_path: Path, key: str, model: str, kind: str
) -> None:
    (entry,) = json.loads(chain.config.read_text())["openai-compatibility"]
    entry["models"] = [{"name": model}]
    with gateway(tmp_path, {"openai-compatibility": [entry]}, {"LITELLM_MASTER_KEY": key}) as url:
        with OpenAI(base_url=f"{url}/v1", api_key=KEY, max_retries=0) as client:
            with pytest.raises(openai.BadRequestError):
                client.chat.completions.create(model=f"ll/{model}", messages=says("Hello"))
    assert f'"kind": "{kind}"' in (tmp_path / "gateway.log").read_text()
