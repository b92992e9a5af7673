"""Connections to Postgres: on a network that may go silent, of a node that may be stopped in mid-transaction."""

from __future__ import annotations

import select
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict

from app import resources
from storage import history
from storage.contract import StorageUnavailable, Transaction
from storage.postgres import PostgresStorage
from storage.postgres_connecting import CONNECT_TIMEOUT_S, connect, told

URL = "postgresql://user@db.example/ironflow?sslmode=require"


def test_a_silent_network_is_noticed_unless_the_url_says_otherwise() -> None:
    found = conninfo_to_dict(told(URL))

    assert (found["host"], found["sslmode"]) == ("db.example", "require")
    assert (found["connect_timeout"], found["tcp_user_timeout"]) == (str(CONNECT_TIMEOUT_S), "5000")
    assert conninfo_to_dict(told(f"{URL}&connect_timeout=60&tcp_user_timeout=0"))["connect_timeout"] == "60"
    assert conninfo_to_dict(told(f"{URL}&tcp_user_timeout=0"))["tcp_user_timeout"] == "0"


def test_postgres_ends_a_transaction_that_nothing_is_done_with(postgres_url: str) -> None:
    with connect(postgres_url) as connection:
        [timeout] = connection.execute("show idle_in_transaction_session_timeout").fetchone() or ()

    assert timeout == "10s"


async def test_a_write_that_took_too_long_is_none_and_the_next_one_is(postgres_url: str) -> None:
    storage = await PostgresStorage.open(postgres_url, resources.sql_folder())

    def stopped(tx: Any) -> None:
        history.lock(tx)
        tx._connection.execute("set local idle_in_transaction_session_timeout = 1")
        assert select.select([tx._connection.fileno()], [], [], 10)[0], "Postgres did not end it"
        history.head(tx)

    def head(tx: Transaction) -> int:
        return history.head(tx)[0]

    try:
        with pytest.raises(StorageUnavailable):
            await storage.write(stopped)
        assert await storage.write(head) == 0
    finally:
        await storage.close()
