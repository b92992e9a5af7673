"""A run as it is recorded by now: what it came to, and what an execution that began now would be handed."""

from __future__ import annotations

from app.runs import memo, reading
from app.runs.memo import Memos
from app.runs.reading import RunRecord
from storage.contract import Transaction


def load(tx: Transaction, environment: str, run_id: str) -> tuple[RunRecord, Memos]:
    """Raises RunNotFound."""
    run = reading.load(tx, environment, run_id)
    memos = memo.recorded(tx, environment, run_id)
    assert memos is not None, f"{run_id} was read just now"
    return run, memos
