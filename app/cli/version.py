"""`ironflow version`."""

from __future__ import annotations

import click

from app.resources import VERSION


@click.command("version")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(as_json: bool) -> None:
    """Print the version."""
    print(f'{{"schema": "ironflow.version/v1", "version": "{VERSION}"}}' if as_json else f"ironflow {VERSION}")
