"""The runs table: one row a run, what lists show and filter on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypedDict, Unpack

from storage.contract import Transaction
from storage.records import RunRow

PAGE = 2_000
LAST = "~"
"""Sorts after every id."""


class Chosen(TypedDict, total=False):
    """Which runs: those with all of the tags, whose last failure has the fingerprint `failure`, and with `search` as a
    part of id, function, event name or error, A-Z in either case."""

    function_id: str
    event_id: str
    parent_run_id: str
    failure: str
    statuses: Sequence[str]
    tags: Sequence[str]
    search: str
    since: int
    until: int


def save(tx: Transaction, rows: Sequence[RunRow]) -> None:
    """With the index by tag of those that have tags, or had some."""
    tx.each("save_run", rows)
    tagged = [(row.environment, row.id, row.tags) for row in rows if row.tags]
    if tagged:
        tx.each("untag_run", tagged)
        tx.each("tag_run", tagged)


def get(tx: Transaction, environment: str, run_id: str) -> RunRow | None:
    row = tx.one("run_row", environment=environment, id=run_id)
    return RunRow._make(row) if row else None


def page(
    tx: Transaction, environment: str, *, before: str = LAST, limit: int, **chosen: Unpack[Chosen]
) -> list[RunRow]:
    """Newest first, those with an id before `before`."""
    rows = tx.many(
        "tagged_runs_page" if chosen.get("tags") else "runs_page",
        before=before,
        limit=limit,
        **_filter(environment, chosen),
    )
    return [RunRow._make(row) for row in rows]


def oldest(tx: Transaction, environment: str, *, after: str = "", limit: int, **chosen: Unpack[Chosen]) -> list[RunRow]:
    """Oldest first, those with an id after `after`."""
    rows = tx.many(
        "oldest_tagged_runs_page" if chosen.get("tags") else "oldest_runs_page",
        after=after,
        limit=limit,
        **_filter(environment, chosen),
    )
    return [RunRow._make(row) for row in rows]


def longest(
    tx: Transaction,
    environment: str,
    *,
    before: tuple[int, str] = (2**62, LAST),
    limit: int,
    **chosen: Unpack[Chosen],
) -> list[RunRow]:
    """Of those of one function that have ended, those longest first: before a time taken, in µs, and an id."""
    took, last = before
    rows = tx.many("longest_runs_page", took=took, before=last, limit=limit, **_filter_with_all(environment, chosen))
    return [RunRow._make(row) for row in rows]


def shortest(
    tx: Transaction, environment: str, *, after: tuple[int, str] = (-(2**62), ""), limit: int, **chosen: Unpack[Chosen]
) -> list[RunRow]:
    """Of those of one function that have ended, those shortest first: after a time taken, in µs, and an id."""
    took, last = after
    rows = tx.many("shortest_runs_page", took=took, after=last, limit=limit, **_filter_with_all(environment, chosen))
    return [RunRow._make(row) for row in rows]


def of_status(
    tx: Transaction, environment: str, status: str, *, before: str = LAST, limit: int, **chosen: Unpack[Chosen]
) -> list[RunRow]:
    """Of those whose one status `chosen` names too: newest first, those with an id before `before`."""
    if status == "completed":  # not in the index by status, which would be written twice for each run otherwise
        return page(tx, environment, before=before, limit=limit, **chosen)
    filtered = _filter_with_all(environment, chosen)
    rows = tx.many("runs_of_status_page", status=status, before=before, limit=limit, **filtered)
    return [RunRow._make(row) for row in rows]


def count(tx: Transaction, environment: str, *, limit: int, **chosen: Unpack[Chosen]) -> int:
    """How many match, or `limit` if more do."""
    row = tx.one(
        "tagged_runs_count" if chosen.get("tags") else "runs_count", limit=limit, **_filter(environment, chosen)
    )
    return int(row[0]) if row else 0


def by_time(
    tx: Transaction, environment: str, *, width: int, first: str, **chosen: Unpack[Chosen]
) -> list[tuple[int, str, int]]:
    """How many began in each stretch of `width` µs from `since` to `until`, by status; stretches without any are left
    out. No run that began since is before the id `first`."""
    rows = tx.many(
        "tagged_runs_by_time" if chosen.get("tags") else "runs_by_time",
        width=width,
        first=first,
        **_filter(environment, chosen),
    )
    return [(int(row[0]), str(row[1]), int(row[2])) for row in rows]


def ends_by_time(
    tx: Transaction, environment: str, *, since: int, until: int, width: int
) -> list[tuple[int, str, int]]:
    """How many ended in each stretch of `width` µs from `since` to `until`, by status; stretches without any are left
    out. One that went on again has not ended."""
    rows = tx.many("run_ends_by_time", environment=environment, since=since, until=until, width=width)
    return [(int(row[0]), str(row[1]), int(row[2])) for row in rows]


def grouped(
    tx: Transaction, environment: str, *, by: str, limit: int, **chosen: Unpack[Chosen]
) -> list[tuple[str, str, int, str]]:
    """How many of the newest `limit` there are by key and status, and the id of the newest of them. The key is what
    `by` names: the function, the parent, the day since 1970 (UTC), or the failure's fingerprint; "" for none."""
    rows = tx.many(
        "tagged_runs_grouped" if chosen.get("tags") else "runs_grouped",
        by=by,
        limit=limit,
        **_filter(environment, chosen),
    )
    return [(str(row[0]), str(row[1]), int(row[2]), str(row[3])) for row in rows]


