"""Backups: a store as of one moment, in one file, taken while others write to it; restored into an empty store only."""

from __future__ import annotations

from pathlib import Path

from storage import archive, migrations
from storage.archive import BackupDamaged, Manifest
from storage.contract import StorageError


class OtherStore(StorageError):
    """A backup of the other kind of store."""

    code = "BACKUP_OF_OTHER_STORE"
    hint = "restore a backup of SQLite with --data-dir, one of Postgres with --database-url"


def back_up(location: str, sql: Path, out: Path, *, version: str, taken_at: str) -> Manifest:
    """Write a backup of the store at `location` (as for `open_storage`) to `out`; what it holds.

    Raises FileExistsError, StorageError.
    """
    known = _known(location, sql)
    with archive.writing(out) as writer:
        if _is_postgres(location):
            from storage import postgres_backup

            seen = postgres_backup.dump(location, writer, known)
        else:
            from storage import sqlite_backup

            seen = sqlite_backup.dump(Path(location), writer, beside=out)
        manifest = Manifest(*seen, version=version, taken_at=taken_at, parts=writer.parts)
        migrations.pending(known, manifest.schema)
        writer.manifest(manifest)
    return manifest


def restore(source: Path, location: str, sql: Path) -> Manifest:
    """Put the backup into the empty store at `location`, at the schema that it was taken with; what it holds. All of it
    or nothing. Raises NotEmpty, OtherStore, BackupDamaged, BackupTooNew, SchemaTooNew, StorageError."""
    with archive.reading(source) as reader:
        manifest = reader.manifest
        postgres = _is_postgres(location)
        if manifest.dialect != ("postgres" if postgres else "sqlite"):
            raise OtherStore(f"{source} was taken from {manifest.dialect}")
        known = _known(location, sql)
        migrations.pending(known, manifest.schema)
        if postgres:
            from storage import postgres_backup

            postgres_backup.load(location, reader, known[: manifest.schema])
        else:
            from storage import sqlite_backup

            sqlite_backup.load(Path(location), reader)
    return manifest


def check(source: Path) -> Manifest:
    """What the backup holds, if every byte is as it was written. Raises BackupDamaged, BackupTooNew."""
    with archive.reading(source) as reader:
        reader.check()
        return reader.manifest


def _is_postgres(location: str) -> bool:
    return location.startswith(("postgresql://", "postgres://"))


def _known(location: str, sql: Path) -> list[migrations.Migration]:
    dialect = "postgres" if _is_postgres(location) else "sqlite"
    return list(migrations.load(sql / dialect / "migrations"))


__all__ = ["BackupDamaged", "Manifest", "OtherStore", "back_up", "check", "restore"]
