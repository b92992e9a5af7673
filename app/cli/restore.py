"""`ironflow restore`: a backup into an empty store, verified."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.offline import location_of, progress, store_options, with_store
from app.cli.output import Output

if TYPE_CHECKING:
    from storage.contract import Storage


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--check", is_flag=True, help="Restore nothing: read FILE, and compare every byte with its digests.")
@store_options
def command(
    file: Path, check: bool, data_dir: str | None, database_url: str | None, as_json: bool, verbose: bool
) -> int:
    """Restore a backup into an empty store: a folder without a database, or a new Postgres database.

    Then history is verified up to the digest that was backed up, and the derived tables are compared with it. Exit code
    1 if something does not hold.
    """
    from app.resources import sql_folder
    from storage import backups

    output = Output.of_environment("json" if as_json else "table")
    tick = "✓" if output.unicode else "[ok]"
    if check:
        told = backups.check(file)
        if as_json:
            kept = {"position": told.position, "digest": told.digest, "store": told.dialect, "taken_at": told.taken_at}
            output.json({"schema": "ironflow.backup-check/v1", "ok": True, **kept})
        else:
            output.out.write(f"{tick} {told.position:,} entries of {told.dialect}, taken {told.taken_at}: as written\n")
        return 0
    told = backups.restore(file, location_of(data_dir, database_url, must_exist=False), sql_folder())
    wrong = with_store(data_dir, database_url, lambda storage: _wrong(storage, told.digest, output))
    if as_json:
        kept = {"position": told.position, "digest": told.digest, "store": told.dialect}
        output.json({"schema": "ironflow.restore/v1", "ok": not wrong, **kept, "wrong": wrong})
    elif wrong:
        output.error(f"restored, but {'; '.join(wrong)}", hint="restore another backup into another empty store")
    else:
        output.out.write(
            f"{tick} restored {told.position:,} entries   digest {told.digest}\n"
            "  history holds, and the derived tables are what it says\n"
        )
        output.note("put the master key in place before the server starts, or secrets cannot be read")
    return int(bool(wrong))


async def _wrong(storage: Storage, digest: str, output: Output) -> list[str]:
    """What of the restored store is not what was backed up."""
    from app.history.fold import Fold
    from app.history.rebuild import rebuild
    from app.history.verify import verify
    from app.node import nouns

    await storage.migrate()
    report = await verify(storage, progress(output))
    found = []
    if report.bad_position is not None:
        found.append(f"history does not hold from position {report.bad_position} on: {report.reason}")
    elif report.digest != digest:
        found.append(f"its last digest is {report.digest}, and {digest} was backed up")
    differing = (await rebuild(storage, Fold(nouns()), check=True)).differing
    return found + ([f"these tables are not what history says: {', '.join(differing)}"] if differing else [])
