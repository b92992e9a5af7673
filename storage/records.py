"""Rows as they lie in the tables, column by column, in the order of the queries that select them."""

from __future__ import annotations

from typing import NamedTuple

Record = tuple[str | int | float | bytes | None, ...]
"""Of any table: its values stand for the parameters of a query, in the order that this one names them."""


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


class RedactedRow(NamedTuple):
    """What an entry's payloads are replaced by."""

    data: str
    metadata: str
    position: int


class EventRow(NamedTuple):
    position: int
    id: str
    environment: str
    name: str
    source: str
    idempotency_key: str
    run_id: str
    recorded_at: int
    entity_type: str = ""
    entity_id: str = ""
    entity_version: int = 0
    reemitted_from: str = ""


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
    parent_run_id: str
    parent_step_id: str
    detached: int
    watched: int
    pause_requested: int
    dispatch: str = ""
    forked_from_run_id: str = ""
    forked_from_position: int = 0
    tags: str = ""
    """A JSON list, "" for one that never had any; the index by tag is made of it."""
    steps_completed: int = 0
    """As of `version`: reports of steps change no row."""
    patched: int = 0
    unwinding: int = 0


class BreakpointRow(NamedTuple):
    id: str
    environment: str
    run_id: str
    function_id: str
    step: str
    place: str
    condition: str
    owner: str
    created_at: int
    expires_at: int


class ViewRow(NamedTuple):
    environment: str
    page: str
    owner: str
    name: str
    filter: str
    shared: int
    saved_at: int


class MessageRow(NamedTuple):
    position: int
    id: str
    environment: str
    topic: str
    idempotency_key: str
    run_id: str
    recorded_at: int


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


class BucketRow(NamedTuple):
    environment: str
    name: str
    generation: int
    description: str
    ttl_s: int
    history: int
    value_bytes_max: int
    bytes_max: int
    created_at: int
    position: int


class KvRow(NamedTuple):
    environment: str
    bucket: str
    key: str
    generation: int
    revision: int
    bytes: int
    expires_at: int | None
    recorded_at: int
    position: int


class ConfigRow(NamedTuple):
    environment: str
    name: str
    revision: int
    bytes: int
    updated_at: int
    position: int


class SecretRow(NamedTuple):
    environment: str
    name: str
    revision: int
    value_id: str
    description: str
    created_at: int
    updated_at: int
    position: int


class SecretValueRow(NamedTuple):
    """An encrypted value. Not derived from history."""

    id: str
    environment: str
    name: str
    revision: int
    nonce: bytes
    ciphertext: bytes
    created_at: int


class DataKeyRow(NamedTuple):
    """The key that encrypts an environment's values, wrapped by a master key. Not derived from history."""

    environment: str
    master_id: str
    nonce: bytes
    wrapped: bytes
    created_at: int


class EntityRow(NamedTuple):
    environment: str
    type: str
    id: str
    version: int
    event_count: int
    created_at: int
    updated_at: int
    deleted_at: int | None
    position: int


class KeptSnapshot(NamedTuple):
    """A snapshot without its state, and how long that is."""

    version: int
    snapshot_id: str
    created_at: int
    size_bytes: int


class SnapshotRow(NamedTuple):
    """`state` is JSON text, as the client sent it."""

    environment: str
    type: str
    id: str
    version: int
    snapshot_id: str
    state: str
    created_at: int


class SchemaRow(NamedTuple):
    """`schema` is the JSON text as it came."""

    environment: str
    event_name: str
    version: int
    schema: str
    description: str
    created_at: int
    updated_at: int
    deleted_at: int | None
    position: int


class EnforcementRow(NamedTuple):
    environment: str
    mode: str
    updated_at: int
    position: int


class GateRow(NamedTuple):
    """Events that wait at a gate; with a 0 under `waiting` none do, and there is no row."""

    environment: str
    stream: str
    function_id: str
    option: str
    key: str
    event_id: str
    waiting: int
    armed_at: int
    fires_at: int
    function_version: int
    position: int


class GroupRow(NamedTuple):
    """`settings` is JSON text."""

    environment: str
    name: str
    status: str
    settings: str
    generation: int
    start: int
    anchor: int
    born: int
    created_at: int
    updated_at: int
    position: int


class DeadLetterRow(NamedTuple):
    environment: str
    group_name: str
    entry: int
    fed: int
    event_id: str
    topic: str
    deliveries: int
    cause: str
    reason: str
    dead_at: int
    position: int


class IdentityRow(NamedTuple):
    """`content` is JSON text: all that it is."""

    org: str
    noun: str
    id: str
    content: str
    created_at: int
    updated_at: int
    position: int


class KeyUse(NamedTuple):
    key_id: str
    used_at: int
    address: str = ""
    agent: str = ""


class PolicyRow(NamedTuple):
    """`definition` is JSON."""

    environment: str
    id: str
    name: str
    status: str
    definition: str
    version: int
    created_at: int
    updated_at: int
    updated_by: str
    position: int


class AuditSettingsRow(NamedTuple):
    """`settings` is JSON."""

    environment: str
    settings: str
    updated_at: int
    position: int


class NodeRow(NamedTuple):
    """A node that serves the store, or did. `shared_bus`: 0 for a NATS server of its own; `beat` goes up while it
    lives."""

    id: str
    address: str
    shared_bus: int
    version: str
    started_at: int
    beat: int
