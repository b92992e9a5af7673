"""Lists of events and runs, as they are paged and searched. Both stores."""

from __future__ import annotations

import pytest

from app.clock import ManualClock
from app.entities.streams import Append
from app.errors import InvalidArgument
from app.events import looking
from app.events.new_event import NewEvent
from app.events.reading import LIMIT_MAX, EventFilter, EventPage, EventReader
from app.history.kinds import Trigger
from app.node import Node
from app.runs.definition import Definition
from app.runs.listing import RunFilter
from app.runs.stats import StatsReader
from storage.contract import Storage


@pytest.fixture
def reader(storage: Storage) -> EventReader:
    return EventReader(storage)


async def emit(node: Node, *names: str, environment: str = "default") -> None:
    """Events of these names, whose data are their numbers."""
    for start in range(0, len(names), 500):
        batch = names[start : start + 500]
        await node.emitter.emit_batch(
            [NewEvent(environment, name, b"%d" % (start + n)) for n, name in enumerate(batch)]
        )


def numbers(page: EventPage) -> list[int]:
    return [int(entry.fact.data) for entry in page.entries]  # type: ignore[attr-defined]


async def test_paging_back_from_far_behind_meets_every_event_once(node: Node, reader: EventReader) -> None:
    count = 2 * LIMIT_MAX + 50
    await emit(node, *(f"n.{number % 3}" for number in range(count)))
    page = await reader.list("default", EventFilter(), limit=LIMIT_MAX)
    pages = [page]
    while page.next_cursor:
        page = await reader.list("default", EventFilter(), limit=LIMIT_MAX, cursor=page.next_cursor)
        pages.append(page)
    assert [number for one in pages for number in numbers(one)] == list(range(count))[::-1]

    back = numbers(page)
    while page.prev_cursor:
        page = await reader.list("default", EventFilter(), limit=7, before=page.prev_cursor)
        assert 1 <= len(page.entries) <= 7
        assert page.next_cursor
        back = numbers(page) + back

    assert back == list(range(count))[::-1]


async def test_paging_back_keeps_to_what_was_chosen(node: Node, reader: EventReader) -> None:
    await emit(node, *("abc"[number % 3] for number in range(60)))
    await emit(node, "a", "b", environment="other")
    chosen = EventFilter(names=("a", "c"))
    page = await reader.list("default", chosen, limit=40)
    wanted = [number for number in range(60) if number % 3 != 1][::-1]
    assert numbers(page) == wanted

    first = await reader.list("default", chosen, limit=10, before="1")
    second = await reader.list("default", chosen, limit=10, before=first.prev_cursor)

    assert numbers(second) + numbers(first) == [number for number in wanted if number > 0][-20:]


async def test_a_page_before_the_newest_is_empty_and_leads_back(node: Node, reader: EventReader) -> None:
    await emit(node, "a", "b")

    page = await reader.list("default", EventFilter(), before="2")
    again = await reader.list("default", EventFilter(), cursor=page.next_cursor)

    assert (page.entries, page.prev_cursor) == ([], "")
    assert numbers(again) == [1, 0]


async def test_names_are_counted_by_source_and_time(node: Node, clock: ManualClock, reader: EventReader) -> None:
    await emit(node, "a", "b", "a")
    clock.advance(seconds=60)
    later = clock.now_us()
    await node.emitter.emit(NewEvent("default", "a", b"1", source="import"))
    await emit(node, "c", environment="other")

    assert await reader.names("default") == ([("a", 3), ("b", 1)], 4)
    assert await reader.names("default", source="import") == ([("a", 1)], 4)
    assert await reader.names("default", since=later) == ([("a", 1)], 4)
    assert await reader.names("default", until=later - 1) == ([("a", 2), ("b", 1)], 4)


