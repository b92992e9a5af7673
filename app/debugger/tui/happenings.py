"""What happens to a run that is followed, and to any, as it happens: the server's live subscription, in the terminal's
loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from ironflow import AsyncClient

Happenings = Callable[[str, int], AsyncIterator[int]]
"""Of a run, after a position: the positions of what is recorded, for ever. Raises what the SDK raises."""


def of_server(connect: Callable[[], AsyncClient]) -> Happenings:
    """Connected anew where it breaks off, so that nothing is missed."""

    async def happenings(run_id: str, after: int) -> AsyncIterator[int]:
        async with connect() as client, client.subscribe(f"system.run.{run_id}.>", after=after) as subscription:
            async for event in subscription:
                yield event.position

    return happenings


def of_runs(connect: Callable[[], AsyncClient]) -> Callable[[], AsyncIterator[None]]:
    """Whenever a run has begun, has ended or has changed its status."""

    async def arrivals() -> AsyncIterator[None]:
        async with connect() as client, client.subscribe("system.run.*.*") as subscription:
            async for _ in subscription:
                yield

    return arrivals
