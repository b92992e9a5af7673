"""The register of projections: which there are, and what is done to them. What is done is history.

It is in memory and follows history, so that changes of other nodes are seen too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from app import texts
from app.errors import Conflict, ProjectionNotFound, ProjectionSuperseded
from app.history import revisions
from app.history.committer import Command, Committer, Decision
from app.history.entry import Draft
from app.history.kinds import (
    Fact,
    ProjectionDefinition,
    ProjectionDeleted,
    ProjectionEventSkipped,
    ProjectionPaused,
    ProjectionRegistered,
    ProjectionResumed,
    ProjectionStopped,
)
from app.history.kinds import projection as kinds
from app.history.tail import Tail
from app.projections import definition as definitions
from app.projections.noun import Projection, ProjectionNoun, of_row, stream
from storage import projections
from storage.contract import Storage, Transaction

ERROR_CHARS_MAX = 2_000

Decide = Callable[[Projection], Sequence[Fact]]


class Registry:
    def __init__(self, *, storage: Storage, committer: Committer, tail: Tail) -> None:
        self._storage = storage
        self._committer = committer
        self._tail = tail
        self._known: dict[tuple[str, str], Projection] = {}
        self._position = 0
        self._changed = asyncio.Event()

    async def start(self) -> None:
        """Fill the register from the store."""

        def load(tx: Transaction) -> list[Projection]:
            return [of_row(row) for row in projections.everything(tx)]

        self._position = self._tail.head
        for known in await self._storage.read(load):
            self._known[known.environment, known.name] = known

    async def run(self) -> None:
        """Follow changes, of other nodes too, until cancelled."""
        noun = ProjectionNoun()
        followed = frozenset(fact.kind for fact in kinds.FACTS)
        async for batch in self._tail.follow(self._position, kinds=followed):
            for entry in batch:
                key = (entry.environment, entry.stream.partition("/")[2])
                known = self._known.get(key)
                if known is None or known.position < entry.position:
                    self._put(noun.apply(known, entry))

    def changed(self) -> Coroutine[Any, Any, Any]:
        """Ends once any projection has changed since the call, not since it is awaited: nothing between is missed."""
        return self._changed.wait()

    # Reading.

    def get(self, environment: str, name: str) -> Projection:
        """Raises ProjectionNotFound."""
        found = self.find(environment, name)
        if found is None:
            raise ProjectionNotFound(
                f"there is no projection {name[:80]!r}", hint="`ironflow projection list` shows those there are"
            )
        return found

    def find(self, environment: str, name: str) -> Projection | None:
        found = self._known.get((environment, name))
        return None if found is None or found.deleted else found

    def list(self, environment: str, *, status: str = "", mode: str = "") -> Sequence[Projection]:
        """By name."""
        found = [one for (where, _), one in sorted(self._known.items()) if where == environment and not one.deleted]
        return [one for one in found if status in ("", one.status) and mode in ("", one.serving.definition.mode)]

    def wanting(self, environment: str, event_name: str) -> Sequence[Projection]:
        """Those that an event of the name is for, by name."""
        found = self.list(environment)
        return [one for one in found if definitions.chosen(one.serving.definition.events).wants(event_name)]

    def everything(self) -> Sequence[Projection]:
        """Those of all environments that are not deleted."""
        return [one for one in self._known.values() if not one.deleted]

    # Changing.

    async def register(
        self,
        environment: str,
        name: str,
        definition: ProjectionDefinition,
        *,
        reason: str = "",
        actor: str = "",
        expected: int | None = None,
    ) -> tuple[Projection, str]:
        """The projection, and whether it is registered (new), updated, or unchanged. Another fold than the one that
        serves is built beside it. Raises InvalidArgument, Conflict, ProjectionSuperseded, RevisionConflict."""
        definitions.check(name, definition)
        texts.reason(reason, field="change_reason")

        def decide(known: Projection | None) -> tuple[Sequence[Fact], str]:
            if known is None or known.deleted:
                revisions.check(f"projection {name}", found=0, expected=expected)  # it is not there to be changed
                generation = known.generations + 1 if known else 1
                return [ProjectionRegistered(definition, generation, reason=reason)], "registered"
            return _again(known, definition, reason)

        return await self._change(environment, name, decide, actor=actor, expected=expected)

    async def pause(
        self, environment: str, name: str, *, reason: str = "", actor: str = "", expected: int | None = None
    ) -> Projection:
        """Nothing is folded until it is resumed. A reason may be told later, when it is paused already. Raises
        ProjectionNotFound, InvalidArgument, RevisionConflict."""
        return await self.change(
            environment,
            name,
            lambda known: [ProjectionPaused(reason)] if reason or not known.paused else [],
            reason=reason,
            actor=actor,
            expected=expected,
        )

    async def resume(
        self, environment: str, name: str, *, reason: str = "", actor: str = "", expected: int | None = None
    ) -> Projection:
        """Go on after a pause, or try the event again that stopped it. Raises ProjectionNotFound, RevisionConflict."""
        return await self.change(
            environment,
            name,
            lambda known: [ProjectionResumed(reason)] if known.paused or known.error else [],
            reason=reason,
            actor=actor,
            expected=expected,
        )

    async def delete(
        self, environment: str, name: str, *, reason: str = "", actor: str = "", expected: int | None = None
    ) -> None:
        """Its states are dropped; its history stays. Raises ProjectionNotFound, RevisionConflict."""
        await self.change(
            environment, name, lambda _: [ProjectionDeleted(reason)], reason=reason, actor=actor, expected=expected
        )

    async def refuse_event(
        self, environment: str, name: str, generation: int, *, event_id: str, position: int, error: str
    ) -> bool:
        """Record that a reducer cannot take an event, once; whether to go on without it. Raises ProjectionNotFound."""
        error = error.replace("\0", "")[:ERROR_CHARS_MAX] or "no reason was given"

        def decide(known: Projection) -> Sequence[Fact]:
            one = known.generation(generation)
            if one is None:
                return []
            if one.definition.on_error == "skip":
                if one.skipped_position >= position:
                    return []
                return [ProjectionEventSkipped(generation, event_id, position, error)]
            if one.error:
                return []
            return [ProjectionStopped(generation, event_id, position, error)]

        changed = await self.change(environment, name, decide)
        one = changed.generation(generation)
        return one is not None and one.definition.on_error == "skip"

    async def change(
        self,
        environment: str,
        name: str,
        decide: Decide,
        *,
        reason: str = "",
        actor: str = "",
        expected: int | None = None,
    ) -> Projection:
        """The projection after what `decide` says of it. Raises ProjectionNotFound, what `decide` raises, and
        RevisionConflict where it is not at the revision `expected`."""
        texts.reason(reason)

        def whole(known: Projection | None) -> tuple[Sequence[Fact], None]:
            if known is None or known.deleted:
                self.get(environment, name)  # tells that there is none
                raise ProjectionNotFound(f"projection {name[:80]!r} was deleted")
            return decide(known), None

        self.get(environment, name)
        changed, _ = await self._change(environment, name, whole, actor=actor, expected=expected)
        return changed

    async def _change(
        self,
        environment: str,
        name: str,
        decide: Callable[[Projection | None], tuple[Sequence[Fact], Any]],
        *,
        actor: str,
        expected: int | None,
    ) -> tuple[Projection, Any]:
        """Record what `decide` says; the projection as it then is, in the register too. States of generations that
        are no more are dropped."""
        where = stream(name)

        def whole(states: Mapping[str, Any], now: int) -> Decision:
            known: Projection | None = states[where]
            if known is not None and not known.deleted:
                revisions.check(f"projection {name}", found=known.revision, expected=expected)
            facts, told = decide(known)
            return Decision([Draft(where, fact, actor=actor) for fact in facts], told)

        before = self.find(environment, name)
        async with revisions.telling(self._storage, environment, where, version=expected):
            told = await self._committer.commit(Command(environment, (where,), whole))
        row = await self._tail.read(lambda tx: projections.get(tx, environment, name))  # it is durable
        assert row is not None, f"projection {name} was just recorded"
        after = of_row(row)
        self._put(after)
        gone = [one.number for one in before.alive if after.generation(one.number) is None] if before else []
        if gone:
            await self._storage.write(lambda tx: _drop(tx, environment, name, gone))
        return after, told

    def _put(self, projection: Projection) -> None:
        key = (projection.environment, projection.name)
        known = self._known.get(key)
        if known is None or known.position < projection.position:
            self._known[key] = projection
            self._changed.set()
            self._changed = asyncio.Event()


def _drop(tx: Transaction, environment: str, name: str, generations: Sequence[int]) -> None:
    for number in generations:
        projections.drop(tx, projections.Key(environment, name, number))


def _again(known: Projection, definition: ProjectionDefinition, reason: str) -> tuple[Sequence[Fact], str]:
    """What it takes to register a projection that there is."""
    serving = known.serving
    if definition in (serving.definition, known.newest.definition):
        return [], "unchanged"
    if definition.mode != serving.definition.mode:
        raise Conflict(
            f"{known.name} is {serving.definition.mode}, not {definition.mode}",
            field="mode",
            hint="delete it first, or take another name",
        )
    newest = known.newest
    if definition.version < newest.definition.version:
        if definitions.same_fold(definition, serving.definition):
            return [], "unchanged"
        raise ProjectionSuperseded(
            f"version {definition.version} of {known.name} was superseded by version {newest.definition.version}",
            field="version",
            hint=f"register it as version {newest.definition.version + 1} to bring it back",
        )
    if definition.mode == "external" or definitions.same_fold(definition, newest.definition):
        return [ProjectionRegistered(definition, newest.number, reason=reason)], "updated"
    return [ProjectionRegistered(definition, known.generations + 1, building=True, reason=reason)], "updated"
