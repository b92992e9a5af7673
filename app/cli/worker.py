"""`ironflow worker`: who is connected, and asking one to drain or ending its session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from app.cli.client import Session, connected
from app.cli.output import ago


@click.group("worker")
def command() -> None:
    """List connected workers, drain and disconnect them."""


@command.command("list")
@connected
def list_workers(session: Session) -> None:
    """Workers that are connected to the node that answers, of every transport."""
    session.output.items(
        "ironflow.workers/v1",
        session.client.workers(),
        {
            "id": lambda worker: worker["id"],
            "host": lambda worker: worker["hostname"],
            "transport": lambda worker: worker["transport"],
            "status": _status,
            "jobs": lambda worker: f"{worker['active_jobs']} of {worker['max_concurrent']}",
            "functions": lambda worker: ", ".join(worker["function_ids"]),
            "rtt": lambda worker: f"{worker['rtt_ms']:.1f} ms" if "rtt_ms" in worker else "",
            "clock": clock,
            "seen": lambda worker: ago(worker["last_heartbeat"]),
        },
        empty="no workers are connected",
    )


@command.command("drain")
@click.argument("worker_id", metavar="ID")
@click.option("--reason", default="", help="Why; it is kept in history.")
@connected
def drain(session: Session, worker_id: str, reason: str) -> None:
    """Hand a worker no more jobs. It finishes those it has; one that holds a stream leaves then."""
    told = session.client.drain_worker(worker_id, reason=reason)
    match told["status"]:
        case "asked":
            fact = f"Asked the other nodes to drain {worker_id}, if it is connected to one of them"
        case "drained":
            fact = f"{worker_id} has drained: it had no job, and gets none"
        case _:
            jobs = "1 job" if told["active_jobs"] == 1 else f"{told['active_jobs']} jobs"
            fact = f"{worker_id} drains: it finishes {jobs}, and gets no more"
    session.output.outcome("ironflow.worker/v1", told, fact)


@command.command("disconnect")
@click.argument("worker_id", metavar="ID")
@click.option("--reason", default="", help="Why; it is kept in history.")
@connected
def disconnect(session: Session, worker_id: str, reason: str) -> None:
    """End a worker's session: its jobs go to others at once. If it is well, it connects again."""
    told = session.client.disconnect_worker(worker_id, reason=reason)
    if told["status"] == "asked":
        fact = f"Asked the other nodes to disconnect {worker_id}, if it is connected to one of them"
    else:
        fact = f"Disconnected {worker_id}: its jobs go to others"
    session.output.outcome("ironflow.worker/v1", told, fact)


def clock(worker: Mapping[str, Any]) -> str:
    """How far a worker's clock is from the server's; "" if it is not known."""
    if "skew_ms" not in worker:
        return ""
    return f"{worker['skew_ms'] / 1_000:+.1f} s" if worker["skewed"] else "in step"


def _status(worker: Mapping[str, Any]) -> str:
    if not worker["draining"]:
        return "active"
    return "draining" if worker["active_jobs"] else "drained"
