"""The circuit breaker, moved by hand."""

from __future__ import annotations

from app.dispatch.breaker import Breaker
from app.history.kinds import CircuitBreaker

SECOND = 1_000_000


def breaker(*, threshold: int = 2, open_s: int = 60, open_s_max: int = 150) -> Breaker:
    return Breaker(CircuitBreaker(threshold, open_s * 1_000, open_s_max * 1_000))


def fail(one: Breaker, now: int, *, times: int = 1, reached: bool = True) -> None:
    for _ in range(times):
        one.failed(one.era, now=now, reason="answered 500", reached=reached)


def test_it_opens_after_so_many_failures_in_a_row() -> None:
    one = breaker(threshold=3)

    fail(one, 0, times=2)
    one.succeeded(one.era)
    fail(one, 0, times=2)
    assert (one.state, one.admits(10)) == ("closed", 10)

    fail(one, 5)
    assert (one.state, one.admits(10), one.failures, one.reason) == ("open", 0, 3, "answered 500")
    assert (one.failed_at, one.wake_at) == (5, 5 + 60 * SECOND)


def test_after_its_window_one_request_decides() -> None:
    one = breaker()
    fail(one, 0, times=2)

    one.wake(60 * SECOND - 1)
    assert one.state == "open"
    one.wake(60 * SECOND)
    assert (one.state, one.admits(10)) == ("half-open", 1)

    one.succeeded(one.era)
    assert (one.state, one.admits(10), one.failures) == ("closed", 10, 0)


def test_each_probe_that_fails_doubles_the_window_up_to_the_longest() -> None:
    one = breaker()
    fail(one, 0, times=2)
    now, windows = 0, []
    for _ in range(4):
        assert one.wake_at is not None
        windows.append((one.wake_at - now) // SECOND)
        now = one.wake_at
        one.wake(now)
        fail(one, now)

    assert windows == [60, 120, 150, 150]
    assert one.wake_at is not None
    one.wake(one.wake_at)
    one.succeeded(one.era)
    fail(one, now, times=2)
    assert one.wake_at == now + 60 * SECOND


def test_requests_of_an_earlier_era_do_not_count() -> None:
    one = breaker()
    era = one.era
    fail(one, 0, times=2)

    one.succeeded(era)
    assert one.state == "open"
    one.wake(60 * SECOND)
    one.failed(era, now=60 * SECOND, reason="late", reached=True)
    one.succeeded(era)
    assert one.state == "half-open"


def test_an_endpoint_that_cannot_be_reached_is_given_growing_moments() -> None:
    one = breaker(threshold=9)
    now, pauses = 0, []
    for _ in range(8):
        fail(one, now, reached=False)
        assert (one.state, one.admits(10), one.wake_at is not None) == ("closed", 0, True)
        pauses.append((one.wake_at or 0) - now)
        now = one.wake_at or 0
        one.wake(now)
        assert one.admits(10) == 10

    assert [pause // 1_000 for pause in pauses] == [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000]


def test_many_requests_that_find_nobody_at_once_are_one_failure() -> None:
    one = breaker()
    era = one.era

    for _ in range(10):
        one.failed(era, now=0, reason="connection refused", reached=False)

    assert (one.state, one.failures) == ("closed", 1)


def test_a_reset_closes_it() -> None:
    one = breaker()
    fail(one, 0, times=2)

    one.reset()

    assert (one.state, one.failures, one.reason, one.failed_at, one.wake_at) == ("closed", 0, "", None, None)
    fail(one, 0)
    assert one.state == "closed"
