"""Cron expressions over the days on which clocks change."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.clock import parse_rfc3339, rfc3339
from app.runs.crontab import Crontab

FORWARD = ("2026-03-28T20:00:00Z", "2026-03-29T20:00:00Z")  # in Berlin 2:00 to 3:00 does not exist, at 1:00 UTC
BACK = ("2026-10-24T20:00:00Z", "2026-10-25T20:00:00Z")  # 2:00 to 3:00 is there twice, from 0:00 and from 1:00 UTC


@pytest.mark.parametrize(
    ("text", "day", "expected"),
    [
        ("30 2 * * *", FORWARD, ["01:00:00"]),
        ("30 2 * * *", BACK, ["00:30:00"]),
        ("15 30 2 * * *", FORWARD, ["01:00:15"]),
        ("15 30 2 * * *", BACK, ["00:30:15"]),
        ("0 9 * * *", FORWARD, ["07:00:00"]),
        ("0 9 * * *", BACK, ["08:00:00"]),
        ("@daily", FORWARD, ["23:00:00"]),
        ("@daily", BACK, ["22:00:00"]),
        ("30 2 * * 1", FORWARD, []),
    ],
)
def test_clock_changes(text: str, day: tuple[str, str], expected: list[str]) -> None:
    schedule = Crontab(text, "Europe/Berlin", field="cron")
    after, until = (parse_rfc3339(instant) for instant in day)

    ticks = schedule.latest(after=after, until=until, limit=100)

    assert [rfc3339(tick)[11:19] for tick in ticks] == expected


@pytest.mark.parametrize("text", ["*/30 * * * *", "0 */20 * * * *"])
@pytest.mark.parametrize("day", [FORWARD, BACK])
def test_intervals_follow_the_time_that_passes(text: str, day: tuple[str, str]) -> None:
    schedule = Crontab(text, "Europe/Berlin", field="cron")
    after, until = (parse_rfc3339(instant) for instant in day)

    ticks = schedule.latest(after=after, until=until, limit=1_000)

    assert {second - first for first, second in itertools.pairwise(ticks)} == {
        (30 if text.startswith("*") else 20) * 60_000_000
    }


def test_clocks_that_change_by_half_an_hour_leave_no_tick_out() -> None:
    schedule = Crontab("5,50 */6 1 * *", "Australia/Lord_Howe", field="cron")
    day = [parse_rfc3339(f"2028-09-30T{time}Z") for time in ("13:35:00", "14:20:00", "19:05:00", "19:50:00")]

    assert schedule.latest(after=day[0] - 1, until=day[-1], limit=100) == day
    assert [schedule.after(tick) for tick in day[:-1]] == day[1:]


@given(
    st.sampled_from(["* * * * *", "*/7 3 * * *", "30 2 * * *", "5,50 */6 1 * *", "*/17 * * * * *", "9 0 0 * * 1-5"]),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
    st.integers(0, 3 * 365 * 86_400).map(lambda s: int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() + s) * 1_000_000),
)
def test_looking_back_finds_what_looking_ahead_finds(text: str, zone: str, start: int) -> None:
    schedule = Crontab(text, zone, field="cron")
    ahead = [start]
    while len(ahead) < 6 and (tick := schedule.after(ahead[-1])) is not None:
        ahead.append(tick)

    assert schedule.latest(after=start, until=ahead[-1], limit=100) == ahead[1:]
    assert schedule.latest(after=start, until=ahead[-1], limit=2) == ahead[-2:]
