"""Durations: a number of seconds, a timedelta, or text such as `500ms`, `30s`, `5m`, `2h`, `7d`."""

from __future__ import annotations

import math
import re
from datetime import timedelta

Duration = str | int | float | timedelta

_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_TEXT = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", re.ASCII)
_INT32_MAX = 2**31 - 1


def seconds(value: Duration) -> float:
    """The duration in seconds, a finite number. Raises ValueError, and TypeError for what is no duration at all."""
    match value:
        case timedelta():
            return value.total_seconds()
        case str():
            found = _TEXT.fullmatch(value.strip())
            if found is None:
                raise ValueError(f"{value!r} is not a duration; write 500ms, 30s, 5m, 2h or 7d, or a number of seconds")
            return float(found[1]) * _UNITS_S[found[2]]
        case bool():
            raise TypeError(f"{value!r} is not a duration")
        case int() | float() if math.isfinite(value):
            return float(value)
        case int() | float():
            raise ValueError(f"{value!r} is not a duration")
    raise TypeError(f"{value!r} is not a duration; write 500ms, 30s, 5m, 2h or 7d, or a number of seconds")


def milliseconds(value: Duration, *, what: str) -> int:
    """The duration in whole milliseconds, at least one, as the wire has it (32 bits, some 24 days). Raises ValueError
    that names `what`."""
    exact_s = seconds(value)
    if exact_s <= 0:
        raise ValueError(f"{what} must be greater than zero, not {value!r}")
    whole_ms = max(1, round(exact_s * 1_000))
    if whole_ms > _INT32_MAX:
        raise ValueError(f"{what} must be less than 24 days, not {value!r}")
    return whole_ms
