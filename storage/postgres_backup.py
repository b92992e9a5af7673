"""Backing up Postgres by COPY from one repeatable-read snapshot, as text, which every version of Postgres reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import psycopg
from psycopg import Connection, sql

from storage.archive import NotEmpty, Reader, Writer
from storage.contract import Row
from storage.migrations import Migration
from storage.postgres import MIGRATION_LOCK, record_migrations, translated
from storage.postgres_connecting import told

MIGRATIONS = "schema_migrations"

Seen = tuple[str, int, int, str]
"""Dialect, schema, position, digest."""

_TABLES = """
    select c.relname, array_agg(a.attname::text order by a.attnum)
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r'
    group by c.relname
    order by c.relname
"""


def dump(url: str, writer: Writer, known: Sequence[Migration]) -> Seen:
    """Every table that a migration names, into the archive: others may have some beside them. Raises StorageError."""
    ours = {word for migration in known for word in re.findall(r"\w+", migration.sql)}
    with translated("back up"), _connected(url) as connection:
        connection.execute("set transaction isolation level repeatable read, read only")
        schema = _one(connection, "select max(number) from schema_migrations")
        last = connection.execute("select position, digest from history order by position desc limit 1").fetchone()
        for table, columns in _tables(connection):
            if table not in ours:
                continue
            with writer.part(table) as write:
                for chunk in _copied(connection, table, columns):
                    write(chunk)
    position, digest = last or (0, b"")
    return "postgres", int(str(schema)), int(position), bytes(digest).hex()


def load(url: str, reader: Reader, due: Sequence[Migration]) -> None:
    """The tables anew, in one transaction, in a database that has none of them. Raises NotEmpty, BackupDamaged,
    StorageError."""
    with translated("restore"), _connected(url) as connection:
        connection.execute("select pg_advisory_xact_lock(%s)", (MIGRATION_LOCK,))
        there = [table for table, _ in _tables(connection)]
        if there:
            raise NotEmpty(f"the database has tables: {', '.join(there[:3])}, …")
        record_migrations(connection, due)
        tables = dict(_tables(connection))
        for table in sorted(reader.manifest.parts):
            connection.execute(sql.SQL("truncate {}").format(sql.Identifier(table)))
            into = sql.SQL("copy {} ({}) from stdin").format(sql.Identifier(table), _names(tables[table]))
            with connection.cursor().copy(into) as copy:
                for chunk in reader.part(table):
                    copy.write(chunk)


def _connected(url: str) -> Connection[Row]:
    """Leaving it commits, an error rolls back."""
    return psycopg.connect(told(url))


def _tables(connection: Connection[Row]) -> Sequence[tuple[str, Sequence[str]]]:
    return [(str(name), columns) for name, columns in connection.execute(_TABLES) if name != MIGRATIONS]


def _copied(connection: Connection[Row], table: str, columns: Sequence[str]) -> Iterator[bytes]:
    out = sql.SQL("copy (select {} from {}) to stdout").format(_names(columns), sql.Identifier(table))
    with connection.cursor().copy(out) as copy:
        for chunk in copy:
            yield bytes(chunk)


def _names(columns: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _one(connection: Connection[Row], query: str) -> object:
    row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None
