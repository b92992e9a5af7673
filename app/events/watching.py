"""Expressions in CEL over events that are there, as columns of a list of them: `event` is what triggers see.

One call reads, decodes and tells so much and no more: each event once, however often it is named, one after another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from app import expressions
from app.errors import (
    EventNotFound,
    InvalidArgument,
    IronflowError,
    PayloadTooLarge,
    PermissionDenied,
    ResourceExhausted,
)
from app.expressions import EvaluationFailed, Expression
from app.history.entry import Entry
from app.history.kinds import EventEmitted
from app.runs.matching import Candidate
from app.runs.watching import COST_MAX, Watched
from storage import events
from storage.contract import Storage, Transaction

if TYPE_CHECKING:
    from app.cel import Budget

EXPRESSIONS_MAX = 8
EVENTS_MAX = 100
READ_BYTES_MAX = 4 * 2**20
"""So much of events is read at once; the first is read whatever its size, so that each can be had by itself."""
VALUE_BYTES_MAX = 16 * 2**10
"""So long is what a column shows, as JSON."""

VARIABLES = frozenset(("event",))
GONE = EventNotFound("there is no such event")
TOO_MUCH = ResourceExhausted(f"of all these events at most {READ_BYTES_MAX} bytes are read at once: ask for it again")

# Decoding so many bytes takes about as long as a step of an evaluation, as a power of two.
_DECODE_SHIFT = 10

Ask = Callable[[str], None]
Found = Mapping[str, "Entry | IronflowError"]
"""By id, the event, or why it is not told."""


def _nobody(name: str) -> None:
    """Everything may be read."""


class EventWatching:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def values(
        self, environment: str, texts: Sequence[str], ids: Sequence[str], *, asks: Ask = _nobody
    ) -> Sequence[Sequence[Watched]]:
        """For each expression, what it is of each event; where it does not fit an event, or the event is not told, that
        is said in its place. `asks` raises PermissionDenied for the id or the name of an event that whoever asks may
        not read; for an id it is raised from here. Raises InvalidArgument for what is no CEL."""
        for given, most, field in ((texts, EXPRESSIONS_MAX, "expressions"), (ids, EVENTS_MAX, "events")):
            if len(given) > most:
                raise InvalidArgument(f"{len(given)} {field}, at most {most} are taken", field=field, hint="ask twice")
        wanted = list(dict.fromkeys(ids))
        for one in wanted:
            asks(one)
        compiled = [
            expressions.compile(text, variables=VARIABLES, field=f"expressions[{number}]")
            for number, text in enumerate(texts)
        ]
        read = await self._storage.read(lambda tx: _read(tx, environment, wanted))
        found = {one: _allowed(entry, asks) for one, entry in read.items()}
        from app import cel  # here, not in the thread: see loading.one_by_one

        told = await asyncio.to_thread(_evaluated, compiled, found, cel.Budget(COST_MAX))
        return [[told[one][number] for one in ids] for number in range(len(texts))]


def _read(tx: Transaction, environment: str, ids: Sequence[str]) -> Found:
    found: dict[str, Entry | IronflowError] = {}
    left = READ_BYTES_MAX
    for one in ids:
        if left <= 0:
            found[one] = TOO_MUCH
            continue
        # No id has a NUL, and Postgres cannot be asked.
        record = events.entry(tx, environment, one) if "\0" not in one else None
        if record is None:
            found[one] = GONE
            continue
        entry, first = Entry(record), left == READ_BYTES_MAX
        left -= _size(entry)
        found[one] = entry if first or left >= 0 else TOO_MUCH
    return found


def _size(entry: Entry) -> int:
    return len(entry.record.data) + len(entry.record.metadata)


def _allowed(entry: Entry | IronflowError, asks: Ask) -> Entry | IronflowError:
    """The event if it may be read by its name too, which nobody gave."""
    if isinstance(entry, IronflowError):
        return entry
    assert isinstance(entry.fact, EventEmitted)
    try:
        asks(entry.fact.name)
    except PermissionDenied as denied:
        return denied
    return entry


def _evaluated(compiled: Sequence[Expression], found: Found, budget: Budget) -> Mapping[str, Sequence[Watched]]:
    """What the expressions are of each event, which is decoded for all of them, and let go of before the next."""
    return {one: list(_watched(compiled, entry, budget)) for one, entry in found.items()}


def _watched(compiled: Sequence[Expression], entry: Entry | IronflowError, budget: Budget) -> Iterator[Watched]:
    from app import cel

    if isinstance(entry, IronflowError):
        yield from [Watched(error=entry.message, code=entry.code)] * len(compiled)
        return
    try:
        budget.spend(_size(entry) >> _DECODE_SHIFT)
    except cel.TooCostly as error:
        yield from [Watched(error=str(error))] * len(compiled)
        return
    event = Candidate(entry).envelope
    for expression in compiled:
        try:
            yield Watched(_short(cel.plain(expression.evaluate({"event": event}, budget=budget))))
        except PayloadTooLarge as error:
            yield Watched(error=error.message, code=error.code)
        except (EvaluationFailed, TypeError) as error:
            yield Watched(error=str(error))


def _short(value: Any) -> Any:
    size = len(msgspec.json.encode(value))
    if size > VALUE_BYTES_MAX:
        raise PayloadTooLarge(f"it has {size} bytes, at most {VALUE_BYTES_MAX} are told: name a part of it")
    return value