def of_events(tx: Transaction, environment: str, event_ids: Sequence[str], *, limit: int) -> list[tuple[str, str, int]]:
    """By event and status, how many runs the events started; `limit` runs are counted at most."""
    rows = tx.many("runs_of_events", environment=environment, events=json.dumps(event_ids), limit=limit)
    return [(str(row[0]), str(row[1]), int(row[2])) for row in rows]


def steps_expected(
    tx: Transaction, environment: str, wanted: Sequence[tuple[str, int]], *, scan: int
) -> dict[tuple[str, int], int]:
    """By function and version, how many steps the newest completed run had, among the newest `scan` of the function."""
    rows = tx.many("steps_expected", environment=environment, wanted=json.dumps(wanted), scan=scan)
    return {(str(row[0]), int(row[1])): int(row[2]) for row in rows if row[2] is not None}


def steps_since(
    tx: Transaction, environment: str, wanted: Sequence[tuple[str, int]], *, scan: int
) -> dict[str, tuple[int, int]]:
    """By run, how many steps completed in the `scan` entries after a version of it, and how many entries these are."""
    rows = tx.many("steps_since", environment=environment, wanted=json.dumps(wanted), scan=scan)
    return {str(row[0]): (int(row[1]), int(row[2])) for row in rows}


class Sampled(NamedTuple):
    """A run, as far as it counts for its function."""

    function_id: str
    id: str
    status: str
    version: int
    started_at: int | None
    ended_at: int | None


def sampled(
    tx: Transaction, environment: str, functions: Sequence[str], *, since: int, first: str, sample: int
) -> list[Sampled]:
    """Of each function its newest `sample` runs that began since, newest first. None of these is before the id
    `first`."""
    rows = tx.many(
        "runs_sampled",
        environment=environment,
        functions=json.dumps(functions),
        since=since,
        first=first,
        sample=sample,
    )
    return [Sampled._make(row) for row in rows]


def started_by(tx: Transaction, environment: str, run_ids: Sequence[str], *, limit: int) -> list[tuple[str, str, int]]:
    """What started these runs, the most frequent first: a function whose run waited for them and "", or "" and the name
    of an event; and how many."""
    rows = tx.many("runs_started_by", environment=environment, runs=json.dumps(run_ids), limit=limit)
    return [(str(row[0]), str(row[1]), int(row[2])) for row in rows]


def emitted(
    tx: Transaction, environment: str, run_ids: Sequence[str], *, but: str, scan: int, limit: int
) -> list[tuple[str, int]]:
    """Names of the events that these runs emitted, but for those from one source; the most frequent first, counted
    among the first `scan`."""
    rows = tx.many("runs_emitted", environment=environment, runs=json.dumps(run_ids), but=but, scan=scan, limit=limit)
    return [(str(row[0]), int(row[1])) for row in rows]


def invoked(
    tx: Transaction, environment: str, run_ids: Sequence[str], *, scan: int, limit: int
) -> list[tuple[str, int]]:
    """Functions that these runs invoked, the most frequent first, counted among the first `scan`."""
    rows = tx.many("runs_invoked", environment=environment, runs=json.dumps(run_ids), scan=scan, limit=limit)
    return [(str(row[0]), int(row[1])) for row in rows]


def begun(tx: Transaction, environment: str, functions: Sequence[str], *, first: str, limit: int) -> dict[str, int]:
    """By function, how many runs there are from the id `first` on, or `limit` if there are more."""
    rows = tx.many("runs_begun", environment=environment, functions=json.dumps(functions), first=first, limit=limit)
    return {str(row[0]): int(row[1]) for row in rows}


def with_prefix(tx: Transaction, environment: str, prefix: str, *, limit: int) -> list[str]:
    """Ids that begin with `prefix`, in order."""
    rows = tx.many("runs_with_prefix", environment=environment, prefix=prefix, prefix_end=prefix + LAST, limit=limit)
    return [row[0] for row in rows]


def unfinished(tx: Transaction, *, after: str = "", limit: int = PAGE) -> list[RunRow]:
    """Runs of every environment that have work or a timer left, in id order."""
    return [RunRow._make(row) for row in tx.many("unfinished_runs", after=after, limit=limit)]


