"""Pages of history that no index of its own leads to are read along positions: their cost is that of the page. Runs
with a tag are read along its index."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from app import resources
from storage import migrations, queries

FOLDER = resources.sql_folder() / "sqlite"


@pytest.mark.parametrize("query", ["history_page", "history_page_backwards"])
def test_a_page_of_history_is_neither_sorted_nor_searched_by_environment(query: str, tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / "ironflow.db"))
    for migration in migrations.load(FOLDER / "migrations"):
        connection.execute(migration.sql)
    names = ("environment", "kinds", "actor", "correlation", "causation", "after", "before", "limit")

    sql = queries.load(FOLDER / "queries", style="named")[query].sql
    plan = [row[3] for row in connection.execute(f"explain query plan {sql}", dict.fromkeys(names, 1))]

    assert plan == ["SEARCH history USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"]


@pytest.mark.parametrize(
    "query", ["tagged_runs_page", "tagged_runs_count", "tagged_runs_by_time", "tagged_runs_grouped"]
)
def test_runs_with_a_tag_are_found_by_it(query: str, tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / "ironflow.db"))
    for migration in migrations.load(FOLDER / "migrations"):
        connection.execute(migration.sql)
    found = queries.load(FOLDER / "queries", style="named")[query]

    plan = [row[3] for row in connection.execute(f"explain query plan {found.sql}", dict.fromkeys(found.params, 1))]

    outer = next(line for line in plan if line.startswith(("SEARCH", "SCAN")) and not line.endswith("matching"))
    assert outer.startswith("SEARCH t USING PRIMARY KEY (environment=? AND tag=?"), plan
    if query == "tagged_runs_page":
        assert not any("TEMP B-TREE" in line for line in plan), plan
