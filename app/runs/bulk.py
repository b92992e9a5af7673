"""Many runs at once: cancel, pause, resume, replay, fork or tag those that a filter chooses, after a look at what would
happen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import msgspec
from msgspec.structs import replace

from app import texts
from app.errors import FailedPrecondition, InvalidArgument, IronflowError
from app.runs.asking import Request
from app.runs.engine import Engine
from app.runs.forks import REPLAY, Forks, Wish
from app.runs.listing import COUNT_MAX, LIMIT_MAX, RunFilter
from app.runs.reading import RunReader
from app.runs.state import STATUSES
from app.runs.tags import check_change
from storage.records import RunRow

SHOWN_MAX = 100
AT_ONCE = 200
NAMED_MAX = 1_000

_UNFINISHED = ("waiting_for_capacity", "running", "waiting", "paused")
POSSIBLE = {
    "cancel": _UNFINISHED,
    "pause": ("waiting_for_capacity", "running", "waiting"),
    "resume": ("paused", "failed"),
    "replay": STATUSES,
    "fork": ("paused", "failed"),
    "tag": STATUSES,
}

FROM_FAILURE = Wish()
"""All that was recorded, and what failed is run again."""

Act = Callable[[RunRow], Awaitable[None]]
Chosen = RunFilter | Sequence[str]
"""Runs that fit a filter, or those of some ids."""
Ask = Callable[[str], None]


def _nobody(run_id: str) -> None:
    """Everything may be done."""


class Outcome(msgspec.Struct):
    """`matched` runs could be changed, `changed` were; with a dry run none is. `shown` are the first of them, newest
    first; `refused` those that were named and could not be changed, or could not after all, since they went on
    meanwhile. `more`: more match than are changed at once. `made` has the new runs, by the id of that which they
    replay. `excluded`, of a dry run with a filter: by status, how many of the newest COUNT_MAX that fit cannot be asked
    that."""

    matched: int = 0
    changed: int = 0
    more: bool = False
    shown: list[RunRow] = msgspec.field(default_factory=list)
    refused: list[tuple[str, IronflowError]] = msgspec.field(default_factory=list)
    made: dict[str, str] = msgspec.field(default_factory=dict)
    excluded: dict[str, int] | None = None


class Bulk:
    """Each act is asked about beforehand: `asks` raises PermissionDenied for a run that whoever asks may not act on."""

    def __init__(self, *, reader: RunReader, engine: Engine, forks: Forks) -> None:
        self._reader = reader
        self._engine = engine
        self._forks = forks

    async def cancel(
        self,
        environment: str,
        chosen: Chosen,
        *,
        dry_run: bool,
        asks: Ask = _nobody,
        reason: str = "",
        actor: str = "",
        detached: bool = False,
        compensate: bool = False,
    ) -> Outcome:
        """Raises InvalidArgument for a filter that chooses everything, or nothing that can be cancelled, and for no
        ids or too many."""

        async def act(row: RunRow) -> None:
            await self._engine.cancel(
                environment, row.id, reason=reason, actor=actor, detached=detached, compensate=compensate
            )

        texts.reason(reason)
        return await self._each("cancel", environment, chosen, act, asks, dry_run=dry_run)

    async def pause(
        self,
        environment: str,
        chosen: Chosen,
        *,
        dry_run: bool,
        asks: Ask = _nobody,
        reason: str = "",
        actor: str = "",
    ) -> Outcome:
        """Raises as `cancel` does."""

        async def act(row: RunRow) -> None:
            await self._engine.pause(environment, row.id, reason=reason, actor=actor)

        texts.reason(reason)
        return await self._each("pause", environment, chosen, act, asks, dry_run=dry_run)

    async def resume(
        self,
        environment: str,
        chosen: Chosen,
        *,
        dry_run: bool,
        asks: Ask = _nobody,
        reason: str = "",
        actor: str = "",
    ) -> Outcome:
        """Raises as `cancel` does."""

        async def act(row: RunRow) -> None:
            await self._engine.resume(environment, row.id, reason=reason, actor=actor)

        texts.reason(reason)
        return await self._each("resume", environment, chosen, act, asks, dry_run=dry_run)

    async def tag(
        self,
        environment: str,
        chosen: Chosen,
        *,
        dry_run: bool,
        request: Request,
        add: Sequence[str] = (),
        remove: Sequence[str] = (),
        asks: Ask = _nobody,
    ) -> Outcome:
        """Raises as `cancel` does, and InvalidArgument for what is no tag, or for none at all."""
        check_change(add, remove)

        async def act(row: RunRow) -> None:
            await self._engine.tag(environment, row.id, request, add=add, remove=remove)

        return await self._each("tag", environment, chosen, act, asks, dry_run=dry_run)

    async def replay(
        self, environment: str, chosen: Chosen, *, dry_run: bool, request: Request, asks: Ask = _nobody
    ) -> Outcome:
        """A new run with the same input for each. Raises as `cancel` does, and InvalidArgument without a reason."""
        return await self._fork("replay", REPLAY, environment, chosen, dry_run=dry_run, request=request, asks=asks)

    async def fork(
        self, environment: str, chosen: Chosen, *, dry_run: bool, request: Request, asks: Ask = _nobody
    ) -> Outcome:
        """A new run for each, with all that it had recorded: what failed is run again, by the code of now. Raises as
        `replay` does."""
        return await self._fork("fork", FROM_FAILURE, environment, chosen, dry_run=dry_run, request=request, asks=asks)

    async def _fork(
        self, verb: str, wish: Wish, environment: str, chosen: Chosen, *, dry_run: bool, request: Request, asks: Ask
    ) -> Outcome:
        request = request.checked(needs_reason=not dry_run)
        made: dict[str, str] = {}

        async def act(row: RunRow) -> None:
            made[row.id] = await self._forks.fork(environment, row.id, wish, request)

        outcome = await self._each(verb, environment, chosen, act, asks, dry_run=dry_run)
        outcome.made = made
        return outcome

    async def _each(
        self, verb: str, environment: str, chosen: Chosen, act: Act, asks: Ask, *, dry_run: bool
    ) -> Outcome:
        outcome = Outcome()

        async def asked(row: RunRow) -> None:
            asks(row.id)
            await act(row)

        if isinstance(chosen, RunFilter):
            rows = await self._chosen(environment, possible(verb, chosen))
        else:
            rows = await self._named(verb, environment, chosen, outcome)
        outcome.more, rows = len(rows) > COUNT_MAX, rows[:COUNT_MAX]
        outcome.matched, outcome.shown = len(rows), list(rows[:SHOWN_MAX])
        if dry_run:
            if isinstance(chosen, RunFilter):
                counts = await self._reader.by_status(environment, chosen)
                outcome.excluded = {one: counts[one] for one in sorted(counts) if one not in POSSIBLE[verb]}
            return outcome
        for start in range(0, len(rows), AT_ONCE):
            part = rows[start : start + AT_ONCE]
            for row, error in zip(part, await asyncio.gather(*(_refusal(asked(row)) for row in part)), strict=True):
                if error is None:
                    outcome.changed += 1
                else:
                    outcome.refused.append((row.id, error))
        return outcome

    async def _named(self, verb: str, environment: str, ids: Sequence[str], outcome: Outcome) -> Sequence[RunRow]:
        """The runs of which that can be asked, newest first; the outcome is told why not of the others."""
        ids = sorted(set(ids), reverse=True)
        if not 1 <= len(ids) <= NAMED_MAX:
            raise InvalidArgument(
                f"{len(ids)} runs are named", field="run_ids", hint=f"1 to {NAMED_MAX}, or choose them by a filter"
            )
        rows: list[RunRow] = []
        for run_id in ids:
            try:
                row = await self._reader.row(environment, run_id)
                if row.status not in POSSIBLE[verb]:
                    raise FailedPrecondition(
                        f"{run_id} is {row.status}", hint=f"{verb} takes runs that are {' or '.join(POSSIBLE[verb])}"
                    )
                rows.append(row)
            except IronflowError as error:
                outcome.refused.append((run_id, error))
        return rows

    async def _chosen(self, environment: str, chosen: RunFilter) -> Sequence[RunRow]:
        """The runs, newest first; one more than COUNT_MAX if there are more."""
        rows: list[RunRow] = []
        cursor = ""
        while len(rows) <= COUNT_MAX:
            page = await self._reader.list(environment, chosen, limit=LIMIT_MAX, cursor=cursor)
            rows += page.rows
            cursor = page.next_cursor
            if not cursor:
                break
        return rows[: COUNT_MAX + 1]


def possible(verb: str, chosen: RunFilter) -> RunFilter:
    """The filter, narrowed to runs of which that can be asked."""
    if chosen == RunFilter():
        raise InvalidArgument(
            f"{verb} needs a filter",
            field="filter",
            hint="function_id, event_id, parent_run_id, failure, status, tag, since, until or search",
        )
    for status in chosen.statuses:
        if status not in STATUSES:
            raise InvalidArgument(f"status {status!r} is unknown", field="status", hint=f"one of {', '.join(STATUSES)}")
    possible = POSSIBLE[verb]
    statuses = tuple(status for status in chosen.statuses or possible if status in possible)
    if not statuses:
        raise InvalidArgument(
            f"runs that are {' or '.join(chosen.statuses)} cannot be asked to {verb}",
            field="status",
            hint=f"one of {', '.join(possible)}",
        )
    return replace(chosen, statuses=statuses)


async def _refusal(changing: Awaitable[None]) -> IronflowError | None:
    try:
        await changing
    except IronflowError as error:
        return error
    return None
