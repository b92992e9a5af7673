"""Durations as people write them: `<number>(ms|s|m|h|d)`; bare numbers are seconds. Inside: microseconds."""

from __future__ import annotations

import math
import re

from app.errors import InvalidArgument

UNITS_US = {"ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}

# A century: what is longer is a mistake, and would leave the range of stored instants.
DURATION_US_MAX = 36_500 * UNITS_US["d"]

_DURATION = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?)(?P<unit>ms|s|m|h|d)?")


def parse_duration(value: str | float, *, field: str = "duration") -> int:
    """Microseconds, at most DURATION_US_MAX. Raises InvalidArgument."""
    if isinstance(value, str):
        match = _DURATION.fullmatch(value.strip())
        wanted_us = float(match["number"]) * UNITS_US[match["unit"] or "s"] if match else math.nan
    else:
        wanted_us = math.nan if isinstance(value, bool) else float(min(value, DURATION_US_MAX)) * UNITS_US["s"]
    if math.isnan(wanted_us) or wanted_us < 0:
        raise InvalidArgument(
            f"{field} {str(value)[:80]!r} is not a duration", field=field, hint="such as 500ms, 30s, 5m, 2h or 7d"
        )
    if wanted_us > DURATION_US_MAX:
        raise InvalidArgument(
            f"{field} {str(value)[:80]!r} is too long", field=field, hint=f"at most {format_duration(DURATION_US_MAX)}"
        )
    return round(wanted_us)


def format_duration(us: int) -> str:
    """The duration in its largest fitting unit, with at most one decimal: `4ms`, `1.5s`, `2h`."""
    if us >= UNITS_US["s"]:
        unit = next(unit for unit in ("d", "h", "m", "s") if us >= UNITS_US[unit])
        return f"{us / UNITS_US[unit]:.1f}".removesuffix(".0") + unit
    milliseconds, rest = divmod(us, UNITS_US["ms"])
    return f"{us / UNITS_US['ms']:.1f}".removesuffix(".0") + "ms" if rest else f"{milliseconds}ms"
