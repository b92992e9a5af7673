"""The definition of a projection as it is given over REST."""

from __future__ import annotations

import msgspec

from app.history.kinds import NULL, ProjectionDefinition, Rule
from app.history.kinds.base import empty
from app.history.kinds.projection import TableRules


class RuleBody(msgspec.Struct, forbid_unknown_fields=True):
    """CEL expressions over `event` and `state`; `set` and `remove` name paths into the state."""

    on: str
    when: str = ""
    set: dict[str, str] = {}
    remove: list[str] = []


class ProjectionBody(msgspec.Struct, forbid_unknown_fields=True):
    """A projection whose reducer is rules, which the server itself follows; or SQL, with `table_sql`. Its events are
    those of its handlers, if it gives none."""

    events: list[str] = []
    rules: list[RuleBody] = []
    initial: msgspec.Raw = msgspec.field(default_factory=empty)
    table_sql: str = ""
    event_handlers: dict[str, str] = {}
    mode: str = ""
    partition_key: str = ""
    version: int = 1
    on_error: str = "stop"
    description: str = ""
    snapshot_every: int = 500
    change_reason: str = ""


def definition_of(body: ProjectionBody) -> ProjectionDefinition:
    table = TableRules(body.table_sql, body.event_handlers) if body.table_sql or body.event_handlers else None
    mode = body.mode or ("declared" if table is None else "sql")
    return ProjectionDefinition(
        mode=mode,
        events=tuple(body.events or body.event_handlers),
        partition_key=body.partition_key,
        version=body.version,
        on_error=body.on_error,
        initial=body.initial if mode == "declared" else NULL,
        rules=tuple(Rule(one.on, one.when, one.set, tuple(one.remove)) for one in body.rules),
        description=body.description,
        snapshot_every=body.snapshot_every,
        table=table,
    )
