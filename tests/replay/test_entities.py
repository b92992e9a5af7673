"""Random appends, alone and together, against a model that knows only dictionaries: each is answered as the model
answers it, and every position of history shows what a fold of history up to it gives. Both stores.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from app import resources
from app.clock import ManualClock
from app.entities.reading import EntityReader, Key
from app.entities.streams import ANY, Append, Appended
from app.errors import IdempotencyConflict, StreamDeleted, StreamNotFound, VersionConflict
from app.events.new_event import NewEvent
from app.history.entry import Entry
from app.history.kinds import EntityDeleted, EventEmitted
from app.history.kinds.entity import entity_of
from app.history.rebuild import rebuild
from app.history.verify import verify
from app.ids import Ids
from app.node import Node
from storage import history, open_storage
from storage.contract import Storage
from tests.support.postgres import Cluster, Prepare

ENTITIES = st.sampled_from([("order", "1"), ("order", "2"), ("cart", "1")])
EXPECTED = st.sampled_from(["any", "new", "right", "right", "right", "behind", "ahead"])
PARTS = st.lists(st.tuples(ENTITIES, EXPECTED, st.integers(0, 3)), min_size=1, max_size=3, unique_by=lambda one: one[0])
KEYS = st.sampled_from(["", "", "k1", "k2"])


@dataclass
class Stream:
    """An entity in the model."""

    events: list[int] = field(default_factory=list)
    deleted: bool = False

    @property
    def version(self) -> int:
        return len(self.events) + self.deleted


@dataclass
class Model:
    streams: dict[tuple[str, str], Stream] = field(default_factory=dict)
    keys: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    def append(self, appends: list[Append], key: str) -> Any:
        """What is answered: the versions reached, or the class of the refusal."""
        content = [(append.type, append.id, [event.data for event in append.events]) for append in appends]
        content = [one for one in content if one[2]]
        if key and key in self.keys:
            known, answer = self.keys[key]
            return answer if known == content else IdempotencyConflict
        for append in appends:
            stream = self.streams.get((append.type, append.id), Stream())
            if stream.deleted:
                return StreamDeleted
            if append.expected not in (ANY, stream.version):
                return VersionConflict
        for append in appends:
            if append.events:
                stream = self.streams.setdefault((append.type, append.id), Stream())
                stream.events += [json.loads(event.data) for event in append.events]
        answer = [self.streams.get((append.type, append.id), Stream()).version for append in appends]
        if key:
            self.keys[key] = (content, answer)
        return answer

    def delete(self, entity: tuple[str, str]) -> Any:
        if entity not in self.streams:
            return StreamNotFound
        self.streams[entity].deleted = True
        return self.streams[entity].version


class Machine(RuleBasedStateMachine):
    """A node that is restarted now and then, and the model beside it."""

    cluster: Cluster | None = None
    prepare: Prepare

    @initialize()
    def open(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ironflow-entities-"))
        self.url = self.cluster.create_database(self.prepare) if self.cluster else ""
        self.runner = asyncio.Runner()
        self.clock = ManualClock(1_764_000_000_000_000)
        self.model = Model()
        self.numbers = itertools.count()
        self.sent: list[tuple[list[Append], str]] = []
        self.storage: Storage = self.runner.run(
            open_storage(self.url or str(self.folder / "db"), resources.sql_folder())
        )
        self.runner.run(self.storage.migrate())
        self.start()

    def start(self) -> None:
        self.node = Node(storage=self.storage, clock=self.clock, ids=Ids(self.clock))
        self.reader = EntityReader(self.storage)
        self.tasks = asyncio.TaskGroup()

        async def begin() -> list[Any]:
            await self.tasks.__aenter__()
            return await self.node.start(self.tasks)

        self.running = self.runner.run(begin())

    def stop(self) -> None:
        async def end() -> None:
            for task in self.running:
                task.cancel()
            await self.tasks.__aexit__(None, None, None)

        self.runner.run(end())

    @rule(batch=st.lists(st.tuples(PARTS, KEYS), min_size=1, max_size=5))
    def append(self, batch: list[Any]) -> None:
        """Several at once: they are decided in the order in which they came."""
        made = [(self._appends(parts), key) for parts, key in batch]
        made = [(appends, key) for appends, key in made if any(append.events for append in appends)]

        self.sent += [one for one in made if one[1]]
        self._append(made)

    @rule(number=st.integers(0, 30))
    def repeat(self, number: int) -> None:
        """A key is used again, with what it was used for first or later."""
        if self.sent:
            self._append([self.sent[number % len(self.sent)]])

    def _append(self, made: list[tuple[list[Append], str]]) -> None:
        async def all_at_once() -> list[Any]:
            return await asyncio.gather(
                *(self.node.streams.append("default", appends, idempotency_key=key) for appends, key in made),
                return_exceptions=True,
            )

        answers = [
            [part.version for part in answer.parts] if isinstance(answer, Appended) else type(answer)
            for answer in self.runner.run(all_at_once())
        ]
        assert answers == [self.model.append(appends, key) for appends, key in made]

    @rule(entity=ENTITIES)
    def delete(self, entity: tuple[str, str]) -> None:
        async def delete() -> Any:
            try:
                return await self.node.streams.delete("default", *entity)
            except StreamNotFound as refused:
                return type(refused)

        assert self.runner.run(delete()) == self.model.delete(entity)

    @rule(seconds=st.integers(1, 100))
    def restart(self, seconds: int) -> None:
        """Nothing is in memory any more."""
        self.stop()
        self.clock.advance(seconds=seconds)
        self.start()

    @invariant()
    def streams_are_as_the_model_says(self) -> None:
        for entity, stream in self.model.streams.items():
            assert self.runner.run(self._read(entity, history.END)) == (stream.events, stream.deleted)

    def teardown(self) -> None:
        if not hasattr(self, "runner"):
            return
        self.stop()
        try:
            self.runner.run(self._check_the_past())
            self.runner.run(self._check_the_tables())
        finally:
            self.runner.run(self.storage.close())
            self.runner.close()
            shutil.rmtree(self.folder)
            if self.cluster:
                self.cluster.drop_database(self.url)

    async def _check_the_past(self) -> None:
        """At every position an entity is what a fold of history up to it gives."""
        entries = [Entry(record) for record in await self.storage.read(lambda tx: history.after(tx, 0, 100_000))]
        folded: dict[tuple[str, str], Stream] = {}
        for entry in entries:
            entity = entity_of(entry.stream)
            if entity is None:
                continue
            stream = folded.setdefault(entity, Stream())
            match entry.fact:
                case EventEmitted() as fact:
                    stream.events.append(json.loads(bytes(fact.data)))
                case EntityDeleted():
                    stream.deleted = True
            for known, expected in folded.items():
                assert await self._read(known, entry.position) == (expected.events, expected.deleted)
                info = await self.reader.info(Key("default", known[1], known[0], entry.position))
                assert (info.version, info.event_count) == (expected.version, len(expected.events))
        assert set(folded) == set(self.model.streams)

    async def _check_the_tables(self) -> None:
        assert (await rebuild(self.storage, self.node.fold, check=True)).differing == ()
        assert (await verify(self.storage)).bad_position is None

    async def _read(self, entity: tuple[str, str], at: int) -> tuple[list[int], bool]:
        page = await self.reader.read(Key("default", entity[1], entity[0], at), limit=1_000)
        events = [json.loads(bytes(e.fact.data)) for e in page.entries if isinstance(e.fact, EventEmitted)]
        assert [entry.version for entry in page.entries] == list(range(1, len(page.entries) + 1))
        return events, page.info.deleted_at is not None

    def _appends(self, parts: list[Any]) -> list[Append]:
        return [
            Append(
                *entity,
                tuple(NewEvent("default", "e.x", str(next(self.numbers)).encode()) for _ in range(count)),
                self._expected(entity, expected),
            )
            for entity, expected, count in parts
        ]

    def _expected(self, entity: tuple[str, str], what: str) -> int:
        version = self.model.streams.get(entity, Stream()).version
        return {"any": ANY, "new": 0, "right": version, "behind": max(0, version - 1), "ahead": version + 1}[what]


def test_appends_are_answered_as_the_model_does_on_sqlite() -> None:
    run_state_machine_as_test(Machine, settings=settings(max_examples=25, stateful_step_count=15, deadline=None))


def test_appends_are_answered_as_the_model_does_on_postgres(postgres: Cluster, prepare_database: Prepare) -> None:
    class OnPostgres(Machine):
        cluster = postgres
        prepare = staticmethod(prepare_database)

    run_state_machine_as_test(OnPostgres, settings=settings(max_examples=8, stateful_step_count=12, deadline=None))


@pytest.mark.parametrize("entity", ["order", "cart"])
def test_the_model_itself_refuses_what_it_should(entity: str) -> None:
    model = Model()
    event = NewEvent("default", "e.x", b"1")

    assert model.append([Append(entity, "1", (event,), 0)], "") == [1]
    assert model.append([Append(entity, "1", (event,), 0)], "") is VersionConflict
    assert model.delete((entity, "1")) == 2
    assert model.append([Append(entity, "1", (event,))], "") is StreamDeleted
