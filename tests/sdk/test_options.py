"""Options as they are declared: refused where they are written, and told to the server as they are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ironflow import (
    Batch,
    CancelOn,
    Concurrency,
    Context,
    Debounce,
    Function,
    RateLimit,
    Singleton,
    Throttle,
    Worker,
    cron,
    function,
)
from ironflow.context import BATCH, Event, SyncContext
from ironflow.registration import registration


async def handler(ctx: Context) -> None: ...


def declared(**options: Any) -> Function:
    return function("f", **options)(handler)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Concurrency(0), "limit must be a whole number"),
        (lambda: Concurrency(True), "limit must be a whole number"),
        (lambda: Concurrency(1, key=5), "key must be a path"),  # type: ignore[arg-type]
        (lambda: Throttle(1, 0), "period must be greater than zero"),
        (lambda: Throttle(1, "soon"), "500ms, 30s"),
        (lambda: RateLimit(-1, "1m"), "limit must be"),
        (lambda: Debounce("10s", max_wait="5s"), "shorter than the period"),
        (lambda: Batch(0, "1s"), "size must be"),
        (lambda: Singleton(mode="queue"), "'skip' or 'replace'"),  # type: ignore[arg-type]
        (lambda: CancelOn("order.cancelled"), "say which order.cancelled cancels"),
        (lambda: CancelOn("order..x", match="data.id"), "empty segment"),
        (lambda: CancelOn("a", match="data.id == 1"), "expression takes CEL"),
        (lambda: cron("every day"), "minute hour day month weekday"),
        (lambda: cron("0 9 * * *", timezone="../etc"), "IANA"),
        (lambda: cron("0 9 * * *", missed="maybe"), "'skip', 'once' or 'all'"),  # type: ignore[arg-type]
        (lambda: cron("0 9 * * *", event="a..b"), "empty segment"),
        (lambda: declared(concurrency=5), r"such as Concurrency\(10"),
        (lambda: declared(cancel_on=CancelOn("a", match="data.id")), "must be a list"),
        (lambda: declared(secrets="KEY"), "must be a list"),
        (lambda: declared(secrets=["a b"]), "letters, digits"),
        (lambda: declared(on_failure="f"), "its own on_failure"),
        (lambda: declared(on_failure=7), "a function of ironflow or its id"),
        (lambda: declared(delay=-1), "delay must be greater than zero"),
        (lambda: declared(debounce=Debounce("1s"), batch=Batch(2, "1s")), "cannot be combined"),
        (lambda: declared(batch=Batch(2, "1s"), singleton=Singleton()), "cannot be combined"),
    ],
)
def test_what_makes_no_sense_is_refused_where_it_is_written(make: Any, words: str) -> None:
    with pytest.raises((ValueError, TypeError), match=words):
        make()


def test_the_server_is_told_all_of_it() -> None:
    request = registration(
        declared(
            triggers=["a.b", cron("*/5 * * * * *", timezone="Asia/Tokyo", missed="once", jitter="2s", event="tick")],
            concurrency=Concurrency(3, "k"),
            throttle=Throttle(2, "1m"),
            rate_limit=RateLimit(9, 1.5, "r"),
            singleton=Singleton("s", "replace"),
            priority="event.data.n",
            idempotency="event.data.id",
            cancel_on=[CancelOn("x", match="data.id", expression="true")],
            actor_key="user",
            on_failure="alarm",
            delay="10s",
            step_timeout="3s",
            secrets=["A", "B"],
        )
    )

    assert (request.concurrency.limit, request.concurrency.key) == (3, "k")
    assert (request.throttle.limit, request.throttle.period_ms) == (2, 60_000)
    assert (request.rate_limit.period_ms, request.rate_limit.key) == (1_500, "r")
    assert (request.singleton.key, request.singleton.mode) == ("s", "replace")
    tick = request.triggers[1]
    assert (tick.cron, tick.timezone, tick.missed, tick.jitter_ms, tick.event) == (
        "*/5 * * * * *",
        "Asia/Tokyo",
        "once",
        2_000,
        "tick",
    )
    assert (request.cancel_on[0].match, request.cancel_on[0].expression) == ("data.id", "true")
    assert (request.on_failure, request.delay_ms, request.step_timeout_ms) == ("alarm", 10_000, 3_000)
    assert list(request.secrets) == ["A", "B"]
    assert not request.HasField("debounce")
    held = registration(declared(debounce=Debounce("1s", "k", "1m")))
    assert (held.debounce.period_ms, held.debounce.max_wait_ms) == (1_000, 60_000)
    assert registration(declared(batch=Batch(7, "2s"))).batch.timeout_ms == 2_000


def test_a_worker_serves_the_on_failure_function_too() -> None:
    alarm = function("alarm")(handler)
    worker = Worker([declared(on_failure=alarm)])

    assert set(worker._identity.functions) == {"f", "alarm"}
    with pytest.raises(ValueError, match="two functions"):
        Worker([declared(on_failure=alarm), function("alarm")(handler)])


def test_the_events_of_a_batch_are_events() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    one = {"id": "evt_1", "name": "a.b", "data": 7, "timestamp": "2026-01-01T00:00:00.000Z", "metadata": {"t": 1}}
    name, source = BATCH

    batch = SyncContext(Event("e", name, [one], now, {}, source=source), "run_1", "f", 1, 1, {}, None)  # type: ignore[arg-type]
    single = SyncContext(Event("e", "a", [one], now, {}), "run_1", "f", 1, 1, {}, None)  # type: ignore[arg-type]

    assert [(event.id, event.data, event.timestamp, event.metadata) for event in batch.events] == [
        ("evt_1", 7, now, {"t": 1})
    ]
    assert single.events == (single.event,)
