"""Failures: grouped by their cause, placed among each other, and what helped. Both stores."""

from __future__ import annotations

import asyncio
import json
import random
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from app import resources
from app.clock import ManualClock
from app.errors import InvalidArgument
from app.events.new_event import NewEvent
from app.history.kinds import Failure, RetryPolicy, RunFailed, StepFailed
from app.history.rebuild import rebuild
from app.node import Node
from app.projections.redactions import Redactions
from app.runs.asking import Request
from app.runs.rewind import Wish
from app.search import collect, embed
from app.search.collect import CURSOR, save
from app.search.derived import DerivedFailures
from app.search.failure import derive
from app.search.groups import GroupNotFound
from app.search.near import Nearness, scan
from app.search.similar import NotFailed
from ironflow import failures as telling
from storage import cursors, failures, postgres_vectors, runs
from storage.contract import Storage, VectorsUnavailable
from storage.failures import FailureVectorRow, GroupChoice
from storage.postgres import PostgresStorage
from tests.scenario import webhooks
from tests.support.worker import Worker, answered, emit, ended, recorded, register, running

ONCE = RetryPolicy(max_attempts=1, on_exhausted="fail")
RUNS = 2_000
CLASSES = 4
NOTHING_WRONG = {"organization": {"login": "Acme"}, "channel": "mail"}


def told(error: Exception, step: str = "") -> Failure:
    """As the worker tells it of a step, or of the function."""
    found = telling.of_handler(telling.of_step(step, error) if step else error)
    return Failure(found.message, found.code, found.retryable, telling.stack_of(error))


def caught(code: Callable[[], Any]) -> Exception:
    try:
        code()
    except Exception as error:  # noqa: BLE001 - whatever the code raises is what the test is about
        return error
    raise AssertionError("it should have failed")


async def fail(worker: Worker, error: Exception, step: str = "") -> str:
    """The next job fails: in a step of that name, or in the function."""
    job = await worker.job()
    failure = told(error, step)
    if step:
        await worker.step(job, "look up")
        fact = StepFailed(f"{job.run_id}:{step}:0", step, failure, execution_seq=job.execution_seq, attempt=job.attempt)
        await answered(lambda done: worker.node.engine.step("default", job.run_id, fact, done))
    worker.fail(job, failure)
    return job.run_id


async def collected(node: Node) -> None:
    async with asyncio.timeout(120):
        await node.committer.drain()
        await node.search.collector.reached(node.tail.head)


@pytest.fixture
async def worker(node: Node) -> Worker:
    await register(node, retry=ONCE)
    return Worker(node)


async def failed(node: Node, worker: Worker, error: Exception, step: str = "", data: bytes = b"{}") -> str:
    """A run that has failed, and is collected."""
    run_id = await emit(node, data=data)
    await fail(worker, error, step)
    await ended(node, run_id)
    entry = await recorded(node, run_id, RunFailed.kind)
    async with asyncio.timeout(10):
        await node.search.collector.reached(entry.position)
    return run_id


# What happens to webhooks: bugs as they are written, each with the input that brings it about.


def _no_organization(data: Any, number: int) -> None:
    data["organization"]["login"].lower()


def _not_a_number(data: Any, number: int) -> None:
    int(f"{data['sender']['login']}-{number}")


def _service_down(data: Any, number: int) -> None:
    raise ConnectionError(f"POST https://chat.example.com/hooks/{number:x}?n={number}: 503 after {number / 7:.2f} s")


def _too_late(data: Any, number: int) -> None:
    assert number < 0, f"delivery {number:032x} of {data['sender']['login']!r} came {number} s late"


def _injected(data: dict[str, Any], number: int) -> tuple[int, dict[str, Any], Callable[[Any, int], None], str] | None:
    """The class of the bug, the input as it is with it, the bug, and the step that has it; None for a run that is to go
    well."""
    bug = number % (CLASSES + 1)
    data = {"sender": {"login": "octo"}, **data, **NOTHING_WRONG}
    match bug:
        case 0:
            return 0, {key: value for key, value in data.items() if key != "organization"}, _no_organization, "route"
        case 1:
            return 1, {**data, "priority": "text"}, _not_a_number, "route"
        case 2:
            return 2, {**data, "channel": "chat"}, _service_down, "notify"
        case 3:
            return 3, data, _too_late, ""
    return None


