"""What a worker is to be told: all of it, in order, in messages of bounded size; and who never listens is given up."""

from __future__ import annotations

import asyncio

import pytest

from app.rpc import outbox
from app.rpc.outbox import Outbox
from ironflow.v1 import worker_pb2


def cancel(job_id: str) -> worker_pb2.EngineMessage:
    return worker_pb2.EngineMessage(cancel=worker_pb2.CancelJob(job_id=job_id))


def job(job_id: str) -> worker_pb2.EngineMessage:
    return worker_pb2.EngineMessage(job=worker_pb2.JobAssignment(job_id=job_id, function_id="f" * 40))


async def sent(waiting: Outbox) -> list[list[str]]:
    """The ids of the jobs that each message is about."""
    waiting.close()
    return [
        [one.cancel.job_id or one.job.job_id for one in message.batch or (message,)]
        async for message in waiting.messages()
    ]


async def test_what_gathers_goes_together_up_to_a_number_and_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "BATCH_MAX", 3)
    monkeypatch.setattr(outbox, "BATCH_BYTES_MAX", 80)
    apart, together = Outbox(lambda: None), Outbox(lambda: None)
    together.batches = True
    for waiting in (apart, together):
        for message in (*map(cancel, "abcd"), *map(job, "efg")):
            waiting.put(message)

    assert await sent(apart) == [["a"], ["b"], ["c"], ["d"], ["e"], ["f"], ["g"]]
    assert await sent(together) == [["a", "b", "c"], ["d", "e", "f"], ["g"]]


async def test_a_worker_that_does_not_read_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MESSAGES_MAX", 2)
    given_up = asyncio.Event()
    waiting = Outbox(given_up.set)

    waiting.put(cancel("a"))
    waiting.put(cancel("b"))
    await asyncio.sleep(0)
    assert not given_up.is_set()
    waiting.put(cancel("c"))
    await asyncio.sleep(0)

    assert given_up.is_set()
    assert await sent(waiting) == [["a"], ["b"]]
