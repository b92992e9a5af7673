"""`ironflow licenses`."""

from __future__ import annotations

import click

from app.resources import ResourceMissing, licenses


@click.command("licenses")
def command() -> None:
    """Print the licences of everything that is inside the executable, for whoever passes it on."""
    path = licenses()
    if not path.exists():
        raise ResourceMissing("in a checkout every package brings its own licence; the executable has them in one text")
    click.echo_via_pager(path.read_text("utf-8"))
