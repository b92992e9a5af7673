"""Runs as of positions of the past: a state is the fold of the run's entries up to it, whichever way one comes there.
Both stores."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from msgspec.structs import replace

from app.errors import AmbiguousId, NotFound, RunNotFound
from app.history import redaction
from app.history.committer import Command, Decision
from app.history.entry import Draft, Entry
from app.history.kinds import HistoryRedacted
from app.history.kinds import run as run_kinds
from app.history.kinds import step as step_kinds
from app.history.redaction import Redaction
from app.node import Node
from app.runs import folding, reading, timeline
from app.runs.past import Past, step_meant
from app.runs.timeline import Timelines, Wanted
from app.runs.watching import Watching
from storage import history
from storage.contract import Storage, Transaction
from storage.records import EntryRecord, RedactedRow
from tests.support.histories import ENVIRONMENT, START_US, Life, Scribe, live
from tests.support.worker import Worker, emit, register

RUNS = 12
MOVES = 80


async def lived(storage: Storage, seed: int, *, moves: int = MOVES) -> list[Life]:
    """Random runs side by side in one history, recorded."""
    rng, scribe = random.Random(seed), Scribe()
    lives = [Life(scribe, f"run_{number:026}", carried=number % 3) for number in range(RUNS)]
    for _ in range(moves):
        live(rng, rng.choice(lives), moves=4)
    await storage.write(scribe.save)
    return lives


def entries_of(life: Life) -> list[EntryRecord]:
    return [record for record in life.scribe.records if record.stream == f"run/{life.run_id}"]


def folded(entries: list[EntryRecord]) -> Any:
    """The state, and what is read of the run, from the first entry on."""
    state, run = None, None
    for record in entries:
        state, run = folding.apply(state, Entry(record)), reading.apply(run, Entry(record))
    return state, run


async def test_the_state_at_every_position_is_the_fold_of_what_came_before(storage: Storage, seed: int) -> None:
    lives = await lived(storage, seed)
    rng = random.Random(seed)
    pasts = [Past(storage, every_entries=every, kept_bytes_max=size) for every, size in ((3, 2**30), (7, 20_000))]
    head = len(lives[0].scribe.records)

    for life in lives:
        entries = entries_of(life)
        places = [*{near for record in entries for near in (record.position, record.position + 1) if near <= head}]
        rng.shuffle(places)
        for position in places:
            known = [record for record in entries if record.position <= position]
            state, run = folded(known)
            for past in pasts:
                moment = await past.at(ENVIRONMENT, life.run_id, position)
                assert moment.run.state == state
                assert replace(moment.run, event=None, input=run.input) == run
                assert (moment.last.position, moment.newest.position) == (known[-1].position, entries[-1].position)
                assert moment.behind == len(entries) - len(known)
                assert (moment.next and moment.next.position) == next(
                    (record.position for record in entries if record.position > position), None
                )


async def test_random_runs_have_every_kind_of_entry() -> None:
    """Else the test above would say less than it seems to. Always the same runs: some few have not every kind."""
    rng, scribe = random.Random(1), Scribe()
    lives = [Life(scribe, f"run_{number:026}", carried=number % 3) for number in range(40)]
    for _ in range(40):
        for life in lives:
            live(rng, life, moves=4)

    assert {fact.kind for fact in (*run_kinds.FACTS, *step_kinds.FACTS)} <= {record.kind for record in scribe.records}


async def test_a_long_run_is_read_from_states_that_are_kept(storage: Storage) -> None:
    scribe = Scribe()
    life = Life(scribe, "run_long")
    live(random.Random(1), life, moves=1)
    for number in range(2_500):
        life.step(f"s:{number}", number)
    await storage.write(scribe.save)
    past = Past(storage)

    moments = [await past.at(ENVIRONMENT, "run_long", position) for position in (2_400, 700, 1_999, 2_400)]

    assert [len(moment.run.steps) for moment in moments] == [2_397, 697, 1_996, 2_397]
    for moment in moments:
        assert [int(bytes(step.output or b"")) for step in moment.run.steps.values()] == [*range(len(moment.run.steps))]


async def test_a_run_that_was_not_there_yet_is_told_from_one_that_never_was(storage: Storage) -> None:
    scribe = Scribe()
    Life(scribe, "run_first")
    Life(scribe, "run_second")
    await storage.write(scribe.save)
    past = Past(storage)

    with pytest.raises(RunNotFound, match="did not exist at position 3") as early:
        await past.at(ENVIRONMENT, "run_second", 3)
    assert early.value.hint == "it was created at position 4"
    for run_id, environment in (("run_third", ENVIRONMENT), ("run_first", "other"), ("run\0", ENVIRONMENT)):
        with pytest.raises(RunNotFound, match="no run"):
            await past.at(environment, run_id)
        with pytest.raises(RunNotFound, match="no run"):
            await Timelines(storage).page(environment, run_id)


async def test_a_redacted_event_is_redacted_in_every_past_of_its_runs(storage: Storage) -> None:
    """Also in pasts that were looked at before."""
    scribe = Scribe()
    life = Life(scribe, "run_1")
    live(random.Random(1), life, moves=1)
    for number in range(20):
        life.step(f"s:{number}", number)
    await storage.write(scribe.save)
    past = Past(storage, every_entries=4)
    before = await past.at(ENVIRONMENT, "run_1", 12)
    assert bytes(before.run.input) == b'{"id":1}'

    wanted = Redaction("r1", "event/evt_run_1", after_version=0, limit=10)
    await storage.write(lambda tx: redaction.redact(tx, ENVIRONMENT, wanted, now=START_US))

    for position in (3, 12, 20, history.END):
        moment = await past.at(ENVIRONMENT, "run_1", position)
        assert redaction.is_placeholder(moment.run.input)
    after = await past.at(ENVIRONMENT, "run_1", 12)
    assert (after.run.state, after.run.steps) == (before.run.state, before.run.steps)


async def test_a_run_is_forgotten_when_something_of_it_is_redacted(node: Node, storage: Storage) -> None:
    """As a redaction does it: the payload is replaced, and an entry tells of that."""
    await register(node)
    worker = Worker(node)
    run_id = await emit(node)
    job = await worker.job()
    for number in range(4):
        await worker.step(job, f"s{number}", b'"private"')
    past = Past(storage, every_entries=2)
    following = asyncio.create_task(past.run(node.tail))
    await asyncio.sleep(0)
    assert bytes((await past.at(ENVIRONMENT, run_id)).run.steps[f"{run_id}:s0:0"].output or b"") == b'"private"'

    def replace_payloads(tx: Transaction) -> None:
        rows = history.of_stream(tx, ENVIRONMENT, f"run/{run_id}")
        history.redact(tx, [RedactedRow(row.data.replace("private", "gone"), "{}", row.position) for row in rows])

    await storage.write(replace_payloads)
    told = HistoryRedacted(f"run/{run_id}", ())
    await node.committer.commit(
        Command(ENVIRONMENT, (), lambda states, now: Decision([Draft("redaction/r1", told)]), new=("redaction/r1",))
    )

    async with asyncio.timeout(10):
        while b"private" in bytes((await past.at(ENVIRONMENT, run_id)).run.steps[f"{run_id}:s0:0"].output or b""):
            assert not following.done()
    following.cancel()


async def test_what_was_read_before_a_redaction_is_not_kept_after_it(storage: Storage) -> None:
    scribe = Scribe()
    life = Life(scribe, "run_1")
    live(random.Random(1), life, moves=1)
    for number in range(10):
        life.step(f"s:{number}", "private")
    await storage.write(scribe.save)
    past = Past(storage, every_entries=4)
    reading_now = history.of_stream

    def read(tx: Transaction) -> None:
        past.read(tx, ENVIRONMENT, "run_1")

    def redacted_meanwhile(*given: Any, **more: Any) -> list[EntryRecord]:
        past._kept.forget(ENVIRONMENT, "run/run_1")
        return reading_now(*given, **more)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(history, "of_stream", redacted_meanwhile)
        await storage.read(read)

    assert past._kept.nearest(ENVIRONMENT, "run/run_1", 12) == (0, None)
    await storage.read(read)
    assert past._kept.nearest(ENVIRONMENT, "run/run_1", 12)[0] == 12


async def test_a_step_is_meant_by_id_by_path_or_by_a_name_of_its_own(storage: Storage) -> None:
    scribe = Scribe()
    life = Life(scribe, "run_1")
    live(random.Random(1), life, moves=1)
    for name in ("charge:0", "ship:0", "ship:1"):
        life.step(name, name)
    await storage.write(scribe.save)
    run = (await Past(storage).at(ENVIRONMENT, "run_1")).run

    assert step_meant(run, "charge").step_id == "run_1:charge:0"
    assert step_meant(run, "ship:1").step_id == step_meant(run, "run_1:ship:1").step_id == "run_1:ship:1"
    with pytest.raises(AmbiguousId) as several:
        step_meant(run, "ship")
    assert several.value.hint == "name one of them: ship:0, ship:1"
    with pytest.raises(NotFound):
        step_meant(run, "refund")


async def test_pages_of_a_timeline_meet_every_record_once_in_both_directions(storage: Storage, seed: int) -> None:
    lives = await lived(storage, seed)
    timelines, whole = Timelines(storage), Timelines(storage)

    for life in lives:
        everything = (await whole.page(ENVIRONMENT, life.run_id, limit=1_000)).records
        assert [one.position for one in everything] == [one.position for one in entries_of(life)]
        for wanted, chosen in (
            (Wanted(kinds=("step.*",)), [one for one in everything if one.kind.startswith("step.")]),
            (Wanted(step="a"), [one for one in everything if one.step_id and one.name == "a"]),
            (Wanted(search="STEP.C"), [one for one in everything if one.kind.startswith("step.c")]),
            (Wanted(), everything),
        ):
            page = await timelines.page(ENVIRONMENT, life.run_id, wanted, backward=True, limit=3)
            back = [*page.records]
            while page.before:
                page = await timelines.page(
                    ENVIRONMENT, life.run_id, wanted, before=page.before, backward=True, limit=3
                )
                back = [*page.records, *back]
            page = await timelines.page(ENVIRONMENT, life.run_id, wanted, limit=3)
            forward = [*page.records]
            while page.after:
                page = await timelines.page(ENVIRONMENT, life.run_id, wanted, after=page.after, limit=3)
                forward += page.records
            assert forward == back == list(chosen)
        until = everything[len(everything) // 2].position
        page = await timelines.page(ENVIRONMENT, life.run_id, until=until, limit=1_000)
        assert list(page.records) == [one for one in everything if one.position <= until]


async def test_turns_are_what_every_moment_of_its_own_would_tell(
    storage: Storage, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in pages of a few entries, and of expressions that most entries cannot change."""
    lives = await lived(storage, seed)
    past = Past(storage)
    watching = Watching(storage, past)
    texts = ["state.a", "size(state)", "run.status", "step.position", "event.name", "state[run.id]"]
    monkeypatch.setattr("app.runs.watching.LOOKED_MAX", 7)

    for life in lives:
        positions = [record.position for record in entries_of(life)]
        expected, before = [], None
        for position in positions:
            values = [told[0] for told in await watching.values(ENVIRONMENT, life.run_id, texts, [position])]
            now = [None if one.error else (type(one.value), one.value) for one in values]
            if now != before:
                expected.append((position, now))
            before = now
        found, after, looked = [], 0, 0
        while True:
            page = await watching.turns(ENVIRONMENT, life.run_id, texts, after=after)
            found += page.turns
            looked += page.looked
            if not page.after:
                break
            after = page.after

        told = [(one.position, [None if v.error else (type(v.value), v.value) for v in one.values]) for one in found]
        assert told == expected
        assert looked == page.of == len(positions)


