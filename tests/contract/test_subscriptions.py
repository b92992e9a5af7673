"""Subscriptions on both stores: patterns, filters and where they begin."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from app.clock import ManualClock, rfc3339
from app.entities.streams import Append
from app.errors import InvalidArgument, TopicNotFound
from app.events import subscriptions as subject
from app.events.deliveries import Delivery, delivery
from app.events.new_event import NewEvent
from app.events.subscriptions import Subscriptions, Wanted
from app.events.topics import NewMessage
from app.history import pages
from app.history.entry import Entry
from app.history.interests import Ended
from app.history.kinds import Failure, RetryPolicy
from app.history.live import Live, Subscription
from app.node import Node
from tests.support.worker import Worker, register
from tests.support.worker import emit as worker_emit

ENV = "default"


@pytest.fixture
async def live(node: Node) -> AsyncIterator[Live]:
    made = Live(tail=node.tail, storage=node.storage)
    running = asyncio.create_task(made.run())
    yield made
    running.cancel()


@pytest.fixture
def subscriptions(node: Node, live: Live) -> Subscriptions:
    return Subscriptions(live=live, storage=node.storage, clock=node.clock)


def wanted(*patterns: str, **options: object) -> Wanted:
    return Wanted(ENV, patterns, **options)  # type: ignore[arg-type]


async def emit(node: Node, name: str, data: object = None, environment: str = ENV) -> None:
    await node.emitter.emit(NewEvent(environment, name, msgspec.json.encode(data)))


async def take(subscription: Subscription, count: int) -> list[Entry]:
    found: list[Entry] = []
    async with asyncio.timeout(20):
        while len(found) < count:
            found += await subscription.batch(20)
    return found


async def told(subscription: Subscription, count: int) -> list[Delivery]:
    return [delivery(entry) for entry in await take(subscription, count)]


async def caught_up(live: Live, position: int) -> None:
    """Returns when whoever subscribes is handed the past up to there."""
    async with asyncio.timeout(20):
        while live.position < position:  # noqa: ASYNC110 - a turn of the loop, until it was told
            await asyncio.sleep(0)


def data(deliveries: list[Delivery]) -> list[object]:
    return [msgspec.json.decode(one.data) for one in deliveries]


async def everything(node: Node) -> None:
    """One of each: an event, a message, an append, another name, another environment; `order.last` is the end."""
    await emit(node, "order.placed", 1)
    await node.topics.publish(NewMessage(ENV, "orders.eu", b"2"))
    await node.streams.append(ENV, [Append("order", "42", (NewEvent(ENV, "line.added", b"3"),))])
    await emit(node, "cart.filled", 4)
    await emit(node, "order.placed", 5, environment="other")
    await emit(node, "order.last", 6)


@pytest.mark.parametrize("after", [None, 0])
@pytest.mark.parametrize(
    ("patterns", "found"),
    [
        (["order.>"], ["events:order.placed", "events:order.last"]),
        (["topic:orders.*", "events:*.last"], ["topic:orders.eu", "events:order.last"]),
        (
            ["entity:order.42.>", "order.last", "order.*"],
            ["events:order.placed", "entity:order.42.line.added", "events:order.last"],
        ),
        (
            ["entity:order.>", "cart.>", "order.last"],
            ["entity:order.42.line.added", "events:cart.filled", "events:order.last"],
        ),
    ],
)
async def test_patterns_choose_now_and_in_the_past(
    node: Node, subscriptions: Subscriptions, after: int | None, patterns: list[str], found: list[str]
) -> None:
    if after is not None:
        await everything(node)
    subscription = await subscriptions.open(wanted(*patterns, after=after))
    if after is None:
        await everything(node)

    assert [one.topic for one in await told(subscription, len(found))] == found


async def test_what_happens_to_runs_is_told_with_its_payload(node: Node, subscriptions: Subscriptions) -> None:
    await register(node)
    worker = Worker(node)
    run_id = await worker_emit(node, data=b"{}")
    first = await subscriptions.open(wanted(f"system.run.{run_id}.>", replay=1_000))
    job = await worker.job()
    await worker.step(job, "charge.card", b'{"x": 1}')
    worker.complete(job)

    found = await told(first, 4)

    topics = [one.topic.removeprefix(f"system.run.{run_id}.") for one in found]
    assert topics == ["created", "updated", f"step.{run_id}:charge.card:0.completed", "completed"]
    created, started, step, completed = data(found)
    assert created["status"] == "waiting_for_capacity"  # type: ignore[index]
    assert (started["status"], started["change"]) == ("running", "started")  # type: ignore[index]
    assert step["output"] == {"x": 1}  # type: ignore[index]
    assert completed == {"runId": run_id, "status": "completed", "change": "completed", "output": "done"}


async def test_a_run_that_fails_tells_its_error(node: Node, subscriptions: Subscriptions) -> None:
    await register(node, retry=RetryPolicy(max_attempts=1))
    worker = Worker(node)
    failures = await subscriptions.open(wanted("system.run.*.failed", "system.function.>"))
    run_id = await worker_emit(node)
    worker.fail(await worker.job(), Failure("no funds", "BROKE", retryable=False))

    [failed] = data(await told(failures, 1))

    assert failed == {
        "runId": run_id,
        "status": "failed",
        "change": "failed",
        "error": {"message": "no funds", "code": "BROKE"},
    }


async def test_a_filter_sees_data_topic_name_time_metadata_and_event(node: Node, subscriptions: Subscriptions) -> None:
    async def filtered(filter: str) -> list[object]:
        subscription = await subscriptions.open(wanted("order.>", filter=filter, after=0))
        found = await subscription.batch(0.01)
        subscription.close()
        return data([delivery(entry) for entry in found])

    for total in (5, 50, 500):
        await emit(node, "order.placed", {"total": total})
    await emit(node, "order.odd", ["no total"])
    event = NewEvent(ENV, "order.tagged", b"{}", metadata=b'{"tenant":"a"}')
    await node.emitter.emit(event)

    assert await filtered("data.total > 10 && data.total < 100") == [{"total": 50}]
    assert await filtered("data.total >= 500") == [{"total": 500}]
    assert await filtered("name == 'order.odd'") == [["no total"]]
    assert await filtered("topic.startsWith('events:order.odd')") == [["no total"]]
    assert await filtered("metadata.tenant == 'a'") == [{}]
    assert await filtered("event.data.total == 50 && event.source == 'api'") == [{"total": 50}]
    assert await filtered("timestamp < '2020-01-01T00:00:00Z'") == []


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"filter": "data.total >"}, "filter"),
        ({"filter": "run.total > 1"}, "filter"),
        ({"patterns": ()}, "pattern"),
        ({"patterns": ("a..b",)}, "pattern"),
        ({"patterns": ("a.>",) * 101}, "pattern"),
        ({"replay": 1, "after": 0}, "replay"),
        ({"since": "15m", "after": 0}, "after"),
        ({"replay": -1}, "replay"),
        ({"replay": 10_001}, "replay"),
        ({"since": "yesterday"}, "since"),
        ({"after": 10_000}, "after"),
        ({"policy": "panic"}, "backpressure"),
        ({"namespace": "elsewhere"}, "namespace"),
    ],
)
async def test_what_cannot_be_asked_for_is_refused_with_its_field(
    subscriptions: Subscriptions, live: Live, options: dict[str, object], field: str
) -> None:
    asked = Wanted(**{"environment": ENV, "patterns": ("order.>",), **options})  # type: ignore[arg-type]

    with pytest.raises(InvalidArgument) as refused:
        await subscriptions.open(asked)

    assert refused.value.field == field
    assert len(live) == 0


async def test_a_filter_that_takes_too_long_ends_its_subscriptions_alone(
    node: Node, subscriptions: Subscriptions
) -> None:
    costly = "data.all(a, data.all(b, data.all(c, a + b + c >= 0)))"
    slow = await subscriptions.open(wanted("order.>", filter=costly))
    other = await subscriptions.open(wanted("order.>"))
    await slow.batch(0)
    await emit(node, "order.placed", list(range(200)))

    assert len(await take(other, 1)) == 1
    with pytest.raises(Ended) as ended:
        await slow.batch(20)
    assert not ended.value.retrying
    again = await subscriptions.open(wanted("order.>", filter=costly, after=0))
    with pytest.raises(Ended):
        await again.batch(20)


@pytest.mark.parametrize("pattern", ["order.>", "events:order.placed"])
async def test_the_last_events_are_told_first(node: Node, subscriptions: Subscriptions, pattern: str) -> None:
    for number in range(20):
        await emit(node, "order.placed", number)
        await emit(node, "noise")
    subscription = await subscriptions.open(wanted(pattern, replay=3))
    filtered = await subscriptions.open(wanted(pattern, replay=2, filter="data < 10"))
    more = await subscriptions.open(wanted(pattern, replay=1_000))
    await emit(node, "order.placed", 20)

    assert data(await told(subscription, 4)) == [17, 18, 19, 20]
    assert data(await told(filtered, 2)) == [8, 9]
    assert data(await told(more, 21)) == list(range(21))


async def test_the_last_events_of_one_entity_are_found_however_old(
    node: Node, subscriptions: Subscriptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject, "REPLAY_SCANNED_MAX", 10)
    for number in range(3):
        await node.streams.append(ENV, [Append("order", "42", (NewEvent(ENV, "added", b"%d" % number),))])
    await node.emitter.emit_batch([NewEvent(ENV, "order.noise", b"null") for _ in range(50)])

    of_entity = await subscriptions.open(wanted("entity:order.42.>", replay=2))
    of_all = await subscriptions.open(wanted("entity:order.>", replay=2))

    assert data(await told(of_entity, 2)) == [1, 2]
    assert list(await of_all.batch(0.01)) == []


async def test_a_time_is_where_a_subscription_begins(
    node: Node, subscriptions: Subscriptions, clock: ManualClock
) -> None:
    await emit(node, "order.placed", 1)
    clock.advance(seconds=3_600)
    await emit(node, "order.placed", 2)

    recent = await subscriptions.open(wanted("order.>", since="30m"))
    longer = await subscriptions.open(wanted("order.>", since="2h"))
    instant = await subscriptions.open(wanted("order.>", since=rfc3339(clock.now_us() - 1)))

    assert data(await told(recent, 1)) == [2]
    assert data(await told(longer, 2)) == [1, 2]
    assert data(await told(instant, 1)) == [2]


async def test_long_pasts_are_read_in_pages_that_miss_nothing(
    node: Node, subscriptions: Subscriptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "SPAN", (3, 7))
    monkeypatch.setattr(pages, "ENTRIES", (2, 4))
    for number in range(60):
        await emit(node, "order.placed" if number % 3 else "noise", number)

    subscription = await subscriptions.open(wanted("order.>", after=0))

    assert data(await told(subscription, 40)) == [number for number in range(60) if number % 3]


async def test_what_is_redacted_is_not_told_from_a_page_that_was_read_ahead(
    node: Node, live: Live, subscriptions: Subscriptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "ENTRIES", (1, 1))
    for id in ("kept", "purged"):
        await node.streams.append(ENV, [Append("order", id, (NewEvent(ENV, "line.added", b'"of a person"'),))])
    head = node.tail.head
    await caught_up(live, head)
    subscription = await subscriptions.open(wanted("entity:order.>", after=0))
    assert data(await told(subscription, 1)) == ["of a person"]
    ahead = subscription._pages._ahead
    assert ahead is not None
    assert [record.position for record in (await ahead.reading).records] == [head]

    await node.streams.delete(ENV, "order", "purged", purge=True)
    await caught_up(live, node.tail.head)

    [second] = await told(subscription, 1)
    assert b"of a person" not in bytes(second.data)
    subscription.close()


async def test_a_page_read_ahead_goes_with_its_subscription(
    node: Node, live: Live, subscriptions: Subscriptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "ENTRIES", (1, 1))
    for number in range(3):
        await emit(node, "order.placed", number)
    await caught_up(live, node.tail.head)
    subscription = await subscriptions.open(wanted("order.>", after=0))
    await told(subscription, 1)
    ahead = subscription._pages._ahead
    assert ahead is not None

    subscription.close()
    await asyncio.wait((ahead.reading,), timeout=20)

    assert ahead.reading.cancelled()
    assert not subscription._live._reading_ahead


async def test_subscribers_of_the_same_share_the_match(node: Node, subscriptions: Subscriptions) -> None:
    many = [await subscriptions.open(wanted("order.>", "events:cart.>", filter="data > 1")) for _ in range(20)]
    swapped = await subscriptions.open(wanted("cart.>", "order.>", filter="data > 1"))
    assert len({id(one.interest) for one in [*many, swapped]}) == 1

    await emit(node, "order.placed", 2)
    for one in many:
        assert data(await told(one, 1)) == [2]
        one.close()
    await emit(node, "cart.filled", 3)
    assert data(await told(swapped, 2)) == [2, 3]


async def test_a_topic_counts_its_messages_and_those_who_follow_it(node: Node, subscriptions: Subscriptions) -> None:
    slow = await subscriptions.open(wanted("topic:orders.>", after=0))
    await subscriptions.open(wanted("order.>"))
    for number in range(3):
        await node.topics.publish(NewMessage(ENV, "orders.eu", b"%d" % number))

    followers = subscriptions.consumers(ENV, "orders.eu")
    stats = await node.topics.stats(ENV, "orders.eu", [one.position for one in followers])
    assert (followers, stats.messages, stats.lag, stats.first, stats.last) == ([slow], 3, 3, 1, 3)

    await take(slow, 3)
    await slow.batch(0)
    assert (await node.topics.stats(ENV, "orders.eu", [slow.position])).lag == 0
    assert (await node.topics.stats(ENV, "orders.eu", [])).lag == 0
    assert (await node.topics.stats(ENV, "never", [0])).messages == 0
    with pytest.raises(TopicNotFound):
        await node.topics.stats(ENV, "never", [])
