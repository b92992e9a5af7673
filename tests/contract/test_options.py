"""The options of functions through a whole node, on both stores: time is moved, never waited for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from app.clock import ManualClock
from app.errors import FailedPrecondition, ResourceExhausted
from app.events import noun as event_noun
from app.events.new_event import NewEvent
from app.events.prepared import Emitted
from app.history.kinds import (
    Batch,
    CancelOn,
    Concurrency,
    Debounce,
    Failure,
    RateLimit,
    RetryPolicy,
    RunCancelled,
    RunCreated,
    Singleton,
    Throttle,
    Trigger,
)
from app.history.rebuild import rebuild
from app.ids import Ids
from app.node import Node
from app.runs import noun as run_noun
from app.runs.asking import Request
from app.runs.definition import Definition
from app.runs.forks import Wish
from app.runs.listing import RunFilter
from storage import history
from storage.contract import Storage
from storage.records import EntryRecord
from tests.support.nodes import alive
from tests.support.taker import Taker, settled

FATAL = Failure("no", retryable=False)


async def register(node: Node, function_id: str = "f", **options: Any) -> None:
    options.setdefault("triggers", (Trigger(event="e"),))
    await node.functions.register("default", Definition(function_id, **options))


async def emit(node: Node, data: Any = None, name: str = "e", **options: Any) -> Emitted:
    return await node.emitter.emit(NewEvent("default", name, msgspec.json.encode(data), **options))


async def status(node: Node, run_id: str) -> str:
    return (await node.runs.row("default", run_id)).status


async def runs_of(node: Node, function_id: str = "f") -> list[str]:
    """Oldest first."""
    page = await node.runs.list("default", RunFilter(function_id=function_id), limit=1000)
    return [row.id for row in reversed(page.rows)]


async def input_of(node: Node, run_id: str) -> Any:
    return msgspec.json.decode((await node.runs.get("default", run_id)).input)


async def history_of(node: Node, run_id: str) -> list[EntryRecord]:
    return await node.storage.read(lambda tx: history.of_stream(tx, "default", run_noun.stream(run_id)))


@asynccontextmanager
async def running(storage: Storage, clock: ManualClock) -> AsyncIterator[Node]:
    """A node for as long as the block lasts. Nothing of its memory outlives it, as after kill -9."""
    made = Node(storage=storage, clock=clock, ids=Ids(clock))
    async with alive(made):
        await settled(made)
        yield made


# --- concurrency ------------------------------------------------------------------------------------------------------


async def test_runs_beyond_the_concurrency_wait_for_capacity(node: Node) -> None:
    await register(node, concurrency=Concurrency(2))
    worker = Taker(node)
    run_ids = [(await emit(node, n)).run_ids[0] for n in range(4)]

    first, second = await worker.job(), await worker.job()
    assert await worker.idle()
    assert [await status(node, run_id) for run_id in run_ids[2:]] == ["waiting_for_capacity"] * 2

    worker.complete(first)
    third = await worker.job()
    assert await worker.idle()
    assert [first.run_id, second.run_id, third.run_id] == run_ids[:3]


async def test_a_hot_key_starves_no_other(node: Node) -> None:
    await register(node, concurrency=Concurrency(1, "customer.id"))
    for _ in range(5):
        await emit(node, {"customer": {"id": "hot"}})
    cold = (await emit(node, {"customer": {"id": 7}})).run_ids[0]
    await settled(node)

    worker = Taker(node, slots=2)

    jobs = [await worker.job(), await worker.job()]
    assert cold in [job.run_id for job in jobs]
    assert await worker.idle()


async def test_the_keys_take_turns_when_workers_are_scarce(node: Node) -> None:
    await register(node, concurrency=Concurrency(100, "k"))
    for key in "aaaab":
        await emit(node, {"k": key})
    await settled(node)

    worker = Taker(node, slots=1)
    order = []
    for _ in range(5):
        job = await worker.job()
        order.append((await input_of(node, job.run_id))["k"])
        worker.complete(job)

    assert order == ["a", "b", "a", "a", "a"]


async def test_a_retrying_run_gives_up_its_place_and_waits_for_one_again(node: Node, clock: ManualClock) -> None:
    retry = RetryPolicy(initial_delay_ms=1_000)
    await register(node, concurrency=Concurrency(1), retry=retry)
    worker = Taker(node)
    await emit(node, 1)
    await emit(node, 2)

    failing = await worker.job()
    worker.fail(failing, Failure("again"))
    second = await worker.job()
    await settled(node)
    clock.advance(seconds=2)
    assert await worker.idle()
    worker.complete(second)

    again = await worker.job()
    assert (again.run_id, again.attempt) == (failing.run_id, 2)


async def test_a_changed_limit_counts_at_once(node: Node) -> None:
    await register(node, concurrency=Concurrency(1))
    worker = Taker(node)
    for n in range(3):
        await emit(node, n)
    await worker.job()
    assert await worker.idle()

    await register(node, concurrency=Concurrency(3))

    await worker.job()
    await worker.job()


async def test_waiting_runs_keep_their_lanes_over_a_restart(storage: Storage, clock: ManualClock) -> None:
    async with running(storage, clock) as node:
        await register(node, concurrency=Concurrency(1, "k"))
        for key in "aab":
            await emit(node, {"k": key})

    async with running(storage, clock) as again:
        worker = Taker(again)
        keys = [(await input_of(again, (await worker.job()).run_id))["k"] for _ in range(2)]
        assert sorted(keys) == ["a", "b"]
        assert await worker.idle()


# --- throttle ---------------------------------------------------------------------------------------------------------


async def test_a_throttle_delays_and_drops_nothing(node: Node, clock: ManualClock) -> None:
    await register(node, throttle=Throttle(2, 60_000))
    worker = Taker(node)
    for n in range(5):
        await emit(node, n)

    for _ in range(2):
        worker.complete(await worker.job())
    assert await worker.idle()
    clock.advance(seconds=59)
    assert await worker.idle()
    clock.advance(seconds=1)
    for _ in range(2):
        worker.complete(await worker.job())
    assert await worker.idle()
    clock.advance(seconds=60)
    worker.complete(await worker.job())
    await settled(node)
    assert [await status(node, run_id) for run_id in await runs_of(node)] == ["completed"] * 5


async def test_retries_do_not_count_for_a_throttle(node: Node, clock: ManualClock) -> None:
    await register(node, throttle=Throttle(1, 60_000), retry=RetryPolicy(initial_delay_ms=1_000))
    worker = Taker(node)
    await emit(node)

    worker.fail(await worker.job(), Failure("again"))
    await settled(node)
    clock.advance(seconds=1)

    assert (await worker.job()).attempt == 2


async def test_each_key_has_a_throttle_of_its_own(node: Node) -> None:
    await register(node, throttle=Throttle(1, 60_000, "k"))
    worker = Taker(node)
    for key in "aab":
        await emit(node, {"k": key})

    await worker.job()
    await worker.job()
    assert await worker.idle()


async def test_a_run_without_a_throttle_key_fails_and_says_so(node: Node) -> None:
    await register(node, throttle=Throttle(1, 60_000, "customer.id"))
    [run_id] = (await emit(node, {"customer": None})).run_ids

    run = await node.runs.get("default", run_id)
    assert run.state.status == "failed"
    assert run.state.error is not None
    assert run.state.error.code == "THROTTLE_KEY_UNRESOLVED"


async def test_a_throttle_survives_a_restart(storage: Storage, clock: ManualClock) -> None:
    async with running(storage, clock) as node:
        await register(node, throttle=Throttle(1, 60_000))
        worker = Taker(node)
        await emit(node)
        await emit(node)
        worker.complete(await worker.job())
        await settled(node)

    async with running(storage, clock) as again:
        worker = Taker(again)
        clock.advance(seconds=30)
        assert await worker.idle()
        clock.advance(seconds=30)
        await worker.job()


# --- rate limit, singleton, idempotency -------------------------------------------------------------------------------


async def test_a_rate_limit_drops_what_is_beyond_and_records_that(node: Node, clock: ManualClock) -> None:
    await register(node, rate_limit=RateLimit(2, 60_000))
    emitted = [await emit(node, n) for n in range(3)]
    clock.advance(seconds=60)
    later = await emit(node, 9)

    assert [len(one.run_ids) for one in [*emitted, later]] == [1, 1, 0, 1]
    event = await node.storage.read(lambda tx: node.fold.load(tx, "default", f"event/{emitted[2].event_id}"))
    assert event.state.outcomes[0].outcome == "rate_limited"


async def test_a_rate_limit_holds_in_any_window_and_over_a_restart(storage: Storage, clock: ManualClock) -> None:
    async with running(storage, clock) as node:
        await register(node, rate_limit=RateLimit(1, 60_000, "k"))
        assert (await emit(node, {"k": 1})).run_ids

    async with running(storage, clock) as again:
        clock.advance(seconds=59)
        assert not (await emit(again, {"k": 1})).run_ids
        assert (await emit(again, {"k": 2})).run_ids
        clock.advance(seconds=1)
        assert (await emit(again, {"k": 1})).run_ids


async def test_a_singleton_skips_while_a_run_is_unfinished(node: Node) -> None:
    await register(node, singleton=Singleton("k"))
    worker = Taker(node)
    first = await emit(node, {"k": "a"})
    second = await emit(node, {"k": "a"})
    other = await emit(node, {"k": "b"})
    assert (second.run_ids, second.outcomes[0].outcome) == ((), "skipped")
    assert second.outcomes[0].run_id == first.run_ids[0]
    assert other.run_ids

    for _ in range(2):
        worker.complete(await worker.job())
    await settled(node)
    assert (await emit(node, {"k": "a"})).run_ids


async def test_a_singleton_can_replace_its_run(node: Node) -> None:
    await register(node, singleton=Singleton(mode="replace"))
    worker = Taker(node)
    first = await emit(node, 1)
    job = await worker.job()
    second = await emit(node, 2)

    assert (await worker.told_to_stop())[0] is job
    assert (await worker.job()).run_id == second.run_ids[0]
    run = await node.runs.row("default", first.run_ids[0])
    assert (run.status, run.cancellation_cause) == ("cancelled", "singleton")


async def test_the_same_idempotency_value_within_a_day_is_the_same_run(node: Node, clock: ManualClock) -> None:
    await register(node, idempotency="event.data.order")
    first, again = await emit(node, {"order": 1, "n": 1}), await emit(node, {"order": 1, "n": 2})
    other, without = await emit(node, {"order": 2}), await emit(node, {})
    clock.advance(seconds=24 * 3600)
    next_day = await emit(node, {"order": 1})

    assert again.run_ids == first.run_ids
    assert again.outcomes[0].outcome == "duplicate"
    assert len({first.run_ids, other.run_ids, without.run_ids, next_day.run_ids}) == 4
    assert len(await runs_of(node)) == 4


async def test_events_of_one_batch_see_each_other(node: Node) -> None:
    await register(node, singleton=Singleton())
    events = [NewEvent("default", "e", b"1") for _ in range(3)]

    answers = [one for one in await node.emitter.emit_batch(events) if isinstance(one, Emitted)]

    assert [len(one.run_ids) for one in answers] == [1, 0, 0]


async def test_waiting_for_a_known_run_ends_when_it_has_ended(node: Node) -> None:
    await register(node, idempotency="event.data")
    worker = Taker(node)
    await emit(node, 1)
    worker.complete(await worker.job())
    await settled(node)

    _, [result] = await node.invoker.emit_and_wait(NewEvent("default", "e", b"1"), timeout_ms=5_000)

    assert (result.status, result.timed_out) == ("completed", False)


# --- debounce and batch -----------------------------------------------------------------------------------------------


async def test_a_debounce_runs_once_with_the_last_event(node: Node, clock: ManualClock) -> None:
    await register(node, debounce=Debounce(10_000, "k"))
    worker = Taker(node)
    for n in range(3):
        emitted = await emit(node, {"k": "a", "n": n})
        assert (emitted.run_ids, emitted.outcomes[0].outcome) == ((), "debounced")
        await settled(node)
        clock.advance(seconds=9)
    assert await worker.idle()
    clock.advance(seconds=1)

    job = await worker.job()
    assert await input_of(node, job.run_id) == {"k": "a", "n": 2}
    assert len(await runs_of(node)) == 1


async def test_a_debounce_waits_no_longer_than_its_max(node: Node, clock: ManualClock) -> None:
    await register(node, debounce=Debounce(10_000, max_wait_ms=25_000))
    worker = Taker(node)
    for n in range(3):
        await emit(node, n)
        await settled(node)
        clock.advance(seconds=8)
    await emit(node, 3)
    await settled(node)
    assert await worker.idle()
    clock.advance(seconds=1)

    assert await input_of(node, (await worker.job()).run_id) == 3


async def test_a_debounce_survives_a_restart_and_fires_once(storage: Storage, clock: ManualClock) -> None:
    async with running(storage, clock) as node:
        await register(node, debounce=Debounce(10_000))
        await emit(node, "last")

    async with running(storage, clock) as again:
        await settled(again)
        clock.advance(seconds=10)
        worker = Taker(again)
        assert await input_of(again, (await worker.job()).run_id) == "last"
        await settled(again)
        assert len(await runs_of(again)) == 1


async def test_a_batch_is_full_or_its_time_is_over(node: Node, clock: ManualClock) -> None:
    await register(node, batch=Batch(3, 60_000))
    worker = Taker(node)
    for n in range(4):
        await emit(node, n)

    full = await input_of(node, (await worker.job()).run_id)
    assert [event["data"] for event in full] == [0, 1, 2]
    assert {event["name"] for event in full} == {"e"}
    assert await worker.idle()
    clock.advance(seconds=60)
    rest = await input_of(node, (await worker.job()).run_id)
    assert [event["data"] for event in rest] == [3]


async def test_batches_are_kept_apart_by_key_and_survive_a_restart(storage: Storage, clock: ManualClock) -> None:
    async with running(storage, clock) as node:
        await register(node, batch=Batch(10, 60_000, "k"))
        for n, key in enumerate("aba"):
            await emit(node, {"k": key, "n": n})

    async with running(storage, clock) as again:
        await emit(again, {"k": "a", "n": 3})
        await settled(again)
        clock.advance(seconds=60)
        worker = Taker(again)
        batches = [await input_of(again, (await worker.job()).run_id) for _ in range(2)]
        assert sorted([event["data"]["n"] for event in batch] for batch in batches) == [[0, 2, 3], [1]]


async def test_more_events_than_a_batch_holds_make_several(node: Node) -> None:
    await register(node, batch=Batch(10, 60_000))
    worker = Taker(node)
    await node.emitter.emit_batch([NewEvent("default", "e", b"%d" % n) for n in range(35)])

    batches = [await input_of(node, (await worker.job()).run_id) for _ in range(3)]
    assert [event["data"] for batch in batches for event in batch] == list(range(30))
    assert await worker.idle()


@pytest.mark.parametrize("options", [{"debounce": Debounce(1_000)}, {"batch": Batch(2, 1_000)}])
async def test_nobody_can_wait_for_a_run_that_is_not_there_yet(node: Node, options: Any) -> None:
    await register(node, **options)
    head = node.tail.head

    with pytest.raises(FailedPrecondition):
        await node.invoker.emit_and_wait(NewEvent("default", "e", b"1"))
    with pytest.raises(FailedPrecondition):
        await node.invoker.invoke(NewEvent("default", "f", b"1"))
    assert node.tail.head == head


# --- priority, delay, actor -------------------------------------------------------------------------------------------


async def test_priority_goes_first_and_whatever_waits_long_enough_is_first(node: Node, clock: ManualClock) -> None:
    await register(node, priority="event.data.urgent ? 60 : 0")
    await emit(node, {"urgent": False, "n": "old"})
    clock.advance(seconds=61)
    await emit(node, {"urgent": False, "n": "new"})
    await emit(node, {"urgent": True, "n": "urgent"})
    await emit(node, {"n": "none"})
    await settled(node)

    worker = Taker(node)
    order = [(await input_of(node, (await worker.job()).run_id))["n"] for _ in range(4)]

    assert order == ["old", "urgent", "new", "none"]


async def test_a_run_starts_no_sooner_than_its_delay_and_its_event_say(node: Node, clock: ManualClock) -> None:
    await register(node, delay_ms=10_000)
    worker = Taker(node)
    [run_id] = (await emit(node, start_at=clock.now_us() + 5_000_000)).run_ids
    assert await status(node, run_id) == "waiting"

    clock.advance(seconds=14)
    assert await worker.idle()
    clock.advance(seconds=1)
    assert (await worker.job()).run_id == run_id


async def test_a_delayed_run_survives_a_restart(storage: Storage, clock: ManualClock) -> None:
    async with running(storage, clock) as node:
        await register(node, delay_ms=10_000, throttle=Throttle(1, 1_000))
        await emit(node)

    async with running(storage, clock) as again:
        worker = Taker(again)
        assert await worker.idle()
        clock.advance(seconds=10)
        await worker.job()


async def test_the_runs_of_an_actor_stick_to_one_worker(node: Node) -> None:
    await register(node, actor_key="user")
    first, second = Taker(node, name="w1"), Taker(node, name="w2")
    for _ in range(6):
        await emit(node, {"user": "ann"})
    await settled(node)

    by_worker = [first.jobs.qsize(), second.jobs.qsize()]
    assert sorted(by_worker) == [0, 6]

    holder, other = (first, second) if by_worker[0] else (second, first)
    node.dispatcher.leave(holder.session, reason="gone")
    for _ in range(6):
        await other.job()


# --- cancel_on, on_failure --------------------------------------------------------------------------------------------


async def test_an_event_with_the_same_value_cancels_the_run(node: Node) -> None:
    await register(node, cancel_on=(CancelOn("order.cancelled", match="data.id"),))
    worker = Taker(node)
    kept, cancelled = (await emit(node, {"id": 1})).run_ids[0], (await emit(node, {"id": 2})).run_ids[0]
    jobs = [await worker.job(), await worker.job()]

    await emit(node, {"id": "2"}, name="order.cancelled")

    job, _ = await worker.told_to_stop()
    assert job is jobs[1]
    row = await node.runs.row("default", cancelled)
    assert (row.status, row.cancellation_cause) == ("cancelled", "cancel-on-event")
    assert await status(node, kept) == "running"


async def test_an_expression_has_to_hold_too_and_a_restart_forgets_nothing(
    storage: Storage, clock: ManualClock
) -> None:
    async with running(storage, clock) as node:
        await register(
            node, cancel_on=(CancelOn("stop.>", match="data.id", expression="event.data.really"),), delay_ms=1
        )
        [run_id] = (await emit(node, {"id": 1})).run_ids

    async with running(storage, clock) as again:
        await emit(again, {"id": 1, "really": False}, name="stop.now")
        await emit(again, {"id": 1}, name="stop.now")
        assert await status(again, run_id) == "waiting"
        await emit(again, {"id": 1, "really": True}, name="stop.now")
        assert await status(again, run_id) == "cancelled"


async def test_a_cancelling_event_in_the_same_batch_finds_the_run(node: Node) -> None:
    await register(node, cancel_on=(CancelOn("stop", match="data.id"),))
    events = [NewEvent("default", name, b'{"id":1}') for name in ("e", "stop", "e")]

    answers = [one for one in await node.emitter.emit_batch(events) if isinstance(one, Emitted)]

    assert await status(node, answers[0].run_ids[0]) == "cancelled"
    assert await status(node, answers[2].run_ids[0]) == "waiting_for_capacity"


async def test_a_cancelling_event_right_behind_a_resumption_finds_the_run(node: Node) -> None:
    await register(node, cancel_on=(CancelOn("stop", match="data.id"),))
    worker = Taker(node)
    [run_id] = (await emit(node, {"id": 1})).run_ids
    worker.fail(await worker.job(), FATAL)
    await settled(node)

    _, stop = await asyncio.gather(node.engine.resume("default", run_id), emit(node, {"id": 1}, name="stop"))

    await settled(node)
    row = await node.runs.row("default", run_id)
    assert (row.status, row.cancellation_cause) == ("cancelled", "cancel-on-event")
    [cancelled] = [one for one in await history_of(node, run_id) if one.kind == RunCancelled.kind]
    assert (cancelled.causation, cancelled.correlation) == (event_noun.stream(stop.event_id), stop.event_id)


async def test_a_process_that_is_killed_leaves_no_run_that_an_event_should_have_cancelled(
    storage: Storage, clock: ManualClock
) -> None:
    node = Node(storage=storage, clock=clock, ids=Ids(clock))
    async with alive(node, drained=False) as loops:
        await register(node, cancel_on=(CancelOn("stop", match="data.id"),))
        worker = Taker(node)
        [run_id] = (await emit(node, {"id": 1})).run_ids
        worker.fail(await worker.job(), FATAL)
        await settled(node)
        [following] = [loop for loop in loops if loop.get_name() == "cancellations"]
        following.cancel()
        await asyncio.gather(node.engine.resume("default", run_id), emit(node, {"id": 1}, name="stop"))
        assert await status(node, run_id) != "cancelled"

    async with running(storage, clock) as again:
        assert await status(again, run_id) == "cancelled"


async def test_a_cancelling_event_right_behind_a_fork_finds_it_and_not_one_before(node: Node) -> None:
    await register(node, cancel_on=(CancelOn("stop", match="data.id"),))
    worker = Taker(node)
    [run_id] = (await emit(node, {"id": 1})).run_ids
    worker.complete(await worker.job())
    await emit(node, {"id": 1}, name="stop")

    kept = await node.forks.fork("default", run_id, Wish(), Request(reason="again"))
    await settled(node)
    assert await status(node, kept) == "running"
    worker.complete(await worker.job())
    await settled(node)
    fork = await node.forks.fork("default", run_id, Wish(), Request(reason="again"))
    await emit(node, {"id": 1}, name="stop")

    await settled(node)
    assert [await status(node, one) for one in (kept, fork)] == ["completed", "cancelled"]


async def test_a_cancelling_event_finds_a_run_that_a_gate_just_let_go(node: Node, clock: ManualClock) -> None:
    await register(node, debounce=Debounce(1_000), cancel_on=(CancelOn("stop", match="data.id"),))
    await emit(node, {"id": 1})
    await settled(node)
    following = node.tail.follow(node.tail.head, kinds=frozenset((RunCreated.kind,)), first=True)

    clock.advance(seconds=1)
    [created] = await anext(following)
    await emit(node, {"id": 1}, name="stop")

    await settled(node)
    assert await status(node, created.stream[4:]) == "cancelled"


async def test_a_run_that_fails_for_good_starts_its_on_failure_function(node: Node) -> None:
    await register(node, on_failure="alarm")
    await register(node, "alarm", triggers=(), on_failure="f")
    worker = Taker(node, "f", "alarm")
    [run_id] = (await emit(node, {"id": 1})).run_ids
    worker.fail(await worker.job(), Failure("kaputt", code="BROKEN", retryable=False))

    job = await worker.job()
    told = await input_of(node, job.run_id)
    assert job.function_id == "alarm"
    assert (told["run_id"], told["function_id"]) == (run_id, "f")
    assert (told["error"]["message"], told["error"]["code"]) == ("kaputt", "BROKEN")
    assert (told["event"]["name"], told["event"]["data"]) == ("e", {"id": 1})

    worker.fail(job, FATAL)
    assert await worker.idle(), "an on_failure run that fails starts nothing"


async def test_on_failure_waits_for_a_function_that_is_not_there_yet_over_a_restart(
    storage: Storage, clock: ManualClock
) -> None:
    async with running(storage, clock) as node:
        await register(node, on_failure="alarm")
        worker = Taker(node)
        await emit(node)
        worker.fail(await worker.job(), FATAL)
        await settled(node)

    async with running(storage, clock) as again:
        await settled(again)
        await register(again, "alarm", triggers=())
        taker = Taker(again, "alarm")
        assert (await taker.job()).function_id == "alarm"
        await settled(again)
        assert len(await runs_of(again, "alarm")) == 1


# --- status -----------------------------------------------------------------------------------------------------------


async def test_a_paused_function_keeps_its_runs_waiting(storage: Storage, clock: ManualClock) -> None:
    async with running(storage, clock) as node:
        await register(node)
        worker = Taker(node)
        await node.functions.set_status("default", "f", "paused", actor="ann", reason="incident")
        [run_id] = (await emit(node)).run_ids
        assert await worker.idle()
        await register(node, timeout_ms=5_000)
        assert await worker.idle(), "a new version does not resume it"

    async with running(storage, clock) as again:
        other = Taker(again)
        assert await other.idle()
        await again.functions.set_status("default", "f", "active")
        assert (await other.job()).run_id == run_id


async def test_an_archived_or_deleted_function_is_started_by_nothing(node: Node) -> None:
    await register(node)
    await node.functions.set_status("default", "f", "archived")
    assert (await emit(node)).run_ids == ()
    with pytest.raises(FailedPrecondition):
        await node.invoker.invoke(NewEvent("default", "f", b"1"))

    await node.functions.delete("default", "f")
    assert (await emit(node)).run_ids == ()
    assert node.functions.list("default") == []

    await register(node)
    assert (await emit(node)).run_ids


async def test_invoking_tells_what_is_in_the_way(node: Node) -> None:
    await register(node, singleton=Singleton(), rate_limit=RateLimit(1, 60_000))
    first, _ = await node.invoker.invoke(NewEvent("default", "f", b"1"))
    with pytest.raises(ResourceExhausted):
        await node.invoker.invoke(NewEvent("default", "f", b"2"))

    await register(node, singleton=Singleton())
    again, _ = await node.invoker.invoke(NewEvent("default", "f", b"3"))
    assert again == first


async def test_history_says_the_same_as_the_tables(node: Node, storage: Storage, clock: ManualClock) -> None:
    await register(node, "a", debounce=Debounce(10_000, "k"), cancel_on=(CancelOn("stop", match="data.k"),))
    await register(node, "b", batch=Batch(2, 10_000), priority="event.data.n")
    await register(node, "c", singleton=Singleton(mode="replace"), on_failure="a", throttle=Throttle(1, 1_000, "k"))
    await register(node, "d", rate_limit=RateLimit(2, 10_000), delay_ms=1_000, actor_key="k")
    for n in range(5):
        await emit(node, {"k": n % 2, "n": n})
    await settled(node)
    clock.advance(seconds=10)
    await settled(node)
    await emit(node, {"k": 1}, name="stop")
    await emit(node, {})
    await node.functions.set_status("default", "b", "paused")

    report = await rebuild(storage, node.fold, check=True)

    assert report.differing == ()
    assert report.rows["gate"] > 0
