"""What the code of a run logged, line by line, read from its history.

A line's place is the position of its entry and its index among the lines of that; places order all lines of a run as
they were recorded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from app.errors import InvalidArgument
from app.history.entry import Entry
from app.history.kinds import EMPTY, RunLogged
from app.runs import noun, reading
from app.runs.lines import LEVELS, Level, LogLine, lines_of
from app.runs.state import step_name, step_path
from storage import history
from storage.contract import Storage, Transaction

LIMIT_DEFAULT = 200
LIMIT_MAX = 1_000
ENTRIES_PAGE = 100
ENTRIES_MAX = 1_000
"""Entries that are looked at for one page."""

_PLACE = re.compile(r"([0-9]{1,18})(?:\.([0-9]{1,9}))?")


class Place(msgspec.Struct, frozen=True, order=True):
    """Where a line is; an index beyond all stands for the end of the entry."""

    position: int
    index: int

    def __str__(self) -> str:
        return f"{self.position}.{self.index}"


class Said(NamedTuple):
    """A line with where it was said: in a step, or between steps (`step_id` ""). Behind the last line of its entry
    `dropped` further ones there was no room for. `redacted`: it stands for the lines of an entry that are gone."""

    place: Place
    at: int
    step_id: str
    execution: int
    attempt: int
    line: LogLine
    dropped: int = 0
    redacted: bool = False


class LogsPage(NamedTuple):
    """Lines in order. `after` is the place to read on from, None at the end; a page of chosen lines may be short, or
    empty, and have it."""

    lines: Sequence[Said]
    after: Place | None


class Wanted(NamedTuple):
    """Which lines: of the steps with that id, id without the run, or name; of a level, or a graver one."""

    step: str = ""
    level: Level = "debug"


ALL = Wanted()
BEGINNING = Place(0, 0)


class Logs:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def page(
        self,
        environment: str,
        run_id: str,
        wanted: Wanted = ALL,
        *,
        after: Place = BEGINNING,
        until: int = history.END,
        limit: int = LIMIT_DEFAULT,
    ) -> LogsPage:
        """The first `limit` lines after a place, of entries up to the position `until`. Raises RunNotFound."""
        return await self._storage.read(lambda tx: _page(tx, environment, run_id, wanted, after, until, limit))


def place_of(text: str, *, field: str) -> Place:
    """The place that is written `position` (all lines of that entry are before it) or `position.index`; "" is the
    beginning. Raises InvalidArgument."""
    found = _PLACE.fullmatch(text or "0")
    if found is None:
        raise InvalidArgument(
            f"{field} {text[:40]!r} is no place among lines",
            field=field,
            hint="a position, or the `after` of the page before",
        )
    return Place(int(found[1]), _END if found[2] is None else int(found[2]))


_END = 10**9 - 1
"""As many digits as a place may have."""


def _page(
    tx: Transaction, environment: str, run_id: str, wanted: Wanted, after: Place, until: int, limit: int
) -> LogsPage:
    stream = noun.stream(run_id)
    if "\0" in run_id or history.version_of_stream(tx, environment, stream, 1) is None:
        raise reading.not_found(environment, run_id)
    graver = frozenset(LEVELS[LEVELS.index(wanted.level) :])
    lines: list[Said] = []
    looked_at, reached = 0, after.position - 1  # the entry of the place may have more
    while looked_at < ENTRIES_MAX:
        found = history.page(
            tx,
            environment,
            stream=stream,
            kinds=(RunLogged.kind,),
            after=reached,
            before=min(until, history.END - 1) + 1,
            limit=ENTRIES_PAGE,
        )
        for record in found:
            for said in _said(Entry(record)):
                if (
                    said.place > after
                    and (said.redacted or said.line.level in graver)
                    and _fits(said.step_id, wanted.step)
                ):
                    if len(lines) == limit:
                        return LogsPage(lines, lines[-1].place)
                    lines.append(said)
        if len(found) < ENTRIES_PAGE:
            return LogsPage(lines, None)
        looked_at, reached = looked_at + len(found), found[-1].position
    return LogsPage(lines, Place(reached, _END))


def _said(entry: Entry) -> Iterator[Said]:
    fact = entry.fact
    assert isinstance(fact, RunLogged)
    lines = lines_of(fact)
    about = (fact.step_id, fact.execution_seq, fact.attempt)
    if lines is None:
        many = f"{fact.count} lines were" if fact.count != 1 else "1 line was"
        gone = LogLine(entry.recorded_at, "info", f"{many} redacted", EMPTY)
        yield Said(Place(entry.position, 0), entry.recorded_at, *about, gone, fact.dropped, redacted=True)
        return
    for index, line in enumerate(lines):
        dropped = fact.dropped if index == len(lines) - 1 else 0
        yield Said(Place(entry.position, index), line.at, *about, line, dropped)


def _fits(step_id: str, step: str) -> bool:
    return not step or (step_id != "" and step in (step_name(step_id), step_id, step_path(step_id)))
