"""Playing a recording: how long to wait between two records, so that one sees the run as it went."""

from __future__ import annotations

import re

from ironflow.past import Record

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
PAUSE_S_MAX = 2.0
"""Longer gaps are squeezed to that, whatever the speed: a run may have slept for days."""
FRAME_S = 0.03


def pause_s(before: Record, after: Record, speed: float) -> float:
    """Between the showing of one record and of the next."""
    gap_s = (after.at - before.at).total_seconds() / speed
    return min(max(gap_s, FRAME_S), PAUSE_S_MAX)


def parsed(text: str) -> float:
    """A speed as people write it: `2`, `0.5`, `4x`. Raises ValueError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)x?", text.strip())
    if found is None or not SPEEDS[0] <= float(found[1]) <= SPEEDS[-1]:
        raise ValueError(f"{text!r} is no speed from {SPEEDS[0]:g} to {SPEEDS[-1]:g}, such as 2 or 0.5")
    return float(found[1])


def changed(speed: float, direction: int) -> float:
    """The next faster speed (direction 1), or slower one (-1); the same at the end."""
    others = [one for one in SPEEDS if (one > speed if direction > 0 else one < speed)]
    return speed if not others else min(others) if direction > 0 else max(others)
