"""The forms of chat completions, old completions and embeddings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from switchgear.testing.answer import Answer, Json
from switchgear.testing.asked import Asked, object_at, objects, parts_of, text_of, tool_of
from switchgear.testing.form import Form
from switchgear.testing.openai_answers import DONE, chunk, completion, deltas, embeddings, text_completion
from switchgear.testing.openai_personalities import ErrorSpec


class ChatForm(Form):
    """``/chat/completions``."""

    terminator = DONE

    def asked(self) -> Asked:
        """The last message tells whether a tool has spoken; the last one of a user is the text."""
        messages = objects(self.body.get("messages"))
        last = messages[-1] if messages else {}
        content = next((m.get("content") for m in reversed(messages) if m.get("role") == "user"), None)
        spoke = last.get("role") == "tool"
        choice = self.body.get("tool_choice")
        return Asked(
            text=text_of(content),
            images=len(parts_of(last.get("content") if spoke else content, "image_url")),
            result=text_of(last.get("content")) if spoke else None,
            tools=[
                tool_of(object_at(tool, "function"), object_at(tool, "function").get("parameters"))
                for tool in objects(self.body.get("tools"))
            ],
            must_call=isinstance(choice, dict) or choice in ("required", "any"),
            may_call=choice != "none",
            wanted=object_at(choice, "function").get("name"),
            schema=_schema(self.body.get("response_format")),
            letters=sum(len(text_of(m.get("content"))) for m in messages),
        )

    def refusal(self, headers: Mapping[str, str]) -> ErrorSpec | None:
        """What the personality refuses."""
        return self.personality.refusal(self.body)

    @property
    def prelude(self) -> bytes:
        """The personality's."""
        return self.personality.prelude

    def whole(self, answer: Answer) -> Json:
        """A chat completion."""
        return _without_usage(completion(answer)) if self.says_usage is False else completion(answer)

    def opening(self, answer: Answer) -> Iterable[Json]:
        """The role."""
        return [chunk(answer, {"role": "assistant", "content": ""})]

    def output(self, answer: Answer, *, interleaved: bool = False) -> Iterable[Json]:
        """A chunk for each delta."""
        return (chunk(answer, delta) for delta in deltas(answer, interleaved=interleaved))

    def closing(self, answer: Answer) -> Iterable[Json]:
        """The finish reason; and the usage, in a chunk without a choice, where it is asked for."""
        usage = [chunk(answer, None, usage=answer.usage)] if self.wants_usage else []
        return [chunk(answer, {}, answer.finish_reason), *usage]

    @property
    def wants_usage(self) -> bool:
        """Whether a stream shall end with a usage chunk."""
        asked = object_at(self.body, "stream_options").get("include_usage") is True
        return asked if self.says_usage is None else self.says_usage


class TextForm(ChatForm):
    """``/completions``."""

    def asked(self) -> Asked:
        """The prompt is the text, and all there is."""
        prompt = str(self.body.get("prompt", ""))
        return Asked(text=prompt, letters=len(prompt))

    def whole(self, answer: Answer) -> Json:
        """A completion of the old kind."""
        usage = {} if self.says_usage is False else {"usage": answer.usage}
        return text_completion(answer, answer.text, answer.finish_reason, **usage)

    def opening(self, answer: Answer) -> Iterable[Json]:
        """Nothing comes before the text."""
        return []

    def output(self, answer: Answer, *, interleaved: bool = False) -> Iterable[Json]:
        """A chunk for each word."""
        return (text_completion(answer, piece, None) for piece in answer.pieces)

    def closing(self, answer: Answer) -> Iterable[Json]:
        """The finish reason, and the usage where it is asked for."""
        usage = {**text_completion(answer, "", None), "choices": [], "usage": answer.usage}
        return [text_completion(answer, "", answer.finish_reason), *([usage] if self.wants_usage else [])]


class EmbeddingsForm(ChatForm):
    """``/embeddings``, which never streams."""

    streams = False

    def whole(self, answer: Answer) -> Json:
        """The embeddings; the answer plays no part."""
        return embeddings(self.body)


def _without_usage(whole: Json) -> Json:
    return {name: value for name, value in whole.items() if name != "usage"}


def _schema(response_format: object) -> Json | None:
    if object_at(response_format).get("type") == "json_object":
        return {"type": "object"}
    schema = object_at(response_format, "json_schema").get("schema")
    return schema if isinstance(schema, dict) else None
