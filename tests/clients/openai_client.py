"""The package ``openai`` against ``OPENAI_BASE_URL``. Prints one JSON object: what each use of it came to.

It runs in the client's own Python, so it imports nothing of ours. Arguments: a chat model and one that thinks aloud.
"""

# mypy: ignore-errors

from __future__ import annotations

import json
import sys

import openai

chat, thinker = sys.argv[1:]
client = openai.OpenAI(max_retries=0)
schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
function = {"name": "weather", "description": "The weather in a city.", "parameters": schema}
tools = [{"type": "function", "strict": False, **function}]
report = {}


def says(content):
    return [{"role": "user", "content": content}]


def ask(input, **fields):  # noqa: A002 - the API's word
    return client.responses.create(**{"model": chat, "input": input, **fields})


def failure(work):
    try:
        work()
    except openai.OpenAIError as error:
        response = getattr(error, "response", None)
        return {
            "classes": [each.__name__ for each in type(error).__mro__],
            "status": getattr(error, "status_code", None),
            "code": getattr(error, "code", None),
            "retry_after": response.headers.get("retry-after") if response is not None else None,
            "message": str(error),
        }
    return {"classes": []}


def chat_loop():
    """Tools until the model has enough of them, over streamed chat completions."""
    messages, called = says("use the tool"), []
    while True:
        fields = {"model": chat, "messages": messages, "tools": [{"type": "function", "function": function}]}
        with client.chat.completions.stream(**fields) as stream:
            choice = stream.get_final_completion().choices[0]
        if choice.finish_reason != "tool_calls":
            return {"called": called, "text": choice.message.content}
        calls = choice.message.tool_calls
        called += [[call.function.name, json.loads(call.function.arguments)] for call in calls]
        results = [{"role": "tool", "tool_call_id": call.id, "content": "sunny"} for call in calls]
        messages = [*messages, choice.message.model_dump(exclude_none=True), *results]


def loop(streamed, remembered):
    """The same over responses; ``remembered`` sends the results only, for the gateway knows the rest."""
    items, called, previous = says("use the tool"), [], {}
    while True:
        if streamed:
            with client.responses.stream(model=chat, input=items, tools=tools, **previous) as stream:
                response = stream.get_final_response()
        else:
            response = ask(items, tools=tools, **previous)
        calls = [item for item in response.output if item.type == "function_call"]
        if not calls:
            return {"called": called, "text": response.output_text}
        called += [[call.name, json.loads(call.arguments)] for call in calls]
        results = [{"type": "function_call_output", "call_id": call.call_id, "output": "sunny"} for call in calls]
        if remembered:
            items, previous = results, {"previous_response_id": response.id}
        else:
            items = [*items, *response.output, *results]


report["chat_loop"] = chat_loop()

answer = ask("Hello")
report["response"] = {"text": answer.output_text, "status": answer.status, "model": answer.model}
report["usage"] = answer.usage.model_dump()
with client.responses.stream(model=chat, input="Hello") as stream:
    events = list(stream)
    report["stream_final"] = stream.get_final_response().output_text
report["stream"] = [event.delta for event in events if event.type == "response.output_text.delta"]
raw = list(ask("Hello", stream=True))
report["raw_stream"] = [event.type for event in raw]
report["sequence"] = [event.sequence_number for event in raw]

report["tool_loop"] = loop(streamed=False, remembered=False)
report["streamed_tool_loop"] = loop(streamed=True, remembered=False)
report["remembered_tool_loop"] = loop(streamed=True, remembered=True)

second = ask("And this?", previous_response_id=answer.id)
report["second"] = {"text": second.output_text, "previous": second.previous_response_id == answer.id}
report["retrieved"] = client.responses.retrieve(second.id).output_text == second.output_text
client.responses.delete(second.id)
report["deleted"] = failure(lambda: client.responses.retrieve(second.id))
report["forgotten"] = failure(lambda: ask("Hello", previous_response_id=second.id))
unkept = ask("Hello", store=False)
report["not_stored"] = failure(lambda: client.responses.retrieve(unkept.id))

image = {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo=", "detail": "auto"}
report["image"] = ask(says([{"type": "input_text", "text": "What is this?"}, image])).output_text
form = {"type": "json_schema", "name": "weather", "schema": {**schema, "additionalProperties": False}, "strict": True}
report["schema"] = ask("now", text={"format": form}).output_text

deep = {"model": thinker, "include": ["reasoning.encrypted_content"], "store": False}
with client.responses.stream(input="Think", reasoning={"effort": "high", "summary": "auto"}, **deep) as stream:
    thought = stream.get_final_response()
report["reasoning"] = {
    "types": [item.type for item in thought.output],
    "summary": [part.text for item in thought.output if item.type == "reasoning" for part in item.summary],
    "after": ask([*says("Think"), *thought.output, *says("Go on")], **deep).output_text,
}

errors = report["errors"] = {}
for model in json.loads(sys.stdin.read()):
    errors[model] = failure(lambda name=model: ask("Hello", model=name))
    errors[f"{model}-streamed"] = failure(lambda name=model: list(ask("Hello", model=f"{name}-streamed", stream=True)))
errors["wrong key"] = failure(
    lambda: openai.OpenAI(api_key="wrong", max_retries=0).responses.create(model=chat, input="Hello")
)
errors["malformed"] = failure(lambda: ask(says("Hello"), tools="weather"))
errors["cut"] = failure(lambda: list(ask("Hello", model="cut-streamed", stream=True)))

print(json.dumps(report))
