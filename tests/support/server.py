"""The real `ironflow serve` as a child process, to be used, killed and started again.

The server prints one line on stdout when it is ready and stdout is not a terminal:
`ready http://127.0.0.1:PORT grpc=127.0.0.1:PORT`. It is waited for, so nothing here sleeps or polls. Every start
takes the same ports, so that clients and workers find the server where they left it.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from tests.support import forked, reaper
from tests.support.forked_server import ForkedServer
from tests.support.ports import free_port

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0
KILL_TIMEOUT_S = 30.0
CHECK_TIMEOUT_S = 300.0
LOG_CHARACTERS_SHOWN = 20_000

PROXY = "127.0.0.2"
"""Where a proxy is that a server may be told to trust; all others call from 127.0.0.1."""

COMMAND = (sys.executable, "-m", "app")
"""A server that begins with nothing, as a user's does: for benchmarks, and tests of how it starts."""

Running = subprocess.Popen[str] | ForkedServer


class ServerProcess:
    """One server over one data directory. All methods block, with a bound; call `start` first."""

    def __init__(
        self,
        *,
        data_dir: Path,
        database_url: str | None = None,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        command: Sequence[str | Path] = (),
        module: str = "app.__main__",
        guarded: bool = False,
    ) -> None:
        """A `guarded` one asks who calls, as in production; others let everybody in, as with --dev. `command` is what
        `serve` is appended to; without one, it is forked from a process that has its modules, and is the `main` of
        `module`. `environment` is added to ours, or is all if it has a PATH."""
        self.data_dir = data_dir
        self.database_url = database_url
        self._port, self._grpc_port = free_port(), free_port()
        self.url = ""
        self.grpc_address = ""
        self.log_file = data_dir.with_name(f"{data_dir.name}.log")
        self._command = command
        self._module = module
        self._arguments = arguments if guarded else ("--dev", *arguments)
        self._environment = dict(environment or {})
        self._process: Running | None = None

    @property
    def pid(self) -> int:
        return self._running().pid

    @property
    def discovery(self) -> dict[str, Any]:
        """What the server tells local clients about itself, in `engine.json`."""
        found: dict[str, Any] = json.loads((self.data_dir / "engine.json").read_text("utf-8"))
        return found

    @property
    def key(self) -> str:
        """The bootstrap key of a guarded one."""
        return str(self.discovery["api_key"])

    def start(self) -> None:
        """Returns when it is ready. Raises RuntimeError with its log when it ends or is silent instead."""
        assert self._process is None, "already running"
        self.data_dir.parent.mkdir(parents=True, exist_ok=True)
        announced: queue.SimpleQueue[bool] = queue.SimpleQueue()  # of this start: the last one's output may end late
        with self.log_file.open("ab") as log:
            self._process = self._begun(log)
        reaper.adopt(self._process.pid)
        assert self._process.stdout is not None
        following = (self._process.stdout, announced)
        threading.Thread(target=self._follow, args=following, name="server-log", daemon=True).start()
        if not self._came_up(announced):
            self.kill9()
            raise RuntimeError("the server did not become ready:\n" + self.log())

    def kill9(self) -> None:
        """SIGKILL: no goodbye, nothing flushed."""
        self._end(signal.SIGKILL)

    def terminate(self) -> int:
        """SIGTERM: a clean stop. Returns the exit code."""
        return self._end(signal.SIGTERM)

    def died(self, timeout_s: float) -> bool:
        """Whether it ended by itself within that time."""
        process = self._running()
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        self._process = None
        reaper.release(process.pid)
        return True

    def restart(self) -> None:
        """Start again on the same ports and data, after an end of either sort."""
        self.start()

    def close(self) -> None:
        """Make sure that it is gone."""
        if self._process is not None:
            self.kill9()

    def check_history(self) -> None:
        """Stop it; the chain holds and the tables are what history says."""
        self.terminate()
        where = ["--database-url", self.database_url] if self.database_url else ["--data-dir", str(self.data_dir)]
        for command in (["history", "verify"], ["rebuild", "--check"]):
            shown = forked.run([*command, *where], env=os.environ, cwd=Path.cwd(), timeout_s=CHECK_TIMEOUT_S)
            assert shown.returncode == 0, f"{command}: {shown.stdout}{shown.stderr}"

    def log(self) -> str:
        """The end of what the server wrote, over all its lives."""
        written = self.log_file.read_text("utf-8", errors="replace") if self.log_file.exists() else ""
        return written[-LOG_CHARACTERS_SHOWN:]

    def _flags(self) -> Sequence[str]:
        database = ["--database-url", self.database_url] if self.database_url else []
        listen = ["--port", str(self._port), "--grpc-port", str(self._grpc_port), "--data-dir", str(self.data_dir)]
        return [*listen, *database, *self._arguments]

    def _begun(self, log: IO[bytes]) -> Running:
        arguments = ["serve", *self._flags()]
        env = self._environment if "PATH" in self._environment else {**os.environ, **self._environment}
        if not self._command:
            return ForkedServer(self._module, arguments, env=env, stderr=log)
        return subprocess.Popen(
            [*self._command, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=env,
            start_new_session=True,
        )

    def _follow(self, lines: IO[str], announced: queue.SimpleQueue[bool]) -> None:
        with lines, self.log_file.open("a", encoding="utf-8") as log:
            for line in lines:
                log.write(line)
                log.flush()
                if line.startswith("ready "):
                    _, self.url, grpc = line.split()
                    self.grpc_address = grpc.removeprefix("grpc=")
                    announced.put(True)
        announced.put(False)  # the end of the output: whoever waits finds the process gone

    @staticmethod
    def _came_up(announced: queue.SimpleQueue[bool]) -> bool:
        try:
            return announced.get(timeout=START_TIMEOUT_S)
        except queue.Empty:
            return False

    def _end(self, number: signal.Signals) -> int:
        process = self._running()
        process.send_signal(number)
        try:
            code = process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(KILL_TIMEOUT_S)
            raise
        finally:
            self._process = None
            reaper.release(process.pid)
        return code

    def _running(self) -> Running:
        assert self._process is not None, "not running"
        return self._process
