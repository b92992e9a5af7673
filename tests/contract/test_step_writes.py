"""Key-values that a step writes: in the commit of its result, or not at all. Both stores."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from app.dispatch.jobs import Job
from app.errors import KeyNotFound
from app.history.kinds import StepCompleted, StepFailed
from app.history.rebuild import rebuild
from app.history.verify import verify
from app.node import Node
from app.runs.engine import Diverged
from app.runs.writing import WriteRefused
from app.values.buckets import Definition
from app.values.kv import ABSENT, Delete, Increment, Put, Write
from storage.contract import Storage
from tests.support.worker import Worker, answered, emit, history_of, register, status_of, step_id


async def report(node: Node, job: Job, name: str, *writes: Write, type: str = "invoke") -> None:
    fact = StepCompleted(step_id(job, name), name, msgspec.Raw(b"1"), type, execution_seq=job.execution_seq)
    await answered(lambda done: node.engine.step("default", job.run_id, fact, done, writes=writes))


async def value(node: Node, key: str) -> bytes | None:
    try:
        return (await node.keyspace.get("default", "b", key)).value
    except KeyNotFound:
        return None


@pytest.fixture
async def job(node: Node) -> Job:
    """A run of `f` that is being executed; there is a bucket `b`."""
    await node.keyspace.create_bucket("default", Definition("b"))
    await register(node)
    worker = Worker(node)
    await emit(node)
    return await worker.job()


async def test_what_a_step_writes_is_recorded_with_its_result_once(node: Node, storage: Storage, job: Job) -> None:
    writes = (Put("b", "k", b"1", ABSENT), Increment("b", "k", 4), Put("b", "l", b"x"), Delete("b", "l"))
    await node.committer.drain()
    before = node.tail.head

    await report(node, job, "a", *writes)
    await report(node, job, "a", *writes)

    assert await value(node, "k") == b"5"
    assert await value(node, "l") is None
    assert node.tail.head == before + 5
    entries = await node.keyspace.revisions("default", "b", "k", limit=10)
    assert {(entry.causation, entry.correlation) for entry in entries} == {(f"run/{job.run_id}", job.event.correlation)}
    assert (await rebuild(storage, node.fold, check=True)).differing == ()
    assert (await verify(storage)).bad_position is None


@pytest.mark.parametrize(
    ("write", "code", "retryable"),
    [
        (Put("b", "k", b"2", ABSENT), "REVISION_CONFLICT", True),
        (Put("b", "k", b"2", 7), "REVISION_CONFLICT", True),
        (Delete("b", "k", expected=2), "REVISION_CONFLICT", True),
        (Increment("b", "text"), "FAILED_PRECONDITION", True),
        (Put("none", "k", b"1"), "BUCKET_NOT_FOUND", True),
        (Put("small", "k", b"12345"), "PAYLOAD_TOO_LARGE", False),
        (Put("full", "k", b"12345"), "BUCKET_FULL", True),
    ],
)
async def test_a_write_that_is_refused_fails_the_step_and_nothing_is_written(
    node: Node, job: Job, write: Write, code: str, retryable: bool
) -> None:
    await node.keyspace.create_bucket("default", Definition("small", max_value_size=4))
    await node.keyspace.create_bucket("default", Definition("full", max_bytes=4))
    for key, there in (("k", b"1"), ("text", b"x")):
        await node.keyspace.write("default", Put("b", key, there))

    with pytest.raises(WriteRefused) as refused:
        await report(node, job, "a", Put("b", "other", b"1"), write)

    assert (refused.value.failure.code, refused.value.failure.retryable) == (code, retryable)
    assert await value(node, "k") == b"1"
    assert await value(node, "other") is None
    assert (await history_of(node, job.run_id))[-1] == StepFailed.kind
    assert await status_of(node, job.run_id) == "running"

    await report(node, job, "a", Put("b", "other", b"2"))
    assert await value(node, "other") == b"2"
    step = (await node.runs.get("default", job.run_id)).steps[step_id(job, "a")]
    assert (step.name, step.status) == ("a", "completed")


async def test_a_bucket_with_a_limit_is_measured_first(node: Node, job: Job) -> None:
    await node.keyspace.create_bucket("default", Definition("limited", max_bytes=10))

    await report(node, job, "a", Put("limited", "k", b"1234567"), Increment("b", "n"))
    with pytest.raises(WriteRefused):
        await report(node, job, "b", Put("limited", "l", b"1234"))

    assert (await node.keyspace.get("default", "limited", "k")).value == b"1234567"
    assert await value(node, "n") == b"1"


async def test_two_steps_that_race_for_a_revision_have_one_winner(node: Node, job: Job) -> None:
    results: list[Any] = []
    for name in ("a", "b"):
        fact = StepCompleted(step_id(job, name), name, msgspec.Raw(b"1"), execution_seq=job.execution_seq)
        write = Put("b", "k", name.encode(), ABSENT)
        node.engine.step("default", job.run_id, fact, lambda _, error: results.append(error), writes=[write])
    await node.committer.drain()

    assert [type(error) for error in results] == [type(None), WriteRefused]
    assert await value(node, "k") == b"a"


async def test_a_run_that_diverges_writes_nothing(node: Node, job: Job) -> None:
    await report(node, job, "a")

    with pytest.raises(Diverged):
        await report(node, job, "a", Put("b", "k", b"1"), type="publish")

    assert await value(node, "k") is None


async def test_a_run_to_be_paused_is_paused_by_a_step_whose_write_is_refused(node: Node, job: Job) -> None:
    assert not await node.engine.pause("default", job.run_id)

    with pytest.raises(WriteRefused):
        await report(node, job, "a", Put("b", "k", b"1", 3))

    assert await status_of(node, job.run_id) == "paused"