async def test_records_tell_what_happened_without_payloads(storage: Storage) -> None:
    scribe = Scribe()
    life = Life(scribe, "run_1")
    live(random.Random(1), life, moves=1)
    life.step("charge:0", {"amount": 99})
    scribe.now += 7_000_000
    life.step("charge:1", {"amount": 99})
    await storage.write(scribe.save)

    page = await Timelines(storage).page(ENVIRONMENT, "run_1")

    created, started, first, second = page.records
    assert (created.kind, created.summary) == ("run.created", "f@1 created by order.placed")
    assert (started.status, started.worker_id in ("w1", "w2"), started.significant) == ("running", True, False)
    assert (first.name, first.status, first.attempt, first.duration_ms) == ("charge", "completed", 1, 5)
    assert (first.output_bytes, first.worker_id, first.execution) == (13, started.worker_id, 1)
    assert (second.at, second.started_at) == (first.at + 7_000_000, first.at + 6_995_000)
    assert (page.newest.version, page.before, page.after) == (4, 0, 0)


async def test_a_search_in_a_long_timeline_says_where_it_stopped(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timeline, "SCANNED_MAX", 1_000)
    scribe = Scribe()
    life = Life(scribe, "run_1")
    live(random.Random(1), life, moves=1)
    for number in range(2_200):
        life.step(f"s:{number}", number)
    life.step("last:0", 1)
    await storage.write(scribe.save)
    timelines = Timelines(storage)

    page = await timelines.page(ENVIRONMENT, "run_1", Wanted(step="last"))
    pages = [page]
    while page.after:
        page = await timelines.page(ENVIRONMENT, "run_1", Wanted(step="last"), after=page.after)
        pages.append(page)

    assert [len(one.records) for one in pages] == [0, 0, 1]

    bounds, wanted = (100, 1_900), Wanted(kinds=("step.failed",))
    for backward in (False, True):
        asked: list[int] = []
        edge = bounds[backward]
        while edge and edge not in asked:  # the end of what may be looked at leads to itself
            asked.append(edge)
            after, before = (bounds[0], edge) if backward else (edge, bounds[1])
            page = await timelines.page(
                ENVIRONMENT, "run_1", wanted, after=after, before=before, backward=backward, limit=1
            )
            assert not page.records
            edge = page.before if backward else page.after
        assert len(asked) == 3
        assert all(bounds[0] <= one <= bounds[1] for one in asked)
