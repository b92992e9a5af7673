"""Long idle gaps of a run take little of the line that it is drawn on."""

from __future__ import annotations

from datetime import timedelta

from app.debugger.squeezing import GAP_SHARE, Squeezed
from ironflow.past import Record
from tests.tui.conftest import BEGAN


def record(second: float, *, began: float | None = None, kind: str = "invoke") -> Record:
    started_at = None if began is None else BEGAN + timedelta(seconds=began)
    return Record(1, 1, "step.completed", BEGAN + timedelta(seconds=second), type=kind, started_at=started_at)


def shares(*records: Record, at: tuple[float, ...]) -> list[float]:
    line = Squeezed(records)
    return [round(line.share(BEGAN + timedelta(seconds=second)), 3) for second in at]


def test_without_a_long_gap_the_line_is_time() -> None:
    assert shares(record(0), record(4, began=0), record(10, began=4), at=(-1, 0, 2.5, 10, 11)) == [0, 0, 0.25, 1, 1]


def test_a_long_gap_takes_its_share_and_no_more() -> None:
    day = 86_400.0
    records = (record(0), record(4, began=0), record(day, began=4, kind="sleep"), record(day + 4, began=day))

    half = round((1 - GAP_SHARE) / 2, 3)
    assert shares(*records, at=(0, 4, day, day + 4)) == [0, half, half + GAP_SHARE, 1]


def test_many_gaps_leave_room_for_what_was_done() -> None:
    records = [record(0), *(record(3.0**number + 1, began=3.0**number) for number in range(4, 16))]

    line = Squeezed(records)
    places = [line.share(one.at) for one in records]
    assert places == sorted(places)
    assert places[-1] == 1.0
    worked = sum(line.share(one.at) - line.share(one.started_at) for one in records[1:] if one.started_at is not None)
    assert worked > 0.3


def test_a_run_of_one_record_is_at_its_end() -> None:
    assert shares(record(0), at=(1,)) == [1]
