"""`ironflow login`: sign in to a server with e-mail address and password, or print a link that signs somebody in."""

from __future__ import annotations

import sys

import click

from app.cli import credentials
from app.cli.client import Session, connected
from app.cli.given import secret_of


@click.command("login")
@click.option("--email", help="The user's e-mail address; asked for if it is left out.")
@click.option("--password", "source", metavar="@FILE|-", help="Where the password is; asked for if it is left out.")
@click.option("--link", "user", metavar="EMAIL", help="Print a link that signs this user in to the dashboard, once.")
@connected
def command(session: Session, email: str | None, source: str | None, user: str | None) -> None:
    """Sign in, for the next 24 hours, on this machine; or print a link for the dashboard."""
    if user is not None:
        _link(session, user)
        return
    if email is None:
        if not sys.stdin.isatty():
            raise click.UsageError("Give --email.")
        email = str(click.prompt("E-mail", err=True))
    body = {"email": email, "password": secret_of(source)}
    told = session.client.request("POST", "/api/v1/auth/login", json=body)
    credentials.remember(session.client.url, told["token"])
    session.output.outcome(
        "ironflow.login/v1",
        {"user": told["user"], "expires_at": told["expires_at"]},
        f"signed in to {session.client.url} as {told['user']['email']}",
        "ironflow whoami",
    )


def _link(session: Session, email: str) -> None:
    from ironflow.errors import NotFound

    users = [one for one in session.client.users.list() if one["email"] == email.strip().casefold()]
    if not users:
        raise NotFound(f"there is no user {email!r}", code="IDENTITY_NOT_FOUND", hint="`ironflow user list` shows them")
    link = session.client.users.sign_in_link(users[0]["id"])
    if not session.output.told("ironflow.sign_in_link/v1", link):
        session.output.out.write(f"{link['url']}\n")
        session.output.note("It signs its bearer in, once, within 15 minutes.")
