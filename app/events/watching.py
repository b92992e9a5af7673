"""Expressions in CEL over events that are there, as columns of a list of them: `event` is what triggers see."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from app import expressions
from app.errors import InvalidArgument
from app.expressions import EvaluationFailed, Expression
from app.history.entry import Entry
from app.runs.matching import Candidate
from app.runs.watching import COST_MAX, Watched
from storage import events
from storage.contract import Storage

if TYPE_CHECKING:
    from app.cel import Budget

EXPRESSIONS_MAX = 8
EVENTS_MAX = 100
VARIABLES = frozenset(("event",))
GONE = Watched(error="there is no such event")


class EventWatching:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def values(self, environment: str, texts: Sequence[str], ids: Sequence[str]) -> Sequence[Sequence[Watched]]:
        """For each expression, what it is of each event; where it does not fit an event, or there is none, that is said
        in its place. Raises InvalidArgument for what is no CEL."""
        for given, most, field in ((texts, EXPRESSIONS_MAX, "expressions"), (ids, EVENTS_MAX, "events")):
            if len(given) > most:
                raise InvalidArgument(f"{len(given)} {field}, at most {most} are taken", field=field, hint="ask twice")
        compiled = [
            expressions.compile(text, variables=VARIABLES, field=f"expressions[{number}]")
            for number, text in enumerate(texts)
        ]
        asked = [event_id for event_id in ids if "\0" not in event_id]
        records = await self._storage.read(lambda tx: {one: events.entry(tx, environment, one) for one in asked})
        found = [Candidate(Entry(record)) if (record := records.get(one)) is not None else None for one in ids]
        from app import cel  # here, not in the thread: see loading.one_by_one

        return await asyncio.to_thread(_evaluated, compiled, found, cel.Budget(COST_MAX))


def _evaluated(
    compiled: Sequence[Expression], candidates: Sequence[Candidate | None], budget: Budget
) -> Sequence[Sequence[Watched]]:
    from app import cel

    def watched(expression: Expression, candidate: Candidate | None) -> Watched:
        if candidate is None:
            return GONE
        try:
            return Watched(cel.plain(expression.evaluate({"event": candidate.envelope}, budget=budget)))
        except (EvaluationFailed, TypeError) as error:
            return Watched(error=str(error))

    return [[watched(expression, candidate) for candidate in candidates] for expression in compiled]
