"""`ironflow project`: projects of the organization."""

from __future__ import annotations

import click

from app.cli.client import Session, connected
from app.cli.given import confirm, yes_option


@click.group("project")
def command() -> None:
    """List, make and delete projects."""


@command.command("list")
@connected
def list_projects(session: Session) -> None:
    """Projects."""
    session.output.items(
        "ironflow.projects/v1",
        session.client.projects.list(),
        {
            "id": lambda one: one["id"],
            "name": lambda one: one["name"],
            "about": lambda one: one["description"],
        },
    )


@command.command("create")
@click.argument("name")
@click.option("--description", "-d", default="", help="What it is for.")
@connected
def create(session: Session, name: str, description: str) -> None:
    """Make a project called NAME."""
    made = session.client.projects.create(name, description)
    session.output.outcome(
        "ironflow.project/v1",
        made,
        f"{made['name']} is {made['id']}",
        f"ironflow env create NAME --project {made['id']}",
    )


@command.command("delete")
@click.argument("id")
@yes_option
@connected
def delete(session: Session, id: str, yes: bool) -> None:
    """Delete the project ID, which has no environment."""
    confirm(session.output, id, f"This deletes the project {id}.", yes=yes)
    session.client.projects.delete(id)
    session.output.done(f"{id} is deleted")
