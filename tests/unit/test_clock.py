"""Instants: written and read without loss, and refused where they could not be written again."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import clock
from app.clock import INSTANT_US_MAX, INSTANT_US_MIN, ManualClock, SystemClock
from app.errors import InvalidArgument


@given(st.integers(INSTANT_US_MIN, INSTANT_US_MAX))
def test_every_instant_that_can_be_written_is_read_back_to_the_microsecond(us: int) -> None:
    assert clock.parse_rfc3339(clock.rfc3339(us)) == us


@pytest.mark.parametrize(
    ("us", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_764_000_000_123_000, "2025-11-24T16:00:00.123Z"),
        (1_764_000_000_123_456, "2025-11-24T16:00:00.123456Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
        (INSTANT_US_MIN, "0001-01-01T00:00:00.000Z"),
        (INSTANT_US_MAX, "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_instants_have_four_digits_of_year_and_milliseconds_where_exact(us: int, text: str) -> None:
    assert clock.rfc3339(us) == text


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31T12:00:00Z",
        "2026-01-31t12:00:00z",
        "2026-01-31T12:00:00.000000999Z",
        "2026-01-31T17:30:00+05:30",
        "2026-01-31T07:00:00-05:00",
    ],
)
def test_zones_nanoseconds_and_lower_case_are_read(text: str) -> None:
    assert clock.parse_rfc3339(text) == 1_769_860_800_000_000


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+10:00", "9999-12-31T23:59:59-10:00", "12345-01-01T00:00:00Z"])
def test_an_instant_that_could_not_be_written_again_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        clock.parse_rfc3339(text, field="until")

    assert text in refused.value.message
    assert refused.value.field == "until"


@pytest.mark.parametrize("text", ["5m", "-5m", "5m ago", " 300s "])
def test_time_gone_by_may_be_written_in_several_ways(text: str) -> None:
    assert clock.parse_instant(text, 10**15) == 10**15 - 300_000_000


@pytest.mark.parametrize("text", ["1.2.3m", "9" * 400 + "d", "- 5m", "tomorrow"])
def test_what_is_no_time_gone_by_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        clock.parse_instant(text, 10**15)


async def test_a_wake_ends_a_wait_before_its_time_and_stays_set() -> None:
    for waiting in (ManualClock(0), SystemClock()):
        wake = asyncio.Event()
        wait = asyncio.create_task(waiting.wait_until(None, wake))
        await asyncio.sleep(0)
        assert not wait.done()

        wake.set()
        await wait

        assert wake.is_set()


async def test_an_instant_that_has_passed_is_not_waited_for() -> None:
    for waiting in (ManualClock(10), SystemClock()):
        await waiting.wait_until(5, asyncio.Event())
