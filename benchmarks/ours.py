"""Ironflow as the benchmarks run it: `ironflow serve` and one Python worker over gRPC."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import machine
from benchmarks.process import child
from benchmarks.subject import Reading, Subject, cpu_of, over_http
from benchmarks.work import PAYLOAD, TOTAL
from tests.support.server import COMMAND, ServerProcess

TRIGGER_SYNC = "/ironflow.v1.IronflowService/TriggerSync"
SYNC = b'{"event":"bench.five","data":' + PAYLOAD + b',"timeoutMs":60000}'
EXPECTED = b'"outputValue":%d' % TOTAL


@contextmanager
def running(data_dir: Path, database_url: str | None = None) -> Iterator[ServerProcess]:
    """A server, on SQLite unless there is a database."""
    server = ServerProcess(data_dir=data_dir, database_url=database_url, command=COMMAND)
    server.start()
    try:
        yield server
    finally:
        server.terminate()


@contextmanager
def working(server: ServerProcess, **stores: Reading) -> Iterator[Subject]:
    """With a worker, runs of five steps, started over HTTP and waited for. `stores`: what else they cost, where."""
    environment = {**os.environ, "IRONFLOW_SERVER_URL": server.url, "IRONFLOW_GRPC_ADDRESS": server.grpc_address}
    command = [sys.executable, "-m", "benchmarks.worker"]
    log_file = server.data_dir.with_name(f"{server.data_dir.name}-worker.log")
    with child(command, log_file=log_file, environment=environment) as worker:
        nats = machine.children(server.pid)
        yield over_http(
            server.url,
            TRIGGER_SYNC,
            SYNC,
            expected=EXPECTED,
            cpu_s={
                "server": cpu_of(server.pid),
                "worker": cpu_of(worker.pid),
                "nats": lambda: sum(map(machine.cpu_s, nats)),
                **stores,
            },
        )
