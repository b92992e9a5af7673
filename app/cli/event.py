"""`ironflow event`: what was emitted."""

from __future__ import annotations

import json
from typing import Any

import click

from app.cli.client import Session, connected
from app.cli.output import ago, plain


@click.group("event")
def command() -> None:
    """List and read events."""


@command.command("list")
@click.option("--name", help="Exact name, or several with commas.")
@click.option("--pattern", help="Such as order.> or entity:order.>, as `ironflow tail` takes it.")
@click.option("--filter", help="CEL over data, event, name, topic, timestamp, metadata: data.total > 100")
@click.option("--source", help="Where it came from.")
@click.option("--since", help="RFC 3339, or such as 15m.")
@click.option("--until", help="RFC 3339, or such as 15m.")
@click.option("--search", help="Part of name or id.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 500), help="At most so many.")
@click.option("--cursor", help="Where the page before ended.")
@connected
def list_events(session: Session, **chosen: Any) -> None:
    """Events, newest first."""
    page = session.client.events.list(**chosen)
    session.output.items(
        "ironflow.events/v1",
        page.items,
        {
            "id": lambda event: event["id"],
            "name": lambda event: event["name"],
            "recorded": lambda event: ago(event["created_at"]),
            "source": lambda event: event["source"],
            "runs": lambda event: str(len(event["run_ids"])),
        },
        next_cursor=page.next_cursor,
        empty="no events: send one with `ironflow emit NAME -d JSON`",
    )


@command.command("get")
@click.argument("event_id", metavar="ID")
@connected
def get_event(session: Session, event_id: str) -> None:
    """One event with its data."""
    event = session.client.events.get(event_id)
    output = session.output
    if output.told("ironflow.event/v1", event):
        return
    output.fields(
        [
            ("Event", event["id"]),
            ("Name", event["name"]),
            ("Recorded", f"{event['created_at']}  ({ago(event['created_at'])})"),
            ("Position", str(event["position"])),
            ("Source", event["source"]),
            ("Key", event.get("idempotency_key", "")),
            ("Runs", ", ".join(event["run_ids"])),
            ("Emitted anew of", event.get("reemitted_from", "")),
            ("Emitted anew as", ", ".join(event.get("reemitted_as", ()))),
        ]
    )
    text = json.dumps(event["data"], ensure_ascii=False, indent=2)
    output.out.write("\n" + "\n".join(plain(line) for line in text.splitlines()) + "\n")


@command.command("replay")
@click.option("--function", "function_id", required=True, help="Who is given them.")
@click.option("--after", required=True, type=click.IntRange(0), help="Events after this position; 0 for all.")
@click.option("--until", type=click.IntRange(1), help="None past this position.")
@click.option("--events", default="", help="Those that fit this pattern; else those that trigger the function.")
@click.option("--filter", default="", help="CEL over data, name, topic, timestamp and metadata.")
@click.option("--dry-run", is_flag=True, help="Only say how many.")
@click.option("--reason", default="", help="Why: recorded with each run. Needed but for --dry-run.")
@click.option("--key", default="", help="Idempotency key: asked for again, no event is replayed twice.")
@connected
def replay_events(session: Session, function_id: str, **options: Any) -> None:
    """Give recorded events to a function, a run for each. Nobody else sees them again."""
    if not options["dry_run"] and not options["reason"].strip():
        raise click.UsageError('give --reason "…": it is recorded with the runs')
    told = session.client.events.replay(function_id, **options)
    output = session.output
    if output.told("ironflow.replay/v1", told):
        return
    for one in told["runs"]:
        output.out.write(f"{one['event_id']}  {one['run_id']}\n")
    output.note(f"{told['matched']} events matched{', nothing was done' if told['dry_run'] else ''}.")
    if told.get("next_after"):
        output.note(f"There are more: go on with --after {told['next_after']}")
