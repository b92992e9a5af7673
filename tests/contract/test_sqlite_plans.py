"""Runs of a function, of an event or of a parent are found by their index on SQLite too, where a statement is planned
before it is known which filters let all through; and it is planned once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import apsw
import pytest

from app import resources
from storage import queries, runs
from storage.sqlite import SQLiteStorage

FOLDER = resources.sql_folder()
ASKED = {"function_id": "runs_by_function", "event_id": "runs_by_event", "parent_run_id": "runs_by_parent"}


@pytest.fixture
async def reader(tmp_path: Path) -> apsw.Connection:
    storage = await SQLiteStorage.open(tmp_path / "s.db", FOLDER)
    await storage.migrate()
    await storage.close()
    return apsw.Connection(str(tmp_path / "s.db"))


@pytest.mark.parametrize("name", ["runs_page", "oldest_runs_page", "runs_count", "runs_by_time", "runs_grouped"])
async def test_runs_are_looked_for_along_the_index_of_what_is_asked(reader: apsw.Connection, name: str) -> None:
    query = queries.load(FOLDER / "sqlite" / "queries", style="named")[name]
    searched = [row[3] for row in reader.execute(f"explain query plan {query.sql}", dict.fromkeys(query.params, ""))]

    for index in ("runs_by_environment", *ASKED.values()):
        assert any(f"SEARCH runs USING INDEX {index} (" in line for line in searched), searched
    assert not (name.endswith("page") and any("ORDER BY" in line for line in searched)), searched


async def test_no_statement_is_planned_anew_for_its_values(tmp_path: Path) -> None:
    storage = await SQLiteStorage.open(tmp_path / "s.db", FOLDER)
    planned: list[int] = []

    def count(told: Mapping[str, Any]) -> None:
        planned.append(told["stmt_status"]["SQLITE_STMTSTATUS_REPREPARE"])

    await storage.migrate()
    await storage.read(lambda tx: runs.page(tx, "default", limit=1))
    for connection in storage._opened:
        connection.trace_v2(apsw.SQLITE_TRACE_PROFILE, count)
    for search in ("a", "b"):
        await storage.read(lambda tx, search=search: runs.page(tx, "default", search=search, limit=1))  # type: ignore[misc]
    await storage.close()

    assert len(planned) >= 2
    assert set(planned) == {0}
