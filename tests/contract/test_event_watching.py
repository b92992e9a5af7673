"""Expressions over events, as columns of a list of them, on both stores."""

from __future__ import annotations

import pytest

from app.errors import InvalidArgument
from app.events import watching
from app.events.new_event import NewEvent
from app.events.watching import EventWatching
from app.node import Node
from storage.contract import Storage


@pytest.fixture
def columns(storage: Storage) -> EventWatching:
    return EventWatching(storage)


async def emit(node: Node, data: bytes) -> str:
    return (await node.emitter.emit(NewEvent("default", "order.placed", data))).event_id


async def test_each_event_has_its_value_or_what_was_wrong(node: Node, columns: EventWatching) -> None:
    large, bare = await emit(node, b'{"total":9007199254740993}'), await emit(node, b"{}")

    totals, names = await columns.values("default", ["event.data.total", "event.name"], [large, bare, "evt_nowhere"])

    assert [one.value for one in totals] == [9007199254740993, None, None]
    assert (totals[0].error, "total" in totals[1].error, totals[2].error) == ("", True, watching.GONE.error)
    assert [one.value for one in names] == ["order.placed", "order.placed", None]
    assert [one.error for one in (await columns.values("other", ["event.name"], [large]))[0]] == [watching.GONE.error]


async def test_what_is_no_expression_or_too_much_is_refused(columns: EventWatching) -> None:
    for texts, ids, field in (
        (["event.name", "event.("], [], "expressions[1]"),
        (["run.status"], [], "expressions[0]"),
        (["event"] * (watching.EXPRESSIONS_MAX + 1), [], "expressions"),
        (["event"], ["evt_"] * (watching.EVENTS_MAX + 1), "events"),
    ):
        with pytest.raises(InvalidArgument) as refused:
            await columns.values("default", texts, ids)
        assert refused.value.field == field


async def test_what_costs_too_much_says_so_in_its_place(
    node: Node, columns: EventWatching, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "COST_MAX", 20)
    event_id = await emit(node, b'{"items":[1,2,3,4,5,6,7,8,9]}')

    [[dear]] = await columns.values("default", ["event.data.items.map(x, x * x).size()"], [event_id])

    assert dear.value is None
    assert dear.error
