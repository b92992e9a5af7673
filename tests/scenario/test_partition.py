"""Three nodes: one is cut off in the middle of its work, and of a transaction; another one is killed meanwhile; the
third carries all of it, and the first comes back."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import httpx
import pytest

from ironflow import Client
from storage.postgres_connecting import connect
from tests.support import nats
from tests.support.island import Island, NotPermitted
from tests.support.postgres import Cluster
from tests.support.server import ServerProcess
from tests.support.storm import ledger
from tests.support.storm.client import Orders
from tests.support.storm.worker import WorkerProcess, wait_until_registered

IN_HAND = 6
SLOW = {"work_s": 1, "pause_s": 0.2, "waits": False}
QUICK = {**SLOW, "work_s": 0}
WAIT_S = 90

pytestmark = pytest.mark.slow


class Nodes(NamedTuple):
    island: Island
    on_it: ServerProcess
    killed: ServerProcess
    last: ServerProcess
    database_url: str


@pytest.fixture
def nodes(start_server: Callable[..., ServerProcess], tmp_path: Path) -> Iterator[Nodes]:
    with ExitStack() as stack:
        try:
            island = stack.enter_context(Island())
        except NotPermitted as reason:
            pytest.skip(f"no network can be made here: {reason}")
        readable = Path(stack.enter_context(TemporaryDirectory()))  # by Postgres, which is nobody if we are root
        readable.chmod(0o755)
        access = readable / "pg_hba.conf"
        access.write_text("local all all trust\nhost all all 10.213.0.0/16 trust\n")
        settings = {"listen_addresses": island.outside, "hba_file": str(access)}
        cluster = stack.enter_context(Cluster(durable=True, settings=settings))
        name = cluster.create_database().partition("?")[0].rpartition("/")[2]
        url = f"postgresql://postgres@{island.outside}:5432/{name}"
        nats_url = stack.enter_context(nats.running(tmp_path / "nats", island.outside))
        options = {"database_url": url, "arguments": ["--nats-url", nats_url]}
        last = start_server(**options)
        on_it = start_server(**options, command=(*island.command, sys.executable, "-m", "app"))
        killed = start_server(**options)
        yield Nodes(island, on_it, killed, last, url)
        for server in (on_it, killed, last):
            server.close()


def test_a_node_that_is_cut_off_loses_its_runs_and_comes_back(nodes: Nodes, tmp_path: Path) -> None:
    island, on_it, killed, last, database_url = nodes
    with ExitStack() as stack:
        there = WorkerProcess(on_it, tmp_path, 0, command=(*island.command, sys.executable))
        here = WorkerProcess(last, tmp_path, 1)
        for worker in (there, here):
            stack.callback(worker.kill9)
        client, inside = (stack.enter_context(closing(Client(server.url))) for server in (last, on_it))
        there.start()
        island.inside(lambda: wait_until_registered(on_it))
        in_hand = island.inside(
            lambda: [inside.emit("storm.order", {"n": f"i{n}", **SLOW}).run_ids[0] for n in range(IN_HAND)]
        )
        wait_for(lambda: there.ledger.exists() and len(ledger.read(there.ledger)) >= IN_HAND, "its worker never began")
        here.start()
        wait_until_registered(last)
        orders = stack.enter_context(Orders([killed.url, last.url], QUICK))
        orders.wait_for(5)

        holding = island.inside(lambda: connect(database_url))
        stack.callback(holding.close)
        island.inside(lambda: holding.execute("begin").execute("select pg_advisory_xact_lock(7366001)"))
        island.cut()
        killed.kill9()

        ended = [client.runs.wait(run_id, timeout_s=WAIT_S)["status"] for run_id in in_hand]
        assert ended == ["completed"] * IN_HAND
        assert island.inside(lambda: ready(on_it)) == 503
        orders.wait_for(5)
        done = {key: len(lines) for key, lines in ledger.read(there.ledger).items()}

        island.mend()
        wait_for(lambda: island.inside(lambda: ready(on_it)) == 200, "it was never ready again")
        wait_for(lambda: len(listed(last)) == 2, "the others never saw it again")
        [again] = island.inside(lambda: inside.emit("storm.order", {"n": "again", **QUICK}).run_ids)
        orders.__exit__()
        for run_id in (again, *orders.runs):
            assert client.runs.wait(run_id, timeout_s=WAIT_S)["status"] == "completed"

    assert orders.refused == []
    after = {key: len(lines) for key, lines in ledger.read(there.ledger).items()}
    assert {key: after[key] for key in done} == done, "what it brought back was run again"
    on_it.terminate()
    last.check_history()


def listed(server: ServerProcess) -> list[Any]:
    nodes: list[Any] = httpx.get(f"{server.url}/api/v1/nodes", timeout=WAIT_S).json()
    return nodes


def ready(server: ServerProcess) -> int:
    return httpx.get(f"{server.url}/ready", timeout=WAIT_S).status_code


def wait_for(holds: Callable[[], bool], otherwise: str) -> None:
    """Nothing tells, so ask until it is so."""
    for _ in range(WAIT_S * 10):
        if holds():
            return
        threading.Event().wait(0.1)
    raise AssertionError(otherwise)
