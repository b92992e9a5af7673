"""`ironflow env`: environments, each with runs, events and values of its own."""

from __future__ import annotations

import click

from app.cli.client import Session, connected
from app.cli.given import confirm, yes_option


@click.group("env")
def command() -> None:
    """List, make and delete environments."""


@command.command("list")
@connected
def list_environments(session: Session) -> None:
    """Environments that were made. In the default organization others come to be by being used."""
    session.output.items(
        "ironflow.environments/v1",
        session.client.environments.list(),
        {
            "id": lambda one: one["id"],
            "name": lambda one: one["name"],
            "project": lambda one: one["project_id"],
            "color": lambda one: one["color"],
        },
    )


@command.command("create")
@click.argument("name")
@click.option("--project", default="", help="Id or name of its project; the first if left out.")
@click.option("--mark", metavar="COLOR", default="", help="How the dashboard marks it, such as #ef4444.")
@connected
def create(session: Session, name: str, project: str, mark: str) -> None:
    """Make an environment called NAME."""
    made = session.client.environments.create(name, project=project, color=mark)
    session.output.outcome(
        "ironflow.environment/v1", made, f"{made['name']} is {made['id']}", f"ironflow run list --env {made['name']}"
    )


@command.command("delete")
@click.argument("id")
@yes_option
@connected
def delete(session: Session, id: str, yes: bool) -> None:
    """Delete the environment ID, and revoke the keys that are bound to it. History stays."""
    confirm(session.output, id, f"This deletes {id}, and revokes the keys that are bound to it.", yes=yes)
    session.client.environments.delete(id)
    session.output.done(f"{id} is deleted")