def watched(tx: Transaction, *, after: str = "", limit: int = PAGE) -> list[tuple[str, str]]:
    """Environment and id of the runs that wait for an event, a child or the end of unwinding, in id order."""
    return [(row[0], row[1]) for row in tx.many("watched_runs", after=after, limit=limit)]


def held(tx: Transaction, *, after: str = "", limit: int = PAGE) -> list[tuple[str, str]]:
    """Environment and id of the runs that a breakpoint may hold, in id order."""
    return [(row[0], row[1]) for row in tx.many("held_runs", after=after, limit=limit)]


def attached(tx: Transaction, *, after: str = "", limit: int = PAGE) -> list[tuple[str, str]]:
    """Environment and id of unfinished children that are not to outlive their parent, in id order."""
    return [(row[0], row[1]) for row in tx.many("attached_children", after=after, limit=limit)]


def unfinished_children(
    tx: Transaction, environment: str, parent_run_id: str, *, after: str = "", limit: int = PAGE
) -> list[str]:
    """Ids of a run's children that have not ended, in order."""
    rows = tx.many(
        "unfinished_children", environment=environment, parent_run_id=parent_run_id, after=after, limit=limit
    )
    return [row[0] for row in rows]


def forks(tx: Transaction, environment: str, run_id: str, *, limit: int) -> list[RunRow]:
    """Runs that were forked from one, oldest first."""
    rows = tx.many("forks_of_run", environment=environment, run_id=run_id, limit=limit)
    return [RunRow._make(row) for row in rows]


def completed_of_event(
    tx: Transaction, environment: str, *, function_id: str, event_id: str, limit: int
) -> list[RunRow]:
    """Runs of a function that an event started and that completed, newest first."""
    rows = tx.many(
        "completed_runs_of_event", environment=environment, function_id=function_id, event_id=event_id, limit=limit
    )
    return [RunRow._make(row) for row in rows]


def cancellable(tx: Transaction, *, after: str = "", limit: int = PAGE) -> list[tuple[str, str, str]]:
    """Environment, id and `dispatch` of unfinished runs that events may cancel, in id order."""
    return [(row[0], row[1], row[2]) for row in tx.many("cancellable_runs", after=after, limit=limit)]


def throttled(
    tx: Transaction, environment: str, function_id: str, *, since: int, limit: int = 100_000
) -> list[tuple[int, str]]:
    """When runs of the function first started after `since`, latest first, and their `dispatch`."""
    rows = tx.many("throttled_runs", environment=environment, function_id=function_id, since=since, limit=limit)
    return [(row[0], row[1]) for row in rows]


def clear(tx: Transaction) -> None:
    tx.execute("clear_runs")
    tx.execute("clear_run_tags")


def everything(tx: Transaction) -> Iterator[RunRow]:
    after = ""
    while rows := tx.many("all_runs", after=after, limit=PAGE):
        yield from map(RunRow._make, rows)
        after = rows[-1][0]


def all_tags(tx: Transaction) -> Iterator[tuple[str, str, str]]:
    """The index by tag: environment, tag and id of a run, in that order."""
    after = ("", "", "")
    while rows := tx.many("all_run_tags", environment=after[0], tag=after[1], run_id=after[2], limit=PAGE):
        yield from ((row[0], row[1], row[2]) for row in rows)
        after = rows[-1]


def _filter(environment: str, chosen: Chosen) -> dict[str, str | int]:
    """What the queries are given; with tags, runs are found by the first, and looked at for the others."""
    statuses, tags = chosen.get("statuses"), chosen.get("tags")
    return {
        "environment": environment,
        "function_id": chosen.get("function_id", ""),
        "event_id": chosen.get("event_id", ""),
        "parent_run_id": chosen.get("parent_run_id", ""),
        "failure": chosen.get("failure", ""),
        "statuses": f",{','.join(statuses)}," if statuses else "",
        "search": contains(chosen.get("search", "")),
        "since": chosen.get("since", 0),
        "until": chosen.get("until", 2**62),
        **({"tag": tags[0], "others": json.dumps(tags[1:])} if tags else {}),
    }


def _filter_with_all(environment: str, chosen: Chosen) -> dict[str, str | int]:
    """The same where runs are not found by a tag: they are looked at for all of them."""
    tags = chosen.get("tags", ())
    untagged: Chosen = {**chosen, "tags": ()}
    return {**_filter(environment, untagged), "wanted": json.dumps(list(tags))}


def contains(text: str) -> str:
    """A LIKE pattern, with backslash as its escape, for values that contain `text`; "" for ""."""
    return f"%{escaped(text)}%" if text else ""


def escaped(text: str) -> str:
    """The text as a part of a LIKE pattern that means nothing but itself, with backslash as its escape."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
