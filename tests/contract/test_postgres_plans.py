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
