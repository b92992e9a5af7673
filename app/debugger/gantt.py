"""Bars of a timeline in a column of a table: when within a run something happened, and for how long."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from ironflow.past import Record

WAITED = ("sleep", "wait_for_event", "invoke_function")


class Scale:
    """The columns that a span of time is drawn in. `share` tells where an instant lies, from 0 to 1."""

    def __init__(self, share: Callable[[datetime], float], *, width: int, unicode: bool) -> None:
        self._share = share
        self._width = width
        self._signs = ("█", "░", "▏") if unicode else ("#", "-", "|")

    def bar(self, record: Record) -> str:
        """Full for what a worker did, light for what was waited for, a mark for what took no time, on a line of nothing
        before and after."""
        full, light, mark = self._signs
        first, last = self._column(_began(record)), self._column(record.at)
        sign = mark if record.started_at is None else light if record.type in WAITED else full
        return (" " * first + sign * (1 if sign == mark else last - first + 1)).ljust(self._width)

    def _column(self, instant: datetime) -> int:
        return max(0, min(self._width - 1, int(self._share(instant) * self._width)))


def bars(records: Sequence[Record], *, width: int, unicode: bool) -> list[str]:
    """A bar for each record, all on one scale."""
    if not records:
        return []
    begin = min(_began(record) for record in records)
    span_s = max((max(record.at for record in records) - begin).total_seconds(), 1e-6)
    scale = Scale(lambda at: (at - begin).total_seconds() / span_s, width=width, unicode=unicode)
    return [scale.bar(record) for record in records]


def offset(record: Record, begin: datetime) -> str:
    """How long after the beginning: `+16.2s`."""
    seconds = max(0.0, (record.at - begin).total_seconds())
    for unit, length in (("d", 86_400.0), ("h", 3_600.0), ("m", 60.0)):
        if seconds >= 2 * length:
            return f"+{seconds / length:.1f}{unit}"
    return f"+{seconds:.3f}s" if seconds < 10 else f"+{seconds:.1f}s"


def _began(record: Record) -> datetime:
    return min(record.started_at, record.at) if record.started_at is not None else record.at
