"""How a projection keeps up, as it is counted: pure."""

from __future__ import annotations

from app.projections.given import GENERATIONS_MAX, POSITIONS_MAX, Given, beyond
from app.projections.pace import Sample, per_second
from storage.projections import Key

S = 1_000_000
KEY = Key("default", "counts", 1)


def samples(*told: tuple[int, int]) -> list[Sample]:
    """Second and events folded by then."""
    return [Sample(second * S, 0, 0, folded) for second, folded in told]


def test_the_rate_is_of_the_last_minute_as_far_as_it_was_seen() -> None:
    assert per_second(samples((0, 0), (60, 600), (90, 900)), 120 * S, 1_500) == 15.0
    assert per_second(samples((100, 10)), 120 * S, 50) == 2.0
    assert per_second(samples((0, 0)), 600 * S, 600) == 1.0


def test_no_rate_is_told_of_what_was_not_seen_or_only_just_now() -> None:
    assert per_second((), 120 * S, 50) is None
    assert per_second(samples((120, 50)), 120 * S, 50) is None


def test_a_generation_that_counts_anew_has_no_rate_below_zero() -> None:
    assert per_second(samples((100, 900)), 120 * S, 0) == 0.0


def test_events_that_are_given_twice_are_counted_once() -> None:
    given = Given()
    given.note(KEY, [3, 5, 8])
    given.note(KEY, [5, 8, 9])

    assert given.take(KEY, 8) == [3, 5, 8]
    assert given.take(KEY, 8) == []
    assert given.take(KEY, 20) == [9]


def test_those_that_the_cursor_has_passed_are_not_counted() -> None:
    assert beyond([3, 5, 8], 5) == 1
    assert beyond([3, 5, 8], 0) == 3


def test_no_more_is_kept_than_there_is_room_for() -> None:
    given = Given()
    given.note(KEY, range(1, 2 * POSITIONS_MAX))

    assert len(given.take(KEY, 2 * POSITIONS_MAX)) == POSITIONS_MAX


def test_generations_whose_runners_are_gone_make_room() -> None:
    given = Given()
    for number in range(GENERATIONS_MAX + 1):
        given.note(KEY._replace(generation=number), [7])

    assert given.take(KEY._replace(generation=GENERATIONS_MAX), 7) == [7]
    assert given.take(KEY._replace(generation=0), 7) == []
