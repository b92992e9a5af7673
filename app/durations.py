"""Durations as people write them: `<number>(ms|s|m|h|d)`; bare numbers are seconds. Inside: microseconds."""

from __future__ import annotations

import re

from app.errors import InvalidArgument

UNITS_US = {"ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}

_DURATION = re.compile(r"^(?P<number>\d+(?:\.\d+)?)(?P<unit>ms|s|m|h|d)?$")


def parse_duration(value: str | float, *, field: str = "duration") -> int:
    """Microseconds. Raises InvalidArgument."""
    match = _DURATION.match(str(value).strip())
    if match is None:
        raise InvalidArgument(
            f"{field} {str(value)[:80]!r} is not a duration", field=field, hint="such as 500ms, 30s, 5m, 2h or 7d"
        )
    return round(float(match["number"]) * UNITS_US[match["unit"] or "s"])


def format_duration(us: int) -> str:
    """The duration in its largest fitting unit, with at most one decimal: `4ms`, `1.5s`, `2h`."""
    for unit in ("d", "h", "m", "s"):
        if us >= UNITS_US[unit]:
            return f"{us / UNITS_US[unit]:.1f}".removesuffix(".0") + unit
    return f"{us / UNITS_US['ms']:.1f}".removesuffix(".0") + "ms"
