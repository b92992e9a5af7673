"""What an event would lead to is what it leads to. Both stores."""

from __future__ import annotations

import msgspec
import pytest

from app.clock import ManualClock
from app.errors import IdempotencyConflict
from app.events.new_event import NewEvent
from app.events.rehearsal import Rehearsal, rehearse
from app.history.kinds import (
    CancelOn,
    Debounce,
    GroupSettings,
    ProjectionDefinition,
    RateLimit,
    RunSuspended,
    Singleton,
    Trigger,
)
from app.node import Node
from app.runs.definition import Definition
from tests.support.taker import settled
from tests.support.worker import Worker, emit, recorded, register, wait_for


def placed(number: int = 1, **more: str) -> NewEvent:
    return NewEvent("default", "order.placed", msgspec.json.encode({"id": number}), **more)


async def tried(node: Node, event: NewEvent) -> Rehearsal:
    return await rehearse(node.emitter, node.committer, event)


async def test_what_is_told_beforehand_is_what_happens_and_is_not_recorded(node: Node) -> None:
    options = {
        "plain": {},
        "narrow": {"triggers": (Trigger(event="order.*", expression="event.data.id > 1"),)},
        "limited": {"rate_limit": RateLimit(1, 60_000)},
        "held": {"debounce": Debounce(10_000)},
        "alone": {"singleton": Singleton(mode="skip")},
    }
    for name, option in options.items():
        triggers = {"triggers": (Trigger(event="order.placed"),)}
        await node.functions.register("default", Definition(name, **{**triggers, **option}))
    first = await node.emitter.emit(placed())
    head = node.tail.head

    told = await tried(node, placed(2))

    assert node.tail.head == head
    happened = await node.emitter.emit(placed(2))
    assert told.emitted.function_ids == happened.function_ids == ("plain", "narrow")
    assert told.emitted.outcomes == happened.outcomes
    assert {one.function_id: one.outcome for one in told.emitted.outcomes} == {
        "alone": "skipped",
        "held": "debounced",
        "limited": "rate_limited",
    }
    assert {"alone", "limited"} <= set(first.function_ids)


async def test_it_tells_which_runs_it_would_end_and_who_else_gets_it(node: Node, clock: ManualClock) -> None:
    await register(node, cancel_on=(CancelOn("order.placed", match="data.id"),))
    worker = Worker(node)
    run_id = await emit(node)
    job = await worker.job()
    worker.wait(job, wait_for(job, "order", "order.*", match="data.id", match_value="1"))
    await recorded(node, run_id, RunSuspended.kind)
    await node.groups.create("default", "billing", GroupSettings("order.>", filter="data.id == 1"))
    await node.projections.registry.register("default", "orders", ProjectionDefinition("external", ("order.*",)))
    await settled(node)

    fits, other = await tried(node, placed(1)), await tried(node, placed(2))

    assert (fits.cancelled, other.cancelled) == ((run_id,), ())
    assert fits.entry is not None
    assert other.entry is not None
    assert [wait.key for wait in node.waiting.ended_by(fits.entry)] == [("default", run_id, f"{run_id}:order:0")]
    assert node.waiting.ended_by(other.entry) == []
    assert [one.name for one in node.groups.taking(fits.entry)] == ["billing"]
    assert node.groups.taking(other.entry) == []
    assert [one.name for one in node.projections.registry.wanting("default", "order.placed")] == ["orders"]
    assert node.projections.registry.wanting("default", "invoice.sent") == []


async def test_a_repeat_would_record_nothing_and_another_event_under_its_key_is_refused(node: Node) -> None:
    await node.emitter.emit(placed(idempotency_key="k"))

    told = await tried(node, placed(idempotency_key="k"))
    assert (told.emitted.duplicate, told.entry) == (True, None)
    with pytest.raises(IdempotencyConflict):
        await tried(node, placed(2, idempotency_key="k"))
