"""Values of JSON, the paths into them, and how they look in one line."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

LINE_CHARS_MAX = 120

MISSING: Any = object()
"""What is not there, which None may be."""

_PART = re.compile(r"\.?([^.\[\]\"']+)|\[(\d+)\]|\[\"((?:[^\"\\]|\\.)*)\"\]")


class BadPath(ValueError):
    """Text that is no path such as `charge.items[0].amount` or `["a b"].c`."""


def parse_path(text: str) -> Sequence[str | int]:
    """Raises BadPath."""
    parts: list[str | int] = []
    at = len(text) + 1 if text.startswith(".") else 0
    while at < len(text):
        found = _PART.match(text, at)
        if found is None:
            raise BadPath(f"{text[:80]!r} is no path such as charge.items[0].amount")
        name, number, quoted = found.groups()
        parts.append(int(number) if number is not None else json.loads(f'"{quoted}"') if quoted is not None else name)
        at = found.end()
    if not parts:
        raise BadPath("a path is needed, such as charge.amount")
    return parts


def path_text(parts: Sequence[str | int]) -> str:
    """What `parse_path` reads."""
    told = ""
    for part in parts:
        if isinstance(part, int):
            told += f"[{part}]"
        elif re.fullmatch(r"[^.\[\]\"'\s]+", part):
            told += f".{part}" if told else part
        else:
            told += f"[{json.dumps(part)}]"
    return told


def at_path(value: Any, parts: Sequence[str | int]) -> Any:
    """What a value has there, or MISSING."""
    for part in parts:
        if isinstance(value, Mapping) and isinstance(part, str):
            value = value.get(part, MISSING)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return MISSING
    return value


def with_path(value: Any, parts: Sequence[str | int], new: Any) -> Any:
    """A copy of a value that has something else there. Raises BadPath where it has nothing."""
    if not parts:
        return new
    head, *rest = parts
    if at_path(value, [head]) is MISSING:
        raise BadPath(f"there is no {head!r} in it")
    if isinstance(value, Mapping):
        return {**value, head: with_path(value[head], rest, new)}
    changed = list(value)
    changed[head] = with_path(value[head], rest, new)  # type: ignore[index]
    return changed


def line(value: Any, *, limit: int = LINE_CHARS_MAX) -> str:
    """A value in one line, cut where it is long."""
    match value:
        case dict() if value:
            told = f"{{{len(value)}}} {json.dumps(value, ensure_ascii=False)}"
        case list() if value:
            told = f"[{len(value)}] {json.dumps(value, ensure_ascii=False)}"
        case _:
            told = json.dumps(value, ensure_ascii=False, default=str)
    return told if len(told) <= limit else told[: limit - 1] + "…"


def type_name(value: Any) -> str:
    """As JSON calls it."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"
