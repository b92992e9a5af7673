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
@click.option("--source", help="Where it came from.")
@click.option("--since", help="RFC 3339, or such as 15m.")
@click.option("--until", help="RFC 3339, or such as 15m.")
@click.option("--search", help="Part of name or id.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 500))
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
    if output.form != "table":
        output.json({"schema": "ironflow.event/v1", **event})
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
        ]
    )
    text = json.dumps(event["data"], ensure_ascii=False, indent=2)
    output.out.write("\n" + "\n".join(plain(line) for line in text.splitlines()) + "\n")
