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
