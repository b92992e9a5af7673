"""A real server for tests: `ironflow serve` on free ports, over a folder that is thrown away.

from ironflow.testing import ironflow_server  # in conftest.py; then ask for it in any test
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ironflow.client import AsyncClient, Client
    from ironflow.function import Function
    from ironflow.worker import Worker

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0
LOG_CHARACTERS = 10_000


class Server:
    """A running server. `environment` is where `client` and `worker` are: take another for tests side by side."""

    def __init__(self, url: str, grpc_address: str, data_dir: Path) -> None:
        self.url = url
        self.grpc_address = grpc_address
        self.data_dir = data_dir
        self.environment = "default"

    def client(self, *, environment: str | None = None) -> Client:
        from ironflow.client import Client

        return Client(self.url, environment=environment or self.environment)

    def async_client(self, *, environment: str | None = None) -> AsyncClient:
        from ironflow.client import AsyncClient

        return AsyncClient(self.url, environment=environment or self.environment)

    def worker(self, functions: Sequence[Function] = (), *, environment: str | None = None, **options: Any) -> Worker:
        """A worker of this server, to be run: `asyncio.create_task(worker.run())`."""
        from ironflow.worker import Worker

        where = environment or self.environment
        return Worker(functions, server=self.url, grpc_address=self.grpc_address, environment=where, **options)

    @contextlib.asynccontextmanager
    async def working(
        self, functions: Sequence[Function] = (), *, environment: str | None = None, **options: Any
    ) -> AsyncIterator[AsyncClient]:
        """A client, with a worker of the functions for as long as the block lasts. Raises what the worker raises."""
        worker = self.worker(functions, environment=environment, **options)
        running, ready = asyncio.create_task(worker.run()), asyncio.create_task(worker.ready())
        try:
            await asyncio.wait({running, ready}, timeout=START_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
            if not ready.done():
                raise _reason(running)
            async with self.async_client(environment=environment) as client:
                yield client
        finally:
            ready.cancel()
            worker.stop()
            await asyncio.wait({running}, timeout=STOP_TIMEOUT_S)
            running.cancel()


def _reason(running: asyncio.Task[None]) -> BaseException:
    """Why the worker is not ready."""
    error = running.exception() if running.done() else None
    return error or RuntimeError(f"the worker was not ready within {START_TIMEOUT_S:g} s")


@pytest.fixture(scope="session")
def ironflow_server() -> Iterator[Server]:
    """A server for the whole session. Raises RuntimeError, with its log, when it does not start."""
    with serving() as server:
        yield server


@contextlib.contextmanager
def serving(*arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    """A server for as long as the block lasts; `arguments` are added to `ironflow serve`."""
    with tempfile.TemporaryDirectory(prefix="ironflow-test-", ignore_cleanup_errors=True) as folder:
        data_dir = Path(folder) / "data"
        log_file = Path(folder) / "server.log"
        listen = ["--port", "0", "--grpc-port", "0", "--data-dir", str(data_dir), "--dev"]
        with log_file.open("w", encoding="utf-8") as log:
            process = subprocess.Popen(
                [*executable(), "serve", *listen, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, **(environment or {})},
            )
        try:
            url, grpc_address = _ready(process, log_file)
            yield Server(url, grpc_address, data_dir)
        finally:
            _stop(process)


def executable() -> Sequence[str]:
    """The command of Ironflow: `IRONFLOW_EXECUTABLE`, else beside this Python, else on the path. Raises RuntimeError if
    there is none."""
    named = os.environ.get("IRONFLOW_EXECUTABLE")
    if named:
        return [named]
    beside = Path(sys.executable).with_name("ironflow")
    found = str(beside) if beside.exists() else shutil.which("ironflow")
    if found is None:
        raise RuntimeError("the executable `ironflow` is not on the path; name it in IRONFLOW_EXECUTABLE")
    return [found]


def _ready(process: subprocess.Popen[str], log_file: Path) -> tuple[str, str]:
    """Where it listens, as it says in one line when it is ready."""
    assert process.stdout is not None
    said: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_follow, args=(process.stdout, said), name="ironflow-server", daemon=True).start()
    try:
        line = said.get(timeout=START_TIMEOUT_S)
    except queue.Empty:
        line = ""
    if not line:
        log = log_file.read_text("utf-8", errors="replace")[-LOG_CHARACTERS:]
        raise RuntimeError(f"the server did not become ready within {START_TIMEOUT_S:g} s:\n{log}")
    _, url, grpc = line.split()
    return url, grpc.removeprefix("grpc=")


def _follow(lines: IO[str], said: queue.SimpleQueue[str]) -> None:
    with lines:
        for line in lines:
            if line.startswith("ready "):
                said.put(line)
    said.put("")


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
