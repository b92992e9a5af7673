"""What a person types to find runs, as the dashboard has it: `status:failed function:ship since:1h some words`."""

from __future__ import annotations

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
_STATUSES = frozenset(("completed", "failed", "cancelled", "paused", "running", "waiting", "waiting_for_capacity"))


def parsed(text: str) -> Mapping[str, str]:
    """The parameters of a list of runs. Raises ValueError."""
    found: dict[str, str] = {}
    words: list[str] = []
    for part in text.split():
        name, colon, value = part.partition(":")
        if not colon or not value or not name.removeprefix("-").isalpha():
            words.append(part)
            continue
        name = _ALIASES.get(name.removeprefix("-"), name.removeprefix("-"))
        if name not in _NAMES:
            raise ValueError(f"there is no filter {name}: {', '.join(sorted(_NAMES))} are there")
        if part.startswith("-") and name != "status":
            raise ValueError(f"only status: can be turned round, not {name}:")
        if name == "tag" and "tag" in found:  # with all of them
            value = f"{found['tag']},{value}"
        found[_NAMES[name]] = _statuses(value, without=part.startswith("-")) if name == "status" else value
    return {**found, **({"search": " ".join(words)} if words else {})}


def _statuses(value: str, *, without: bool) -> str:
    named = value.split(",")
    for one in named:
        if one not in _STATUSES:
            raise ValueError(f"there is no status {one}: {', '.join(sorted(_STATUSES))} are there")
    return ",".join(sorted(_STATUSES - set(named))) if without else value
