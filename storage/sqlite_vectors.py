"""sqlite-vec, which lets SQLite compare vectors: loaded when the first are compared, by those who read."""

from __future__ import annotations

import apsw

from storage.contract import VectorsUnavailable


def load(connection: apsw.Connection) -> None:
    """Raises VectorsUnavailable."""
    try:
        import sqlite_vec
    except ImportError as error:
        raise VectorsUnavailable(f"sqlite-vec is not installed: {error}") from error
    try:
        connection.enable_load_extension(True)
        connection.load_extension(sqlite_vec.loadable_path())
    except (apsw.Error, AttributeError, OSError) as error:
        raise VectorsUnavailable(f"SQLite does not load sqlite-vec: {error}") from error
    finally:
        if hasattr(connection, "enable_load_extension"):
            connection.enable_load_extension(False)


def check() -> None:
    """Returns if it can be loaded. Raises VectorsUnavailable."""
    connection = apsw.Connection(":memory:")
    try:
        load(connection)
    finally:
        connection.close()
