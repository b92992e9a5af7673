"""`ironflow whoami`."""

from __future__ import annotations

import click

from app.cli.client import Session, connected


@click.command("whoami")
@connected
def command(session: Session) -> None:
    """Who these credentials make you, and what you may do."""
    told = session.client.me()
    if session.output.told("ironflow.identity/v1", told):
        return
    user = told.get("user") or {}
    session.output.fields(
        [
            ("You", user.get("email") or told["id"] or "nobody is asked here (--dev)"),
            ("Kind", told["kind"]),
            ("Roles", ", ".join(told["roles"])),
            ("Organization", told["org_id"]),
            ("Environment", told["environment_id"] + ("  (bound)" if told["bound"] else "")),
            ("Permissions", ", ".join(told["permissions"])),
        ]
    )
