"""`ironflow tail`: the last things that happened, and what happens next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from app.cli.client import Session, connected
from app.cli.subscribe import follow, following

EVERYTHING = ("events:>", "topic:>", "entity:>", "system.>")


@click.command("tail")
@click.argument("patterns", nargs=-1)
@click.option(
    "--last", "replay", default=10, show_default=True, type=click.IntRange(0, 10_000), help="Begin with these."
)
@following
@connected
def command(session: Session, patterns: Sequence[str], since: str | None, replay: int, **options: Any) -> None:
    """The last events and those that follow, until Ctrl-C: of everything, or as PATTERNS say (see `subscribe`)."""
    begin: dict[str, Any] = {"since": since} if since else {"replay": replay}
    follow(session, patterns or EVERYTHING, **begin, **options)
