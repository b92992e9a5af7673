"""`ironflow logout`."""

from __future__ import annotations

import click

from app.cli import credentials
from app.cli.client import Session, connected


@click.command("logout")
@connected
def command(session: Session) -> None:
    """End the session of `ironflow login`, here and on the server."""
    from ironflow.errors import Unauthenticated

    if not credentials.token_for(session.client.url):
        session.output.note(f"nobody is signed in to {session.client.url} here")
        return
    try:
        session.client.request("POST", "/api/v1/auth/logout")
    except Unauthenticated:
        session.output.note("the session was over already")
    credentials.remember(session.client.url, "")
    session.output.done(f"signed out of {session.client.url}")
