"""Lines that a run's code logs: what one is, and how many are kept until the next report takes them along.

What goes beyond the bounds is cut and counted, never an error: logging must not fail what it tells of. The server has
the same bounds, in app/runs/lines.py.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Level = Literal["debug", "info", "warning", "error"]

LINES_MAX = 1_000
MESSAGE_BYTES_MAX = 8 * 2**10
FIELDS_BYTES_MAX = 8 * 2**10
BYTES_MAX = 256 * 2**10
"""Of all the lines that travel with one report, messages and fields."""


_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
"""The escape of a NUL in JSON, behind what are backslashes themselves."""


@dataclass(frozen=True, slots=True)
class Line:
    """`at` is in microseconds since 1970, `fields` a JSON object. `path` and `line` say where in the code it was said;
    `cut` is how many bytes of the message and the fields were too many."""

    at: int
    level: Level
    message: str
    fields: bytes = b"{}"
    logger: str = ""
    path: str = ""
    line: int = 0
    cut: int = 0

    @property
    def size_bytes(self) -> int:
        return len(self.message.encode()) + len(self.fields)


@dataclass(frozen=True, slots=True)
class Logs:
    """Lines in the order in which they were said, how many further ones there was no room for, and tags of the run."""

    lines: tuple[Line, ...]
    dropped: int = 0
    tags: tuple[str, ...] = ()

    @property
    def size_bytes(self) -> int:
        return sum(line.size_bytes for line in self.lines) + sum(map(len, self.tags))


class Gathered:
    """The lines that the next report takes along: the first ones, as many as fit; and the tags. May be used by several
    threads."""

    __slots__ = ("_bytes", "_dropped", "_lines", "_lock", "_tags")

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a finalizer or a signal's handler may log in the middle
        self._lines: list[Line] = []
        self._tags: tuple[str, ...] = ()
        self._bytes = 0
        self._dropped = 0

    def add(self, line: Line) -> None:
        size = line.size_bytes
        with self._lock:
            if self._dropped or len(self._lines) >= LINES_MAX or self._bytes + size > BYTES_MAX:
                self._dropped += 1
            else:
                self._bytes += size
                self._lines.append(line)

    def tag(self, tags: tuple[str, ...]) -> None:
        with self._lock:
            self._tags = tuple(dict.fromkeys((*self._tags, *tags)))

    def taken(self) -> Logs | None:
        """What was gathered, which is then the taker's; None if that is nothing."""
        if not self._lines and not self._tags:
            return None
        with self._lock:
            lines, self._lines = self._lines, []
            tags, self._tags = self._tags, ()
            dropped, self._dropped, self._bytes = self._dropped, 0, 0
        return Logs(tuple(lines), dropped, tags)


def line(
    at: int,
    level: Level,
    message: object,
    fields: Mapping[str, Any],
    *,
    logger: str = "",
    path: str = "",
    number: int = 0,
) -> Line:
    """The line within its bounds, whatever was given: values that are no JSON are told as text."""
    text, cut = _message(message)
    told, left_out = _fields(fields) if fields else (b"{}", 0)
    return Line(at, level, text, told, logger[:200], path[:1_000], number, cut + left_out)


def _message(message: object) -> tuple[str, int]:
    try:
        text = str(message)
    except Exception:  # noqa: BLE001 - as with values
        text = f"<{type(message).__name__}>"
    raw = text.replace("\0", "\\0").encode("utf-8", "replace")
    if len(raw) <= MESSAGE_BYTES_MAX:
        return raw.decode(), 0
    kept = raw[:MESSAGE_BYTES_MAX].decode("utf-8", "ignore")
    return kept, len(raw) - len(kept.encode())


def _fields(fields: Mapping[str, Any]) -> tuple[bytes, int]:
    """The fields as one JSON object, those that do not fit left out, and how many bytes these have."""
    parts: list[bytes] = []
    size, cut = 2, 0
    for name, value in fields.items():
        part = _json(str(name)) + b":" + _json(value)
        if size + len(part) + 1 > FIELDS_BYTES_MAX:
            cut += len(part)
        else:
            size += len(part) + 1
            parts.append(part)
    return b"{" + b",".join(parts) + b"}", cut


def _json(value: Any) -> bytes:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=str)
    except Exception:  # noqa: BLE001 - whatever a value's own methods raise, the line is told without it
        text = json.dumps(f"<{type(value).__name__}>")
    return _NUL.sub(r"\1\\\\0", text).encode("utf-8", "replace")
