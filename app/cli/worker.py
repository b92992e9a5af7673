"""`ironflow worker`: who is connected."""

from __future__ import annotations

import click

from app.cli.client import Session, connected
from app.cli.output import ago


@click.group("worker")
def command() -> None:
    """List connected workers."""


@command.command("list")
@connected
def list_workers(session: Session) -> None:
    """Workers that are connected, of every transport."""
    session.output.items(
        "ironflow.workers/v1",
        session.client.workers(),
        {
            "id": lambda worker: worker["id"],
            "host": lambda worker: worker["hostname"],
            "transport": lambda worker: worker["transport"],
            "jobs": lambda worker: f"{worker['active_jobs']} of {worker['max_concurrent']}",
            "functions": lambda worker: ", ".join(worker["function_ids"]),
            "seen": lambda worker: ago(worker["last_heartbeat"]),
        },
        empty="no workers are connected",
    )
