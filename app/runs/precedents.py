"""What a step gave in runs of its function that went well: what another output of it is measured by.

A few runs are looked at, none with a very long history, and of what they gave only so much is told.
"""

from __future__ import annotations

import msgspec

from app.history.entry import Entry
from app.history.kinds import StepCompleted
from app.history.redaction import is_placeholder
from app.runs import noun, reading
from app.runs.forgetting import COMPENSATION
from storage import history, runs
from storage.contract import Transaction

RUNS_MAX = 10
ENTRIES_MAX = 1_000
BYTES_MAX = 256 * 1024


class Precedent(msgspec.Struct, frozen=True):
    run_id: str
    output: msgspec.Raw


class Precedents(msgspec.Struct, frozen=True):
    """Newest run first. `left_out`: how many outputs were more than is told."""

    found: tuple[Precedent, ...]
    left_out: int


def of_step(tx: Transaction, environment: str, run_id: str, path: str) -> Precedents:
    """Of the newest completed runs of a run's function, itself left out: what each gave in the step of that path; none
    of what is redacted. Raises RunNotFound."""
    row = reading.row_of(tx, environment, run_id)
    rows = runs.page(tx, environment, function_id=row.function_id, statuses=("completed",), limit=RUNS_MAX + 1)
    others = [one for one in rows if one.id != run_id and one.version <= ENTRIES_MAX]
    given = [(one.id, _given(tx, environment, one.id, path)) for one in others[:RUNS_MAX]]
    found: list[Precedent] = []
    left, left_out = BYTES_MAX, 0
    for other, output in given:
        if output is None or is_placeholder(output):
            continue
        left -= len(bytes(output))
        if left < 0:
            left_out += 1
        else:
            found.append(Precedent(other, output))
    return Precedents(tuple(found), left_out)


def _given(tx: Transaction, environment: str, run_id: str, path: str) -> msgspec.Raw | None:
    output: msgspec.Raw | None = None
    for record in history.whole_stream(tx, environment, noun.stream(run_id)):
        if record.kind != StepCompleted.kind:
            continue
        fact = Entry(record).fact
        assert isinstance(fact, StepCompleted)
        if fact.step_id == f"{run_id}:{path}" and fact.type != COMPENSATION:
            output = fact.output
    return output
