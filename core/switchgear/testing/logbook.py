"""What is logged, kept instead of written."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger


class Logbook:
    """Keeps every log line of the process while :meth:`open` lasts, as it is before secrets are masked.

    Masking is a net below the tightrope: a plugin that needs it has already let go of the secret.

    Attributes:
        lines: each line's fields; ``event`` is its name. A library's record has its logger as ``logger``.
    """

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    @contextmanager
    def open(self) -> Iterator[None]:
        """Keep what is logged; afterwards logging is as it was."""
        before = structlog.get_config() if structlog.is_configured() else None
        listener = _Listener(self)
        structlog.configure(
            processors=[structlog.processors.add_log_level, structlog.processors.format_exc_info, self._keep],
            wrapper_class=structlog.make_filtering_bound_logger("debug"),
            logger_factory=lambda *_: None,
            cache_logger_on_first_use=False,
        )
        logging.getLogger().addHandler(listener)
        try:
            yield
        finally:
            logging.getLogger().removeHandler(listener)
            if before is None:
                structlog.reset_defaults()
            else:
                structlog.configure(**before)

    def named(self, event: str) -> list[dict[str, Any]]:
        """The lines of this name."""
        return [line for line in self.lines if line.get("event") == event]

    def texts(self) -> list[str]:
        """Each line as a text."""
        return [" ".join(f"{name}={value}" for name, value in line.items()) for line in self.lines]

    def _keep(self, logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        self.lines.append(dict(event))
        raise structlog.DropEvent


class _Listener(logging.Handler):
    def __init__(self, book: Logbook) -> None:
        super().__init__()
        self._book = book

    def emit(self, record: logging.LogRecord) -> None:
        event = record.getMessage()
        if record.exc_info:
            event += "\n" + logging.Formatter().formatException(record.exc_info)
        self._book.lines.append({"event": event, "level": record.levelname.lower(), "logger": record.name})
