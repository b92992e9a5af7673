"""Connections to Postgres: on a network that may go silent, of a node that may be stopped in mid-transaction; and how
often a commit waits for an answer on one."""

from __future__ import annotations

import select
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict

from app import resources
from app.clock import ManualClock
from app.ids import Ids
from app.node import Node
from storage import history
from storage.contract import StorageUnavailable
from storage.postgres import PostgresStorage
from storage.postgres_connecting import CONNECT_TIMEOUT_S, connect, told
from tests.contract.test_storage import entry
from tests.support.nodes import alive
from tests.support.taker import Taker, settled
from tests.support.worker import emit, register

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


@pytest.mark.parametrize("ends_with", ["a question", "rows and the commit"])
async def test_a_write_that_took_too_long_is_none_and_the_next_one_is(postgres_url: str, ends_with: str) -> None:
    storage = await PostgresStorage.open(postgres_url, resources.sql_folder())

    def stopped(tx: Any) -> None:
        history.lock(tx)
        tx._connection.execute("set local idle_in_transaction_session_timeout = 1")
        assert select.select([tx._connection.fileno()], [], [], 10)[0], "Postgres did not end it"
        history.append(tx, [entry(1)])
        if ends_with == "a question":
            history.head(tx)

    try:
        with pytest.raises(StorageUnavailable):
            await storage.write(stopped)
        assert await storage.write(history.head) == (0, b"")
        await storage.write(lambda tx: history.append(tx, [entry(1)]))
        assert await storage.read(history.head) == (1, b"d" * 32)
    finally:
        await storage.close()


async def test_a_small_commit_waits_for_postgres_twice(postgres_url: str, clock: ManualClock, tmp_path: Path) -> None:
    """Once to begin, lock and learn where history is, and once for all that it writes."""
    storage = await PostgresStorage.open(postgres_url, resources.sql_folder())
    node = Node(storage=storage, clock=clock, ids=Ids(clock))
    async with alive(node):
        await register(node)
        await emit(node)  # for the first one statements are prepared
        with traced(storage, tmp_path / "emit") as an_emit:
            await emit(node)
        worker = Taker(node)
        first, second = await worker.job(), await worker.job()
        await worker.step(first, "a")
        await settled(node)
        with traced(storage, tmp_path / "step") as a_step:
            await worker.step(second, "a")

        assert (waits(an_emit), waits(a_step)) == (2, 2)
    await storage.close()


@contextmanager
def traced(storage: PostgresStorage, path: Path) -> Iterator[Path]:
    """A file of the messages between the writing connection and Postgres meanwhile."""
    assert storage._writer is not None
    libpq = storage._writer.connection.pgconn
    with path.open("w") as file:
        libpq.trace(file.fileno())
        yield path
        libpq.untrace()


def waits(path: Path) -> int:
    """How often Postgres told that it was ready for the next message."""
    return sum("ReadyForQuery" in line for line in path.read_text("utf-8").splitlines())
