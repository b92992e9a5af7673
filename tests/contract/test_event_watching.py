"""Expressions over events, as columns of a list of them, on both stores."""

from __future__ import annotations

import pytest

from app.errors import InvalidArgument, PermissionDenied
from app.events import watching
from app.events.new_event import NewEvent
from app.events.watching import EventWatching
from app.history.entry import Entry
from app.node import Node
from app.runs.matching import Candidate
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
    assert (totals[0].error, "total" in totals[1].error, totals[2].error) == ("", True, watching.GONE.message)
    assert [one.value for one in names] == ["order.placed", "order.placed", None]
    assert [one.error for one in (await columns.values("other", ["event.name"], [large]))[0]] == [watching.GONE.message]


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


async def test_an_event_is_decoded_once_however_often_it_is_named(
    node: Node, columns: EventWatching, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[str] = []

    class Counted(Candidate):
        def __init__(self, entry: Entry) -> None:
            decoded.append(entry.stream)
            super().__init__(entry)

    monkeypatch.setattr(watching, "Candidate", Counted)
    one, other = await emit(node, b'{"n":1}'), await emit(node, b'{"n":2}')

    names, numbers = await columns.values("default", ["event.name", "event.data.n"], [one, other, one, one])

    assert [told.value for told in numbers] == [1, 2, 1, 1]
    assert [told.value for told in names] == ["order.placed"] * 4
    assert decoded == [f"event/{one}", f"event/{other}"]


async def test_more_bytes_than_are_read_at_once_are_left_for_another_call(
    node: Node, columns: EventWatching, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "READ_BYTES_MAX", 600)
    small, large, last = [await emit(node, b'{"text":"%s"}' % (b"x" * size)) for size in (1, 2_000, 2)]

    [told] = await columns.values("default", ["event.data.text.size()"], [small, large, last])
    [rest] = await columns.values("default", ["event.data.text.size()"], [large, last])

    assert [(one.value, one.code) for one in told] == [
        (1, ""),
        (None, "RESOURCE_EXHAUSTED"),
        (None, "RESOURCE_EXHAUSTED"),
    ]
    assert [(one.value, one.code) for one in rest] == [(2_000, ""), (None, "RESOURCE_EXHAUSTED")]


async def test_what_is_decoded_is_charged_and_what_is_told_is_short(
    node: Node, columns: EventWatching, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = await emit(node, b'{"text":"%s"}' % (b"x" * 200_000))

    name, text = await columns.values("default", ["event.name", "event.data.text"], [long])
    monkeypatch.setattr(watching, "COST_MAX", 100)
    [[dear]] = await columns.values("default", ["event.name"], [long])

    assert name[0].value == "order.placed"
    assert (text[0].value, text[0].code) == (None, "PAYLOAD_TOO_LARGE")
    assert dear.value is None
    assert "costs more than 100" in dear.error


async def test_an_event_whose_name_may_not_be_read_is_not_told(node: Node, columns: EventWatching) -> None:
    event_id = await emit(node, b"{}")

    def asks(name: str) -> None:
        if name == "order.placed":
            raise PermissionDenied("policy quiet denies it")

    [[told, gone]] = await columns.values("default", ["event.name"], [event_id, "evt_nowhere"], asks=asks)

    assert (told.value, told.error, told.code) == (None, "policy quiet denies it", "PERMISSION_DENIED")
    assert gone.code == "EVENT_NOT_FOUND"
