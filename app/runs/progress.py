"""How far the runs of a list are: the steps that completed, and how many the newest run that went well had.

A run's row says how many had completed as of its version, since reports of steps change no row; what an execution that
is under way has reported since is counted in its stream, within a bound that is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from storage import runs
from storage.contract import Transaction
from storage.records import RunRow

ENTRIES_MAX = 200
"""So many entries of a run that is under way are looked at, which has at most one of them for each step."""
KINDS_MAX = 50
"""For so many pairs of function and version is looked at what a run of them completes with."""
SCAN_MAX = 100
"""Among so many of a function's newest runs is one looked for that went well."""


class Progress(NamedTuple):
    """Steps that completed, and how many are expected, 0 for unknown. `at_least`: not all entries were looked at."""

    completed: int
    expected: int = 0
    at_least: bool = False


def of(tx: Transaction, environment: str, rows: Sequence[RunRow]) -> dict[str, Progress]:
    """By the run's id. Nothing is expected of a run that completed: that is how many there were."""
    going = [(row.id, row.version) for row in rows if row.status == "running" and not row.unwinding]
    since = runs.steps_since(tx, environment, going, scan=ENTRIES_MAX) if going else {}
    kinds = list(dict.fromkeys((row.function_id, row.function_version) for row in rows if row.status != "completed"))
    expected = runs.steps_expected(tx, environment, kinds[:KINDS_MAX], scan=SCAN_MAX) if kinds else {}
    return {row.id: _progress(row, *since.get(row.id, (0, 0)), expected) for row in rows}


def _progress(row: RunRow, since: int, entries: int, expected: dict[tuple[str, int], int]) -> Progress:
    completed = row.steps_completed + since
    likely = 0 if row.status == "completed" else expected.get((row.function_id, row.function_version), 0)
    return Progress(
        completed,
        likely if likely >= completed else 0,
        at_least=entries >= ENTRIES_MAX,
    )
