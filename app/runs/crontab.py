"""Cron expressions in a time zone: when the next tick comes, and which ticks lie between two instants (µs, UTC).

Five fields as Debian's cron has them, or six with seconds first; nicknames such as `@daily`. Where clocks go forward, a
tick at a time of day that does not exist comes when the clocks have changed; where they go back, one at a time of day
that exists twice comes once, the first time. Ticks of every so many minutes or hours follow the hours that pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from app.errors import InvalidArgument
from app.history.kinds import Trigger

TEXT_CHARS_MAX = 256

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND_US = 1_000_000
_NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


class Crontab:
    """A cron expression in a time zone. Raises InvalidArgument for what is none, naming the field."""

    def __init__(self, text: str, timezone: str, *, field: str) -> None:
        self._zone = _zone(timezone, f"{field.rpartition('.')[0]}.timezone".lstrip("."))
        parts = _NICKNAMES.get(text.strip().lower(), text).split()
        # A fixed second is a tick of the minute, later: so that it follows the clock changes as the minute does.
        self._offset_us = 0
        if len(parts) == 6 and parts[0].isdecimal() and int(parts[0]) < 60:
            self._offset_us = int(parts.pop(0)) * _SECOND_US
        self._text = " ".join(parts)
        try:
            if len(text) > TEXT_CHARS_MAX:
                raise CronSimError(f"more than {TEXT_CHARS_MAX} characters")
            CronSim(self._text, datetime(2026, 1, 1, tzinfo=UTC))
        except CronSimError as error:
            raise InvalidArgument(
                f"{field} {text[:80]!r} is no cron expression: {_lower(str(error))}",
                field=field,
                hint='minute hour day month weekday, such as "0 9 * * 1-5"; a sixth field before them is the second',
            ) from None
        if self.after(0) is None:
            raise InvalidArgument(f"{field} {text[:80]!r} never comes", field=field, hint="see the day and the month")

    def after(self, instant: int) -> int | None:
        """The first tick after the instant; None if there is none within fifty years."""
        return next(self._ticks(instant), None)

    def latest(self, *, after: int, until: int, limit: int) -> list[int]:
        """Ticks after one instant up to another, oldest first; if there are more than `limit`, the last ones."""
        found: list[int] = []
        for tick in self._ticks(until + _SECOND_US, backwards=True):
            if tick <= after or len(found) == limit:
                break
            if tick <= until:
                found.append(tick)
        return found[::-1]

    def _ticks(self, instant: int, *, backwards: bool = False) -> Iterator[int]:
        start = (_EPOCH + timedelta(microseconds=instant - self._offset_us)).astimezone(self._zone)
        for tick in _Ticks(self._text, start, reverse=backwards):
            yield (tick.astimezone(UTC) - _EPOCH) // timedelta(microseconds=1) + self._offset_us


class _Ticks(CronSim):
    """As the library has them, also where clocks change by half an hour (Lord Howe Island): an hour that is looked for
    is gone into at its beginning or its end, not in the middle."""

    def advance_hour(self) -> bool:
        moved = super().advance_hour()
        if moved:
            self.dt = self.dt.replace(minute=0, second=0)
        return moved

    def reverse_hour(self) -> bool:
        moved = super().reverse_hour()
        if moved:
            self.dt = self.dt.replace(minute=59, second=59)
        return moved


@lru_cache(4096)
def crontab(text: str, timezone: str, *, field: str = "cron") -> Crontab:
    """The cron expression, parsed once. Raises InvalidArgument."""
    return Crontab(text, timezone, field=field)


def next_tick(triggers: Iterable[Trigger], now: int) -> int | None:
    """When the next of these triggers that are crons comes, jitter left aside; None if there is none."""
    ticks = [crontab(trigger.cron, trigger.timezone).after(now) for trigger in triggers if trigger.cron]
    return min((tick for tick in ticks if tick is not None), default=None)


def _zone(name: str, field: str) -> tzinfo:
    if name.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, ModuleNotFoundError, KeyError):
        raise InvalidArgument(
            f"{field} {name[:80]!r} is no time zone", field=field, hint="a name of IANA's, such as Europe/Berlin"
        ) from None


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
