"""Patterns of event names, as they are written: `order.placed`, `order.*`, `order.>`."""

from __future__ import annotations


def check_pattern(pattern: str) -> None:
    """Returns for a pattern that the server takes. Raises TypeError and ValueError that say how to write one."""
    if not isinstance(pattern, str):
        raise TypeError(f"a pattern is text such as 'order.placed' or 'order.>', not {pattern!r}")
    segments = pattern.split(".")
    for position, segment in enumerate(segments, 1):
        if not segment or not segment.isprintable() or " " in segment:
            reason = "has an empty segment" if not segment else "has spaces or control characters"
        elif segment == ">" and position < len(segments):
            reason = "goes on after '>'"
        elif segment not in ("*", ">") and not {"*", ">"}.isdisjoint(segment):
            reason = f"has a wildcard within a segment ({segment!r})"
        else:
            continue
        raise ValueError(f"the pattern {pattern!r} {reason}; write order.placed, order.* or order.>")


def matches(pattern: str, name: str) -> bool:
    """Whether the name of an event fits a pattern, as the server sees it."""
    wanted, given = pattern.split("."), name.split(".")
    if wanted[-1] == ">":
        wanted = wanted[:-1]
        if len(given) <= len(wanted):
            return False
        given = given[: len(wanted)]
    return len(wanted) == len(given) and all(w in ("*", g) for w, g in zip(wanted, given, strict=True))
