"""Where an instant of a run lies between its beginning and its end, with long idle gaps squeezed: a run may sleep for
days between two steps of a second. The dashboard's rule (static/src/model/scale.ts), so that both draw alike."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise

from app.debugger.gantt import WAITED
from ironflow.past import Record

IDLE_S_MIN = 1.0
GAP_SHARE = 0.12
GAPS_SHARE_MAX = 0.6

_Stretch = tuple[float, float]


class Squeezed:
    """A line through knots, each an instant and its place from 0 to 1."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._begin = records[0].at
        stop = max(self._seconds(records[-1].at), 1e-6)
        self._times, self._places = _knots(stop, _joined(self._stretches(records, stop)))

    def share(self, instant: datetime) -> float:
        """From 0 to 1."""
        time = self._seconds(instant)
        after = bisect_right(self._times, time)
        if after == 0 or after == len(self._times):
            return 0.0 if after == 0 else 1.0
        begin, end = self._times[after - 1], self._times[after]
        low, high = self._places[after - 1], self._places[after]
        return low + (time - begin) / (end - begin) * (high - low)

    def _seconds(self, instant: datetime) -> float:
        return (instant - self._begin).total_seconds()

    def _stretches(self, records: Sequence[Record], stop: float) -> Iterable[_Stretch]:
        """When something was done; a record of anything else is a stretch without length."""
        yield 0.0, 0.0
        yield stop, stop
        for record in records:
            end = min(max(self._seconds(record.at), 0.0), stop)
            worked = record.started_at is not None and record.type not in WAITED
            begin = self._seconds(record.started_at) if worked and record.started_at is not None else end
            yield max(0.0, min(begin, end)), end


def _joined(stretches: Iterable[_Stretch]) -> Sequence[_Stretch]:
    found: list[_Stretch] = []
    for begin, end in sorted(stretches):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((begin, end))
    return found


def _knots(stop: float, stretches: Sequence[_Stretch]) -> tuple[Sequence[float], Sequence[float]]:
    gaps = sorted(((one[1], two[0]) for one, two in pairwise(stretches)), key=_length)
    drawn = sum(map(_length, stretches))
    squeezed: list[_Stretch] = []
    for gap in gaps:  # the shortest first: one is squeezed that is longer than all that is drawn at its length together
        if _length(gap) > max(IDLE_S_MIN, drawn):
            squeezed.append(gap)
        else:
            drawn += _length(gap)
    times, places = [0.0], [0.0]
    share = min(GAP_SHARE, GAPS_SHARE_MAX / max(1, len(squeezed)))
    width = max(drawn, 1e-3) / (1 - share * len(squeezed))
    for begin, end in [*sorted(squeezed), (stop, stop)]:
        if begin > times[-1]:
            places.append(places[-1] + (begin - times[-1]) / width)
            times.append(begin)
        if end > times[-1]:
            places.append(places[-1] + share)
            times.append(end)
    places[-1] = 1.0
    return times, places


def _length(stretch: _Stretch) -> float:
    return stretch[1] - stretch[0]
