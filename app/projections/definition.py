"""What a projection may be: the checks of its definition, and which events it is for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache

import msgspec

from app import jsonvalue, patterns, texts
from app.errors import InvalidArgument
from app.history.kinds import ProjectionDefinition
from app.projections import rules, statements
from app.runs import matching

MODES = ("managed", "external", "declared", "sql")
POLICIES = ("stop", "skip")
GLOBAL = "__global__"
"""The partition of events that have none, and of projections without a partition key."""

EVENTS_MAX = 100
PARTITION_CHARS_MAX = 512
SNAPSHOT_EVERY = (1, 1_000_000)
VERSION_MAX = 2**31 - 1


def check(name: str, definition: ProjectionDefinition) -> None:
    """Raises InvalidArgument that names the field."""
    patterns.validate_name(name, field="name")
    texts.segment(name, field="name")
    if definition.mode not in MODES:
        raise InvalidArgument(f"mode {definition.mode[:40]!r} is unknown", field="mode", hint=", ".join(MODES))
    if definition.on_error not in POLICIES:
        raise InvalidArgument(
            f"on_error {definition.on_error[:40]!r} is unknown", field="on_error", hint=" or ".join(POLICIES)
        )
    if not 1 <= len(definition.events) <= EVENTS_MAX:
        raise InvalidArgument(
            f"a projection is of 1 to {EVENTS_MAX} patterns of events, not {len(definition.events)}",
            field="events",
            hint='such as ["order.placed", "payment.>"]',
        )
    for pattern in definition.events:
        patterns.compile(pattern, field="events")
    if definition.partition_key and (
        len(definition.partition_key) > PARTITION_CHARS_MAX or not matching.is_path(definition.partition_key)
    ):
        raise InvalidArgument(
            f"partition_key {definition.partition_key[:80]!r} is not a path into the event",
            field="partition_key",
            hint="such as $.data.customerId",
        )
    if not 1 <= definition.version <= VERSION_MAX:
        raise InvalidArgument(f"version {definition.version} is out of range", field="version", hint="1 or more")
    low, high = SNAPSHOT_EVERY
    if not low <= definition.snapshot_every <= high:
        raise InvalidArgument(
            f"snapshot_every {definition.snapshot_every} is out of range",
            field="snapshot_every",
            hint=f"{low} to {high} events",
        )
    texts.check(definition.description, field="description")
    _check_declared(definition)
    _check_table(definition)


def _check_declared(definition: ProjectionDefinition) -> None:
    if definition.mode != "declared":
        if definition.rules:
            raise InvalidArgument(
                "only declared projections have rules", field="rules", hint="leave them out, or say mode: declared"
            )
        return
    initial = jsonvalue.check(bytes(definition.initial), field="initial")
    if not isinstance(initial, dict):
        raise InvalidArgument("the initial state is not an object", field="initial", hint='such as {"count": 0}')
    rules.Rules(definition.rules)


def _check_table(definition: ProjectionDefinition) -> None:
    if (definition.mode == "sql") != (definition.table is not None):
        raise InvalidArgument(
            "a SQL projection has a table, and no other has",
            field="table_sql",
            hint='say mode: sql, and table_sql: "create table proj_… (…)", and event_handlers',
        )
    if definition.table is None:
        return
    if definition.partition_key:
        raise InvalidArgument("a table has no partitions", field="partition_key", hint="give it a column instead")
    statements.check(definition.table, definition.events)


class Chosen:
    """Which events a projection is for."""

    def __init__(self, events: Sequence[str]) -> None:
        self._patterns = [patterns.compile(pattern, field="events") for pattern in events]
        exact = all(not {"*", ">"}.intersection(pattern.split(".")) for pattern in events)
        self.names: Sequence[str] = tuple(events) if exact else ()
        self._known: dict[str, bool] = {}

    def wants(self, name: str) -> bool:
        wanted = self._known.get(name)
        if wanted is None:
            if len(self._known) > 10_000:
                self._known.clear()
            wanted = self._known[name] = any(pattern.matches(name) for pattern in self._patterns)
        return wanted


@lru_cache(1_024)
def chosen(events: tuple[str, ...]) -> Chosen:
    return Chosen(events)


def partition_of(envelope: Mapping[str, object], path: str) -> str:
    """The partition that an event belongs to; a value that is too long is known by its beginning and its SHA-256."""
    found = matching.value_at(envelope, path) if path else None
    if not found:
        return GLOBAL
    if len(found) <= PARTITION_CHARS_MAX:
        return found
    told = hashlib.sha256(found.encode()).hexdigest()
    return f"{found[: PARTITION_CHARS_MAX - len(told) - 1]}~{told}"


def text_of(partition: str, path: str) -> str:
    """A text that is in the data of every event of a partition, if nothing in them is escaped; none where that cannot
    be told: a number is written in many ways."""
    if not path.removeprefix("$.").startswith("data") or len(partition) >= PARTITION_CHARS_MAX:
        return ""
    if partition in (GLOBAL, "true", "false", "null") or _is_number(partition):
        return ""
    return partition


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def same_fold(one: ProjectionDefinition, other: ProjectionDefinition) -> bool:
    """Whether both fold the same events to the same states, as far as the server can tell."""
    fields = ("mode", "events", "partition_key", "version", "rules", "table")
    return all(getattr(one, field) == getattr(other, field) for field in fields) and (
        msgspec.json.decode(one.initial) == msgspec.json.decode(other.initial)
    )
