"""Two stores behind one contract: SQLite in a file, Postgres by URL. Only this package knows a database driver."""

from __future__ import annotations

from pathlib import Path

from storage.contract import Storage


async def open_storage(location: str, sql: Path) -> Storage:
    """The store at `location`: a `postgresql://` URL, else the path of an SQLite file. Not yet migrated.

    Raises StorageUnavailable when it cannot be reached or opened.
    """
    if location.startswith(("postgresql://", "postgres://")):
        from storage.postgres import PostgresStorage

        return await PostgresStorage.open(location, sql)
    from storage.sqlite import SQLiteStorage

    return await SQLiteStorage.open(Path(location), sql)
