"""The package ``anthropic`` against ``ANTHROPIC_BASE_URL``. Prints one JSON object: what each use of it came to.

It runs in the client's own Python, so it imports nothing of ours. Arguments: a chat model and one that thinks aloud.
"""

# mypy: ignore-errors

from __future__ import annotations

import json
import sys

import anthropic
from anthropic import beta_tool

chat, thinker = sys.argv[1:]
client = anthropic.Anthropic(max_retries=0)
schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
tools = [{"name": "weather", "description": "The weather in a city.", "input_schema": schema}]
dot = "iVBORw0KGgo="
report = {}


def says(content):
    return [{"role": "user", "content": content}]


def ask(messages, **fields):
    return client.messages.create(**{"model": chat, "max_tokens": 1000, "messages": messages, **fields})


def text(message):
    return "".join(block.text for block in message.content if block.type == "text")


def plain(message):
    return [block.model_dump(exclude_none=True) for block in message.content]


def failure(work):
    try:
        work()
    except anthropic.AnthropicError as error:
        body = getattr(error, "body", None)
        inner = body.get("error", {}) if isinstance(body, dict) else {}
        return {
            "classes": [each.__name__ for each in type(error).__mro__],
            "status": getattr(error, "status_code", None),
            "type": inner.get("type"),
            "request_id": getattr(error, "request_id", None),
            "retry_after": error.response.headers.get("retry-after") if hasattr(error, "response") else None,
            "message": str(error),
        }
    return {"classes": []}


answer = ask(says("Hello"))
report["chat"] = {"text": text(answer), "stop": answer.stop_reason, "model": answer.model}
report["usage"] = answer.usage.model_dump()

with client.messages.stream(model=chat, max_tokens=1000, messages=says("Hello")) as stream:
    report["stream"] = list(stream.text_stream)
    report["stream_final"] = text(stream.get_final_message())
    report["stream_usage"] = stream.get_final_message().usage.model_dump()
report["raw_stream"] = [event.type for event in ask(says("Hello"), stream=True)]


def loop(streamed):
    """Tools until the model has enough of them."""
    messages, called = says("use the tool"), []
    while True:
        fields = {"model": chat, "max_tokens": 1000, "messages": messages, "tools": tools}
        if streamed:
            with client.messages.stream(**fields) as turn:
                message = turn.get_final_message()
        else:
            message = client.messages.create(**fields)
        calls = [block for block in message.content if block.type == "tool_use"]
        if message.stop_reason != "tool_use":
            return {"called": called, "text": text(message), "stop": message.stop_reason}
        called += [[call.name, call.input] for call in calls]
        results = [{"type": "tool_result", "tool_use_id": call.id, "content": "sunny"} for call in calls]
        messages = [*messages, {"role": "assistant", "content": message.content}, {"role": "user", "content": results}]


report["tool_loop"] = loop(streamed=False)
report["streamed_tool_loop"] = loop(streamed=True)

asked = []


@beta_tool
def weather(city: str) -> str:
    """The weather in a city."""
    asked.append(city)
    return "sunny"


runner = client.beta.messages.tool_runner(model=chat, max_tokens=1000, tools=[weather], messages=says("use the tool"))
report["runner"] = {"text": text(runner.until_done()), "asked": list(asked)}
asked.clear()
running = client.beta.messages.tool_runner(
    model=chat, max_tokens=1000, tools=[weather], messages=says("use the tool"), stream=True
)
finals = [stream.get_final_message() for stream in running]
report["streamed_runner"] = {"text": text(finals[-1]), "asked": list(asked)}

image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": dot}}
use = {"type": "tool_use", "id": "toolu_1", "name": "camera", "input": {}}
result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "a photo"}, image]}
history = [*says("look"), {"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]
report["image"] = text(ask(says([image, {"type": "text", "text": "What is this?"}])))
report["image_in_result"] = text(ask(history))

thinking = {"type": "enabled", "budget_tokens": 2000}
with client.messages.stream(model=thinker, max_tokens=4000, messages=says("Think"), thinking=thinking) as stream:
    thought = stream.get_final_message()
report["thinking"] = {"streamed": plain(thought)}
report["thinking"]["whole"] = plain(ask(says("Think"), model=thinker, max_tokens=4000, thinking=thinking))
again = [*says("Think"), {"role": "assistant", "content": thought.content}, *says("Go on")]
report["thinking"]["after"] = text(ask(again, model=thinker, max_tokens=4000, thinking=thinking))

counted = client.messages.count_tokens(model=chat, messages=says("Hello, how many are these?"), tools=tools)
report["tokens"] = counted.input_tokens
report["models"] = [model.id for model in client.models.list()]
report["model"] = client.models.retrieve(chat).id

errors = report["errors"] = {}
for model in json.loads(sys.stdin.read()):
    errors[model] = failure(lambda name=model: ask(says("Hello"), model=name))
    errors[f"{model}-streamed"] = failure(
        lambda name=model: list(ask(says("Hello"), model=f"{name}-streamed", stream=True))
    )
errors["wrong key"] = failure(
    lambda: anthropic.Anthropic(api_key="wrong", auth_token=None, max_retries=0).models.list()
)
errors["wrong key in a chat"] = failure(
    lambda: anthropic.Anthropic(api_key="wrong", auth_token=None, max_retries=0).messages.create(
        model=chat, max_tokens=10, messages=says("Hello")
    )
)
errors["malformed"] = failure(lambda: ask("Hello"))
errors["cut"] = failure(lambda: list(ask(says("Hello"), model="cut-streamed", stream=True)))

print(json.dumps(report))
