"""Logging: one structured line for each request and each attempt; readable on a terminal, JSON elsewhere.

Secrets are masked and control characters escaped before anything is written, whoever wrote the line.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger

from switchgear.secret import redact

Format = Literal["auto", "json", "text"]

_COLOURS = {"debug": "2", "info": "36", "warning": "33", "error": "31", "critical": "31;1"}
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(0x20), 0x7F, *range(0x80, 0xA0))}
_CONTROL[ord("\n")] = "\\n"
_CONTROL[0x2028] = "\\u2028"
_CONTROL[0x2029] = "\\u2029"


def configure(format_: Format = "auto", level: str = "info", stream: TextIO | None = None) -> None:
    """Send every log line, the libraries' too, to ``stream`` (standard error if ``None``)."""
    target = stream if stream is not None else sys.stderr
    lines = Lines(stream)
    text = format_ == "text" or (format_ == "auto" and target.isatty())
    renderer = TextRenderer(colour=target.isatty()) if text else render_json
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            clean,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: lines,
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[_Forwarder()], level=logging.WARNING, force=True)


class Lines:
    """Writes whole lines, each in one piece. ``None`` stands for what standard error is at that moment."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        """Write one line."""
        stream = self._stream if self._stream is not None else sys.stderr
        stream.write(line + "\n")
        stream.flush()

    debug = info = warning = error = critical = exception = log = msg


class _Forwarder(logging.Handler):
    """Takes the libraries' own log records into ours."""

    def emit(self, record: logging.LogRecord) -> None:
        logger = structlog.get_logger(record.name)
        logger.log(record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info or None)


def clean(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Mask secrets and escape control characters in every text of the line; drop what is ``None``."""
    cleaned: EventDict = {}
    for name, value in event.items():
        if isinstance(value, str):
            text = redact(value)
            cleaned[name] = text if text.isprintable() or name == "exception" else text.translate(_CONTROL)
        elif value is not None:
            cleaned[name] = value if isinstance(value, int | float | bool) else redact(str(value))
    return cleaned


def render_json(logger: WrappedLogger, method: str, event: EventDict) -> str:
    """The line as one JSON object, in ASCII."""
    return json.dumps(event, default=str)


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
