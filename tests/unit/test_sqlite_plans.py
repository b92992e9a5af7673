"""Pages of history that no index of its own leads to are read along positions: their cost is that of the page. So are
pages of an environment's events, along an index; runs with a tag are read along that of the tag."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from app import resources
from storage import migrations, queries

OF_STREAM = "sqlite_autoindex_history_1"
FOLDER = resources.sql_folder() / "sqlite"


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("history_facets", "SEARCH history USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
        (
            "history_facets_of_stream",
            "SEARCH history USING INDEX sqlite_autoindex_history_1 (environment=? AND stream=?)",
        ),
    ],
)
def test_what_is_counted_of_history_is_read_along_an_index(query: str, wanted: str, tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / "ironflow.db"))
    for migration in migrations.load(FOLDER / "migrations"):
        connection.execute(migration.sql)
    found = queries.load(FOLDER / "queries", style="named")[query]

    plan = [row[3] for row in connection.execute(f"explain query plan {found.sql}", dict.fromkeys(found.params, 1))]

    assert wanted in plan, plan


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
    ("query", "wanted"),
    [
        ("events_before", "SEARCH events USING INDEX events_by_environment (environment=? AND position<?)"),
        ("events_after", "SEARCH events USING INDEX events_by_environment (environment=? AND position>?)"),
        ("events_named_before", "SEARCH events USING INDEX events_by_name (environment=? AND name=? AND position<?)"),
        ("events_named_after", "SEARCH events USING INDEX events_by_name (environment=? AND name=? AND position>?)"),
        ("event_names", "SEARCH events USING INDEX events_by_environment (environment=?)"),
    ],
)
def test_events_are_found_along_positions_and_never_sorted(query: str, wanted: str, tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / "ironflow.db"))
    for migration in migrations.load(FOLDER / "migrations"):
        connection.execute(migration.sql)
    found = queries.load(FOLDER / "queries", style="named")[query]

    plan = list(connection.execute(f"explain query plan {found.sql}", dict.fromkeys(found.params, 1)))

    reading = next(row for row in plan if row[3] == wanted)
    beside = [row[3] for row in plan if row[1] == reading[1] and row is not reading]
    assert not any("TEMP B-TREE" in step for step in beside), plan


@pytest.mark.parametrize(
    "query",
    [
        "tagged_runs_page",
        "oldest_tagged_runs_page",
        "tagged_runs_count",
        "tagged_runs_by_time",
        "tagged_runs_grouped",
    ],
)
def test_runs_with_a_tag_are_found_by_it(query: str, tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / "ironflow.db"))
    for migration in migrations.load(FOLDER / "migrations"):
        connection.execute(migration.sql)
    found = queries.load(FOLDER / "queries", style="named")[query]

    plan = [row[3] for row in connection.execute(f"explain query plan {found.sql}", dict.fromkeys(found.params, 1))]

    outer = next(line for line in plan if line.startswith(("SEARCH", "SCAN")) and not line.endswith("matching"))
    assert outer.startswith("SEARCH t USING PRIMARY KEY (environment=? AND tag=?"), plan
    if query.endswith("tagged_runs_page"):
        assert not any("TEMP B-TREE" in line for line in plan), plan


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("runs_page", "SEARCH runs USING INDEX runs_by_environment (environment=? AND id<?)"),
        ("oldest_runs_page", "SEARCH runs USING INDEX runs_by_environment (environment=? AND id>?)"),
        (
            "longest_runs_page",
            "SEARCH runs USING INDEX runs_by_duration (environment=? AND function_id=? AND <expr><?)",
        ),
        (
            "shortest_runs_page",
            "SEARCH runs USING INDEX runs_by_duration (environment=? AND function_id=? AND <expr>>?)",
        ),
        ("runs_of_status_page", "SEARCH runs USING INDEX runs_unfinished (environment=? AND status=? AND id<?)"),
        ("runs_grouped", "SEARCH runs USING INDEX runs_by_environment (environment=?)"),
        ("runs_page", "SEARCH f USING INDEX failures_by_run (environment=? AND run_id=?)"),
        ("runs_sampled", "SEARCH sampled USING INDEX runs_by_function (environment=? AND function_id=? AND id>?)"),
        ("runs_begun", "SEARCH r USING COVERING INDEX runs_by_function (environment=? AND function_id=? AND id>?)"),
        ("steps_expected", "SEARCH r USING INDEX runs_by_function (environment=? AND function_id=?)"),
        ("steps_told", "SEARCH h USING INDEX sqlite_autoindex_history_1 (environment=? AND stream=? AND version<?)"),
        (
            "steps_since",
            "SEARCH h USING INDEX sqlite_autoindex_history_1 (environment=? AND stream=? AND version>? AND version<?)",
        ),
        ("failures_of_run", "SEARCH failures USING INDEX failures_by_run (environment=? AND run_id=?)"),
        ("count_running_bulk_jobs", "SEARCH bulk_jobs USING COVERING INDEX bulk_jobs_running (environment=?)"),
        ("completed_runs_of_event", "SEARCH runs USING INDEX runs_by_event (event_id=?)"),
        ("resting_failures", "SEARCH f USING INDEX failures_by_fingerprint (environment=? AND fingerprint=?)"),
        ("forks_of_run", "SEARCH runs USING INDEX runs_by_origin (forked_from_run_id=?)"),
        ("failure_group_entities", "SEARCH f USING INDEX failures_by_fingerprint (environment=? AND fingerprint=?)"),
        ("failure_group_entities", "SEARCH e USING INDEX events_of_entities (id=?)"),
        ("failure_group_runs", "SEARCH e USING INDEX events_of_entities (id=?) LEFT-JOIN"),
        ("runs_of_events", "SEARCH runs USING INDEX runs_by_event (event_id=?)"),
        ("runs_emitted", "SEARCH e USING INDEX events_of_runs (run_id=?)"),
        ("runs_invoked", "SEARCH child USING INDEX runs_by_parent (parent_run_id=?)"),
        ("event_of_entity", "SEARCH events USING INDEX events_of_entities (id=?)"),
        ("entities_of_run", "SEARCH events USING INDEX events_of_runs (run_id=?)"),
        ("events_of_run", "SEARCH events USING INDEX events_of_runs (run_id=?)"),
        ("events_reemitted", "SEARCH events USING INDEX events_reemitted (reemitted_from=?)"),
        ("delete_failures_of_run", "SEARCH failures USING INDEX failures_by_run (environment=? AND run_id=?)"),
    ],
)
def test_what_lists_of_runs_and_their_figures_need_is_found_by_an_index(
    query: str, wanted: str, tmp_path: Path
) -> None:
    connection = apsw.Connection(str(tmp_path / "ironflow.db"))
    for migration in migrations.load(FOLDER / "migrations"):
        connection.execute(migration.sql)
    found = queries.load(FOLDER / "queries", style="named")[query]

    plan = list(connection.execute(f"explain query plan {found.sql}", dict.fromkeys(found.params, 1)))

    steps = [row[3] for row in plan]
    assert wanted in steps, steps
    if query == "runs_page":
        assert not any(row[1] == 0 and "TEMP B-TREE" in row[3] for row in plan), steps
