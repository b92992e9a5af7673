"""Durations: what people write, within a century."""

from __future__ import annotations

import pytest

from app.durations import DURATION_US_MAX, format_duration, parse_duration
from app.errors import InvalidArgument


@pytest.mark.parametrize(
    ("value", "us"),
    [("5m", 300_000_000), (" 3s ", 3_000_000), ("0.5", 500_000), (0.000001, 1), (0, 0), ("36500d", DURATION_US_MAX)],
)
def test_durations_are_microseconds_and_bare_numbers_seconds(value: str | float, us: int) -> None:
    assert parse_duration(value) == us


@pytest.mark.parametrize("value", ["5 m", "5w", ".5s", "5.s", "٣s", "1s\n2", -1, True, float("nan"), float("-inf")])
def test_what_is_no_duration_is_refused_by_name(value: str | float) -> None:
    with pytest.raises(InvalidArgument, match="is not a duration") as refused:
        parse_duration(value, field="timeout")

    assert refused.value.field == "timeout"


@pytest.mark.parametrize("value", ["36501d", "9" * 400, "9" * 400 + "d", 10**400, 1e300, float("inf")])
def test_more_than_a_century_is_refused(value: str | float) -> None:
    with pytest.raises(InvalidArgument, match="is too long"):
        parse_duration(value)


@pytest.mark.parametrize(
    ("us", "text"), [(0, "0ms"), (4_000, "4ms"), (1_500_000, "1.5s"), (90_000_000, "1.5m"), (172_800_000_000, "2d")]
)
def test_a_duration_is_shown_in_its_largest_unit(us: int, text: str) -> None:
    assert format_duration(us) == text
