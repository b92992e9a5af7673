"""Emitting many events at once, through a whole node. Both stores."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from app.clock import ManualClock
from app.errors import IdempotencyConflict, Internal, InvalidArgument
from app.events.emit import BATCH_MAX
from app.events.new_event import NewEvent
from app.events.prepared import Emitted, Prepared
from app.ids import Ids
from app.node import Node
from storage.contract import Storage, StorageError
from tests.support.failing import Failing
from tests.support.nodes import alive


@pytest.fixture
async def node(storage: Storage, clock: ManualClock) -> AsyncIterator[Node]:
    """A running node over a store that can fail."""
    failing: Any = Failing(storage)
    made = Node(storage=failing, clock=clock, ids=Ids(clock))
    async with alive(made):
        yield made


def event(name: str = "a.b", data: bytes = b"1", **more: Any) -> NewEvent:
    return NewEvent("default", name, data, **more)


async def test_each_event_has_its_own_answer_also_when_the_store_refuses_one(node: Node) -> None:
    failing: Any = node.storage
    failing.poison = "poison"
    unreadable = InvalidArgument("not an event")

    answers = await node.emitter.emit_batch(
        [event(), event(data=b'"poison"'), event("a..b"), unreadable, event(data=b"{"), event(source="\0"), event()]
    )

    assert [type(answer) for answer in answers] == [
        Emitted,
        StorageError,
        InvalidArgument,
        InvalidArgument,
        InvalidArgument,
        InvalidArgument,
        Emitted,
    ]
    assert answers[3] is unreadable
    assert getattr(answers[5], "field", "") == "source"
    assert node.tail.head == 2


async def test_a_key_that_comes_twice_in_a_batch_is_one_event(node: Node) -> None:
    first, again, other = await node.emitter.emit_batch(
        [event(idempotency_key="k"), event(idempotency_key="k"), event(data=b"2", idempotency_key="k")]
    )

    assert isinstance(first, Emitted)
    assert again == Emitted(first.event_id, first.run_ids, duplicate=True)
    assert isinstance(other, IdempotencyConflict)


async def test_keys_that_are_known_are_answered_beside_new_events(node: Node) -> None:
    [known] = await node.emitter.emit_batch([event(idempotency_key="k")])
    assert isinstance(known, Emitted)

    fresh, again, other, last = await node.emitter.emit_batch(
        [event(), event(idempotency_key="k"), event(idempotency_key="new"), event()]
    )
    refused, kept = await node.emitter.emit_batch([event(data=b"2", idempotency_key="k"), event()])

    assert again == Emitted(known.event_id, (), duplicate=True)
    assert [type(one) for one in (fresh, other, last, refused, kept)] == [
        Emitted,
        Emitted,
        Emitted,
        IdempotencyConflict,
        Emitted,
    ]
    assert node.tail.head == 5


async def test_an_event_that_cannot_be_decided_fails_alone(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    decided = Prepared.record

    def record(one: Prepared, states: Mapping[str, Any], now: int) -> Any:
        if one.event.name == "bad":
            raise ZeroDivisionError
        return decided(one, states, now)

    monkeypatch.setattr(Prepared, "record", record)

    answers = await node.emitter.emit_batch([event(), event("bad"), event()])

    assert [type(answer) for answer in answers] == [Emitted, Internal, Emitted]
    assert node.tail.head == 2


async def test_an_empty_batch_is_answered_and_one_too_large_is_not(node: Node) -> None:
    assert await node.emitter.emit_batch([]) == []
    assert len(await node.emitter.emit_batch([event()] * BATCH_MAX)) == BATCH_MAX
    with pytest.raises(InvalidArgument, match="too many"):
        await node.emitter.emit_batch([event()] * (BATCH_MAX + 1))
