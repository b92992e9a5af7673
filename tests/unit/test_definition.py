"""What a definition is refused for: each error names the field, and says what would do."""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import InvalidArgument
from app.history.kinds import (
    Batch,
    CancelOn,
    Concurrency,
    Debounce,
    RateLimit,
    RetryPolicy,
    Singleton,
    Throttle,
    Trigger,
)
from app.runs.definition import Definition, checked


def cron(text: str, **more: Any) -> dict[str, Any]:
    return {"triggers": (Trigger(cron=text, **more),)}


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"id": "a b"}, "id"),
        ({"id": "a..b"}, "id"),
        ({"id": "*"}, "id"),
        ({"triggers": (Trigger(),)}, "triggers[0].event"),
        ({"triggers": (Trigger(event="a"), Trigger(event="b..c"))}, "triggers[1].event"),
        ({"triggers": (Trigger(event="a", expression="1 +"),)}, "triggers[0].expression"),
        ({"triggers": (Trigger(event="a"),) * 101}, "triggers"),
        (cron("61 * * * *"), "triggers[0].cron"),
        (cron("* * * *"), "triggers[0].cron"),
        (cron("0 0 31 2 *"), "triggers[0].cron"),
        (cron("@sometimes"), "triggers[0].cron"),
        (cron("0 9 * * *", timezone="Mars/Olympus"), "triggers[0].timezone"),
        (cron("0 9 * * *", timezone="../../etc/passwd"), "triggers[0].timezone"),
        (cron("0 9 * * *", missed="maybe"), "triggers[0].missed"),
        (cron("0 9 * * *", jitter_ms=-1), "triggers[0].jitter_ms"),
        (cron("0 9 * * *", event="a.*"), "triggers[0].event"),
        (cron("0 9 * * *", expression="true"), "triggers[0].expression"),
        ({"timeout_ms": -1}, "timeout_ms"),
        ({"step_timeout_ms": -1}, "step_timeout_ms"),
        ({"delay_ms": -1}, "delay_ms"),
        ({"retry": RetryPolicy(max_attempts=0)}, "retry.max_attempts"),
        ({"concurrency": Concurrency(0)}, "concurrency.limit"),
        ({"concurrency": Concurrency(1, "a..b")}, "concurrency.key"),
        ({"throttle": Throttle(0, 1_000)}, "throttle.limit"),
        ({"throttle": Throttle(1, 0)}, "throttle.period_ms"),
        ({"throttle": Throttle(1, 1_000, "nope(")}, "throttle.key"),
        ({"rate_limit": RateLimit(1, 8 * 24 * 3_600_000)}, "rate_limit.period_ms"),
        ({"debounce": Debounce(0)}, "debounce.period_ms"),
        ({"debounce": Debounce(1_000, max_wait_ms=999)}, "debounce.max_wait_ms"),
        ({"batch": Batch(0, 1_000)}, "batch.size"),
        ({"batch": Batch(1_001, 1_000)}, "batch.size"),
        ({"batch": Batch(10, 0)}, "batch.timeout_ms"),
        ({"singleton": Singleton(mode="queue")}, "singleton.mode"),
        ({"priority": "event.data.n +"}, "priority"),
        ({"priority": "price"}, "priority"),
        ({"idempotency": "nope(1)"}, "idempotency"),
        ({"cancel_on": (CancelOn(""),)}, "cancel_on[0].event"),
        ({"cancel_on": (CancelOn("a"),)}, "cancel_on[0].match"),
        ({"cancel_on": (CancelOn("a", match="data.id == 1"),)}, "cancel_on[0].match"),
        ({"cancel_on": (CancelOn("a", expression="1 +"),)}, "cancel_on[0].expression"),
        ({"cancel_on": (CancelOn("a", match="data.id"),) * 2}, "cancel_on[1]"),
        ({"actor_key": "a b"}, "actor_key"),
        ({"on_failure": "f"}, "on_failure"),
        ({"on_failure": "a b"}, "on_failure"),
        ({"secrets": ("1A",)}, "secrets[0]"),
        ({"secrets": ("A", "A")}, "secrets[1]"),
        ({"debounce": Debounce(1), "batch": Batch(1, 1)}, "batch"),
        ({"debounce": Debounce(1), "singleton": Singleton()}, "singleton"),
        ({"batch": Batch(1, 1), "rate_limit": RateLimit(1, 1)}, "rate_limit"),
        ({"batch": Batch(1, 1), "idempotency": "event.id"}, "idempotency"),
    ],
)
def test_what_makes_no_sense_is_refused_by_field(options: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        checked(Definition(**{"id": "f", **options}))

    assert refused.value.field == field
    assert refused.value.hint or field in ("priority", "idempotency")


def test_everything_at_once_is_fine() -> None:
    definition = checked(
        Definition(
            "f",
            triggers=(Trigger(event="a.>"), Trigger(cron="*/5 * * * * *", timezone="Europe/Berlin", missed="all")),
            concurrency=Concurrency(10, "customer.id"),
            throttle=Throttle(5, 1_000, "event.data.region + '-x'"),
            rate_limit=RateLimit(100, 60_000),
            singleton=Singleton("id", "replace"),
            priority="event.data.vip ? 60 : 0",
            idempotency="event.data.order",
            cancel_on=(CancelOn("b", match="data.id", expression="event.data.final"),),
            actor_key="user",
            on_failure="g",
            delay_ms=5,
            secrets=("STRIPE_KEY",),
        )
    )

    assert definition.name == "f"
