"""Limits against models too simple to be wrong."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidArgument
from app.history.kinds import Batch, Debounce
from app.runs import limits

INSTANTS = st.lists(st.integers(0, 200), max_size=40).map(sorted)


def variables_of(data: Any) -> dict[str, Any]:
    return {"event": {"data": data, "name": "e"}, "data": data}


@given(INSTANTS, st.integers(1, 5), st.integers(1, 50))
def test_at_most_the_limit_in_any_period_and_as_soon_as_possible(arrivals: list[int], limit: int, period: int) -> None:
    starts: list[int] = []
    for at in arrivals:
        now = max(at, starts[-1] if starts else 0)
        start = limits.fits_at(starts, limit=limit, period_us=period, now=now)
        earliest = next(
            instant for instant in range(now, 10_000) if sum(instant - period < one for one in starts) < limit
        )
        assert start == earliest
        starts.append(start)

    for first in starts:
        assert sum(first <= one < first + period for one in starts) <= limit


@given(INSTANTS, st.integers(1, 30), st.one_of(st.just(0), st.integers(30, 100)))
def test_a_debounce_fires_as_a_timeline_says(arrivals: list[int], period: int, max_wait: int) -> None:
    """Second by second: fire when nothing came for a period, or the first has waited for the maximum."""
    fired: list[int] = []
    first = last = None
    for now in range(400):
        if first is not None and last is not None and (now - last >= period or (max_wait and now - first >= max_wait)):
            fired.append(now)
            first = last = None
        if now in arrivals:
            first, last = (now if first is None else first), now

    predicted: list[int] = []
    armed_at: int | None = None
    fires_at = 0
    given = Debounce(period_ms=period, max_wait_ms=max_wait)
    for at in sorted(set(arrivals)):
        if armed_at is not None and fires_at <= at * 1_000:
            predicted.append(fires_at // 1_000)
            armed_at = None
        armed_at = at * 1_000 if armed_at is None else armed_at
        fires_at = limits.debounce_fires_at(given, now=at * 1_000, armed_at=armed_at)
    if armed_at is not None:
        predicted.append(fires_at // 1_000)

    assert predicted == fired


@pytest.mark.parametrize(
    ("count", "size_bytes", "expected"), [(1, 10, 60_000_500), (2, 10, 60_000_500), (3, 10, 900), (1, 2**23, 900)]
)
def test_a_batch_fires_when_it_is_full_or_heavy_or_its_time_is_over(count: int, size_bytes: int, expected: int) -> None:
    batch = Batch(size=3, timeout_ms=60_000)

    assert limits.batch_fires_at(batch, now=900, armed_at=500, count=count, size_bytes=size_bytes) == expected


@pytest.mark.parametrize(
    ("key", "data", "expected"),
    [
        ("customer.id", {"customer": {"id": "a"}}, "a"),
        ("$.customer.id", {"customer": {"id": "a"}}, "a"),
        ("items.1", {"items": ["a", "b"]}, "b"),
        ("n", {"n": 7}, "7"),
        ("n", {"n": 7.0}, "7"),
        ("n", {"n": True}, "true"),
        ("n", {"n": None}, None),
        ("n", {"n": {}}, None),
        ("n", [], None),
        ("items.9", {"items": []}, None),
        ("event.data.a + '/' + event.name", {"a": "x"}, "x/e"),
        ("event.data.a + '/'", {}, None),
        ("n", {"n": "x" * 1_000}, "sha256:"),
    ],
)
def test_keys(key: str, data: Any, expected: str | None) -> None:
    found = limits.key_of(key, data, lambda: variables_of(data))

    if expected is not None and expected.startswith("sha256:"):
        assert found is not None
        assert (found[:7], len(found)) == ("sha256:", 71)
    else:
        assert found == expected


def test_a_key_that_is_neither_path_nor_expression_is_refused_by_field() -> None:
    with pytest.raises(InvalidArgument) as refused:
        limits.check_key("customer..id", field="concurrency.key")
    assert refused.value.field == "concurrency.key"


@pytest.mark.parametrize(
    ("expression", "data", "expected"),
    [
        ("", {}, 0.0),
        ("event.data.vip ? 100 : 0", {"vip": True}, 100.0),
        ("event.data.n", {"n": -2.5}, -2.5),
        ("event.data.n", {"n": 10**9}, limits.PRIORITY_MAX),
        ("event.data.n", {"n": "high"}, 0.0),
        ("event.data.n", {"n": True}, 0.0),
        ("event.data.missing", {}, 0.0),
    ],
)
def test_priorities(expression: str, data: Any, expected: float) -> None:
    assert limits.priority_of(expression, lambda: variables_of(data)) == expected


@pytest.mark.parametrize(
    ("expression", "data", "expected"),
    [
        ("event.data.id", {"id": "a"}, "a"),
        ("event.data.id", {"id": 3}, "3"),
        ("event.data.id", {}, None),
        ("event.data.id", {"id": None}, None),
        ("[event.data.a, event.data.b]", {"a": 1, "b": "x"}, '[1,"x"]'),
    ],
)
def test_idempotency_values(expression: str, data: Any, expected: str | None) -> None:
    assert limits.idempotency_of(expression, lambda: variables_of(data)) == expected
