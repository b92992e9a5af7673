"""Processes that run the storm's functions."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from ironflow import Client
from tests.support import reaper
from tests.support.server import KILL_TIMEOUT_S, ServerProcess

ROOT = Path(__file__).parents[3]
REGISTER_TIMEOUT_S = 60
ASK_S = 0.1


class WorkerProcess:
    """A worker of the storm's functions, killed and started again."""

    def __init__(
        self, server: ServerProcess, folder: Path, number: int = 0, *, command: Sequence[str] = (sys.executable,)
    ) -> None:
        """`command` is how Python is started."""
        self.ledger = folder / "ledger.ndjson"
        self._log = folder / f"worker-{number}.log"
        self._command = command
        self._environment = {
            **os.environ,
            "IRONFLOW_SERVER_URL": server.url,
            "IRONFLOW_GRPC_ADDRESS": server.grpc_address,
            "STORM_LEDGER": str(self.ledger),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._command, "-m", "tests.support.storm.functions"],
                cwd=ROOT,
                env=self._environment,
                stdout=log,
                stderr=log,
            )
        reaper.adopt(self._process.pid)

    def kill9(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(KILL_TIMEOUT_S)
            reaper.release(process.pid)


def wait_until_registered(server: ServerProcess) -> None:
    """The last of the functions is known: nothing tells, so ask until it is. Raises RuntimeError."""
    with Client(server.url) as client:
        for _ in range(int(REGISTER_TIMEOUT_S / ASK_S)):
            if "storm-stuck" in {function["id"] for function in client.functions.list()}:
                return
            threading.Event().wait(ASK_S)
    raise RuntimeError("no worker ever registered")
