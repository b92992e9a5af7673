"""pgvector, which lets Postgres compare vectors: set up when the first failure is derived, on a connection of its
own, for an index takes a while to build.

The index is built when there are many vectors: an exact look through fewer is quick, and finds the true nearest.
"""

from __future__ import annotations

import psycopg
from psycopg import Connection

from storage.contract import Row, VectorsUnavailable

INDEXED_FROM = 100_000
VECTORS_LOCK = 7366003
DIMENSIONS = 128
INDEX = "failure_vectors_near"
LOCK_TIMEOUT = "2s"
"""Who waits for the table longer than that makes others wait behind it."""
BUILD_MEMORY = "256MB"
"""What the graph of some 200,000 vectors fits in: building one that does not is slower by far."""
ITERATIVE_SINCE = (0, 8)
"""Before, an index answered with too few where most of what is near is of other environments."""


def set_up(connection: Connection[Row], script: str, *, build: bool) -> str:
    """How vectors are compared from now on: "exact" or "approximate". `build` an index, if there are many. Raises
    VectorsUnavailable."""
    try:
        connection.execute("select pg_advisory_lock(%s)", (VECTORS_LOCK,))
        if not _column(connection):
            connection.execute(f"set lock_timeout = '{LOCK_TIMEOUT}'".encode())
            connection.execute(script.replace("DIMENSIONS", str(DIMENSIONS)).encode())
        return "approximate" if _indexed(connection, build=build) else "exact"
    except (
        psycopg.errors.InsufficientPrivilege,
        psycopg.errors.FeatureNotSupported,
        psycopg.errors.UndefinedFile,
    ) as error:
        raise VectorsUnavailable(
            f"pgvector cannot be used: {' '.join(str(error).split())}; have a superuser run `create extension vector`"
        ) from error
    finally:
        connection.execute("select pg_advisory_unlock(%s)", (VECTORS_LOCK,))


def configure(connection: Connection[Row]) -> None:
    """Go on through the index until there are enough of the environment that is asked for."""
    connection.execute("set hnsw.iterative_scan = relaxed_order")


def _column(connection: Connection[Row]) -> bool:
    found = connection.execute(
        "select 1 from information_schema.columns"
        " where table_schema = current_schema() and table_name = 'failure_vectors' and column_name = 'embedding'"
    ).fetchone()
    return found is not None


def _indexed(connection: Connection[Row], *, build: bool) -> bool:
    """Whether there is an index; one is built if there are enough vectors, and if that is asked for."""
    version = connection.execute("select extversion from pg_extension where extname = 'vector'").fetchone()
    if version is None or tuple(map(int, version[0].split(".")[:2])) < ITERATIVE_SINCE:
        return False
    state = connection.execute(
        "select indisvalid from pg_index where indexrelid = to_regclass(%s)::oid", (INDEX,)
    ).fetchone()
    if state is not None and state[0]:
        return True
    if not build:
        return False
    if state is not None:  # building it was interrupted
        connection.execute(f"drop index {INDEX}".encode())
    enough = connection.execute(
        "select count(*) from (select 1 from failure_vectors limit %s) as counted", (INDEXED_FROM,)
    ).fetchone()
    if enough is None or enough[0] < INDEXED_FROM:
        return False
    connection.execute(f"set maintenance_work_mem = '{BUILD_MEMORY}'".encode())
    connection.execute(
        f"create index concurrently {INDEX} on failure_vectors using hnsw (embedding vector_cosine_ops)".encode()
    )
    connection.execute("analyze failure_vectors")  # or the index is taken for the dearer way
    return True
