"""What a list of runs is sorted by: only what an index reads in order, so that a page costs what is on it; see decision
40.

By status the list is one section after another, each read newest first along the index of its status; the completed,
which that index leaves out, come last, along the list's own. A run that goes on meanwhile changes its section, so that
two pages may tell it, or none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec.structs import replace

from app import texts
from app.errors import InvalidArgument
from app.runs import progress
from app.runs.listing import COUNT_MAX, LIMIT_MAX, Order, RunFilter, RunPage, checked
from app.runs.state import TERMINAL
from storage import runs
from storage.contract import Transaction
from storage.records import RunRow

BY_STATUS = ("running", "waiting", "paused", "waiting_for_capacity", "failed", "cancelled", "completed")
"""The sections of a list by status: what is under way, what stands still, what has ended."""

_RUN_CURSOR = re.compile(r"run_.*", re.DOTALL)
_TOOK_CURSOR = re.compile(r"-?\d{1,18}\.run_.*", re.DOTALL)
_CURSOR = {
    "newest": _RUN_CURSOR,
    "oldest": _RUN_CURSOR,
    "longest": _TOOK_CURSOR,
    "shortest": _TOOK_CURSOR,
    "status": re.compile(rf"({'|'.join(BY_STATUS)})\.run_.*", re.DOTALL),
}


def check(chosen: RunFilter, order: Order, *, limit: int, cursor: str) -> None:
    """Raises InvalidArgument for an order that no index has of these runs, a cursor of another one, and whatever else
    cannot be asked for."""
    checked(chosen)
    texts.check(cursor, field="cursor")
    if order in ("longest", "shortest") and not chosen.function_id:
        raise InvalidArgument(
            f"order {order} is for the runs of one function", field="order", hint="give function_id as well"
        )
    if cursor and not _CURSOR[order].fullmatch(cursor):
        raise InvalidArgument(f"cursor {cursor[:80]!r} is not one that a list returned", field="cursor")
    if not 1 <= limit <= LIMIT_MAX:
        raise InvalidArgument(f"limit {limit} is out of range", field="limit", hint=f"1 to {LIMIT_MAX}")


def page(
    tx: Transaction,
    environment: str,
    chosen: RunFilter,
    order: Order,
    limit: int,
    cursor: str,
    *,
    with_progress: bool,
) -> RunPage:
    """The page after the cursor, and how many runs fit."""
    if order in ("longest", "shortest"):
        ended = tuple(sorted(TERMINAL.intersection(chosen.statuses or TERMINAL)))
        if not ended:
            return RunPage([], {}, "", 0, True)
        chosen = replace(chosen, statuses=ended)
    rows = _rows(tx, environment, chosen, order, limit + 1, cursor)
    total = runs.count(tx, environment, limit=COUNT_MAX + 1, **chosen.told())
    more = len(rows) > limit
    shown = rows[:limit]
    told = progress.of(tx, environment, shown) if with_progress else {}
    return RunPage(shown, told, _cursor_of(shown[-1], order) if more else "", min(total, COUNT_MAX), total <= COUNT_MAX)


def _rows(
    tx: Transaction, environment: str, chosen: RunFilter, order: Order, limit: int, cursor: str
) -> Sequence[RunRow]:
    told = chosen.told()
    match order:
        case "newest":
            return runs.page(tx, environment, before=cursor or runs.LAST, limit=limit, **told)
        case "oldest":
            return runs.oldest(tx, environment, after=cursor, limit=limit, **told)
        case "status":
            return _sections(tx, environment, chosen, limit, cursor)
    took, _, run_id = cursor.partition(".")
    if order == "longest":
        if cursor:
            return runs.longest(tx, environment, before=(int(took), run_id), limit=limit, **told)
        return runs.longest(tx, environment, limit=limit, **told)
    if cursor:
        return runs.shortest(tx, environment, after=(int(took), run_id), limit=limit, **told)
    return runs.shortest(tx, environment, limit=limit, **told)


def _sections(tx: Transaction, environment: str, chosen: RunFilter, limit: int, cursor: str) -> Sequence[RunRow]:
    begun, _, last = cursor.partition(".")
    rows: list[RunRow] = []
    for status in BY_STATUS[BY_STATUS.index(begun) if cursor else 0 :]:
        if len(rows) == limit:
            break
        if chosen.statuses and status not in chosen.statuses:
            continue
        before = last if status == begun else runs.LAST
        of_one = replace(chosen, statuses=(status,)).told()
        rows += runs.of_status(tx, environment, status, before=before, limit=limit - len(rows), **of_one)
    return rows


def _cursor_of(row: RunRow, order: Order) -> str:
    if order in ("newest", "oldest"):
        return row.id
    if order == "status":
        return f"{row.status}.{row.id}"
    assert row.ended_at is not None, f"{row.id} has not ended"
    return f"{row.ended_at - (row.ended_at if row.started_at is None else row.started_at)}.{row.id}"
