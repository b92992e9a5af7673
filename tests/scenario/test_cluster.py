"""Two nodes on one Postgres and three NATS servers, as in docker-compose.yml: what one takes in the other delivers, a
kill of one loses nothing, and nobody notices that they are replaced one by one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from ironflow import Client
from ironflow.client import event
from tests.support import nats
from tests.support.server import ServerProcess
from tests.support.storm import ledger
from tests.support.storm.client import Orders
from tests.support.storm.worker import WorkerProcess, wait_until_registered

DATA = {"work_s": 0, "pause_s": 0.2, "waits": False}
RUNS = 30
WAIT_S = 90

pytestmark = pytest.mark.slow


@pytest.fixture
def nats_servers(tmp_path: Path) -> Iterator[Sequence[nats.Server]]:
    with nats.cluster(tmp_path / "nats") as servers:
        yield servers


@pytest.fixture
def nodes(
    start_server: Callable[..., ServerProcess], durable_postgres_url: str, nats_servers: Sequence[nats.Server]
) -> Iterator[tuple[ServerProcess, ServerProcess]]:
    urls = ",".join(server.url_of_nodes() for server in nats_servers)
    options = {"database_url": durable_postgres_url, "arguments": ["--nats-url", urls]}
    one, two = start_server(**options), start_server(**options)
    yield one, two
    for server in (one, two):
        server.close()


def test_nodes_are_replaced_unnoticed_and_a_killed_ones_runs_end_on_the_other(
    nodes: tuple[ServerProcess, ServerProcess], tmp_path: Path
) -> None:
    one, two = nodes
    with ExitStack() as stack:
        workers = [WorkerProcess(server, tmp_path, number) for number, server in enumerate(nodes)]
        for server, worker in zip(nodes, workers, strict=True):
            stack.callback(worker.kill9)
            worker.start()
            wait_until_registered(server)
        first, second = (stack.enter_context(closing(Client(server.url))) for server in nodes)

        taken = replaced(nodes)

        assert [second.runs.wait(run_id, timeout_s=WAIT_S)["status"] for run_id in taken] == ["completed"] * len(taken)
        assert len(set(taken)) == len(taken) == recorded(second)

        workers[1].kill9()
        before = len(executed(workers[0].ledger))
        [stuck] = first.emit("storm.stuck", {"n": "stuck", **DATA}).run_ids
        wait_for_steps(workers[0].ledger, before + 1)
        workers[1].start()
        wait_for_workers(two)
        ids = [
            run_id
            for n in range(RUNS)
            for run_id in (first, second)[n % 2].emit("storm.order", {"n": str(n), **DATA}).run_ids
        ]

        one.kill9()
        workers[0].kill9()

        ended = [second.runs.wait(run_id, timeout_s=WAIT_S)["status"] for run_id in (stuck, *ids)]
        assert ended == ["completed"] * (RUNS + 1)
        reasons = {entry["data"]["reason"] for entry in second.history.list(kind="run.released", limit=500).items}
        assert "its node is gone" in reasons
        assert len(executed(workers[0].ledger)) == 2 * len(taken) + 2 * RUNS + 1
    two.check_history()


def replaced(nodes: Sequence[ServerProcess]) -> Sequence[str]:
    """Stop each node in order and start it again, under a client that never stops, and sees no error; the runs of what
    was acknowledged."""
    with Orders([server.url for server in nodes], DATA) as orders:
        for server in nodes:
            orders.wait_for(10)
            assert server.terminate() == 0
            orders.wait_for(10)
            server.restart()
            wait_for_workers(server)
        orders.wait_for(10)
    assert orders.refused == []
    assert orders.detours > 0
    return orders.runs


def test_members_and_subscribers_on_any_node_see_everything(
    nodes: tuple[ServerProcess, ServerProcess], nats_servers: Sequence[nats.Server]
) -> None:
    one, two = nodes
    given: set[int] = set()
    seen: list[int] = []
    everything = threading.Event()

    def consume(client: Client) -> None:
        with client.consume("billing", window=5) as consumer:
            for message in consumer:
                given.add(message.data["n"])  # an acknowledgement may count whose answer dies with the node
                if len(given) == 3 * RUNS:
                    everything.set()
                message.ack().result(60)

    with ExitStack() as stack:
        first, second = (stack.enter_context(closing(Client(server.url))) for server in nodes)
        first.groups.create("billing", "order.>", ack_wait=2, max_redeliveries=10_000)
        for client in (first, second):
            threading.Thread(target=consume, args=(client,), daemon=True).start()
        subscription = stack.enter_context(closing(second.subscribe("order.>", after=0)))
        first.emit_batch([event("order.placed", {"n": n}) for n in range(RUNS)])
        second.emit_batch([event("order.placed", {"n": n}) for n in range(RUNS, 2 * RUNS)])
        for frame in subscription:
            seen.append(frame.data["n"])
            if len(seen) == 2 * RUNS:
                break
        one.kill9()
        nats_servers[0].kill9()  # the one that nodes ask first
        second.emit_batch([event("order.placed", {"n": n}) for n in range(2 * RUNS, 3 * RUNS)])
        assert everything.wait(WAIT_S), f"{len(given)} of {3 * RUNS}"

    assert sorted(seen) == list(range(2 * RUNS))
    assert given == set(range(3 * RUNS))
    two.check_history()


def recorded(server: ServerProcess) -> int:
    """How many runs there are."""
    with closing(Client(server.url)) as client:
        page = client.runs.list(limit=100)
        count = len(page.items)
        while page.next_cursor:
            page = client.runs.list(limit=100, cursor=page.next_cursor)
            count += len(page.items)
        return count


def wait_for_workers(server: ServerProcess) -> None:
    """One has come back: nothing tells, so ask."""
    with closing(Client(server.url)) as client:
        for _ in range(WAIT_S * 10):
            if client.workers():
                return
            threading.Event().wait(0.1)
    raise AssertionError("no worker came back")


def executed(path: Path) -> set[str]:
    return set(ledger.read(path))


def wait_for_steps(path: Path, count: int) -> None:
    """So many have begun: nothing tells, so ask."""
    for _ in range(WAIT_S * 10):
        if len(executed(path)) >= count:
            return
        threading.Event().wait(0.1)
    raise AssertionError("no step was executed")
