"""What bounds the executions that are kept in memory."""

from __future__ import annotations

from typing import Any

from ironflow.parking import MEMORY_CHECK_S, Parking, share_free


class Parked:
    def __init__(self) -> None:
        self.abandoned = False

    def abandon(self) -> None:
        self.abandoned = True


class Lot:
    """A parking whose time and memory a test moves."""

    def __init__(self, **options: Any) -> None:
        self.now_s = 0.0
        self.free = 1.0
        self.parking = Parking(now_s=lambda: self.now_s, memory_free=lambda: self.free, **options)

    def park(self, job_id: str) -> Parked:
        made: Any = Parked()
        self.parking.put(job_id, made)
        return made  # type: ignore[no-any-return]


def test_the_oldest_gives_way() -> None:
    lot = Lot(count_max=2)
    one, two, three = lot.park("1"), lot.park("2"), lot.park("3")

    assert (one.abandoned, two.abandoned, three.abandoned) == (True, False, False)
    assert lot.parking.take("1") is None
    assert lot.parking.take("3") is three
    assert lot.parking.take("3") is None


def test_none_is_kept_for_ever() -> None:
    lot = Lot(age_s_max=60)
    old = lot.park("1")
    lot.now_s = 30
    young = lot.park("2")

    lot.now_s = 60
    lot.parking.sweep()

    assert (old.abandoned, young.abandoned) == (True, False)


def test_all_go_when_memory_is_short_and_none_come_until_it_is_not() -> None:
    lot = Lot()
    assert lot.parking.admits()
    parked = lot.park("1")

    lot.free, lot.now_s = 0.05, MEMORY_CHECK_S
    assert not lot.parking.admits()
    assert parked.abandoned
    lot.free, lot.now_s = 0.5, 2 * MEMORY_CHECK_S

    assert lot.parking.admits()


def test_where_none_may_be_kept_none_is_admitted() -> None:
    assert not Lot(count_max=0).parking.admits()


def test_the_share_of_free_memory_is_one() -> None:
    assert 0.0 < share_free() <= 1.0
