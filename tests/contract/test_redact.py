"""Events, steps and runs that are redacted, on both stores: payloads are gone, all else holds."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from app.entities.reading import EntityReader, Key
from app.entities.snapshots import Snapshots
from app.entities.streams import Append
from app.errors import EventNotFound, FailedPrecondition, InvalidArgument, RunNotFound, SnapshotNotFound, StepNotFound
from app.events.new_event import NewEvent
from app.events.reading import EventReader
from app.history import redaction
from app.history.kinds import (
    EventEmitted,
    Failure,
    HistoryRedacted,
    ProjectionDefinition,
    StepCompleted,
    StepFailed,
    Trigger,
)
from app.history.rebuild import rebuild
from app.history.verify import verify
from app.node import Node
from app.projections import redactions as module
from app.projections.redactions import Redactions
from app.runs.definition import Definition
from storage import history, runs
from storage.contract import Storage
from tests.support.taker import Taker
from tests.support.worker import answered

SECRET = "4929-1234-5678-9012"
DATA = json.dumps({"card": SECRET}).encode()
WHY = "the customer asked for it"


@pytest.fixture
def redactions(node: Node) -> Redactions:
    return Redactions(storage=node.storage, committer=node.committer, projections=node.projections, ids=node.ids)


async def everything(storage: Storage) -> str:
    """All that history and the runs table hold, as text."""

    def read(tx: Any) -> str:
        records = [record for page in history.everything(tx) for record in page]
        return repr(records) + repr(list(runs.everything(tx)))

    return await storage.read(read)


async def holds(node: Node) -> None:
    assert (await verify(node.storage)).bad_position is None
    assert (await rebuild(node.storage, node.fold, check=True)).differing == ()


async def finished(node: Node, *, fail: bool = False, data: bytes = DATA) -> str:
    """A run whose steps and end tell the secret."""
    if "f" not in {one.fact.id for one in node.functions.list("default")}:
        await node.functions.register("default", Definition("f", triggers=(Trigger(event="order.*"),)))
    taker = Taker(node)
    await node.emitter.emit(NewEvent("default", "order.placed", data))
    job = await taker.job()
    told = Failure(f"card {SECRET} is refused", code="E_CARD", retryable=False, details=msgspec.Raw(DATA))
    good = StepCompleted(f"{job.run_id}:charge:0", "charge", msgspec.Raw(DATA), execution_seq=job.execution_seq)
    bad = StepFailed(f"{job.run_id}:send:0", "send", told, execution_seq=job.execution_seq)
    for fact in (good, bad):
        await answered(lambda done, fact=fact: node.engine.step("default", job.run_id, fact, done))  # type: ignore[misc]
    if fail:
        taker.fail(job, told)
    else:
        taker.complete(job, DATA)
    await node.committer.drain()
    node.dispatcher.leave(taker.session, reason="gone")
    return job.run_id


async def test_the_data_of_an_event_are_gone_and_it_is_there(
    node: Node, storage: Storage, redactions: Redactions
) -> None:
    emitted = await node.emitter.emit(NewEvent("default", "order.placed", DATA, metadata=DATA))
    kept = await node.emitter.emit(NewEvent("default", "order.placed", b'{"card":"other"}'))

    done = await redactions.event("default", emitted.event_id, reason=WHY, actor="ann")
    again = await redactions.event("default", emitted.event_id, reason=WHY)

    assert (done.entries, again.entries) == (1, 0)
    assert SECRET not in await everything(storage)
    reader = EventReader(storage)
    entry = await reader.get("default", emitted.event_id)
    assert isinstance(entry.fact, EventEmitted)
    assert redaction.is_placeholder(entry.fact.data)
    assert b"other" in (await reader.get("default", kept.event_id)).data
    records = await storage.read(lambda tx: history.after(tx, 0))
    [told] = [one for one in records if one.kind == HistoryRedacted.kind]
    assert (told.actor, WHY in told.data) == ("ann", True)
    await holds(node)


async def test_what_an_on_failure_function_was_owed_for_a_run_goes_with_it(
    node: Node, storage: Storage, redactions: Redactions
) -> None:
    triggers = (Trigger(event="order.*"),)
    await node.functions.register("default", Definition("f", triggers=triggers, on_failure="alarm"))
    run_id = await finished(node, fail=True)
    await node.committer.drain()

    done = await redactions.run("default", run_id, reason=WHY)
    again = await redactions.run("default", run_id, reason=WHY)

    records = await storage.read(lambda tx: history.after(tx, 0))
    [owed] = [one for one in records if one.kind == "gate.held"]
    assert done.entries > 0
    assert again.entries == 0
    assert SECRET not in owed.data
    await holds(node)


async def test_one_event_of_an_entity_goes_and_its_snapshots_with_it(
    node: Node, storage: Storage, redactions: Redactions
) -> None:
    events = tuple(NewEvent("default", "moved", data) for data in (b'{"to":1}', DATA, b'{"to":3}'))
    appended = await node.streams.append("default", [Append("customer", "1", events)])
    snapshots = Snapshots(storage, node.clock, node.ids)
    await snapshots.save("default", "customer", "1", version=3, state=DATA)

    await redactions.event("default", appended.parts[0].event_ids[1], reason=WHY)

    page = await EntityReader(storage).read(Key("default", "1", "customer"))
    seen = [msgspec.json.decode(entry.fact.data) for entry in page.entries]  # type: ignore[attr-defined]
    assert (seen[0], seen[2], seen[1]["$redacted"]) == ({"to": 1}, {"to": 3}, True)
    with pytest.raises(SnapshotNotFound):
        await snapshots.newest("default", "customer", "1")
    await holds(node)


async def test_projections_of_such_events_are_rebuilt(node: Node, redactions: Redactions) -> None:
    for name, pattern in (("mine", "order.>"), ("other", "user.*")):
        await node.projections.registry.register("default", name, ProjectionDefinition("managed", (pattern,)))
    emitted = await node.emitter.emit(NewEvent("default", "order.placed", DATA))

    done = await redactions.event("default", emitted.event_id, reason=WHY)
    again = await redactions.event("default", emitted.event_id, reason=WHY)

    assert (done.rebuilding, again.rebuilding) == (["mine"], ())
    assert node.projections.registry.get("default", "mine").building is not None
    second = await node.emitter.emit(NewEvent("default", "order.placed", DATA))
    assert (await redactions.event("default", second.event_id, reason=WHY)).rebuilding == ["mine"]


@pytest.mark.parametrize("fail", [False, True])
async def test_all_that_a_run_told_is_gone_and_its_table_refolded(
    node: Node, storage: Storage, redactions: Redactions, fail: bool
) -> None:
    run_id = await finished(node, fail=fail)
    assert SECRET in await everything(storage)
    head = node.tail.head

    done = await redactions.run("default", run_id, reason=WHY)

    assert (done.entries, done.event_id) == (4, "")
    assert SECRET not in await everything(storage)
    run = await node.runs.get("default", run_id)
    assert run.state.status == ("failed" if fail else "completed")
    if fail:
        assert run.state.error is not None
        assert (run.state.error.message, redaction.is_placeholder(run.state.error.details)) == ("redacted", True)
        assert (await node.runs.row("default", run_id)).error_message == "redacted"
    assert [step.status for step in run.steps.values()] == ["completed", "failed"]
    await holds(node)
    position = node.tail.head
    assert (await redactions.run("default", run_id, reason=WHY)).entries == 0
    assert node.tail.head == position > head


async def test_a_step_goes_alone(node: Node, storage: Storage, redactions: Redactions) -> None:
    run_id = await finished(node)

    done = await redactions.step("default", f"{run_id}:charge:0", reason=WHY)

    assert done.entries == 1
    stream = await storage.read(lambda tx: history.of_stream(tx, "default", f"run/{run_id}"))
    kinds = {record.kind: SECRET in record.data for record in stream}
    assert (kinds["step.completed"], kinds["step.failed"], kinds["run.completed"]) == (False, True, True)
    await holds(node)


async def test_an_event_that_started_other_runs_stays(node: Node, storage: Storage, redactions: Redactions) -> None:
    await node.functions.register("default", Definition("g", triggers=(Trigger(event="order.*"),)))
    run_id = await finished(node)
    event_id = (await node.runs.get("default", run_id)).state.event_id

    done = await redactions.run("default", run_id, reason=WHY)

    assert (done.entries, done.event_id) == (3, event_id)
    assert SECRET in await everything(storage)


async def test_a_run_that_goes_on_is_not_redacted(node: Node, storage: Storage, redactions: Redactions) -> None:
    await node.functions.register("default", Definition("f", triggers=(Trigger(event="order.*"),)))
    taker = Taker(node)
    await node.emitter.emit(NewEvent("default", "order.placed", DATA))
    job = await taker.job()
    fact = StepCompleted(f"{job.run_id}:charge:0", "charge", msgspec.Raw(DATA), execution_seq=job.execution_seq)
    await answered(lambda done: node.engine.step("default", job.run_id, fact, done))
    before = await everything(storage)

    with pytest.raises(FailedPrecondition):
        await redactions.run("default", job.run_id, reason=WHY)
    with pytest.raises(FailedPrecondition):
        await redactions.step("default", f"{job.run_id}:charge:0", reason=WHY)

    assert await everything(storage) == before


async def test_what_is_not_there_or_not_said_is_refused(node: Node, redactions: Redactions) -> None:
    run_id = await finished(node)
    event_id = (await node.runs.get("default", run_id)).state.event_id

    for environment, call, id, error in (
        ("default", redactions.event, "evt_nope", EventNotFound),
        ("elsewhere", redactions.event, event_id, EventNotFound),
        ("default", redactions.run, "run_nope", RunNotFound),
        ("elsewhere", redactions.run, run_id, RunNotFound),
        ("default", redactions.step, f"{run_id}:nope:0", StepNotFound),
        ("default", redactions.step, "charge", StepNotFound),
        ("elsewhere", redactions.step, f"{run_id}:charge:0", RunNotFound),
    ):
        with pytest.raises(error):
            await call(environment, id, reason=WHY)
    for reason in ("", "  ", "x" * 1_001, "a\0b"):
        with pytest.raises(InvalidArgument):
            await redactions.run("default", run_id, reason=reason)


async def test_a_long_run_goes_in_parts(
    node: Node, storage: Storage, redactions: Redactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 2)
    run_id = await finished(node)

    assert (await redactions.run("default", run_id, reason=WHY)).entries == 4

    assert SECRET not in await everything(storage)
    await holds(node)


@pytest.mark.parametrize(
    "tamper",
    [
        "update history set data = replace(data, 'redacted', 'all is well') where kind = 'run.failed'",
        "update history set data = replace(data, 'E_CARD', 'E_NONE') where kind = 'step.failed'",
        "update history set data = replace(data, 'charge', 'refund') where kind = 'step.completed'",
    ],
)
async def test_what_is_changed_in_a_run_is_found_whether_redacted_or_not(
    node: Node, storage: Storage, redactions: Redactions, tamper: str
) -> None:
    run_id = await finished(node, fail=True)
    if "all is well" in tamper:
        await redactions.run("default", run_id, reason=WHY)

    await storage.write(lambda tx: tx._connection.execute(tamper) and None)  # type: ignore[attr-defined]

    assert (await verify(storage)).bad_position is not None
