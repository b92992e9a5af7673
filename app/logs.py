"""Logs: for people on a terminal, JSON lines otherwise; always to stderr, with what is bound to the task."""

from __future__ import annotations

import logging
import re
import sys
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from app.loading import without

# It would take rich along, for tracebacks that we do not have it write: a tenth of all that a server loads.
with without("rich"):
    import structlog

RECENT_MAX = 200
LINE_CHARS_MAX = 2_000

_filter: Callable[[str], str] | None = None
_recent: deque[str] = deque(maxlen=RECENT_MAX)
_WARNINGS = frozenset(("warning", "warn", "error", "exception", "critical", "fatal"))
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def filter_with(function: Callable[[str], str]) -> None:
    """Send every line through `function` before it is written: it takes out what must not be in a log."""
    global _filter
    _filter = function


def recent() -> Sequence[str]:
    """The last warnings and errors, as they were written, oldest first."""
    return list(_recent)


def _filtered(logger: Any, method: str, line: Any) -> Any:
    written = line if _filter is None else _filter(line)
    if method in _WARNINGS:
        _recent.append(_COLOUR.sub("", str(written))[:LINE_CHARS_MAX])
    return written


def configure(*, style: str = "auto", level: str = "info") -> None:
    """`style` is auto, console or json; `level` a name of the logging module."""
    console = style == "console" or (style == "auto" and sys.stderr.isatty())
    threshold = logging.getLevelNamesMapping()[level.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if console else "iso", utc=not console),
    ]
    last: list[structlog.typing.Processor]
    if console:
        last = [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    else:
        last = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    structlog.configure(
        processors=[*shared, *last, _filtered],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=max(threshold, logging.WARNING), handlers=[_Through()], force=True)


class _Through(logging.Handler):
    """Libraries' records, in the same form."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger(record.name)
        try:
            log.log(record.levelno, record.getMessage(), exc_info=record.exc_info)
        except Exception:  # noqa: BLE001 - a message that its arguments do not fit is told of where handlers tell it
            self.handleError(record)
