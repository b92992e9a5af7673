"""Nodes in process, whose end has a bound, and whose loops fail a test when they end before it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from app.node import Node
from tests.support.bounds import END_TIMEOUT_S, stop, within

Loop = asyncio.Task[Any]


@asynccontextmanager
async def alive(node: Node, *, drained: bool = True) -> AsyncIterator[list[Loop]]:
    """The node's loops, which run for as long as the block lasts; what they raise is raised. At the end what is queued
    is recorded, unless the node shall go without a word, as if it had been killed, or has lost a loop."""
    async with asyncio.TaskGroup() as tasks:
        loops = await node.start(tasks)
        _watch(loops)
        try:
            yield loops
        finally:
            try:
                if drained and not any(loop.done() or loop.cancelling() for loop in loops):
                    async with within("what is queued to be recorded", END_TIMEOUT_S):
                        await node.committer.drain()
            finally:
                await stop(*loops)


def _watch(loops: list[Loop]) -> None:
    """A task group cancels the block in it when a loop fails, but not the test that has the block as a fixture: stop
    that one, which would wait for what nobody does any more."""
    block = asyncio.current_task()
    running = asyncio.get_running_loop()

    def ended(loop: Loop) -> None:
        if block is not None and block.done() and not loop.cancelled() and loop.exception() is not None:
            running.stop()

    for loop in loops:
        loop.add_done_callback(ended)
