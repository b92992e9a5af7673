"""A projection as a noun of history: `projection/<name>`.

    registered ──► serving ──────────────── rebuilt ──► the generation before is dropped
                      └ another definition, or a rebuild ──► building ──┘
                                                                └ rebuild_cancelled

A generation is one fold of one definition, with a cursor and states of its own. One serves, while another may be built
beside it. Paused and deleted are of the projection; an error is of the generation that met it, and so is an event that
somebody has it go on without:

    folding ──► stopped ── resume ──► folding: the event again
                   ├ skip ──► folding after it; passed for good ◄── discarded
                   └ park ──► folding after it; parked ──────────────┴ retried: a generation that has it in its place
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from app.history.entry import Entry
from app.history.kinds import (
    Fact,
    ProjectionDefinition,
    ProjectionDeleted,
    ProjectionEventPassed,
    ProjectionEventSkipped,
    ProjectionParkedDiscarded,
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

NOTE_CHARS_MAX = 300


class Passed(msgspec.Struct, frozen=True, omit_defaults=True):
    """An event that a generation goes on without, because somebody said so; `error` and `reason` are as they begin."""

    position: int
    event_id: str
    error: str
    reason: str
    actor: str = ""
    passed_at: int = 0
    parked: bool = False


class Generation(msgspec.Struct, frozen=True, omit_defaults=True):
    """`after` is where its fold begins, `target` the position of history when it was begun: both 0 for all of it.
    `finished_at` is when a rebuild of it had caught up. `partition`: only that one is folded anew.
    `until` and `resumed_after`: between them nothing is folded, if they are given.
    `skipped` counts events that its reducer could not take, `skipped_position` is that of the last one; those that
    somebody had it go on without are `passed`, in the order of their positions."""

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
    passed: tuple[Passed, ...] = ()

    @property
    def parked(self) -> Sequence[Passed]:
        """The events that wait to be retried or discarded, the oldest first."""
        return [one for one in self.passed if one.parked]

    @property
    def left_out(self) -> int:
        """How many events are not in its state for good, though they were for it."""
        return self.skipped + len(self.passed) - len(self.parked)


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
    def stopped(self) -> Generation | None:
        """The generation that an event has stopped, the serving one first."""
        return next((one for one in self.alive if one.error), None)

    @property
    def alive(self) -> Sequence[Generation]:
        """The generations that follow events, the serving one first."""
        if self.deleted:
            return ()
        return (self.serving,) if self.building is None else (self.serving, self.building)

    @property
    def newest(self) -> Generation:
        return self.building or self.serving

    @property
    def rebuilt(self) -> Generation | None:
        """What the rebuild under way makes, or what the last one made; None if it never was built anew."""
        return self.newest if self.newest.target else None

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
                passed=tuple(one for one in state.serving.passed if one.position not in fact.retried),
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
        case ProjectionEventPassed():
            return _passed(state, fact, entry)
        case ProjectionParkedDiscarded():
            for one in state.alive:
                kept = tuple(
                    replace(known, parked=known.parked and known.position not in fact.event_positions)
                    for known in one.passed
                )
                state = _with(state, one.number, passed=kept)
            return state
        case ProjectionDeleted():
            return replace(state, deleted=True, paused=False, building=None)
        case _:
            raise AssertionError(f"{entry} does not belong to a projection")


def _passed(state: Projection, fact: ProjectionEventPassed, entry: Entry) -> Projection:
    """What the generation that serves goes on without, one of the same fold that is built beside it does too."""
    one = Passed(
        fact.event_position,
        fact.event_id,
        fact.error[:NOTE_CHARS_MAX],
        fact.reason[:NOTE_CHARS_MAX],
        entry.actor,
        entry.recorded_at,
        fact.parked,
    )
    building, numbers = state.building, {fact.generation}
    alike = building is not None and (building.partition or building.definition == state.serving.definition)
    if building is not None and alike and fact.generation == state.serving.number:
        numbers.add(building.number)
    for generation in state.alive:
        if generation.number not in numbers:
            continue
        others = [known for known in generation.passed if known.position != one.position]
        state = _with(state, generation.number, passed=tuple(sorted((*others, one), key=lambda known: known.position)))
        if generation.error_event_id == one.event_id:
            state = _with(state, generation.number, error="", error_event_id="", error_position=0)
    return state


def _with(state: Projection, number: int, **changes: object) -> Projection:
    """The projection with a generation changed; one that is no more is left alone."""
    replace = msgspec.structs.replace
    if state.serving.number == number:
        return replace(state, serving=replace(state.serving, **changes))
    if state.building is not None and state.building.number == number:
        return replace(state, building=replace(state.building, **changes))
    return state
