"""`ironflow run`: what became of the runs."""

from __future__ import annotations

from typing import Any

import click

from app.cli import logs, past, rewind, run_lines, steering, why
from app.cli.client import Session, connected, run_id
from app.cli.given import DURATION
from app.cli.recordings import export_test, recordings, similar

GROUPED_BY = ("function", "failure", "parent", "day")
ORDERS = ("newest", "oldest", "longest", "shortest", "status")


@click.group("run")
def command() -> None:
    """List, read and wait for runs, read their past, and change what happens next of them.

    An id may be its unique beginning, @last or @last-failed.
    """


for one in (*past.COMMANDS, *rewind.COMMANDS, *steering.COMMANDS):
    command.add_command(one)


command.add_command(recordings)
command.add_command(export_test)
command.add_command(similar)
command.add_command(logs.command)
command.add_command(why.command)


@command.command("list")
@click.option("--status", help="One or several with commas: completed, failed, paused, running, waiting …")
@click.option("--function", "function_id", help="Of one function.")
@click.option("--event", "event_id", help="Started by one event.")
@click.option("--parent", "parent_run_id", help="Started by a step of one run.")
@click.option("--failure", help="That failed last with the fingerprint of a group of failures.")
@click.option("--tag", help="With a tag, or with all of several with commas.")
@click.option("--since", help="Created since: RFC 3339, or such as 15m.")
@click.option("--until", help="Created until: RFC 3339, or such as 15m.")
@click.option("--search", help="Part of id, function, event name or error.")
@click.option(
    "--sort", "order", type=click.Choice(ORDERS), help="What comes first; longest and shortest need --function."
)
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1_000), help="At most so many.")
@click.option("--cursor", help="Where the page before ended.")
@click.option("--group-by", "by", type=click.Choice(GROUPED_BY), help="How many there are of each, instead.")
@connected
def list_runs(session: Session, by: str | None, **chosen: Any) -> None:
    """Runs, newest first or sorted; or how many there are, of the newest 10,000, by what they have in common."""
    output = session.output
    if by:
        narrowed = {name: value for name, value in chosen.items() if name not in ("order", "limit", "cursor")}
        told = session.client.request("GET", "/api/v1/stats/runs/groups", params={"by": by, **narrowed})
        run_lines.show_groups(output, told, by)
        return
    page = session.client.runs.list(**chosen)
    output.items(
        "ironflow.runs/v1",
        page.items,
        run_lines.columns(output, page.items),
        next_cursor=page.next_cursor,
        total=page.total,
        empty="no runs: emit an event that a function is triggered by",
    )


@command.command("get")
@click.argument("given", metavar="ID")
@connected
def get_run(session: Session, given: str) -> None:
    """One run with its steps, input and output."""
    found = run_id(session.client, given)
    run = session.client.runs.get(found)
    steps = session.client.runs.steps(run["id"])
    output = session.output
    if output.told("ironflow.run/v1", {**run, "steps": list(steps)}):
        return
    run_lines.show(output, run)
    run_lines.show_steps(output, steps)
    for name in ("input", "output"):
        if run.get(name) is not None:
            output.out.write(f"\n{output.paint(name.upper(), '1')}\n{run_lines.pretty(run[name])}\n")


@command.command("steps")
@click.argument("given", metavar="ID")
@connected
def list_steps(session: Session, given: str) -> None:
    """The steps of a run, in order."""
    steps = session.client.runs.steps(run_id(session.client, given))
    if session.output.form == "table":
        run_lines.show_steps(session.output, steps)
    else:
        session.output.items("ironflow.steps/v1", steps, {})


@command.command("wait")
@click.argument("given", metavar="ID")
@click.option("--timeout", type=DURATION, default="60s", show_default=True, help="How long to wait.")
@connected
def wait_for_run(session: Session, given: str, timeout: str) -> int:
    """Wait until a run has ended. Exit code 8 if it failed or was paused, 9 if cancelled, 7 if it takes longer."""
    from ironflow.durations import seconds

    run = session.client.runs.wait(run_id(session.client, given), timeout_s=seconds(timeout))
    if not session.output.told("ironflow.run/v1", run):
        run_lines.show(session.output, run)
    return {"completed": 0, "cancelled": 9}.get(run["status"], 8)
