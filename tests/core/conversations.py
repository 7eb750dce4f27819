"""Any conversation a client may have: every field, in texts that look real and texts that break things.

They are well formed as :mod:`switchgear.conversation` says: a call is answered in the next turn, a cache point stands
behind a part that may be cached, an id is used once.
"""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Sequence
from typing import Any, Literal

from hypothesis import strategies as st

from switchgear.conversation import (
    CachePoint,
    CacheTtl,
    Conversation,
    File,
    Image,
    Message,
    Part,
    ReasoningOptions,
    ResponseFormat,
    Sampling,
    Tool,
    ToolChoice,
    ToolResult,
)
from switchgear.events import Reasoning, Text, ToolCall

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="  # a 1x1 PNG
PDF = base64.b64encode(b"%PDF-1.4\n%%EOF\n").decode()
CSV = base64.b64encode("name;größe\nä;1\n".encode()).decode()
ZIP = base64.b64encode(b"PK\x05\x06" + bytes(18)).decode()

_WORDS = (
    "Read main.py and fix the bug.",
    "  indented\n\ttabbed  \n",
    'She said "no" \\ and left\r\n',
    "Größe 東京 🦊 e\u0301",
    "line\u2028separator\u2029paragraph\u0085next",
    "data: {}\n\ndata: [DONE]\n\n",
    "<b>&amp;</b> \x00 \x1f \ufeff",
    '{"type":"text"}',
)
words = st.one_of(
    st.sampled_from(_WORDS),
    st.text(st.sampled_from('ab "\\\n\r\t{}:é\u2028🦊\x00'), min_size=1, max_size=12).filter(
        lambda text: bool(text.strip())
    ),
)
"""A text with something in it to read."""

_names = st.sampled_from(("Bash", "read_file", "mcp__docs__search", "get-weather", "x" * 64))
_ids = st.sampled_from(("call_", "toolu_01", "call.", "call:", "functions.Bash:", "fc|é ", "call_2e", "chatcmpl-tool-"))
_signatures = st.sampled_from(("EqQBCkgIARABGAIiQ+/==", "gAAAAABo-_x", "sig\u2028\"'é"))
_ttls: st.SearchStrategy[CacheTtl] = st.sampled_from(("5m", "1h"))

_numbers = st.one_of(st.integers(-5, 5), st.sampled_from((2**53, 2**63, -(2**64), 10**30, 0.1, 1e16, -0.5, 1e-7)))
_values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), _numbers, words),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(words, inner, max_size=2)),
    max_leaves=4,
)
arguments = st.one_of(
    st.sampled_from(("", "{}", '{"path": "/tmp/a b"}', '{"a":1,"b":[]}', ' {"caf\\u00e9" : "\\ud83e\\udd8a\\n"} ')),
    st.dictionaries(words, _values, max_size=3).map(json.dumps),
    st.dictionaries(words, _values, max_size=3).map(lambda value: json.dumps(value, ensure_ascii=False, indent=1)),
)
"""The JSON text of an object, in any spelling."""

_SCHEMAS: tuple[dict[str, Any], ...] = (
    {},
    {"type": "object", "properties": {}},
    {"type": "object", "properties": {"path": {"type": "string", "description": 'The "path"'}}, "required": ["path"]},
    {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "größe\n": {"type": "integer", "maximum": 2**53, "minimum": -(2**53)},
            "$ref": {"enum": [None, 1.5]},
        },
        "additionalProperties": False,
    },
)
_schemas = st.sampled_from(_SCHEMAS)
_strict = st.sampled_from((None, True, False))


def _some(values: Sequence[Any]) -> st.SearchStrategy[Any]:
    """One of them, or more often ``None``."""
    return st.one_of(st.none(), st.sampled_from(values))


texts = words.map(Text)
images = st.builds(
    lambda source, detail: Image(**source, detail=detail),
    st.sampled_from(
        (
            {"media_type": "image/png", "data": PIXEL},
            {"media_type": "image/webp", "data": PIXEL},
            {"url": "https://example.com/a.png?b=1&c=ü"},
        )
    ),
    _some(("low", "high", "auto")),
)
files = st.builds(
    lambda source, name: File(**source, name=name),
    st.sampled_from(
        (
            {"media_type": "application/pdf", "data": PDF},
            {"media_type": "application/pdf", "data": PDF},
            {"media_type": "text/csv", "data": CSV},
            {"media_type": "text/plain", "text": "Some text.\n\u2028 More."},
            {"media_type": "application/zip", "data": ZIP},
            {"url": "https://example.com/a.pdf"},
        )
    ),
    st.sampled_from(("", "report.pdf", 'größe "1".txt')),
)


@st.composite
def _pointed(draw: st.DrawFn, parts: Sequence[Part]) -> tuple[Part, ...]:
    """The parts, with cache points behind some that may be cached."""
    out: list[Part] = []
    for part in parts:
        out.append(part)
        if not isinstance(part, Reasoning) and draw(st.integers(0, 7)) == 0:
            out.append(CachePoint(draw(_ttls)))
    return tuple(out)


