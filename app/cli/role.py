"""`ironflow role`: what the system's roles allow, and roles of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from app.cli.client import Session, connected
from app.cli.given import confirm, yes_option


@click.group("role")
def command() -> None:
    """List, make, change and delete roles."""


@command.command("list")
@connected
def list_roles(session: Session) -> None:
    """Roles, those of the system first."""
    session.output.items(
        "ironflow.roles/v1",
        session.client.roles.list(),
        {
            "id": lambda one: one["id"],
            "name": lambda one: one["name"],
            "kind": lambda one: "system" if one["is_default"] else "own",
            "permissions": lambda one: str(len(one["permissions"])),
            "keys": lambda one: str(one["api_key_count"]),
        },
    )


@command.command("get")
@click.argument("role")
@connected
def get(session: Session, role: str) -> None:
    """What the ROLE, an id or a name, allows."""
    _shown(session, session.client.roles.get(role))


@command.command("create")
@click.argument("name")
@click.argument("permissions", nargs=-1, required=True)
@connected
def create(session: Session, name: str, permissions: tuple[str, ...]) -> None:
    """Make a role called NAME that allows these PERMISSIONS, such as runs:read."""
    _shown(session, session.client.roles.create(name, permissions))


@command.command("update")
@click.argument("role")
@click.argument("permissions", nargs=-1, required=True)
@connected
def update(session: Session, role: str, permissions: tuple[str, ...]) -> None:
    """Let the ROLE allow these PERMISSIONS instead, for all who have it, at once."""
    found = session.client.roles.get(role)
    _shown(session, session.client.roles.update(found["id"], permissions=permissions))


@command.command("delete")
@click.argument("role")
@yes_option
@connected
def delete(session: Session, role: str, yes: bool) -> None:
    """Delete a ROLE that nobody has."""
    found = session.client.roles.get(role)
    confirm(session.output, found["name"], f"This deletes the role {found['name']}.", yes=yes)
    session.client.roles.delete(found["id"])
    session.output.done(f"{found['name']} is deleted")


def _shown(session: Session, role: Mapping[str, Any]) -> None:
    if session.output.told("ironflow.role/v1", role):
        return
    session.output.fields(
        [
            ("Role", role["name"]),
            ("Id", role["id"]),
            ("Kind", "system" if role["is_default"] else "own"),
            ("Keys", str(role["api_key_count"])),
            ("Allows", ", ".join(role["permissions"])),
        ]
    )
