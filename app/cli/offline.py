"""What commands share that open the store themselves."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from app.cli.output import Output
from app.settings import resolve

if TYPE_CHECKING:
    from storage.contract import Storage

T = TypeVar("T")
PROGRESS_EVERY = 100_000


class NoData(Exception):
    """There is no database where it was looked for."""

    code = "NO_DATA"
    hint = "name the server's folder with --data-dir, or its database with --database-url"


def store_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--data-dir", default=None, help="The server's folder. Default .ironflow.  [IRONFLOW_DATA_DIR]"),
        click.option("--database-url", default=None, help="Postgres instead of SQLite.  [IRONFLOW_DATABASE_URL]"),
        click.option("--json", "as_json", is_flag=True, help="For programs."),
        click.option("--verbose", "-v", is_flag=True, help="Show the details of unexpected errors."),
    ):
        command = option(command)
    return command


def with_store(data_dir: str | None, database_url: str | None, work: Callable[[Storage], Awaitable[T]]) -> T:
    """What `work` returns, given the store that the settings name. Raises NoData, StorageError."""
    location = location_of(data_dir, database_url)

    async def run() -> T:
        from app import resources
        from storage import open_storage

        storage = await open_storage(location, resources.sql_folder())
        try:
            return await work(storage)
        finally:
            await storage.close()

    return asyncio.run(run())


def location_of(data_dir: str | None, database_url: str | None, *, must_exist: bool = True) -> str:
    """Where the store is that the settings name: a URL, or the path of a file. Raises NoData."""
    settings = resolve({"data_dir": data_dir, "database_url": database_url})
    path = Path(settings.data_dir) / "ironflow.db"
    if must_exist and not settings.database_url and not path.exists():
        raise NoData(f"there is no database at {path}")
    return settings.database_url or str(path)


def progress(output: Output) -> Callable[[int], None]:
    """Tells, on a terminal, how far a walk over history has come."""
    shown = 0

    def tell(position: int) -> None:
        nonlocal shown
        if sys.stderr.isatty() and position - shown >= PROGRESS_EVERY:
            shown = position
            output.note(f"… {position:,} entries")

    return tell
