"""A line that a run's code logged, as text for people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from app.debugger.marks import plain
from ironflow.logs import LogLine

EXCEPTION = "exception"
"""The field that has a traceback, which is shown as lines of its own."""

CATEGORIES = {"debug": "stdout", "info": "stdout", "warning": "stderr", "error": "stderr"}
"""Levels as output of a program: what is grave goes where errors go."""


def said(line: LogLine) -> str:
    """The message, of several lines the first, with its fields behind it."""
    first, *_ = line.message.splitlines() or [""]
    fields = (f"{plain(name)}={_value(one)}" for name, one in line.fields.items() if name != EXCEPTION)
    return " ".join((plain(first), *fields))


def below(line: LogLine) -> Iterator[str]:
    """What belongs below it: the rest of its message, a traceback, and what was cut."""
    for part in (*line.message.splitlines()[1:], *str(line.fields.get(EXCEPTION, "")).splitlines()):
        yield plain(part)
    if line.cut_bytes:
        yield f"{line.cut_bytes} bytes of this line were too many"
    if line.dropped:
        yield f"{line.dropped} further lines were too many"


def _value(value: Any) -> str:
    """As JSON, and a text without blanks as it is."""
    bare = isinstance(value, str) and value and not any(sign in value for sign in " =\"'\\\n\t")
    return plain(value if bare else json.dumps(value, ensure_ascii=False))