async def test_an_endless_list_of_names_is_refused(reader: EventReader) -> None:
    with pytest.raises(InvalidArgument, match="too many"):
        await reader.list("default", EventFilter(names=tuple(map(str, range(101)))))


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("order", [2, 1, 0]),
        ("ORDER", [2, 1, 0]),
        ("Placed", [1, 0]),
        ("r.p", [1, 0]),
        ("d_r", []),
        ("%", []),
        ("äpfel", [3]),
        ("ÄPFEL", []),
        ("nope", []),
    ],
)
async def test_search_takes_a_to_z_in_either_case(
    node: Node, reader: EventReader, search: str, found: list[int]
) -> None:
    await emit(node, "order.placed", "Order.Placed", "ORDER.sent", "äpfel.gekauft")

    assert numbers(await reader.list("default", EventFilter(search=search))) == found


@pytest.mark.parametrize(
    ("search", "count"), [("ship", 1), ("SHIP", 1), ("Order.", 1), ("RUN_", 1), ("boom", 0), ("s_ip", 0)]
)
async def test_runs_are_searched_by_the_same_rule(node: Node, search: str, count: int) -> None:
    await node.functions.register("default", Definition(id="Ship", triggers=(Trigger(event="order.*"),)))
    await emit(node, "order.placed")

    page = await node.runs.list("default", RunFilter(search=search))

    assert (len(page.rows), page.total) == (count, count)


async def test_runs_are_counted_by_when_they_began_and_their_status(
    node: Node, clock: ManualClock, storage: Storage
) -> None:
    await node.functions.register("default", Definition(id="ship", triggers=(Trigger(event="order.placed"),)))
    await node.functions.register("default", Definition(id="bill", triggers=(Trigger(event="order.paid"),)))
    start = clock.now_us()
    clock.advance(seconds=10)
    await emit(node, "order.placed", "order.placed", "order.paid")
    await emit(node, "order.placed", environment="other")
    clock.advance(seconds=25)
    await emit(node, "order.placed")
    [newest] = (await node.runs.list("default", RunFilter(), limit=1)).rows
    await node.engine.cancel("default", newest.id, reason="")
    clock.advance(seconds=5)
    stats = StatsReader(storage)

    told = await stats.runs("default", RunFilter(since=start, until=clock.now_us()), buckets=4)
    ship = await stats.runs("default", RunFilter(since=start, until=clock.now_us(), function_id="ship"), buckets=4)
    late = await stats.runs("default", RunFilter(since=start + 30_000_000, until=clock.now_us()), buckets=1)

    queued = "waiting_for_capacity"
    assert told.width == 10_000_000
    assert [(one.at - start, one.counts) for one in told.buckets] == [
        (10_000_000, {queued: 3}),
        (30_000_000, {"cancelled": 1}),
    ]
    assert told.totals == {queued: 3, "cancelled": 1}
    assert ship.totals == {queued: 2, "cancelled": 1}
    assert late.totals == {"cancelled": 1}


async def test_counts_of_a_time_that_ends_before_it_begins_are_refused(storage: Storage) -> None:
    with pytest.raises(InvalidArgument, match="not before"):
        await StatsReader(storage).runs("default", RunFilter(since=5, until=5))


@pytest.mark.parametrize("between", [0, 1, 2])
async def test_a_sample_is_always_the_same_events_whatever_lies_between_them(
    node: Node, reader: EventReader, between: int
) -> None:
    """Positions of events follow a pattern where each starts as many runs."""
    await emit(node, *(["n", *["other"] * between] * 160))
    chosen = EventFilter(names=("n",), sample=5)

    whole = await reader.list("default", chosen, limit=500)
    first = await reader.list("default", chosen, limit=10)
    rest = await reader.list("default", chosen, limit=500, cursor=first.next_cursor)
    positions = [entry.position for entry in whole.entries]
    newer = await reader.list("default", chosen, limit=500, before=str(positions[-1]))
    near = await reader.list("default", chosen, limit=7, before=str(positions[9]))

    assert 16 <= len(whole.entries) <= 60
    assert [entry.position for entry in (*first.entries, *rest.entries)] == positions
    assert [entry.position for entry in newer.entries] == positions[:-1]
    assert [entry.position for entry in near.entries] == positions[2:9]


