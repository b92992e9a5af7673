"""`ironflow diagnostics`: what somebody who helps with a server needs to know of it, in one file."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import click

from app.cli.client import Session, connected


class FileThere(Exception):
    """Nothing is overwritten."""

    code = "FILE_EXISTS"
    hint = "choose another name, or remove it"


@click.command("diagnostics")
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@connected
def command(session: Session, file: Path | None) -> None:
    """Keep what the server tells of itself as FILE, a .tar.gz: version, settings without secrets, figures, recent
    warnings, migrations. Nothing of what is recorded is in it.
    """
    chosen = file or Path(f"ironflow-diagnostics-{datetime.now(UTC):%Y%m%dT%H%M%S}Z.tar.gz")
    content = session.client.diagnostics()
    try:
        written = os.open(chosen, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise FileThere(f"{chosen} is there already") from None
    with os.fdopen(written, "wb") as kept:
        kept.write(content)
    told = {"file": str(chosen), "bytes": len(content)}
    session.output.outcome("ironflow.diagnostics/v1", told, f"{len(content):,} bytes are in {chosen}")
