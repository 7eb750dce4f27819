"""Logging: one structured line for each request and each attempt; readable on a terminal, JSON elsewhere.

Secrets are masked and control characters escaped before anything is written, whoever wrote the line.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

import msgspec
import structlog
from structlog.typing import EventDict, WrappedLogger

from switchgear.log_lines import Lines, LinesBehind
from switchgear.secret import redact

Format = Literal["auto", "json", "text"]

_COLOURS = {"debug": "2", "info": "36", "warning": "33", "error": "31", "critical": "31;1"}
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(0x20), 0x7F, *range(0x80, 0xA0))}
_CONTROL[ord("\n")] = "\\n"
_CONTROL[0x2028] = "\\u2028"
_CONTROL[0x2029] = "\\u2029"


def configure(format_: Format = "auto", level: str = "info", stream: TextIO | None = None) -> None:
    """Send every log line, the libraries' too, to ``stream`` (standard error if ``None``), each at once."""
    _configure(format_, level, Lines(stream), stream if stream is not None else sys.stderr, cached=False)


@contextmanager
def behind(format_: Format = "auto", level: str = "info") -> Iterator[None]:
    """Likewise for a process that serves: lines are written by a thread, a moment later; the last ones at the end.

    Loggers are settled when first used, so that a line costs little: nothing may configure logging again.
    """
    lines = LinesBehind(sys.stderr)
    _configure(format_, level, lines, sys.stderr, cached=True)
    try:
        yield
    finally:
        lines.close()


def _configure(format_: Format, level: str, lines: Lines | LinesBehind, target: TextIO, *, cached: bool) -> None:
    text = format_ == "text" or (format_ == "auto" and target.isatty())
    rendering = (clean, TextRenderer(colour=target.isatty())) if text else (render_json,)
    logger = structlog.make_filtering_bound_logger(level)
    structlog.configure(
        processors=[stamp, structlog.processors.format_exc_info, *rendering],
        wrapper_class=logger if text or level not in {"debug", "info"} else _straight(logger, lines),
        logger_factory=lambda *_: lines,
        cache_logger_on_first_use=cached,
    )
    logging.basicConfig(handlers=[_Forwarder()], level=logging.WARNING, force=True)


def _straight(base: Any, lines: Lines | LinesBehind) -> Any:
    """``base``, but plain lines of the level info, two for each request, take half the time."""

    class Straight(base):  # type: ignore[misc]
        def info(self, event: str, *args: Any, **fields: Any) -> None:
            if args or self._context or "exc_info" in fields:
                super().info(event, *args, **fields)
                return
            fields["event"] = event
            lines.msg(render_json(None, "info", stamp(None, "info", fields)))

    return Straight


class _Forwarder(logging.Handler):
    """Takes the libraries' own log records into ours."""

    def emit(self, record: logging.LogRecord) -> None:
        logger = structlog.get_logger(record.name)
        logger.log(record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info or None)


_second = (0, "")
"""The second under way, and how it is written: made once for all lines of it."""


def stamp(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Say how grave it is, and when it was (UTC)."""
    global _second
    now = time.time()
    second = int(now)
    made = _second
    if made[0] != second:
        made = _second = second, datetime.fromtimestamp(second, UTC).isoformat()[:19]
    event["level"] = "error" if method == "exception" else method
    event["timestamp"] = f"{made[1]}.{int((now - second) * 1e6):06d}Z"
    return event


def clean(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Mask secrets and escape control characters in every text of the line; drop what is ``None``."""
    cleaned: EventDict = {}
    for name, value in event.items():
        if isinstance(value, str):
            text = redact(value)
            cleaned[name] = text if text.isprintable() or name == "exception" else text.translate(_CONTROL)
        elif value is not None:
            cleaned[name] = value if isinstance(value, int | float | bool) else redact(str(_masked(value)))
    return cleaned


def _masked(value: object) -> object:
    """The value without secrets in the texts it holds: its own text would show them in quotes, and escaped."""
    match value:
        case str():
            return redact(value)
        case list() | tuple() | set():
            return [_masked(item) for item in value]
        case dict():
            return {_masked(name): _masked(item) for name, item in value.items()}
    return value


_encode = msgspec.json.Encoder(enc_hook=str).encode


def render_json(logger: WrappedLogger, method: str, event: EventDict) -> str:
    """The line as one JSON object, in ASCII, cleaned.

    Nearly every line is found clean as a whole: where nothing in it had to be escaped, a secret would stand as it is.
    """
    said = {name: value for name, value in event.items() if value is not None} if None in event.values() else event
    line = msgspec.json.format(_encode(said), indent=0)
    if line.isascii() and b"\\" not in line and b"\x7f" not in line:
        text = line.decode()
        if redact(text) is text:
            return text
    return json.dumps(clean(logger, method, event))


class TextRenderer:
    """The line for a person: time, level, event, then ``key=value``."""

    def __init__(self, *, colour: bool) -> None:
        self._colour = colour

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> str:
        """Render one line; a traceback follows on lines of its own, indented."""
        moment = str(event.pop("timestamp", ""))[11:19]
        level = str(event.pop("level", method))
        exception = event.pop("exception", None)
        name = str(event.pop("event", ""))
        fields = " ".join(f"{key}={_shown(value)}" for key, value in event.items())
        head = f"{moment} {level:<7} {name:<16}"
        if self._colour:
            head = f"\x1b[2m{moment}\x1b[0m \x1b[{_COLOURS.get(level, '0')}m{level:<7}\x1b[0m {name:<16}"
        line = f"{head} {fields}".rstrip()
        if exception is not None:
            lines = str(exception).splitlines()
            line += "".join(f"\n    {part.translate(_CONTROL)}" for part in lines)
        return line


def _shown(value: Any) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if not text or " " in text or '"' in text else text
