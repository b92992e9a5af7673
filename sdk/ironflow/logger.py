"""What code of a run logs, recorded with the run: by `ctx.log`, or by any logger of the standard library.

    ctx.log.info("charged", amount=12)                          with fields, at every level
    logging.getLogger("shop").warning("slow", extra={"ms": 9})  what its logger lets through; `extra` are the fields

A line that is said inside a step belongs to it and travels with its result. One that is said between steps travels with
what the execution reports next: a step, a wait, the end. So a line is recorded if and only if what it led to is, in the
same commit, and costs no message of its own.

Code between steps runs again at each replay. What it says before it is as far as an earlier execution is known to have
come is not recorded again: that one told it, with the report that followed. How far that is, the assignment says: up to
the last step that is no news (see `Deliveries`). A worker that is lost between two reports takes its lines along, and
the execution that does that part anew says them anew.
"""

from __future__ import annotations

import contextvars
import logging
import sys
import traceback
from typing import TYPE_CHECKING, Any

from ironflow import lines
from ironflow.body import current_body
from ironflow.lines import Level, Line

if TYPE_CHECKING:
    from ironflow.execution import Execution

current_execution: contextvars.ContextVar[Execution | None] = contextvars.ContextVar("ironflow_execution", default=None)
"""That in which this code runs, where loggers of the standard library are listened to."""

_LEVELS: dict[Level, int] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
_OWN = frozenset(("ironflow", "ironflow.worker", "ironflow.serve", "ironflow.projection"))
_USUAL = frozenset((*logging.makeLogRecord({}).__dict__, "message", "asctime", "taskName"))
_OF_THE_RUN = frozenset(("run_id", "function_id", "attempt"))
"""What `ctx.logger` says with each line, and the run knows."""
_TOLD = "ironflow_told"
_TRACEBACK_CHARS_MAX = 4_000


class Log:
    """Lines of one run, each with any fields. They are handed to the logger `ironflow.<function id>` of the standard
    library, too, so that they are seen where the worker's other lines are."""

    __slots__ = ("_execution", "_logger", "_told")

    def __init__(self, execution: Execution | None = None, function_id: str = "") -> None:
        """Without an execution, as in a test that makes its own context, lines only go to the standard library."""
        self._execution = execution
        self._logger = logging.getLogger(f"ironflow.{function_id}" if function_id else "ironflow")
        self._told: dict[str, Any] = {_TOLD: True, "function_id": function_id}
        if execution is not None:
            self._told |= {"run_id": execution.run_id, "attempt": execution.attempt}

    def debug(self, message: object, /, **fields: Any) -> None:
        self._say("debug", message, fields)

    def info(self, message: object, /, **fields: Any) -> None:
        self._say("info", message, fields)

    def warning(self, message: object, /, **fields: Any) -> None:
        self._say("warning", message, fields)

    def error(self, message: object, /, **fields: Any) -> None:
        self._say("error", message, fields)

    def exception(self, message: object, /, **fields: Any) -> None:
        """An error, with the traceback of the exception that is being handled as the field `exception`."""
        self._say("error", message, {**fields, "exception": _traceback(sys.exc_info()[1])})

    def _say(self, level: Level, message: object, fields: dict[str, Any]) -> None:
        execution = self._execution
        if execution is not None:
            frame = sys._getframe(2)
            said = lines.line(
                round(execution.clock.now().timestamp() * 1_000_000),
                level,
                message,
                fields,
                path=frame.f_code.co_filename,
                number=frame.f_lineno,
            )
            if not _say(execution, said) and not execution.over:
                return  # it was said before
        self._logger.log(_LEVELS[level], message, extra={**self._told, "fields": fields}, stacklevel=3)


def _say(execution: Execution, said: Line) -> bool:
    """Whether it is not said again, in a replay."""
    body = current_body.get()
    if body is not None and body.run_id == execution.run_id:
        body.say(said)
        return True
    return execution.say(said)


def listen() -> None:
    """From now on, hear what loggers of the standard library let through in code of runs; once for the process.

    It is heard where a logger hands a record to its handlers, not by a handler of our own: one at the root would keep
    `logging.basicConfig` from doing anything, and the last resort from printing warnings."""
    global _hand_on, _listening
    if not _listening:  # who else has taken its place by now is handed on to; who comes later, goes before us
        _listening, _hand_on = True, logging.Logger.callHandlers
        logging.Logger.callHandlers = _heard  # type: ignore[method-assign]


_listening = False
_hand_on = logging.Logger.callHandlers


def _heard(self: logging.Logger, record: logging.LogRecord) -> None:
    execution = current_execution.get()
    if execution is not None and not hasattr(record, _TOLD) and (record.name not in _OWN or hasattr(record, "run_id")):
        _say(execution, _line(record))
    _hand_on(self, record)


def _line(record: logging.LogRecord) -> Line:
    known = _USUAL | _OF_THE_RUN if record.name.startswith("ironflow.") else _USUAL
    fields = {name: value for name, value in record.__dict__.items() if name not in known}
    if record.exc_info and record.exc_info[1] is not None:
        fields["exception"] = _traceback(record.exc_info[1])
    return lines.line(
        int(record.created * 1_000_000),
        _level(record.levelno),
        _message(record),
        fields,
        logger=record.name,
        path=record.pathname,
        number=record.lineno,
    )


def _message(record: logging.LogRecord) -> object:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - its handlers complain of it; what there is of it is recorded
        return record.msg


def _level(number: int) -> Level:
    if number >= logging.ERROR:
        return "error"
    if number >= logging.WARNING:
        return "warning"
    return "info" if number >= logging.INFO else "debug"


def _traceback(error: BaseException | None) -> str:
    """The end of it, which is what went wrong, from the beginning of a line."""
    text = "" if error is None else "".join(traceback.format_exception(error))
    return text if len(text) <= _TRACEBACK_CHARS_MAX else text[-_TRACEBACK_CHARS_MAX:].partition("\n")[2]
