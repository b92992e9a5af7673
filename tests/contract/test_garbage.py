"""What a run takes is given back by its counts: a reference cycle on its way would wait in memory for a collection,
which stops the world. Both stores."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from app.node import Node
from tests.support.worker import Worker, emit, ended, register


async def test_a_run_of_steps_makes_no_cycles(node: Node) -> None:
    await register(node)
    worker = Worker(node)
    await _run(node, worker)

    with _cycles() as found:
        for _ in range(3):
            await _run(node, worker)
        await node.committer.drain()

    assert found == []


async def _run(node: Node, worker: Worker) -> None:
    run_id = await emit(node)
    job = await worker.job()
    await worker.step(job, "a")
    worker.complete(job)
    assert await ended(node, run_id) == "completed"


@contextmanager
def _cycles() -> Iterator[list[object]]:
    """Filled at the end with what of ours only a collection could have freed."""
    found: list[object] = []
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        yield found
        gc.collect()
        found += [one for one in gc.garbage if _ours(one)]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


def _ours(thing: object) -> bool:
    return str(getattr(thing, "__module__", None) or type(thing).__module__).startswith(("app.", "storage."))
