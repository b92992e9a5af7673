"""Ids: valid, ordered, and random where they are not ordered."""

from __future__ import annotations

import uuid

import pytest

from app import ids
from app.clock import ManualClock
from app.ids import Ids

NOW_US = 1_764_000_000_123_000


def number_of(id: str) -> int:
    number = 0
    for char in id.rpartition("_")[2]:
        number = number * 32 + ids.ALPHABET.index(char)
    return number


def test_every_id_is_a_uuid_of_the_rfc_and_has_its_prefix() -> None:
    made = Ids(ManualClock(NOW_US))

    for prefix, id in (("evt", made.event()), ("run", made.run()), ("job", made.job()), ("wrk", made.worker())):
        read = uuid.UUID(int=number_of(id))
        assert id.startswith(f"{prefix}_")
        assert (read.version, read.variant, len(id)) == (7, uuid.RFC_4122, 30)
        assert read.int >> 80 == NOW_US // 1000


def test_ids_are_the_same_from_the_same_clock_and_randomness() -> None:
    first, second = (Ids(ManualClock(NOW_US), lambda count: bytes(range(256)) * (count // 256 + 1)) for _ in range(2))

    assert [first.run() for _ in range(2_000)] == [second.run() for _ in range(2_000)]


def test_two_processes_do_not_make_the_same_ids() -> None:
    first, second = (Ids(ManualClock(NOW_US)) for _ in range(2))

    assert not {first.run() for _ in range(2_000)} & {second.run() for _ in range(2_000)}


def test_all_62_random_bits_are_random() -> None:
    made = Ids(ManualClock(NOW_US))
    low = [number_of(made.run()) & ((1 << 62) - 1) for _ in range(2_000)]

    ever_set = ever_clear = 0
    for bits in low:
        ever_set |= bits
        ever_clear |= ~bits & ((1 << 62) - 1)
    assert ever_set == ever_clear == (1 << 62) - 1


def test_a_full_counter_runs_on_into_the_next_millisecond() -> None:
    made = Ids(ManualClock(NOW_US))
    found = [made.run() for _ in range(4_097)]

    assert found == sorted(set(found))
    assert number_of(found[-1]) >> 80 == NOW_US // 1000 + 1


def test_a_keyed_id_is_a_uuid_of_version_8_and_never_changes() -> None:
    id = ids.keyed("evt", "default", "order-42")

    assert uuid.UUID(int=number_of(id)).version == 8
    assert id == "evt_6a6e4ayejwgvt90tgj4y9r7yxs"


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("run_0123456789abcdefghjkmnpqrs", True),
        ("run_0123456789abcdefghjkmnpqr", False),
        ("run_0123456789abcdefghjkmnpqrst", False),
        ("run_0123456789abcdefghjkmnpqri", False),
        ("run_0123456789ABCDEFGHJKMNPQRS", False),
        ("evt_0123456789abcdefghjkmnpqrs", False),
        ("run_", False),
        ("", False),
    ],
)
def test_the_shape_of_an_id_is_told_from_any_other_text(text: str, valid: bool) -> None:
    assert ids.valid("run", text) is valid