def deliveries(folder: Path) -> Iterator[dict[str, Any]]:
    """Webhooks without end: the real ones where they are at hand, else made-up ones."""
    lines = webhooks.write(folder / "webhooks.ndjson").read_text("utf-8").splitlines()
    while True:
        for line in lines:
            yield json.loads(line)["data"]


async def _triage(node: Node, worker: Worker, folder: Path) -> dict[str, int]:
    """Run RUNS webhooks, and give for each run that failed the class of its bug."""
    inputs = [{**data, "number": number} for data, number in zip(deliveries(folder), range(RUNS), strict=False)]
    bugs = [_injected(data, number) for number, data in enumerate(inputs)]
    events = [
        NewEvent("default", "order.webhook", json.dumps(bug[1] if bug else {**data, **NOTHING_WRONG}).encode())
        for data, bug in zip(inputs, bugs, strict=True)
    ]
    numbers: dict[str, int] = {}
    for start in range(0, RUNS, 100):
        emitted = await node.emitter.emit_batch(events[start : start + 100])
        numbers |= {one.run_ids[0]: start + offset for offset, one in enumerate(emitted)}  # type: ignore[union-attr]
    for _ in range(RUNS):
        job = await worker.job()
        number = numbers[job.run_id]
        bug = bugs[number]
        if bug is None:
            worker.complete(job)
            continue
        _, data, code, step = bug
        failure = told(caught(lambda: code(data, number)), step)  # noqa: B023
        if step:
            fact = StepFailed(f"{job.run_id}:{step}:0", step, failure, execution_seq=job.execution_seq, attempt=1)
            node.engine.step("default", job.run_id, fact, lambda answer, error: None)
        worker.fail(job, failure)
    await collected(node)
    return {run_id: bugs[number][0] for run_id, number in numbers.items() if bugs[number] is not None}  # type: ignore[index]


