"""`ironflow breakpoint`: hold runs before or after steps, for as long as a lease is renewed."""

from __future__ import annotations

from typing import Any

import click

from app.cli.client import Session, connected, run_id
from app.cli.given import DURATION
from app.cli.output import ago

_ttl = click.option(
    "--ttl", type=DURATION, default="60s", show_default=True, help="How long the lease is; renew it before."
)


@click.group("breakpoint")
def command() -> None:
    """Hold runs before or after steps. A breakpoint that is not renewed is over, and its runs go on."""


@command.command("create")
@click.option("--run", "run", help="Of one run.")
@click.option("--function", "function_id", default="", help="Of all runs of a function.")
@click.option("--step", default="*", show_default=True, help="A glob over names of steps.")
@click.option("--before", "place", flag_value="before", help="Hold before the step begins.")
@click.option("--after", "place", flag_value="after", default=True, help="Hold when it has ended (default).")
@click.option("--condition", default="", help="CEL over step and run, such as step.output.total > 100.")
@click.option("--owner", default="", help="Who set it.")
@_ttl
@connected
def create(session: Session, run: str | None, place: Any, **options: Any) -> None:
    """Make a breakpoint."""
    found = run_id(session.client, run) if run else ""
    made = session.client.breakpoints.create(run_id=found, place=place or "after", **options)
    _told(session, made, "Holds")


@command.command("renew")
@click.argument("breakpoint_id", metavar="ID")
@_ttl
@connected
def renew(session: Session, breakpoint_id: str, ttl: str) -> None:
    """Renew the lease."""
    _told(session, session.client.breakpoints.renew(breakpoint_id, ttl=ttl), "Holds on")


@command.command("list")
@connected
def list_breakpoints(session: Session) -> None:
    """Breakpoints whose lease is not over."""
    session.output.items(
        "ironflow.breakpoints/v1",
        session.client.breakpoints.list(),
        {
            "id": lambda one: one["id"],
            "of": lambda one: one.get("run_id") or one.get("function_id", ""),
            "where": lambda one: f"{one['place']} {one['step']}",
            "condition": lambda one: one.get("condition", ""),
            "owner": lambda one: one.get("owner", ""),
            "expires": lambda one: ago(one["expires_at"]),
        },
        empty="no breakpoint is alive",
    )


@command.command("delete")
@click.argument("breakpoint_id", metavar="ID")
@connected
def delete(session: Session, breakpoint_id: str) -> None:
    """Delete it: the runs that it holds go on."""
    session.client.breakpoints.delete(breakpoint_id)
    told = {"id": breakpoint_id, "deleted": True}
    session.output.outcome("ironflow.breakpoint/v1", told, f"Deleted {breakpoint_id}")


def _told(session: Session, made: Any, verb: str) -> None:
    output = session.output
    if output.told("ironflow.breakpoint/v1", made):
        return
    where = f"{made['place']} {made['step']} of {made.get('run_id') or made['function_id']}"
    output.done(f"{made['id']} {verb.lower()} {where}")
    output.note(f"  Until {made['expires_at']}, unless: ironflow breakpoint renew {made['id']}")
    output.note("  See what it holds: ironflow run list --status paused")
