"""Restate: its server, which keeps the log, and one Python worker that it calls over HTTP/2; runs start at its ingress.

As shipped (one node, 24 partitions, every append fsynced), but for its addresses, and without telemetry and dashboard.
Its server asks GitHub for the latest release at each start, whatever it is told: so run it in a network of its own.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks import environment
from benchmarks.process import child
from benchmarks.subject import READY_POLL_S, READY_TIMEOUT_S, Subject, cpu_of, over_http
from benchmarks.work import PAYLOAD, TOTAL

VERSION = "1.7.12"
SERVER = "@restatedev/restate-server-linux-{machine}@" + VERSION
MACHINES = {"x86_64": "x64", "aarch64": "arm64"}
PACKAGES = ("restate-sdk==1.3.0", "granian==2.8.7", "uvloop==0.23.0")

INGRESS = "http://127.0.0.1:8080"
ADMIN = "http://127.0.0.1:9070"
WORKER_PORT = 9080

FLAGS = (
    *("--no-logo", "--node-name", "bench", "--listen-mode", "tcp"),
    *("--bind-ip", "127.0.0.1", "--advertised-host", "127.0.0.1"),
)
SETTINGS = {
    "RESTATE_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "1",
    "RESTATE_ADMIN__DISABLE_WEB_UI": "true",
    "RESTATE_LOG_FILTER": "warn",
}


def install() -> tuple[Path, Path]:
    """The server, and the Python that has the SDK."""
    machine = platform.machine()
    package = SERVER.format(machine=MACHINES.get(machine, machine))
    server = environment.node("restate-server", package) / "bin" / "restate-server"
    return server, environment.python("restate", *PACKAGES)


@contextmanager
def working(place: Path) -> Iterator[Subject]:
    """With its data in the folder `place`, which is gone afterwards."""
    binary, python = install()
    plain = {"PATH": os.environ["PATH"]}
    serve = [str(binary), *FLAGS, "--base-dir", str(place)]
    work = [str(python), "-m", "benchmarks.worker_restate", str(WORKER_PORT)]
    server_log, worker_log = place.with_suffix(".log"), place.with_suffix(".worker.log")
    place.mkdir()
    with (
        child(serve, log_file=server_log, environment={**plain, **SETTINGS}, directory=place) as server,
        child(work, log_file=worker_log, environment=plain) as worker,
    ):
        try:
            _register(f"http://127.0.0.1:{WORKER_PORT}")
        except TimeoutError as error:
            raise RuntimeError(f"{error}\n{server_log.read_text()}{worker_log.read_text()}") from error
        yield over_http(
            INGRESS,
            "/bench/five",
            PAYLOAD,
            expected=b"%d" % TOTAL,
            cpu_s={"server": cpu_of(server.pid), "worker": cpu_of(worker.pid)},
        )


def _register(worker_url: str) -> None:
    """Tell the server of the worker, as soon as both are up. Raises TimeoutError if they do not come up."""
    until = time.monotonic() + READY_TIMEOUT_S
    answer = "no answer"
    while time.monotonic() < until:
        try:
            reply = httpx.post(
                f"{ADMIN}/deployments", json={"uri": worker_url}, timeout=READY_TIMEOUT_S, trust_env=False
            )
        except httpx.ConnectError:
            time.sleep(READY_POLL_S)
            continue
        if reply.is_success:
            return
        answer = reply.text
        time.sleep(READY_POLL_S)
    raise TimeoutError(f"Restate did not take its worker: {answer}")
