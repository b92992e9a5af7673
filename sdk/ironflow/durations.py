"""Durations: a number of seconds, or text such as `500ms`, `30s`, `5m`, `2h`, `7d`."""

from __future__ import annotations

import re
from datetime import timedelta

Duration = str | int | float | timedelta

_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_TEXT = re.compile(r"^(\d+(?:\.\d+)?)(ms|s|m|h|d)$")


def seconds(value: Duration) -> float:
    """Raises ValueError."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, str):
        match = _TEXT.match(value.strip())
        if match is None:
            raise ValueError(f"{value!r} is not a duration; write 500ms, 30s, 5m, 2h or 7d, or a number of seconds")
        return float(match[1]) * _UNITS_S[match[2]]
    return float(value)
