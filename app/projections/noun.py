"""A projection as a noun of history: `projection/<name>`.

    registered ──► serving ──────────────── rebuilt ──► the generation before is dropped
                      └ another definition, or a rebuild ──► building ──┘
                                                                └ rebuild_cancelled

A generation is one fold of one definition, with a cursor and states of its own. One serves, while another may be built
beside it. Paused and deleted are of the projection; an error is of the generation that met it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from app.history.entry import Entry
from app.history.kinds import (
    Fact,
    ProjectionDefinition,
    ProjectionDeleted,
    ProjectionEventSkipped,
    ProjectionPaused,
    ProjectionRebuildCancelled,
    ProjectionRebuilding,
    ProjectionRebuilt,
    ProjectionRegistered,
    ProjectionResumed,
    ProjectionStopped,
)
from storage import projections
from storage.contract import Transaction
from storage.projections import Key, ProjectionRow


class Generation(msgspec.Struct, frozen=True, omit_defaults=True):
    """`after` is where its fold begins, `target` the position of history when it was begun: both 0 for all of it.
    `finished_at` is when a rebuild of it had caught up. `partition`: only that one is folded anew.
    `until` and `resumed_after`: between them nothing is folded, if they are given.
    `skipped` counts events that its reducer could not take, `skipped_position` is that of the last one."""

    number: int
    definition: ProjectionDefinition
    after: int = 0
    target: int = 0
    begun_at: int = 0
    finished_at: int = 0
    error: str = ""
    error_event_id: str = ""
    error_position: int = 0
    skipped: int = 0
    skipped_position: int = 0
    partition: str = ""
    until: int = 0
    resumed_after: int = 0


class Projection(msgspec.Struct, frozen=True, omit_defaults=True):
    """`revision` counts changes, `generations` those there ever were."""

    environment: str
    name: str
    serving: Generation
    building: Generation | None = None
    generations: int = 1
    paused: bool = False
    deleted: bool = False
    created_at: int = 0
    updated_at: int = 0
    position: int = 0
    revision: int = 0

    @property
    def status(self) -> str:
        if self.deleted:
            return "deleted"
        if self.paused:
            return "paused"
        if self.error:
            return "error"
        return "rebuilding" if self.building is not None else "active"

    @property
    def error(self) -> str:
        return self.serving.error or (self.building.error if self.building is not None else "")

    @property
    def alive(self) -> Sequence[Generation]:
        """The generations that follow events, the serving one first."""
        if self.deleted:
            return ()
        return (self.serving,) if self.building is None else (self.serving, self.building)

    @property
    def newest(self) -> Generation:
        return self.building or self.serving

    def generation(self, number: int) -> Generation | None:
        """The generation of that number, if it is alive."""
        return next((one for one in self.alive if one.number == number), None)

    def key(self, generation: Generation | None = None) -> Key:
        return Key(self.environment, self.name, (generation or self.serving).number)


def stream(name: str) -> str:
    return f"projection/{name}"


class ProjectionNoun:
    prefix = "projection"

    def apply(self, state: Projection | None, entry: Entry) -> Projection:
        at = entry.recorded_at
        fact = entry.fact
        if isinstance(fact, ProjectionRegistered):
            changed = _registered(state, fact, entry)
        else:
            assert state is not None, f"{entry} changes what was not there"
            changed = _changed(state, fact, entry)
        return msgspec.structs.replace(
            changed, updated_at=at, position=entry.position, revision=state.revision + 1 if state else 1
        )

    def changed_at(self, state: Projection) -> int:
        return state.position

    def row(self, state: Projection) -> ProjectionRow:
        return ProjectionRow(
            state.environment,
            state.name,
            state.serving.definition.mode,
            state.status,
            msgspec.json.encode(state).decode(),
            state.created_at,
            state.updated_at,
            state.position,
        )

    def keep(self, state: Projection) -> bool:
        return False

    def save(self, tx: Transaction, rows: Sequence[ProjectionRow]) -> None:
        projections.save(tx, rows)

    def clear(self, tx: Transaction) -> None:
        projections.clear(tx)

    def rows(self, tx: Transaction) -> Iterable[ProjectionRow]:
        return projections.everything(tx)


_decode = msgspec.json.Decoder(Projection).decode


def of_row(row: ProjectionRow) -> Projection:
    return _decode(row.state)


def _registered(state: Projection | None, fact: ProjectionRegistered, entry: Entry) -> Projection:
    made = Generation(fact.generation, fact.definition, target=entry.position, begun_at=entry.recorded_at)
    if state is None or state.deleted:
        name = entry.stream.partition("/")[2]
        return Projection(
            entry.environment,
            name,
            msgspec.structs.replace(made, target=0),
            generations=fact.generation,
            created_at=entry.recorded_at,
            revision=state.revision if state else 0,
        )
    if fact.building:
        return msgspec.structs.replace(state, building=made, generations=fact.generation)
    return _with(state, fact.generation, definition=fact.definition)


def _changed(state: Projection, fact: Fact, entry: Entry) -> Projection:
    replace = msgspec.structs.replace
    match fact:
        case ProjectionRebuilding():
            made = Generation(
                fact.generation,
                state.serving.definition,
                fact.after,
                fact.until or entry.position,
                entry.recorded_at,
                partition=fact.partition,
                until=fact.until,
                resumed_after=fact.resumed_after,
            )
            if state.serving.definition.mode == "external":  # there is no state to serve meanwhile
                return replace(state, serving=made, generations=fact.generation)
            return replace(state, building=made, generations=fact.generation)
        case ProjectionRebuilt():
            assert state.building is not None, f"{entry} ends what was not begun"
            serving = replace(state.building, finished_at=entry.recorded_at, partition="")
            return replace(state, serving=serving, building=None)
        case ProjectionRebuildCancelled():
            return replace(state, building=None)
        case ProjectionPaused():
            return replace(state, paused=True)
        case ProjectionResumed():
            resumed = replace(state, paused=False)
            for one in state.alive:
                resumed = _with(resumed, one.number, error="", error_event_id="", error_position=0)
            return resumed
        case ProjectionStopped():
            return _with(
                state,
                fact.generation,
                error=fact.error,
                error_event_id=fact.event_id,
                error_position=fact.event_position,
            )
        case ProjectionEventSkipped():
            found = state.generation(fact.generation)
            skipped = found.skipped + 1 if found is not None else 0
            return _with(state, fact.generation, skipped=skipped, skipped_position=fact.event_position)
        case ProjectionDeleted():
            return replace(state, deleted=True, paused=False, building=None)
        case _:
            raise AssertionError(f"{entry} does not belong to a projection")


def _with(state: Projection, number: int, **changes: object) -> Projection:
    """The projection with a generation changed; one that is no more is left alone."""
    replace = msgspec.structs.replace
    if state.serving.number == number:
        return replace(state, serving=replace(state.serving, **changes))
    if state.building is not None and state.building.number == number:
        return replace(state, building=replace(state.building, **changes))
    return state
