"""`ironflow org`: organizations, and all that a new tenant needs in one call."""

from __future__ import annotations

import click

from app.cli.client import Session, connected
from app.cli.given import confirm, yes_option


@click.group("org")
def command() -> None:
    """List, make, provision and delete organizations."""


@command.command("list")
@connected
def list_orgs(session: Session) -> None:
    """One's own organization; every one for who looks after the platform."""
    session.output.items(
        "ironflow.orgs/v1",
        session.client.orgs.list(),
        {
            "id": lambda one: one["id"],
            "name": lambda one: one["name"],
            "time zone": lambda one: (one["preferences"] or {}).get("default_timezone") or "",
        },
    )


@command.command("create")
@click.argument("name")
@connected
def create(session: Session, name: str) -> None:
    """Make an organization called NAME, with a project and an environment, both called default."""
    made = session.client.orgs.create(name)
    session.output.outcome("ironflow.org/v1", made, f"{made['name']} is {made['id']}")


@command.command("provision")
@click.argument("name")
@click.option("--environment", "env_name", default="", help="What to call its environment. Default `default`.")
@connected
def provision(session: Session, name: str, env_name: str) -> None:
    """Make an organization called NAME, its environment, and an administrator's key."""
    made = session.client.tenants.provision(name, env_name)
    if session.output.told("ironflow.tenant/v1", made):
        return
    session.output.out.write(f"{made['api_key']['key']}\n")
    session.output.note(
        f"This is shown once. {made['org']['name']} is {made['org']['id']}, with {made['environment']['id']}."
    )


@command.command("delete")
@click.argument("id")
@yes_option
@connected
def delete(session: Session, id: str, yes: bool) -> None:
    """Delete the organization ID: its keys and sessions count no more. History stays."""
    org = session.client.orgs.get(id)
    confirm(session.output, org["name"], f"This deletes {org['name']}: nobody of it can come in any more.", yes=yes)
    session.client.orgs.delete(id)
    session.output.done(f"{org['name']} is deleted")
