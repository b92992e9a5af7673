"""Lines that the code of a run logged, as they are recorded: a `run.logged` entry before what they came with, in the
same commit.

Lines have bounds, the same that the SDK cuts to before it sends (sdk/ironflow/lines.py). What another worker sends
beyond them is cut here, and counted. Nothing is refused: a report must not fail for what it logged.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Protocol

import msgspec

from app import jsonvalue
from app.clock import INSTANT_US_MAX, INSTANT_US_MIN
from app.errors import IronflowError
from app.history.kinds import EMPTY, RunLogged

LEVELS = ("debug", "info", "warning", "error")
LINES_MAX = 1_000
MESSAGE_BYTES_MAX = 8 * 2**10
FIELDS_BYTES_MAX = 8 * 2**10
BYTES_MAX = 256 * 2**10
"""Of the messages and fields of all lines of an entry."""
NAME_CHARS_MAX = 200
PATH_CHARS_MAX = 1_000
INT32_MAX = 2**31 - 1

Level = Literal["debug", "info", "warning", "error"]


class LogLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """`at` in µs. `path` and `line` are where in the code it was said; `cut` says how many bytes of message and fields
    were cut off."""

    at: int
    level: Level
    message: str
    fields: msgspec.Raw = EMPTY
    logger: str = ""
    path: str = ""
    line: int = 0
    cut: int = 0


_decode = msgspec.json.Decoder(tuple[LogLine, ...]).decode
_encode = msgspec.json.Encoder().encode


def line(
    *,
    at: int,
    level: str,
    message: str,
    fields: bytes = b"",
    logger: str = "",
    path: str = "",
    number: int = 0,
    cut: int = 0,
) -> LogLine:
    """The line within its bounds, whatever a worker sent. A level that there is none of is `info`."""
    said = message.replace("\0", "\\0").encode("utf-8", "replace")
    kept = said[:MESSAGE_BYTES_MAX].decode("utf-8", "ignore")
    told = _fields(fields)
    cut = min(max(0, cut), INT32_MAX) + len(said) - len(kept.encode())
    return LogLine(
        at=min(max(INSTANT_US_MIN, at), INSTANT_US_MAX),
        level=level if level in LEVELS else "info",  # type: ignore[arg-type]
        message=kept,
        fields=EMPTY if told is None else told,
        logger=_name(logger, NAME_CHARS_MAX),
        path=_name(path, PATH_CHARS_MAX),
        line=min(max(0, number), INT32_MAX),
        cut=cut + (len(fields) if told is None else 0),
    )


class Told(Protocol):
    """A line as workers tell it, but for its fields."""

    at_us: int
    level: str
    message: str
    logger: str
    path: str
    line: int
    cut_bytes: int


def told(one: Told, fields: bytes) -> LogLine:
    return line(
        at=one.at_us,
        level=one.level,
        message=one.message,
        fields=fields,
        logger=one.logger,
        path=one.path,
        number=one.line,
        cut=one.cut_bytes,
    )


def logged(
    lines: Iterable[LogLine], dropped: int, *, step_id: str, execution_seq: int, attempt: int
) -> tuple[RunLogged, ...]:
    """The fact of these lines, the first ones that fit; none for none. `step_id` is the step that logged them, "" for
    the code between steps."""
    kept: list[LogLine] = []
    size, dropped = 0, min(max(0, dropped), INT32_MAX)
    for one in lines:
        size += len(one.message.encode()) + len(bytes(one.fields))
        if len(kept) >= LINES_MAX or size > BYTES_MAX:
            dropped += 1
        else:
            kept.append(one)
    if not kept:
        return ()
    return (RunLogged(msgspec.Raw(_encode(kept)), len(kept), step_id, execution_seq, attempt, dropped),)


def lines_of(fact: RunLogged) -> tuple[LogLine, ...] | None:
    """The lines of a recorded fact; None where they were redacted or scrubbed."""
    try:
        return _decode(fact.lines)
    except msgspec.ValidationError:
        return None


def with_lines(fact: RunLogged, lines: Iterable[LogLine]) -> RunLogged:
    return msgspec.structs.replace(fact, lines=msgspec.Raw(_encode([*lines])))


def _fields(raw: bytes) -> msgspec.Raw | None:
    """The fields, None for what is no JSON object or too large."""
    if not raw or raw == b"{}":
        return EMPTY
    try:
        value = jsonvalue.check(raw, field="fields", size_max=FIELDS_BYTES_MAX)
    except IronflowError:
        return None
    return msgspec.Raw(raw) if isinstance(value, dict) else None


def _name(text: str, chars_max: int) -> str:
    return text[:chars_max].replace("\0", "\\0").encode("utf-8", "replace").decode()
