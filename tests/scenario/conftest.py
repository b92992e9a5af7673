"""Scenarios drive the product as its users do: real processes, the command line, kill -9."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str | None:
    """None for SQLite in the server's data directory; else a Postgres that syncs its commits."""
    if request.param == "sqlite":
        return None
    url: str = request.getfixturevalue("durable_postgres_url")
    return url


@pytest.fixture
def events_file(tmp_path: Path) -> Path:
    """Webhooks for the triage example: the real ones beside the checkout if they are there, else made-up ones."""
    from tests.scenario.webhooks import write

    return write(tmp_path / "events.ndjson")
