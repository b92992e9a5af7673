"""Pages of history are read along positions on Postgres too, also while nobody has counted the rows of a new table."""

from __future__ import annotations

import psycopg
import pytest

from app import resources
from storage import queries

FOLDER = resources.sql_folder() / "postgres"


@pytest.mark.parametrize("query", ["history_page", "history_page_backwards"])
def test_a_page_of_history_is_not_searched_by_environment(query: str, postgres_url: str) -> None:
    texts = dict.fromkeys(("environment", "kinds", "actor", "correlation", "causation"), "x")
    sql = queries.load(FOLDER / "queries", style="psycopg")[query].sql

    with psycopg.connect(postgres_url) as connection:
        connection.execute("alter table history drop constraint history_pkey")  # nothing is left but the other one
        connection.execute("set local enable_seqscan = off")
        explained = connection.execute(
            f"explain {sql}".encode(), {**texts, "after": 100_000, "before": 101_001, "limit": 1_000}
        ).fetchall()
        connection.rollback()

    plan = "\n".join(line for (line,) in explained)
    assert "Seq Scan on history" in plan, plan
    assert "environment_stream_version" not in plan, plan


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("longest_runs_page", "runs_by_duration"),
        ("shortest_runs_page", "runs_by_duration"),
        ("runs_of_status_page", "runs_unfinished"),
    ],
)
def test_runs_are_sorted_along_an_index(query: str, index: str, postgres_url: str) -> None:
    sql = queries.load(FOLDER / "queries", style="psycopg")[query].sql
    texts = dict.fromkeys(("environment", "function_id", "event_id", "parent_run_id", "failure"), "x")
    chosen = {**texts, "statuses": "", "search": "", "wanted": "[]", "status": "failed", "since": 0, "until": 2**62}

    with psycopg.connect(postgres_url) as connection:
        connection.execute("set local enable_seqscan = off")
        connection.execute("set local enable_sort = off")
        explained = connection.execute(
            f"explain {sql}".encode(), {**chosen, "took": 10, "before": "run_x", "after": "run_x", "limit": 100}
        ).fetchall()
        connection.rollback()

    plan = "\n".join(line for (line,) in explained)
    assert f"using {index} on runs" in plan, plan
    assert "Sort" not in plan, plan


def test_ends_of_runs_are_counted_along_an_index_alone(postgres_url: str) -> None:
    sql = queries.load(FOLDER / "queries", style="psycopg")["run_ends_by_time"].sql

    with psycopg.connect(postgres_url) as connection:
        connection.execute("set local enable_seqscan = off")
        connection.execute("set local enable_bitmapscan = off")
        explained = connection.execute(
            f"explain {sql}".encode(), {"environment": "x", "since": 10, "until": 20, "width": 1}
        ).fetchall()
        connection.rollback()

    plan = "\n".join(line for (line,) in explained)
    assert "Index Only Scan using runs_by_end on runs" in plan, plan
