"""`ironflow migrate`: the schema of the database."""

from __future__ import annotations

from pathlib import Path

import click

from app.cli.offline import store_options, with_store
from app.cli.output import Output
from app.settings import resolve


@click.command("migrate")
@store_options
def command(data_dir: str | None, database_url: str | None, as_json: bool, verbose: bool) -> None:
    """Bring the schema up to date; `serve` does it too. Refuses a schema newer than this release."""
    settings = resolve({"data_dir": data_dir, "database_url": database_url})
    if not settings.database_url:
        path = Path(settings.data_dir) / "ironflow.db"
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch()
    output = Output.of_environment("json" if as_json else "table")
    applied = with_store(data_dir, database_url, lambda storage: storage.migrate())
    if as_json:
        output.json({"schema": "ironflow.migrate/v1", "applied": list(applied)})
    else:
        tick = "✓" if output.unicode else "[ok]"
        output.out.write(f"{tick} {'applied ' + ', '.join(applied) if applied else 'nothing to do'}\n")