@pytest.mark.slow
async def test_injected_bugs_cluster_and_the_past_repair_is_suggested(node: Node, tmp_path: Path) -> None:
    await register(node, retry=ONCE)
    worker = Worker(node, slots=50)
    bug_of = await _triage(node, worker, tmp_path)

    # Purity: how many failures lie in a group that is mostly of their own bug.
    page = await node.search.groups.list("default", GroupChoice())
    members: dict[str, list[int]] = defaultdict(list)
    for group in page.groups:
        rows = await node.storage.read(
            lambda tx, group=group: failures.of_group(tx, "default", group.row.fingerprint, limit=RUNS)  # type: ignore[misc]
        )
        members[group.row.fingerprint] = [bug_of[row.run_id] for row in rows]
    pure = sum(Counter(bugs).most_common(1)[0][1] for bugs in members.values())
    assert sum(map(len, members.values())) == len(bug_of)
    assert pure / len(bug_of) >= 0.95
    assert len(members) <= 2 * CLASSES, "a bug is not spread over many groups"

    # Nearness: the nearest runs have the same bug.
    sample = list(bug_of)[:: len(bug_of) // 24]
    near = 0
    for run_id in sample:
        found = await node.search.similar.of_run("default", run_id, limit=5)
        near += sum(bug_of[one.failure.run_id] == bug_of[run_id] for one in found.neighbours)
    assert near / (5 * len(sample)) >= 0.95

    # What differs: the field that each bug is about comes first.
    by_bug = {Counter(bugs).most_common(1)[0][0]: fingerprint for fingerprint, bugs in members.items()}
    telling_fields = {
        0: ("data.organization", "is missing"),
        1: ("data.priority", '= "text"'),
        2: ("data.channel", '= "chat"'),
    }
    for bug, field in telling_fields.items():
        detail = await node.search.groups.get("default", by_bug[bug])
        assert (detail.differences[0].path, detail.differences[0].fact) == field

    # One is mended and resumed; the next of its kind is told so, one of another kind is not.
    mended = next(run_id for run_id, bug in bug_of.items() if bug == 2)
    await node.engine.resume("default", mended, from_step="", actor="ada")
    worker.complete(await worker.job())
    await ended(node, mended)
    others = [next(run_id for run_id, bug in list(bug_of.items())[::-1] if bug == wanted) for wanted in (2, 1)]
    found, unlike = [await node.search.similar.of_run("default", run_id) for run_id in others]

    [repair] = found.repairs
    assert (repair.how, repair.count, repair.examples[0].run_id, repair.examples[0].actor) == (
        "resumed",
        1,
        mended,
        "ada",
    )
    assert found.repairs_of == found.failure.fingerprint
    assert unlike.repairs_of != unlike.failure.fingerprint


async def test_a_group_tells_versions_counts_samples_and_the_newest_error(
    node: Node, worker: Worker, clock: ManualClock
) -> None:
    first = await failed(node, worker, ValueError("order 1 has no price"), "charge")
    clock.advance(1_000_000)
    await register(node, retry=ONCE, description="another")
    second = await failed(node, worker, ValueError("order 2 has no price"), "charge")
    other = await failed(node, worker, ValueError("order 2 has no price"))

    page = await node.search.groups.list("default", GroupChoice())
    detail = await node.search.groups.get("default", page.groups[1].row.fingerprint)

    assert [(group.row.step, group.row.failures, group.runs) for group in page.groups] == [
        ("", 1, (1, 0, 1)),
        ("charge", 2, (2, 0, 2)),
    ]
    row = detail.group.row
    assert (row.function_id, row.error_type, row.message) == (
        "f",
        "ValueError",
        "order <number> has no price",
    )
    assert row.last_at - row.first_at == 1_000_000
    assert sum(detail.group.series.counts) == 2
    assert [(one.version, one.failures, one.runs) for one in detail.versions] == [(1, 1, 1), (2, 1, 1)]
    assert [(sample.run_id, status) for sample, status in detail.samples] == [(second, "failed"), (first, "failed")]
    assert page.groups[1].affected == detail.group.affected == (2, 1, 2, 0)
    assert detail.error is not None
    assert detail.error.message == "ValueError: order 2 has no price"
    assert other not in [sample.run_id for sample, _ in detail.samples]


async def test_a_resolved_group_is_opened_by_a_newer_version_only(node: Node, worker: Worker) -> None:
    error = ValueError("no price")
    await failed(node, worker, error, "charge")
    [group] = (await node.search.groups.list("default", GroupChoice())).groups
    fingerprint = group.row.fingerprint

    async def listed(status: str) -> list[str]:
        page = await node.search.groups.list("default", GroupChoice(status=status))
        return [one.row.fingerprint for one in page.groups]

    await node.search.marks.resolve("default", fingerprint, reason="mended", actor="user:ann")
    await failed(node, worker, error, "charge")
    resolved = (await node.search.groups.one("default", fingerprint)).mark
    assert (await listed("resolved"), await listed("open")) == ([fingerprint], [])
    await register(node, retry=ONCE, description="another")
    await failed(node, worker, error, "charge")
    opened = (await node.search.groups.one("default", fingerprint)).mark

    assert (resolved.status, resolved.version, resolved.actor, resolved.reason) == ("resolved", 1, "user:ann", "mended")
    assert (opened.status, opened.reopened_position > resolved.since) == ("open", False)
    assert opened.reopened_position == (await node.search.groups.one("default", fingerprint)).row.last_position
    assert (await listed("resolved"), await listed("open")) == ([], [fingerprint])
    await node.search.marks.resolve("default", fingerprint, reason="really")
    assert await listed("resolved") == [fingerprint]


async def test_who_looks_after_a_group_stays_whatever_is_decided(
    node: Node, storage: Storage, worker: Worker, clock: ManualClock
) -> None:
    await failed(node, worker, ValueError("no price"))
    await failed(node, worker, KeyError("another"))
    marks, groups = node.search.marks, node.search.groups
    [other, group] = (await groups.list("default", GroupChoice())).groups
    about = ("default", group.row.fingerprint)

    await marks.assign(*about, assignee=" ada@example.com ", reason="she knows the bank", actor="user:bob")
    await marks.assign(*about, assignee="ada@example.com", actor="user:ann")
    clock.advance(1_000_000)
    await marks.resolve(*about, reason="mended", actor="user:ann")
    await register(node, retry=ONCE, description="another")
    await failed(node, worker, ValueError("no price"))
    mine = (await groups.list("default", GroupChoice(assignee="ada@example.com"))).groups
    await marks.assign("default", other.row.fingerprint, assignee="ada@example.com")

    [mark] = [one.mark for one in mine]
    assert (mark.status, mark.actor, mark.reopened_position > 0) == ("open", "user:ann", True)
    assert mark.assigned is not None
    assert (mark.assigned.assignee, mark.assigned.actor) == ("ada@example.com", "user:bob")
    assert mark.since - mark.assigned.at == 1_000_000
    assert (await groups.one("default", other.row.fingerprint)).mark.status == "open"
    await marks.assign(*about, assignee="", actor="user:ann")
    assert (await groups.one(*about)).mark.assigned is None
    assert (await groups.one(*about)).mark.reopened_position == mark.reopened_position
    assert (await rebuild(storage, node.fold, check=True)).differing == ()
    with pytest.raises(InvalidArgument, match="assignee"):
        await marks.assign(*about, assignee="a" * 201)
    with pytest.raises(GroupNotFound):
        await marks.assign("default", "0" * 16, assignee="ada")


async def test_a_muted_group_is_open_again_when_its_time_is_over(
    node: Node, worker: Worker, clock: ManualClock, storage: Storage
) -> None:
    await failed(node, worker, ValueError("no price"), "charge")
    [group] = (await node.search.groups.list("default", GroupChoice())).groups
    fingerprint = group.row.fingerprint
    marks, groups = node.search.marks, node.search.groups

    async def status() -> str:
        found = (await groups.one("default", fingerprint)).mark.status
        assert [one.mark.status for one in (await groups.list("default", GroupChoice(status=found))).groups] == [found]
        return found

    await marks.mute("default", fingerprint, reason="known", duration_us=1_000_000)
    await failed(node, worker, ValueError("no price"), "charge")
    assert await status() == "muted"
    clock.advance(1_000_000)
    assert await status() == "open"
    await marks.mute("default", fingerprint, reason="for good")
    clock.advance(10**12)
    assert await status() == "muted"
    await marks.reopen("default", fingerprint, reason="after all")
    assert await status() == "open"

    report = await rebuild(storage, node.fold, check=True)
    assert report.differing == ()
    assert report.rows["failure"] == 1
    for decide in (marks.resolve, marks.mute, marks.reopen):
        with pytest.raises(GroupNotFound):
            await decide("default", "0123456789abcdef", reason="r")
        with pytest.raises(InvalidArgument):
            await decide("default", fingerprint, reason=" ")


async def test_groups_are_filtered_and_paged(node: Node, worker: Worker) -> None:
    for step in ("a", "b", "c"):
        await failed(node, worker, ValueError("no price"), step)
    await failed(node, worker, KeyError("price"), "a")
    groups = node.search.groups

    async def steps(**chosen: Any) -> list[tuple[str, str]]:
        page = await groups.list("default", GroupChoice(**chosen))
        return [(group.row.step, group.row.error_type) for group in page.groups]

    assert await steps(step="a") == [("a", "KeyError"), ("a", "ValueError")]
    assert await steps(error_type="KeyError") == [("a", "KeyError")]
    assert await steps(search="NO PRICE", step="b") == [("b", "ValueError")]
    assert await steps(search="%") == []
    assert await steps(function_id="g") == []
    assert await steps(since=node.clock.now_us() + 1) == []
    seen, cursor = [], ""
    while True:
        page = await groups.list("default", GroupChoice(), limit=1, cursor=cursor)
        seen += [(group.row.step, group.row.error_type) for group in page.groups]
        if not (cursor := page.next_cursor):
            break
    assert seen == [("a", "KeyError"), ("c", "ValueError"), ("b", "ValueError"), ("a", "ValueError")]
    assert (await groups.list("other", GroupChoice())).groups == ()
    with pytest.raises(InvalidArgument):
        await groups.list("default", GroupChoice(status="mended"))
    for wrong in ({"limit": 0}, {"limit": 1_000}, {"cursor": "x"}):
        with pytest.raises(InvalidArgument):
            await groups.list("default", GroupChoice(), **wrong)
    with pytest.raises(GroupNotFound):
        await groups.get("default", "0123456789abcdef")


async def test_attempts_count_and_what_a_retry_mended_is_a_repair(node: Node, clock: ManualClock) -> None:
    await register(node, retry=RetryPolicy(max_attempts=2, initial_delay_ms=1, on_exhausted="fail"))
    worker = Worker(node)
    run_id = await emit(node)
    await fail(worker, ConnectionError("busy 17"), "call")
    await recorded(node, run_id, "run.retrying")
    clock.advance(10_000)
    worker.complete(await worker.job())
    assert await ended(node, run_id) == "completed"
    await node.search.collector.reached((await recorded(node, run_id, "run.retrying")).position)

    [group] = (await node.search.groups.list("default", GroupChoice())).groups
    detail = await node.search.groups.get("default", group.row.fingerprint)

    assert (group.row.failures, group.runs) == (1, (1, 1, 0))
    assert [(one.how, one.count) for one in detail.repairs] == [("retried", 1)]
    assert detail.samples[0][0].attempt == 1


async def test_what_people_put_in_place_is_the_repair_that_is_told(node: Node, worker: Worker) -> None:
    run_id = await failed(node, worker, ValueError("no price"), "charge")
    wrong, right = (Wish("patch", "charge", msgspec.Raw(output)) for output in (b'"wrong"', b'"ch_1"'))
    await node.rewind.correct("default", run_id, right, Request("the gateway lied", "user:ann"))
    await node.rewind.correct("default", run_id, wrong, Request("no, wait", "user:bob"))
    await node.rewind.correct("default", run_id, Wish("undo", "charge"), Request("it was right", "user:bob"))
    await node.engine.resume("default", run_id, reason="go on")
    worker.complete(await worker.job())
    await ended(node, run_id)

    [repair] = (
        await node.search.similar.of_run("default", await failed(node, worker, ValueError("no price"), "charge"))
    ).repairs

    [example] = repair.examples
    assert (repair.how, example.run_id, example.step) == ("patched", run_id, "charge")
    assert (example.actor, example.reason, example.output) == ("user:ann", "the gateway lied", msgspec.Raw(b'"ch_1"'))


async def test_what_was_taken_back_one_after_the_other_is_no_repair(node: Node, worker: Worker) -> None:
    run_id = await failed(node, worker, ValueError("no price"), "charge")
    patch, undo = Wish("patch", "charge", msgspec.Raw(b'"ch_1"')), Wish("undo", "charge")
    for wish in (patch, patch, undo, undo):
        await node.rewind.correct("default", run_id, wish, Request("a try", "user:ann"))
    await node.engine.resume("default", run_id, reason="the gateway is back")
    worker.complete(await worker.job())
    await ended(node, run_id)

    [group] = (await node.search.groups.list("default", GroupChoice())).groups
    detail = await node.search.groups.get("default", group.row.fingerprint)

    assert [(one.how, one.examples[0].reason) for one in detail.repairs] == [("resumed", "the gateway is back")]


async def test_what_a_later_run_for_the_same_event_mended_is_a_repair(node: Node, worker: Worker) -> None:
    run_id = await failed(node, worker, ValueError("no price"), "charge")
    row = await node.storage.read(lambda tx: runs.get(tx, "default", run_id))
    assert row is not None
    later = row._replace(id="run_zzzzzzzzzzzzzzzzzzzzzzzzzz", status="completed", created_at=row.created_at + 1)
    await node.storage.write(lambda tx: runs.save(tx, [later]))

    [group] = (await node.search.groups.list("default", GroupChoice())).groups
    detail = await node.search.groups.get("default", group.row.fingerprint)

    assert [(one.how, one.examples[0].run_id, one.examples[0].repaired_by) for one in detail.repairs] == [
        ("replayed", run_id, later.id)
    ]


async def test_a_run_that_did_not_fail_resembles_nothing(node: Node, worker: Worker) -> None:
    run_id = await emit(node)
    worker.complete(await worker.job())
    await ended(node, run_id)

    with pytest.raises(NotFailed):
        await node.search.similar.of_run("default", run_id)
    with pytest.raises(InvalidArgument):
        await node.search.similar.of_run("default", run_id, limit=0)


async def test_a_pause_that_a_person_asked_for_is_no_failure(node: Node, worker: Worker) -> None:
    run_id = await emit(node)
    await worker.job()
    await node.engine.pause("default", run_id, reason="look", actor="ada")
    await failed(node, worker, ValueError("no price"))

    [group] = (await node.search.groups.list("default", GroupChoice())).groups
    assert group.row.failures == 1


async def test_a_server_that_was_away_catches_up(storage: Storage, clock: ManualClock) -> None:
    async with running(storage, clock) as node:
        await register(node, retry=ONCE)
        await failed(node, Worker(node), ValueError("no price"))
        await storage.write(lambda tx: cursors.save(tx, CURSOR, 0))  # as if it had not got so far
        await storage.write(failures.clear)
    async with running(storage, clock) as node:
        await failed(node, Worker(node), ValueError("no price"))

        [group] = (await node.search.groups.list("default", GroupChoice())).groups
        assert (group.row.failures, group.runs.runs) == (2, 2)


async def test_what_two_nodes_derive_is_counted_once(node: Node, storage: Storage, worker: Worker) -> None:
    run_id = await failed(node, worker, ValueError("no price"))
    entry = await recorded(node, run_id, RunFailed.kind)
    found = await storage.read(lambda tx: derive(tx, entry))
    assert found is not None

    reached = await storage.write(lambda tx: save(tx, [found], (), entry.position))

    [group] = (await node.search.groups.list("default", GroupChoice())).groups
    assert (group.row.failures, reached >= entry.position) == (1, True)


async def test_how_far_it_has_come_is_saved_without_a_failure(
    node: Node, storage: Storage, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else each start would look through all of history again."""
    monkeypatch.setattr(collect, "SAVE_AFTER", 5)
    run_id = await emit(node)
    await node.search.collector.keep_place()
    assert await storage.read(lambda tx: cursors.get(tx, CURSOR)) == 0
    worker.complete(await worker.job())
    await ended(node, run_id)
    await collected(node)

    await node.search.collector.keep_place()

    assert await storage.read(lambda tx: cursors.get(tx, CURSOR)) == node.tail.head


async def test_failures_are_rebuilt_from_history_exactly(node: Node, storage: Storage, worker: Worker) -> None:
    for number in range(5):
        await failed(node, worker, ValueError(f"order {number} has no price"), "charge" if number % 2 else "")
    derived = [DerivedFailures()]

    assert (await rebuild(storage, node.fold, derived=derived, check=True)).differing == ()
    await storage.write(lambda tx: tx.execute("clear_failure_groups"))
    assert (await rebuild(storage, node.fold, derived=derived, check=True)).differing == ("failures",)
    await rebuild(storage, node.fold, derived=derived, check=False)

    assert (await rebuild(storage, node.fold, derived=derived, check=True)).differing == ()
    assert len((await node.search.groups.list("default", GroupChoice())).groups) == 2


async def test_what_was_redacted_of_a_run_is_gone_from_its_failure_too(
    node: Node, storage: Storage, worker: Worker
) -> None:
    kept, secret = [
        await failed(node, worker, ValueError(f"no price for {name}"), "charge")
        for name in ("the shoes", "ada lovelace")
    ]
    redactions = Redactions(storage=storage, committer=node.committer, projections=node.projections, ids=node.ids)

    await redactions.run("default", secret, reason="she asked for it")
    await collected(node)

    rows = await storage.read(lambda tx: list(failures.everything(tx)))
    assert "lovelace" not in repr(rows)
    page = await node.search.groups.list("default", GroupChoice())
    assert [(group.row.message, group.row.failures) for group in page.groups] == [
        ("redacted", 1),
        ("no price for the shoes", 1),
    ]
    assert [one.failure.run_id for one in (await node.search.similar.of_run("default", kept)).neighbours] == [secret]
    assert (await rebuild(storage, node.fold, derived=[DerivedFailures()], check=True)).differing == ()


async def test_the_database_finds_the_same_nearest_as_an_exact_scan(storage: Storage, seed: int) -> None:
    rng = random.Random(seed)
    vectors = [embed.packed([rng.gauss(0, 1) for _ in range(embed.DIMENSIONS)]) for _ in range(300)]
    rows = [
        FailureVectorRow(
            "default" if number % 3 else "other", number, embed.HASHED if number % 5 else "model x", vector
        )
        for number, vector in enumerate(vectors)
    ]
    await storage.write(lambda tx: failures.save(tx, (), (), rows))
    nearness = Nearness(storage)

    found = await nearness.near("default", embed.HASHED, vectors[7], limit=20)
    wanted = await storage.read(lambda tx: scan(tx, "default", embed.HASHED, vectors[7], limit=20))

    assert nearness.how == "exact"
    assert [one.position for one in found] == [one.position for one in wanted]
    assert [one.distance for one in found] == pytest.approx([one.distance for one in wanted], abs=1e-5)
    assert found[0].position == 7
    assert await nearness.near("default", embed.HASHED, bytes(embed.DIMENSIONS), limit=5) == ()


async def test_many_vectors_are_indexed_where_the_database_can(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(postgres_vectors, "INDEXED_FROM", 200)
    rng = random.Random(seed)
    rows = [
        FailureVectorRow("default", number, embed.HASHED, bytes(rng.randrange(256) for _ in range(embed.DIMENSIONS)))
        for number in range(300)
    ]
    await storage.write(lambda tx: failures.save(tx, (), (), rows))

    hows = [await storage.index_vectors(build=build) for build in (False, True, False)]
    found = await storage.read(lambda tx: failures.near(tx, "default", embed.HASHED, rows[7].vector, limit=5))

    assert hows == ["exact", *(["approximate" if storage.dialect == "postgres" else "exact"] * 2)]
    assert found[0].position == 7


async def test_a_database_that_compares_no_vectors_is_scanned_and_says_why(
    storage: Storage, node: Node, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(*, build: bool) -> str:
        raise VectorsUnavailable("no such extension")

    monkeypatch.setattr(storage, "index_vectors", refused)
    run_ids = [await failed(node, worker, ValueError(f"no price for {number}"), "charge") for number in range(3)]

    found = await node.search.similar.of_run("default", run_ids[0])

    assert found.how == "scan"
    assert "no such extension" in found.why
    assert {one.failure.run_id for one in found.neighbours} == set(run_ids[1:])


async def test_anything_is_found_by_id_text_and_nearness(node: Node, worker: Worker) -> None:
    run_id = await failed(node, worker, ConnectionError("gateway timed out after 30 s"), "charge")
    run = await node.runs.row("default", run_id)
    finder = node.search.finder

    async def search(text: str) -> Sequence[tuple[str, str, str]]:
        return [(one.kind, one.id, one.via) for one in await finder.search("default", text)]

    [group] = (await node.search.groups.list("default", GroupChoice())).groups
    fingerprint = group.row.fingerprint
    assert await search(run_id) == [("run", run_id, "id")]
    assert (await search(run_id[:20]))[0] == ("run", run_id, "id")
    assert await search(run.event_id) == [("event", run.event_id, "id")]
    assert ("function", "f", "id") in await search("f")
    assert (await search(fingerprint))[0] == ("failure", fingerprint, "id")
    assert ("entry", "1", "id") in await search("1")
    assert await search("order.placed") == [("run", run_id, "text"), ("event", run.event_id, "text")]
    assert ("failure", fingerprint, "text") in await search("gateway timed")
    assert ("run", run_id, "text") in await search("30 Gateway out")
    assert await search("ConnectionError: this gateway timed out after 7 s") == [("run", run_id, "nearness")]
    assert await search("nothing like it whatsoever") == []
    assert await finder.search("other", run_id) == []
    for wrong in ("", "   ", "x" * 1_000, "a\0b"):
        with pytest.raises(InvalidArgument):
            await finder.search("default", wrong)


async def test_a_postgres_that_grants_no_extension_says_what_to_do(empty_postgres_url: str) -> None:
    with psycopg.connect(empty_postgres_url, autocommit=True) as admin:
        role = f"plain_{uuid.uuid4().hex[:8]}"
        admin.execute(f"create role {role} login".encode())
        admin.execute(f"grant all on schema public to {role}".encode())
    storage = await PostgresStorage.open(
        psycopg.conninfo.make_conninfo(empty_postgres_url, user=role), resources.sql_folder()
    )
    try:
        await storage.migrate()
        with pytest.raises(VectorsUnavailable, match="superuser run `create extension vector`"):
            await storage.index_vectors(build=False)
        assert await storage.read(lambda tx: failures.vectors(tx, "default", embed.HASHED, limit=5)) == []
    finally:
        await storage.close()
