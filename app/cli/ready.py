"""`ironflow ready`: for health checks of containers, units and scripts."""

from __future__ import annotations

import click

from app.cli.client import Session, connected


@click.command("ready")
@connected
def command(session: Session) -> int:
    """Whether the server can do its work: it reads, and a commit is durable. Exit code 1 if not, 6 if it cannot be
    reached."""
    told = session.client.ready()
    issues = told.get("issues") or {}
    output = session.output
    if output.told("ironflow.ready/v1", {"ready": not issues, "issues": issues}):
        return int(bool(issues))
    if issues:
        output.error("not ready: " + "; ".join(f"{part}: {text}" for part, text in issues.items()))
    else:
        output.out.write("ready\n")
    return int(bool(issues))
