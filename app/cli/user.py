"""`ironflow user`: people who sign in. Passwords are never arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from app.cli.client import Session, connected
from app.cli.given import confirm, secret_of, yes_option
from app.cli.output import ago


@click.group("user")
def command() -> None:
    """Make, list, change and delete users."""


@command.command("create")
@click.argument("email")
@click.argument("source", required=False)
@click.option("--name", default="", help="What to call them.")
@click.option("--role", "-r", "roles", multiple=True, help="A role's name; several may be given. Default viewer.")
@click.option("--without-password", is_flag=True, help="They sign in by a link: `ironflow login --link EMAIL`.")
@connected
def create(
    session: Session, email: str, source: str | None, name: str, roles: tuple[str, ...], without_password: bool
) -> None:
    """Make a user. The password is asked for, or read from SOURCE: @FILE, or - for standard input."""
    password = "" if without_password else secret_of(source)
    made = session.client.users.create(email, password, name=name, roles=roles or ("viewer",))
    _done(session, made, f"{made['email']} is made")


@command.command("list")
@connected
def list_users(session: Session) -> None:
    """Users."""
    session.output.items(
        "ironflow.users/v1",
        session.client.users.list(),
        {
            "id": lambda one: one["id"],
            "email": lambda one: one["email"],
            "name": lambda one: one["name"],
            "roles": lambda one: ", ".join(one["roles"]),
            "": lambda one: "" if one["is_active"] else "disabled",
            "signed in": lambda one: ago(one["last_login_at"]),
        },
        empty="no users: make one with `ironflow user create EMAIL`",
    )


@command.command("roles")
@click.argument("email")
@click.argument("roles", nargs=-1, required=True)
@connected
def replace_roles(session: Session, email: str, roles: tuple[str, ...]) -> None:
    """Give the user EMAIL these ROLES instead of those they have."""
    changed = session.client.users.update(_id(session, email), roles=roles)
    _done(session, changed, f"{changed['email']} has {', '.join(changed['roles'])}")


@command.command("disable")
@click.argument("email")
@connected
def disable(session: Session, email: str) -> None:
    """Let the user EMAIL no longer sign in; they are signed out everywhere."""
    _done(session, session.client.users.update(_id(session, email), active=False), f"{email} can no longer sign in")


@command.command("enable")
@click.argument("email")
@connected
def enable(session: Session, email: str) -> None:
    """Let the user EMAIL sign in again."""
    _done(session, session.client.users.update(_id(session, email), active=True), f"{email} can sign in again")


@command.command("password")
@click.argument("email")
@click.argument("source", required=False)
@connected
def password(session: Session, email: str, source: str | None) -> None:
    """Give the user EMAIL another password; they are signed out everywhere."""
    session.client.users.set_password(_id(session, email), secret_of(source))
    session.output.done(f"{email} has another password")


@command.command("delete")
@click.argument("email")
@yes_option
@connected
def delete(session: Session, email: str, yes: bool) -> None:
    """Delete the user EMAIL; they are signed out everywhere."""
    id = _id(session, email)
    confirm(session.output, email, f"This deletes {email}, who can no longer sign in then.", yes=yes)
    session.client.users.delete(id)
    session.output.done(f"{email} is deleted")


def _id(session: Session, email: str) -> str:
    """Of a user by address or id. Raises NotFound."""
    from ironflow.errors import NotFound

    for one in session.client.users.list():
        if email.strip().casefold() in (one["email"], one["id"]):
            return str(one["id"])
    raise NotFound(f"there is no user {email!r}", code="IDENTITY_NOT_FOUND", hint="`ironflow user list` shows them")


def _done(session: Session, user: Mapping[str, Any], fact: str) -> None:
    session.output.outcome("ironflow.user/v1", user, fact)