async def test_events_are_found_by_pattern_and_filter_forth_and_back(node: Node, reader: EventReader) -> None:
    await emit(node, *("order.placed", "order_x.placed", "order.eu.paid", "parcel.sent") * 60)
    await node.streams.append("default", [Append("order", "42", (NewEvent("default", "order.placed", b"-1"),))])

    orders = EventFilter(pattern="order.>")
    page = await reader.list("default", orders, limit=100)
    rest = await reader.list("default", orders, limit=100, cursor=page.next_cursor)

    assert numbers(page) + numbers(rest) == [n for n in range(240) if n % 4 in (0, 2)][::-1]
    assert rest.next_cursor == ""
    assert numbers(await reader.list("default", EventFilter(pattern="*.placed"), limit=3)) == [237, 236, 233]
    assert numbers(await reader.list("default", EventFilter(pattern="entity:order.*.order.>"))) == [-1]

    big = EventFilter(pattern="order.>", filter="data >= 100 && event.name != 'order.placed'")
    newer = await reader.list("default", big, limit=20, before="1")
    newest = await reader.list("default", big, limit=20, before=newer.prev_cursor)

    assert numbers(newest) + numbers(newer) == [n for n in range(100, 240) if n % 4 == 2][::-1]
    assert newest.prev_cursor == ""


async def test_a_look_goes_so_far_and_says_where_to_go_on(
    node: Node, reader: EventReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    await emit(node, "a", *["b.c"] * 700)
    asked = []
    for name, most in (("ASKED_MAX", 300), ("ROWS_MAX", 300), ("COST_MAX", 500), ("BYTES_MAX", 500)):
        with monkeypatch.context() as patched:
            patched.setattr(looking, name, most)
            chosen = EventFilter(pattern="*") if name == "ROWS_MAX" else EventFilter(filter="data == 0")
            patched.setattr(looking.Sought, "like", "")
            found: list[int] = []
            cursor, pages = "", 0
            while cursor or not pages:
                page = await reader.list("default", chosen, cursor=cursor)
                found, cursor, pages = found + numbers(page), page.next_cursor, pages + 1
        asked.append((found, pages > 1))

    assert asked == [([0], True)] * 4


@pytest.mark.parametrize(
    ("chosen", "field", "told"),
    [
        (EventFilter(pattern="order..x"), "pattern", "empty segment"),
        (EventFilter(pattern="system.run.>"), "pattern", "is of no events"),
        (EventFilter(filter="data.total >"), "filter", "is not valid CEL"),
        (EventFilter(filter="run.status == 'x'"), "filter", "uses 'run'"),
        (EventFilter(filter="[1,2,3].all(a, [1,2,3].all(b, size(string(data)) > a + b))"), "filter", "costs more than"),
    ],
)
async def test_what_cannot_be_looked_for_is_refused_by_its_field(
    node: Node, reader: EventReader, chosen: EventFilter, field: str, told: str
) -> None:
    long = b'"' + b"x" * 2**20 + b'"'
    await node.emitter.emit(NewEvent("default", "a", b"[" + b",".join([long] * 9) + b"]"))

    with pytest.raises(InvalidArgument, match=told) as refused:
        await reader.list("default", chosen)

    assert refused.value.field == field


async def test_events_of_the_last_while_are_counted(node: Node, clock: ManualClock, reader: EventReader) -> None:
    await emit(node, "a", "b")
    clock.advance(seconds=10)
    since = clock.now_us()
    await emit(node, "a", "c", "c")
    await emit(node, "a", environment="other")

    assert await reader.count_since("default", since) == 3
    assert await reader.count_since("default", 0) == 5
    assert await reader.count_since("default", since + 1) == 0
