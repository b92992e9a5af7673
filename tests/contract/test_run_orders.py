"""Lists of runs in other orders than the newest first. Both stores."""

from __future__ import annotations

import pytest

from app.errors import InvalidArgument
from app.node import Node
from app.runs.bulk import Bulk
from app.runs.listing import Order, RunFilter
from storage import runs
from storage.records import RunRow
from tests.support.worker import emit, register

OF_F = RunFilter(function_id="f")


async def saved(node: Node) -> list[RunRow]:
    """Runs a to f of one function, oldest first: d has not ended, e was cancelled before it began, f took as long as
    b; and one of another function. Their ids have a letter that no id has which is made."""
    await register(node)
    made = await node.runs.row("default", await emit(node))

    def row(name: str, status: str, took: int | None, *, began: bool = True, **other: str) -> RunRow:
        at = made.created_at
        ended_at = None if took is None else at + took
        started_at = at if began else None
        run_id = f"{made.id[:-2]}u{name}"
        return made._replace(id=run_id, status=status, started_at=started_at, ended_at=ended_at, **other)

    rows = [
        row("a", "completed", 30),
        row("b", "failed", 10, tags='["vip"]'),
        row("c", "completed", 20, tags='["vip","eu"]'),
        row("d", "running", None),
        row("e", "cancelled", 99, began=False),
        row("f", "completed", 10),
        row("g", "completed", 50, function_id="other"),
    ]
    await node.storage.write(lambda tx: runs.save(tx, rows))
    return rows


async def told(node: Node, order: Order, chosen: RunFilter = OF_F) -> str:
    """The last letters of the ids, page by page, of those that were made here."""
    letters, cursor = "", ""
    while True:
        page = await node.runs.list("default", chosen, order=order, limit=2, cursor=cursor)
        letters += "".join(row.id[-1] for row in page.rows if row.status != "waiting_for_capacity")
        cursor = page.next_cursor
        if not cursor:
            return letters


async def test_runs_are_listed_oldest_first_and_by_how_long_they_took(node: Node) -> None:
    made = "".join(row.id[-1] for row in await saved(node) if row.function_id == "f")
    tagged = RunFilter(function_id="f", tags=("vip",))
    went_well = RunFilter(function_id="f", statuses=("completed", "running"))

    def kept(letters: str) -> str:
        return "".join(one for one in letters if one in made)

    assert await told(node, "newest") == kept("fedcba")
    assert await told(node, "oldest") == kept("abcdef")
    assert await told(node, "longest") == kept("acfbe")
    assert await told(node, "shortest") == kept("ebfca")
    assert await told(node, "oldest", tagged) == kept("bc")
    assert await told(node, "oldest", RunFilter(tags=("vip", "eu"))) == kept("c")
    assert await told(node, "longest", tagged) == kept("cb")
    assert await told(node, "longest", went_well) == kept("acf")
    assert await told(node, "longest", RunFilter(function_id="f", statuses=("running",))) == ""


async def test_runs_are_listed_by_status_what_is_under_way_first_and_each_newest_first(node: Node) -> None:
    made = await saved(node)

    def kept(letters: str) -> str:
        return "".join(one for one in letters if one in {row.id[-1] for row in made})

    assert await told(node, "status") == kept("dbefca")
    assert await told(node, "status", RunFilter(function_id="f", statuses=("completed", "running"))) == kept("dfca")
    assert await told(node, "status", RunFilter(function_id="f", tags=("vip",))) == kept("bc")
    assert await told(node, "status", RunFilter(function_id="f", statuses=("paused",))) == ""
    queued = RunFilter(statuses=("waiting_for_capacity", "completed"))
    first = await node.runs.list("default", queued, order="status", limit=1)
    second = await node.runs.list("default", queued, order="status", limit=1, cursor=first.next_cursor)
    assert [first.rows[0].status, second.rows[0].status] == ["waiting_for_capacity", "completed"]
    assert first.total == second.total == sum(row.status == "completed" for row in made) + 1


async def test_only_those_that_have_ended_are_counted_where_they_are_sorted_by_how_long_they_took(node: Node) -> None:
    made = [row for row in await saved(node) if row.function_id == "f"]

    page = await node.runs.list("default", OF_F, order="longest")

    assert (page.total, page.total_exact) == (sum(row.ended_at is not None for row in made), True)


@pytest.mark.parametrize(
    ("order", "chosen", "cursor", "field"),
    [
        ("longest", RunFilter(), "", "order"),
        ("shortest", RunFilter(tags=("vip",)), "", "order"),
        ("longest", OF_F, "run_1", "cursor"),
        ("shortest", OF_F, "9" * 19 + ".run_1", "cursor"),
        ("oldest", RunFilter(), "10.run_1", "cursor"),
        ("status", RunFilter(), "run_1", "cursor"),
        ("status", RunFilter(), "done.run_1", "cursor"),
    ],
)
async def test_an_order_that_no_index_has_and_a_cursor_of_another_one_are_refused(
    node: Node, order: Order, chosen: RunFilter, cursor: str, field: str
) -> None:
    with pytest.raises(InvalidArgument) as refused:
        await node.runs.list("default", chosen, order=order, cursor=cursor)

    assert refused.value.field == field


async def test_a_dry_run_counts_by_status_what_fits_and_cannot_be_asked(node: Node) -> None:
    made = [row for row in await saved(node) if row.function_id == "f"]
    bulk = Bulk(reader=node.runs, engine=node.engine, forks=node.forks)

    resumed = await bulk.resume("default", OF_F, dry_run=True)
    named = await bulk.resume("default", [made[0].id], dry_run=True)

    completed = sum(row.status == "completed" for row in made)
    cancelled = sum(row.status == "cancelled" for row in made)
    running = sum(row.status == "running" for row in made)
    excluded = {"cancelled": cancelled, "completed": completed, "running": running, "waiting_for_capacity": 1}
    assert resumed.excluded == {status: count for status, count in excluded.items() if count}
    assert named.excluded is None


async def test_runs_are_found_by_function_event_and_parent_alone_and_together(node: Node) -> None:
    [made, *_] = await saved(node)
    other, parent = f"{made.id[:-1]}g", f"{made.id[:-1]}a"
    child = made._replace(id=f"{made.id[:-1]}h", function_id="other", event_id="evt_h", parent_run_id=parent)
    await node.storage.write(lambda tx: runs.save(tx, [child]))

    async def found(**chosen: str) -> list[str]:
        newest = await node.storage.read(lambda tx: runs.page(tx, "default", limit=2, **chosen))  # type: ignore[arg-type]
        oldest = await node.storage.read(lambda tx: runs.oldest(tx, "default", limit=2, **chosen))  # type: ignore[arg-type]
        many = await node.storage.read(lambda tx: runs.count(tx, "default", limit=9, **chosen))  # type: ignore[arg-type]
        assert sorted(row.id for row in newest) == sorted(row.id for row in oldest) or many > 2
        assert min(many, 2) == len(newest) == len(oldest)
        return [row.id for row in newest]

    assert await found(function_id="other") == [child.id, other]
    assert await found(event_id="evt_h") == await found(parent_run_id=parent) == [child.id]
    assert await found(function_id="other", event_id="evt_h", parent_run_id=parent) == [child.id]
    assert await found(function_id="f", event_id="evt_h") == await found(function_id="f", parent_run_id=parent) == []
    assert await found(parent_run_id=parent, event_id=made.event_id) == []
    assert len(await found(event_id=made.event_id)) == 2
