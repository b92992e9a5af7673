"""`ironflow backup`: everything in the store, as of one moment, in one file."""

from __future__ import annotations

from pathlib import Path

import click

from app.cli.offline import NoData, location_of, store_options
from app.cli.output import Output

KEY_NOTE = "secrets in it are encrypted: keep the master key as well, and apart from it"


class FileThere(Exception):
    """Nothing is overwritten."""

    code = "FILE_EXISTS"
    hint = "choose another name, or remove it"


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@store_options
def command(file: Path, data_dir: str | None, database_url: str | None, as_json: bool, verbose: bool) -> None:
    """Back up the store to FILE: history, and everything beside it, as of one moment.

    The server may run, and write, meanwhile. FILE is there once it is complete and on disk.
    """
    from datetime import UTC, datetime

    from app.resources import VERSION, sql_folder
    from storage.backups import back_up

    location = location_of(data_dir, database_url)
    if not file.parent.is_dir():
        raise NoData(f"there is no folder {file.parent}")
    try:
        told = back_up(location, sql_folder(), file, version=VERSION, taken_at=datetime.now(UTC).isoformat())
    except FileExistsError:
        raise FileThere(f"{file} is there already") from None
    output = Output.of_environment("json" if as_json else "table")
    size = file.stat().st_size
    if as_json:
        kept = {"position": told.position, "digest": told.digest, "store": told.dialect, "migration": told.schema}
        output.json({"schema": "ironflow.backup/v1", "file": str(file), "bytes": size, **kept})
    else:
        tick = "✓" if output.unicode else "[ok]"
        output.out.write(
            f"{tick} {told.position:,} entries in {file} ({size / 2**20:,.1f} MiB)   digest {told.digest}\n"
        )
        output.note(KEY_NOTE)
