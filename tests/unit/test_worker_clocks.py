"""How far a worker's clock is from the server's, and when that is worth telling."""

from __future__ import annotations

import pytest

from app.cli.doctor import clocks
from app.cli.worker import clock
from app.dispatch.workers import Session, WorkerInfo, new_session

START = 1_764_000_000_000_000


def session() -> Session:
    info = WorkerInfo(id="w", environment="default", function_ids=frozenset(("f",)), max_concurrent_jobs=1)
    ignored = lambda *_: None  # noqa: E731
    return new_session(info, transport="stream", lease_ttl_s=1, credit=1, now_us=START, assign=ignored, cancel=ignored)


@pytest.mark.parametrize(
    ("rtt_us", "ahead_us", "skewed"),
    [
        (2_000, 0, False),
        (2_000, 101_000, False),
        (2_000, 101_001, True),
        (2_000, -101_001, True),
        (600_000, 400_000, False),  # it may all be on the way there
        (600_000, 400_001, True),
    ],
)
def test_a_clock_differs_when_the_way_cannot_explain_it(rtt_us: int, ahead_us: int, skewed: bool) -> None:
    worker = session()

    worker.echoed(START, START + rtt_us, START + rtt_us // 2 + ahead_us)

    assert (worker.rtt_us, worker.skew_us, worker.skewed) == (rtt_us, ahead_us, skewed)


def test_a_worker_that_does_not_say_what_time_it_is_has_no_skew() -> None:
    worker = session()

    worker.echoed(START, START + 10, 0)

    assert (worker.rtt_us, worker.skew_us, worker.skewed) == (10, None, False)


def test_a_job_tells_of_the_clock_if_it_is_the_one_that_was_measured() -> None:
    worker = session()
    worker.began("", START)
    assert worker.skew_us is None, "nothing was measured yet"
    worker.asked_at = START
    worker.answered(START + 4_000, "job_1")
    worker.answered(START + 9_000, "job_2")

    worker.began("job_2", START)
    before = worker.skew_us
    worker.began("job_1", START + 1_000_000)

    assert (before, worker.skew_us) == (None, 998_000)


def test_the_command_line_says_which_clocks_differ() -> None:
    ahead = {"id": "w1", "skew_ms": 3_240.0, "skewed": True}
    behind = {"id": "w2", "skew_ms": -500.0, "skewed": True}
    others = [{"id": "w3", "skew_ms": 20.0, "skewed": False}, {"id": "w4", "skewed": False}]

    assert [clock(one) for one in (ahead, behind, *others)] == ["+3.2 s", "-0.5 s", "in step", ""]
    assert [(one.grade, one.text) for one in clocks([ahead, behind, *others])] == [
        ("warn", "that of worker w1 is 3.2 s ahead of the server's"),
        ("warn", "that of worker w2 is 0.5 s behind the server's"),
    ]