def _message(role: Literal["system", "developer", "user"], parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Message]:
    listed = st.lists(parts, min_size=1, max_size=3)
    return listed.flatmap(_pointed).map(lambda pointed: Message(role, pointed))


_system = st.one_of(_message("system", texts), _message("developer", texts))
_user = _message("user", st.one_of(texts, texts, images, files))
reasonings = st.one_of(
    st.builds(Reasoning, words),
    st.builds(Reasoning, words, _signatures),
    st.builds(lambda signature: Reasoning("", signature, True), _signatures),
)
_said = st.one_of(reasonings, texts, texts, words.map(lambda text: Text(text, refusal=True)))


@st.composite
def _results(draw: st.DrawFn, calls: Sequence[ToolCall]) -> list[Message]:
    """The calls' results in any order, in one message or several."""
    inner = st.lists(st.one_of(texts, texts, images, files), max_size=2)
    results = []
    for call in draw(st.permutations(calls)):
        parts: Any = draw(_pointed(draw(inner)))
        results.append(ToolResult(call.id, parts, draw(st.integers(0, 3)) == 0))
    cut = draw(st.integers(0, len(results)))
    return [Message("tool", draw(_pointed(part))) for part in (results[:cut], results[cut:]) if part]


@st.composite
def _messages(draw: st.DrawFn) -> tuple[Message, ...]:
    messages = draw(st.lists(_system, max_size=2))
    count = itertools.count()
    for _ in range(draw(st.integers(1, 3))):
        messages += draw(st.lists(_user, min_size=1, max_size=2))
        if draw(st.integers(0, 4)) == 0:
            break
        calls = [
            ToolCall(f"{draw(_ids)}{next(count)}", draw(_names), draw(arguments))
            for _ in range(draw(st.integers(0, 2)))
        ]
        said = draw(st.lists(_said, min_size=0 if calls else 1, max_size=3))
        mixed = draw(st.permutations([*said, *calls])) if draw(st.integers(0, 3)) == 0 else [*said, *calls]
        messages.append(Message("assistant", draw(_pointed(mixed))))
        messages += draw(_results(calls))
        if draw(st.integers(0, 4)) == 0:
            messages.append(draw(_system))
    return tuple(messages)


tools = st.lists(
    st.builds(Tool, _names, st.one_of(st.just(""), words), _schemas, _strict, _some(("5m", "1h", None))),
    max_size=3,
    unique_by=lambda tool: tool.name,
).map(tuple)

_options = st.one_of(
    st.just(ReasoningOptions()),
    st.builds(
        ReasoningOptions,
        st.just(True),
        _some(("low", "medium", "high", "xhigh", "max", "minimal")),
        _some((1024, 4095, 4096, 16384, 60000)),
        _some(("auto", "concise", "detailed")),
    ),
    st.builds(ReasoningOptions, st.none(), st.sampled_from(("none", "minimal", "medium")), st.none(), _some(("auto",))),
    st.builds(ReasoningOptions, st.none(), st.none(), st.none(), st.just("detailed")),
    st.builds(ReasoningOptions, st.just(False), _some(("none", "high"))),
)

_sampling = st.builds(
    Sampling,
    temperature=_some((0.0, 0.7, 1.0, 1.5, 2.0)),
    top_p=_some((0.0, 0.95, 1.0)),
    top_k=_some((1, 40)),
    seed=_some((0, 42, -7, 2**53)),
    presence_penalty=_some((0.0, -2.0, 0.5)),
    frequency_penalty=_some((0.0, 2.0, -0.25)),
)

_formats = st.one_of(
    st.none(),
    st.just(ResponseFormat("json_object")),
    st.builds(
        ResponseFormat,
        st.just("json_schema"),
        st.sampled_from(_SCHEMAS[1:]),
        st.sampled_from(("", "answer", "title-1")),
        st.one_of(st.just(""), words),
        _strict,
    ),
)


@st.composite
def conversations(draw: st.DrawFn) -> Conversation:
    """A conversation. A setting is left out as often as it is set."""
    offered = draw(tools)
    choices: list[ToolChoice | None] = [None, *(ToolChoice(mode) for mode in ("auto", "none", "required"))]
    choices += [ToolChoice("tool", tool.name) for tool in offered]
    return Conversation(
        messages=draw(_messages()),
        tools=offered,
        tool_choice=draw(st.sampled_from(choices)),
        parallel_tool_calls=draw(_strict),
        max_output_tokens=draw(_some((1, 4096, 64000))),
        stop=tuple(draw(st.lists(words, max_size=2, unique=True))),
        sampling=draw(_sampling),
        reasoning=draw(_options),
        response_format=draw(_formats),
        verbosity=draw(_some(("low", "medium", "high"))),
        user=draw(_some(("user-1", '{"device_id":"é"}', "u" * 64, "u" * 65))),
        metadata=draw(st.one_of(st.just({}), st.dictionaries(words, words, max_size=2))),
        cache_key=draw(_some(("key-1", "ключ"))),
        service_tier=draw(_some(("auto", "default", "flex", "priority", "standard_only"))),
    )
