"""`ironflow node`: who serves the store."""

from __future__ import annotations

import click

from app.cli.client import Session, connected
from app.cli.output import ago


@click.group("node")
def command() -> None:
    """List the nodes that serve the store."""


@command.command("list")
@connected
def list_nodes(session: Session) -> None:
    """Nodes that serve the store together, the oldest first, which leads."""
    session.output.items(
        "ironflow.nodes/v1",
        session.client.nodes(),
        {
            "id": lambda node: node["id"],
            "url": lambda node: node["url"],
            "version": lambda node: node["version"],
            "started": lambda node: ago(node["started_at"]),
            "": lambda node: ", ".join(word for word in ("leads", "answers") if node[word]),
        },
    )
