"""Runs as a noun of history: `run/<id>` streams fold by the state machine, and list in the runs table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Literal

import msgspec

from app.history.entry import Entry
from app.history.kinds import Dispatch, EventEmitted, Origin, RunCreated
from app.runs import folding
from app.runs.state import TERMINAL, Run
from storage import runs
from storage.contract import Transaction
from storage.records import RunRow

ERROR_MESSAGE_CHARS_MAX = 500

_PLAIN = Dispatch()
_NO_ORIGIN = Origin("")


def stream(run_id: str) -> str:
    return f"run/{run_id}"


def given(created: RunCreated, event: Entry) -> Entry:
    """The run's event as its code sees it: a fork may have been given other data."""
    fact = event.fact
    assert isinstance(fact, EventEmitted), f"{event} starts no run"
    if not bytes(created.input):
        return event
    return Entry(event.record, msgspec.structs.replace(fact, data=created.input))


class RunNoun:
    prefix = "run"
    has_payloads: Literal[True] = True

    def apply(self, state: Run | None, entry: Entry) -> Run:
        return folding.apply(state, entry)

    def changed_at(self, state: Run) -> int:
        return max(state.position, state.tagged_at)

    def row(self, state: Run) -> RunRow:
        error, origin = state.error, state.forked_from or _NO_ORIGIN
        return RunRow(
            id=state.id,
            environment=state.environment,
            function_id=state.function_id,
            function_version=state.function_version,
            event_id=state.event_id,
            event_name=state.event_name,
            status=state.status,
            attempt=state.attempt,
            max_attempts=state.retry.max_attempts,
            worker_id=state.worker_id,
            error_code=error.code if error else "",
            error_message=error.message[:ERROR_MESSAGE_CHARS_MAX] if error else "",
            pause_reason=state.pause_reason,
            cancellation_cause=state.cancellation_cause,
            due_at=state.due_at,
            timeout_at=state.timeout_at,
            created_at=state.created_at,
            started_at=state.started_at,
            ended_at=state.ended_at,
            updated_at=state.updated_at,
            position=state.position,
            version=state.version,
            parent_run_id=state.parent_run_id,
            parent_step_id=state.parent_step_id,
            detached=int(state.detached),
            watched=state.watched,
            pause_requested=int(state.pause_requested),
            dispatch="" if state.dispatch == _PLAIN else msgspec.json.encode(state.dispatch).decode(),
            forked_from_run_id=origin.run_id,
            forked_from_position=origin.position,
            tags=msgspec.json.encode(state.tags).decode() if state.tags or state.tagged_at else "",
            steps_completed=state.steps_shown,
            patched=int(bool(state.corrected)),
            unwinding=int(state.unwinding is not None),
        )

    def keep(self, state: Run) -> bool:
        return state.status not in TERMINAL

    def save(self, tx: Transaction, rows: Sequence[RunRow]) -> None:
        runs.save(tx, rows)

    def clear(self, tx: Transaction) -> None:
        runs.clear(tx)

    def rows(self, tx: Transaction) -> Iterable[tuple[object, ...]]:
        """Those of runs, then those of their index by tag."""
        return chain(runs.everything(tx), runs.all_tags(tx))
