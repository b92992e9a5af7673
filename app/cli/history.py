"""`ironflow history`: what was recorded, and whether it is what was recorded."""

from __future__ import annotations

from typing import Any

import click

from app.cli.client import Session, connected
from app.cli.offline import progress, store_options, with_store
from app.cli.output import Output, ago


@click.group("history")
def command() -> None:
    """Look through history, verify it, or show where it ends."""


@command.command("list")
@click.option("--kind", help="Such as run.created or run.*, several with commas.")
@click.option("--stream", help="Such as run/ID or entity/TYPE/ID.")
@click.option("--actor", help="Who did it.")
@click.option("--correlation", help="The id of the event that it all began with.")
@click.option("--causation", help="What it was recorded because of: run/ID, for the key-values that a run wrote.")
@click.option("--since", help="RFC 3339, or such as 15m.")
@click.option("--until", help="RFC 3339, or such as 15m.")
@click.option("--at", help="Nothing after a position, or a time.")
@click.option("--forward", is_flag=True, help="Oldest first.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1_000), help="At most so many.")
@click.option("--cursor", help="Where the page before ended.")
@connected
def list_entries(session: Session, forward: bool, **chosen: Any) -> None:
    """Entries of history, newest first."""
    from app.cli.why import subject

    page = session.client.history.list(direction="forward" if forward else "backward", **chosen)
    session.output.items(
        "ironflow.history/v1",
        [{**entry, "id": entry["position"]} for entry in page.items],
        {
            "position": lambda entry: str(entry["position"]),
            "kind": lambda entry: entry["kind"],
            "about": subject,
            "stream": lambda entry: entry["stream"],
            "recorded": lambda entry: ago(entry["recorded_at"]),
            "actor": lambda entry: entry["actor"],
        },
        next_cursor=page.next_cursor,
        empty="no such entries" + (f" yet; go on with --cursor {page.next_cursor}" if page.next_cursor else ""),
    )


@command.command("verify")
@store_options
def verify_history(data_dir: str | None, database_url: str | None, as_json: bool, verbose: bool) -> int:
    """Walk the digest chain of every entry. Exit code 1, and the first bad position, if one was changed other than by a
    redaction that history tells of.

    Reads a snapshot; the server may run meanwhile.
    """
    from app.history.verify import verify

    output = Output.of_environment("json" if as_json else "table")
    report = with_store(data_dir, database_url, lambda storage: verify(storage, progress(output)))
    if as_json:
        told = {
            "entries": report.entries,
            "digest": report.digest,
            "bad_position": report.bad_position,
            "reason": report.reason,
            "redacted": report.redacted,
        }
        output.json({"schema": "ironflow.verify/v1", "ok": report.bad_position is None, **told})
    elif report.bad_position is None:
        holding = f"{report.entries:,} entries hold"
        if report.redacted:
            holding += f", {report.redacted:,} of them redacted"
        output.done(f"{holding}   digest {report.digest}")
    else:
        output.error(
            f"history does not hold from position {report.bad_position} on: {report.reason}",
            hint=f"restore a backup; the last good digest is {report.digest} at position {report.entries}",
        )
    return 0 if report.bad_position is None else 1


@command.command("checkpoint")
@store_options
def checkpoint(data_dir: str | None, database_url: str | None, as_json: bool, verbose: bool) -> None:
    """Print the last position and digest, to keep where nobody can change it."""
    from storage import history

    output = Output.of_environment("json" if as_json else "table")
    position, digest = with_store(data_dir, database_url, lambda storage: storage.read(history.head))
    if as_json:
        output.json({"schema": "ironflow.checkpoint/v1", "position": position, "digest": digest.hex()})
    else:
        output.out.write(f"{position} {digest.hex()}\n")
