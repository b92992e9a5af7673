"""Backing up SQLite by its backup API: a copy of the file as of the moment of the first page, while others write."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import apsw

from storage.archive import CHUNK_BYTES, NotEmpty, Reader, Writer
from storage.sqlite import translated

PART = "ironflow.db"
PAGES_A_STEP = 4_096
LEFT_BEHIND = ("", "-wal", "-shm", "-journal")

Seen = tuple[str, int, int, str]
"""Dialect, schema, position, digest."""


def dump(path: Path, writer: Writer, *, beside: Path) -> Seen:
    """The database, into the archive; it is first copied to a file next to `beside`. Raises StorageError."""
    scratch = beside.with_name(f".{beside.name}.db")
    scratch.unlink(missing_ok=True)
    try:
        with translated("back up"):
            _copy(path, scratch)
            seen = _look(scratch)
        with writer.part(PART) as write, scratch.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                write(chunk)
    finally:
        for suffix in LEFT_BEHIND:
            scratch.with_name(scratch.name + suffix).unlink(missing_ok=True)
    return seen


def load(path: Path, reader: Reader) -> None:
    """The database at `path`, where there must be none. Raises NotEmpty, BackupDamaged, StorageError."""
    for suffix in LEFT_BEHIND:  # a log without its database would be taken for the restored one's
        if (there := path.with_name(path.name + suffix)).exists():
            raise NotEmpty(f"there is a database at {path}" if not suffix else f"{there.name} of a database is there")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    scratch = path.with_name(f".{path.name}.restoring")
    try:
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            for chunk in reader.part(PART):
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(scratch)  # fails if one has come meanwhile
    except FileExistsError:
        raise NotEmpty(f"there is a database at {path}") from None
    finally:
        scratch.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def _copy(path: Path, scratch: Path) -> None:
    with (
        closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as source,
        closing(apsw.Connection(str(scratch))) as copy,
    ):
        scratch.chmod(0o600)
        source.execute("begin; select count(*) from sqlite_master")  # what is read from here on is of this moment
        with copy.backup("main", source, "main") as backup:
            while not backup.done:
                backup.step(PAGES_A_STEP)
        source.execute("rollback")
        copy.execute("pragma journal_mode = delete")  # one file, without a log beside it


def _look(scratch: Path) -> Seen:
    with closing(apsw.Connection(str(scratch), flags=apsw.SQLITE_OPEN_READONLY)) as copy:
        [(wrong,)] = copy.execute("pragma quick_check(1)")
        if wrong != "ok":
            raise apsw.CorruptError(f"the copy is not sound: {wrong}")
        [(schema,)] = copy.execute("select max(number) from schema_migrations")
        position, digest = next(
            copy.execute("select position, digest from history order by position desc limit 1"), (0, b"")
        )
    return "sqlite", int(schema), int(position), bytes(digest).hex()
