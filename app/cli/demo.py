"""`ironflow demo`: a tour of runs to look at, made by a worker of ours through the same door as yours."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from app.cli.client import Session, connected

if TYPE_CHECKING:
    from ironflow import AsyncClient, Worker

READY_TIMEOUT_S = 30.0
SETTLE_TIMEOUT_S = 60.0
LOOK_EVERY_S = 0.1


class Sight(NamedTuple):
    """An event, the status in which its run is worth looking at, and what there is to see."""

    event: str
    data: dict[str, Any]
    status: str
    about: str


TOUR = (
    Sight(
        "demo.order.placed", {"order": "o_1042", "email": "ana@example.com"}, "completed", "a payment tried three times"
    ),
    Sight("demo.catalogue.changed", {"shop": "north"}, "completed", "a second attempt that takes up where it was"),
    Sight("demo.invoice.requested", {"invoice": 77, "customer": "Kite AG"}, "paused", "an output to be patched"),
    Sight("demo.trip.booked", {"traveller": "Bo", "to": "Lisbon"}, "failed", "a saga that undid what it did"),
    Sight("demo.expense.filed", {"expense": "x-31", "by": "Cleo"}, "waiting", "an approval that waits for you"),
    Sight("demo.parcels.ready", {"depot": "berlin-2"}, "completed", "branches, and a function that calls another"),
)
UNFOLDED = (("demo.order.cancelled", {"order": "o_1040"}), ("demo.order.cancelled", {"order": "o_1041"}))
"""Sent when the worker is gone: the projection lags behind them."""


@click.command("demo")
@click.option("--once", is_flag=True, help="End when the runs are there, instead of staying as their worker.")
@connected
def command(session: Session, once: bool) -> None:
    """Fill the environment with runs worth looking at: success, retries, failure, a saga, an approval, a fan-out.

    Its worker stays until Ctrl-C, so that what you patch, resume or approve goes on."""
    from app.cli.demo_functions import FUNCTIONS, PROJECTIONS
    from ironflow import AsyncClient, Worker

    given = click.get_current_context().params["server"]  # the worker finds the server as the client did
    found: dict[str, Any] = {"server": given, "environment": session.client.environment}
    worker = Worker(FUNCTIONS, projections=PROJECTIONS, worker_id="demo-worker", **found)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_tour(session, worker, AsyncClient(**found), once=once))


async def _tour(session: Session, worker: Worker, client: AsyncClient, *, once: bool) -> None:
    async with client:
        working = asyncio.create_task(worker.run())
        ready = asyncio.create_task(worker.ready())
        await asyncio.wait((working, ready), timeout=READY_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if working.done():
            working.result()
        session.output.note("Its worker is connected.")
        await _show(session, client)
        if not once:
            session.output.note("")
            session.output.note("The demo's worker stays. Approve the expense:")
            session.output.note("""  ironflow emit demo.expense.decided -d '{"expense": "x-31", "approved": true}'""")
            session.output.note("Ctrl-C stops it.")
            await working
            return
        worker.stop()
        await working
        for name, data in UNFOLDED:
            await client.emit(name, data)


async def _show(session: Session, client: AsyncClient) -> None:
    """Start what there is to see, wait until it can be seen, and say where."""
    started = [(sight, (await client.emit(sight.event, sight.data)).run_ids[0]) for sight in TOUR]
    told = []
    for number, (sight, run_id) in enumerate(started, 1):
        run = await _settled(client, run_id, sight.status)
        session.output.note(f"{number} of {len(TOUR)}: {sight.about}")
        told.append({**run, "about": sight.about, "url": f"{client.url}/runs/{run_id}"})
    output = session.output
    output.items(
        "ironflow.demo/v1",
        told,
        {
            "run": lambda run: str(run["function_id"]),
            "status": lambda run: output.status(str(run["status"])),
            "to see": lambda run: str(run["about"]),
            "at": lambda run: str(run["url"]),
        },
    )


async def _settled(client: AsyncClient, run_id: str, status: str) -> dict[str, Any]:
    """The run, once it has that status for good. Raises click.ClickException when it never does."""
    deadline = time.monotonic() + SETTLE_TIMEOUT_S
    while True:
        run: dict[str, Any] = await client.runs.get(run_id)
        if run["status"] == status:
            return run
        if run["status"] in ("completed", "failed", "cancelled", "paused") or time.monotonic() > deadline:
            raise click.ClickException(f"{run_id} is {run['status']} where the tour wanted it {status}")
        await asyncio.sleep(LOOK_EVERY_S)
