"""`ironflow search`: anything by id, text or nearness."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from app.cli.client import Session, connected
from app.cli.output import ago

COMMANDS = {
    "run": "ironflow run get {id}",
    "event": "ironflow event get {id}",
    "function": "ironflow function get {id}",
    "failure": "ironflow failures get {id}",
    "entry": "ironflow why {id}",
    "stream": "ironflow history list --stream {id}",
}


@click.command("search")
@click.argument("text", nargs=-1, required=True)
@click.option("--limit", default=10, show_default=True, type=click.IntRange(1, 100), help="Of each kind.")
@connected
def command(session: Session, text: tuple[str, ...], limit: int) -> int:
    """Find runs, events, functions and failures: by id or its beginning, part of a name or an error, or a message.

    Exit code 3 if nothing is found.
    """
    output = session.output
    found = session.client.search(" ".join(text), limit=limit)
    output.items(
        "ironflow.search/v1",
        found,
        {
            "kind": lambda one: one["kind"],
            "id": lambda one: one["id"],
            "what": lambda one: one["title"][:80],
            "status": lambda one: output.status(one["status"]) if one.get("status") else "",
            "when": lambda one: ago(one.get("at")),
            "found by": _via,
        },
        empty="nothing found",
    )
    if found and output.form == "table":
        output.note(f"  See it with: {COMMANDS[found[0]['kind']].format(id=found[0]['id'])}")
    return 0 if found else 3


def _via(one: Mapping[str, Any]) -> str:
    return f"nearness {one['score']:.2f}" if one["via"] == "nearness" else str(one["via"])
