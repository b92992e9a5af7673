"""What a person types to find runs, as the dashboard has it: `status:failed function:ship since:1h some words`."""

from __future__ import annotations

import re
from collections.abc import Mapping

_NAMES = {
    "function": "function_id",
    "event": "event_id",
    "since": "since",
    "until": "until",
    "status": "status",
    "tag": "tag",
}
_ALIASES = {"fn": "function", "f": "function", "s": "status", "is": "status", "age": "since"}
_PART = re.compile(r'(-?)([A-Za-z_]+):("(?:[^"\\]|\\.)*"|\S+)|"((?:[^"\\]|\\.)*)"|(\S+)')
"""As the dashboard cuts it: `name:value`, where a value or some words may be quoted."""
_STATUSES = frozenset(("completed", "failed", "cancelled", "paused", "running", "waiting", "waiting_for_capacity"))


def parsed(text: str) -> Mapping[str, str]:
    """The parameters of a list of runs. Raises ValueError."""
    found: dict[str, str] = {}
    words: list[str] = []
    for part in _PART.finditer(text):
        minus, name, value, phrase, word = part.groups()
        if not name:
            words.append(_unquoted(phrase) if phrase is not None else word)
            continue
        name = _ALIASES.get(name, name)
        if name not in _NAMES:
            raise ValueError(f"there is no filter {name}: {', '.join(sorted(_NAMES))} are there")
        if value.startswith('"') and value.endswith('"') and len(value) > 1:
            value = _unquoted(value[1:-1])
        if minus and name != "status":
            raise ValueError(f"only status: can be turned round, not {name}:")
        if name == "tag" and "tag" in found:  # with all of them
            value = f"{found['tag']},{value}"
        found[_NAMES[name]] = _statuses(value, without=bool(minus)) if name == "status" else value
    return {**found, **({"search": " ".join(words)} if words else {})}


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _statuses(value: str, *, without: bool) -> str:
    named = value.split(",")
    for one in named:
        if one not in _STATUSES:
            raise ValueError(f"there is no status {one}: {', '.join(sorted(_STATUSES))} are there")
    return ",".join(sorted(_STATUSES - set(named))) if without else value
