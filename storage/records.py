"""Rows as they lie in the tables, column by column, in the order of the queries that select them."""

from __future__ import annotations

from typing import NamedTuple


class EntryRecord(NamedTuple):
    """One row of history. `data` and `metadata` are JSON texts, kept byte for byte."""

    position: int
    environment: str
    stream: str
    version: int
    kind: str
    data: str
    metadata: str
    actor: str
    correlation: str
    causation: str
    recorded_at: int
    digest: bytes


class EventRow(NamedTuple):
    position: int
    id: str
    environment: str
    name: str
    source: str
    idempotency_key: str
    run_id: str
    recorded_at: int


class RunRow(NamedTuple):
    id: str
    environment: str
    function_id: str
    function_version: int
    event_id: str
    event_name: str
    status: str
    attempt: int
    max_attempts: int
    worker_id: str
    error_code: str
    error_message: str
    pause_reason: str
    cancellation_cause: str
    due_at: int | None
    timeout_at: int | None
    created_at: int
    started_at: int | None
    ended_at: int | None
    updated_at: int
    position: int
    version: int


class FunctionRow(NamedTuple):
    environment: str
    id: str
    name: str
    status: str
    version: int
    preferred_mode: str
    created_at: int
    updated_at: int
    position: int


Record = EntryRecord | EventRow | RunRow | FunctionRow
