"""What happens to projections; not what happens in them: states and cursors are no part of history."""

from __future__ import annotations

import msgspec

from app.history.kinds.base import NULL, Fact


class Rule(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a declared projection does with an event whose name fits `on` and for which `when` holds: `set` and
    `remove` name paths into the state; values are CEL over `event` and `state` as it was before the rule."""

    on: str
    when: str = ""
    set: dict[str, str] = {}
    remove: tuple[str, ...] = ()


class TableRules(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a SQL projection does: `create` makes its table, and of `handlers`, by pattern, one statement writes it for
    each event."""

    create: str
    handlers: dict[str, str]


class ProjectionDefinition(msgspec.Struct, frozen=True, omit_defaults=True):
    """`mode` is managed, external, declared or sql; `on_error` is stop or skip. `initial` and `rules` are those of a
    declared one, `table` is of a SQL one. A snapshot of a partition is kept about every `snapshot_every` events."""

    mode: str
    events: tuple[str, ...]
    partition_key: str = ""
    version: int = 1
    on_error: str = "stop"
    initial: msgspec.Raw = NULL
    rules: tuple[Rule, ...] = ()
    description: str = ""
    snapshot_every: int = 500
    table: TableRules | None = None


class ProjectionRegistered(Fact, frozen=True):
    """stream projection/<name>. `generation` is the one that follows this definition; a first one serves at once, a
    later one is built beside the one that serves, if what it folds to may be another."""

    kind = "projection.registered"
    definition: ProjectionDefinition
    generation: int
    building: bool = False
    reason: str = ""


class ProjectionRebuilding(Fact, frozen=True):
    """A new generation of the same definition, which begins after a position; of one partition only, if it names one:
    the others are taken over when it serves. With `until`, an external one is given the events up to there, and goes on
    after `resumed_after`. It leaves out what was skipped and parked before, but for the parked events at the positions
    `retried`."""

    kind = "projection.rebuilding"
    generation: int
    after: int = 0
    reason: str = ""
    partition: str = ""
    until: int = 0
    resumed_after: int = 0
    retried: tuple[int, ...] = ()


class ProjectionRebuilt(Fact, frozen=True):
    """The generation has caught up, and serves from now on."""

    kind = "projection.rebuilt"
    generation: int


class ProjectionRebuildCancelled(Fact, frozen=True):
    kind = "projection.rebuild_cancelled"
    generation: int
    reason: str = ""


class ProjectionPaused(Fact, frozen=True):
    kind = "projection.paused"
    reason: str = ""


class ProjectionResumed(Fact, frozen=True):
    """After a pause, or after it was stopped by an event."""

    kind = "projection.resumed"
    reason: str = ""


class ProjectionStopped(Fact, frozen=True):
    """Its reducer cannot take an event, and nothing comes after that event until somebody has looked."""

    kind = "projection.stopped"
    generation: int
    event_id: str
    event_position: int
    error: str


class ProjectionEventSkipped(Fact, frozen=True):
    """Its reducer cannot take an event, and it goes on without."""

    kind = "projection.event_skipped"
    generation: int
    event_id: str
    event_position: int
    error: str


class ProjectionEventPassed(Fact, frozen=True):
    """Somebody has it go on without the event that stopped it: for good, or `parked`, to be retried or discarded."""

    kind = "projection.event_passed"
    generation: int
    event_id: str
    event_position: int
    error: str
    reason: str
    parked: bool = False


class ProjectionParkedDiscarded(Fact, frozen=True):
    """Parked events that are not to be retried: it goes on without them for good."""

    kind = "projection.parked_discarded"
    event_positions: tuple[int, ...]
    reason: str


class ProjectionDeleted(Fact, frozen=True):
    """Its states are dropped with it. It may be registered again, and then begins anew."""

    kind = "projection.deleted"
    reason: str = ""


class ProjectionUpdated(Fact, frozen=True):
    """The state of a partition is another. It is told to subscribers as it happens, and never recorded."""

    kind = "projection.updated"
    id: str
    partition: str
    state: msgspec.Raw
    last_event_id: str
    last_event_name: str


FACTS: tuple[type[Fact], ...] = (
    ProjectionRegistered,
    ProjectionRebuilding,
    ProjectionRebuilt,
    ProjectionRebuildCancelled,
    ProjectionPaused,
    ProjectionResumed,
    ProjectionStopped,
    ProjectionEventSkipped,
    ProjectionEventPassed,
    ProjectionParkedDiscarded,
    ProjectionDeleted,
)
