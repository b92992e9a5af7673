"""DBOS: a library in the user's process, so that the process is client and worker in one."""

from __future__ import annotations

import json
import os
import select
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from benchmarks import environment
from benchmarks.load import CASE_TIMEOUT_S, Load
from benchmarks.process import child
from benchmarks.subject import Reading, Subject, cpu_of

PACKAGE = "dbos==3.4.0"
START_TIMEOUT_S = 60.0


def install() -> Path:
    """The Python that has it."""
    return environment.python("dbos", PACKAGE)


@contextmanager
def working(place: Path, database_url: str | None = None, **stores: Reading) -> Iterator[Subject]:
    """On SQLite unless there is a database. `stores`: what else its runs cost, where."""
    url = database_url or _sqlite(place.with_suffix(".sqlite"))
    command = [str(install()), "-m", "benchmarks.worker_dbos", url]
    log_file = place.with_suffix(".log")
    with child(command, log_file=log_file, environment=os.environ, talks=True) as process:
        line = _line(process, START_TIMEOUT_S)
        if line != "ready\n":
            raise RuntimeError(f"DBOS did not become ready: {line}{log_file.read_text()}")

        def run(clients: int, seconds: float) -> Load:
            assert process.stdin is not None
            process.stdin.write(json.dumps({"clients": clients, "seconds": seconds}) + "\n")
            process.stdin.flush()
            measured: dict[str, Any] = json.loads(_line(process, seconds + CASE_TIMEOUT_S))
            return Load(**measured)

        yield Subject(run, {"client and worker": cpu_of(process.pid), **stores})


def _sqlite(file: Path) -> str:
    """A new database with a write-ahead log, as ours has. DBOS would leave it at SQLite's default, which is slower."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("pragma journal_mode = wal")
    return f"sqlite:///{file}"


def _line(process: subprocess.Popen[str], timeout_s: float) -> str:
    """What it says next, empty if it ends instead. It says one line at a time, so none is in the buffer already."""
    assert process.stdout is not None
    if not select.select([process.stdout], [], [], timeout_s)[0]:
        raise TimeoutError(f"DBOS said nothing for {timeout_s:.0f} s")
    return process.stdout.readline()
