"""`ironflow secret`: set and list secrets. Values are never arguments, and never shown."""

from __future__ import annotations

from typing import Any

import click

from app.cli.client import Session, connected
from app.cli.given import confirm, secret_of, yes_option
from app.cli.output import ago


@click.group("secret")
def command() -> None:
    """Set, list and delete secrets; change the key that encrypts them."""


@command.command("set")
@click.argument("name")
@click.argument("source", required=False)
@click.option("--description", "-d", help="What it is for.")
@connected
def set_secret(session: Session, name: str, source: str | None, description: str | None) -> None:
    """Create the secret NAME, or give it a new value.

    The value is asked for, or read from SOURCE: @FILE, or - for standard input. One newline at its end is left out. It
    is never an argument, since arguments can be seen by others and stay in the shell's history.
    """
    info = session.client.secrets.set(name, secret_of(source), description=description)
    _changed(session, info, f"{name} is at revision {info['revision']}")


@command.command("list")
@connected
def list_secrets(session: Session) -> None:
    """Every secret, without values."""
    session.output.items(
        "ironflow.secrets/v1",
        [{"id": one["name"], **one} for one in session.client.secrets.list()],
        {
            "name": lambda one: one["name"],
            "revision": lambda one: str(one["revision"]),
            "updated": lambda one: ago(one["updated_at"]),
            "about": lambda one: one.get("description", ""),
        },
        empty="no secrets: set one with `ironflow secret set NAME`",
    )


@command.command("get")
@click.argument("name")
@connected
def get(session: Session, name: str) -> None:
    """What is known of the secret NAME; its value is not shown."""
    info = session.client.secrets.get(name)
    if session.output.told("ironflow.secret/v1", info):
        return
    session.output.fields(
        [
            ("Secret", info["name"]),
            ("Revision", str(info["revision"])),
            ("Created", f"{info['created_at']}  ({ago(info['created_at'])})"),
            ("Updated", f"{info['updated_at']}  ({ago(info['updated_at'])})"),
            ("About", info.get("description", "")),
        ]
    )


@command.command("rename")
@click.argument("name")
@click.argument("to")
@connected
def rename(session: Session, name: str, to: str) -> None:
    """Call the secret NAME TO from now on. Functions that declare the old name no longer get it."""
    _changed(session, session.client.secrets.rename(name, to), f"{name} is now {to}")


@command.command("describe")
@click.argument("name")
@click.argument("description")
@connected
def describe(session: Session, name: str, description: str) -> None:
    """Say what the secret NAME is for."""
    _changed(session, session.client.secrets.describe(name, description), f"{name} is described")


@command.command("delete")
@click.argument("name")
@yes_option
@connected
def delete(session: Session, name: str, yes: bool) -> None:
    """Delete the secret NAME and destroy its value."""
    session.client.secrets.get(name)
    confirm(session.output, name, f"This destroys the value of {name}; it cannot be brought back.", yes=yes)
    session.client.secrets.delete(name)
    session.output.outcome("ironflow.secret_deleted/v1", {"name": name}, f"{name} is deleted, and its value destroyed")


@command.command("rotate-key")
@connected
def rotate_key(session: Session) -> None:
    """Put a new master key in use. Secrets stay readable all the while; a copy of the new key should be kept."""
    told = session.client.secrets.rotate_key()
    if not session.output.told("ironflow.key_rotation/v1", told):
        session.output.done(f"master key {told['master_key']} is in use, for {told['environments']} environments")
        session.output.note("  Next: keep a copy of the new key where the old one is kept")


def _changed(session: Session, info: dict[str, Any], fact: str) -> None:
    session.output.outcome("ironflow.secret/v1", info, fact)
