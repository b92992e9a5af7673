"""A README's commands, run as it says: `sh` blocks are what terminals run, `console` blocks what they print.

`…` stands for anything, and spaces for spaces of any width. What reads may have to be asked again, as by somebody who
is quicker than what they watch.
"""

from __future__ import annotations

import doctest
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from ironflow import Client
from tests.support import forked, reaper
from tests.support.server import ServerProcess

ROOT = Path(__file__).parents[2]
WAIT_S = 60.0
POLL_S = 0.05
UNDER_WAY = "waiting_for_capacity,running"

WRITES = ("emit", "cancel", "pause", "patch", "resume", "register", "create", "export-test", "sed", "kill")

SHELL = "|&;<>()$`*?[]#~=%!\\"
"""What a shell makes something of, if it is not in quotes."""

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class Block(NamedTuple):
    language: str
    text: str


class Terminals:
    """Runs commands as a README gives them, from the root of the repository, against one server.

    `replaced` says what is different here from what is written: a port, a file. A page that changes files has
    a `folder` in place of the root. One that is about a newcomer is `told` nothing: its commands find the server, and
    the key to it, by themselves.
    """

    def __init__(
        self,
        server: ServerProcess,
        log_file: Path,
        *,
        replaced: Mapping[str, str],
        environment: Mapping[str, str],
        folder: Path = ROOT,
        told: bool = True,
    ) -> None:
        self.client = Client(server.url, api_key=server.discovery.get("api_key"))
        self._log_file = log_file
        self._folder = folder
        self._replaced = {".venv/bin/": f"{Path(sys.executable).parent}/", **replaced}
        where = {"IRONFLOW_SERVER_URL": server.url, "IRONFLOW_GRPC_ADDRESS": server.grpc_address}
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("IRONFLOW_")},
            **(where if told else {}),
            "PYTHONUTF8": "1",
            "COLUMNS": "160",
            **environment,
        }
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, command: str) -> None:
        """In a terminal of its own, until `kill9`."""
        with self._log_file.open("ab") as log:
            process = subprocess.Popen(
                f"exec env {self._localised(command)}",
                shell=True,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        reaper.adopt(process.pid)
        self._running.append(process)

    @property
    def pids(self) -> list[int]:
        """Of what was started, in that order."""
        return [process.pid for process in self._running]

    def replace(self, written: str, here: str) -> None:
        """From now on, this is different from what is written."""
        self._replaced[written] = here

    def kill9(self) -> None:
        """All that was started."""
        for process in self._running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(WAIT_S)
            reaper.release(process.pid)
        self._running.clear()

    def run(self, command: str) -> str:
        """What the command prints. It may fail, as some are shown to."""
        here = self._localised(command)
        if arguments := _plainly_ours(here):
            done = forked.run(arguments, env=self._environment, cwd=self._folder, timeout_s=WAIT_S)
        else:
            done = subprocess.run(
                here,
                shell=True,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                encoding="utf-8",
                timeout=WAIT_S,
            )
        return done.stdout if done.returncode in (0, 8, 9) else f"exit code {done.returncode}\n{done.stderr}"

    def check(self, command: str, expected: str) -> None:
        """Run the command. AssertionError if it does not print that, in the end if it only reads."""
        pause = threading.Event()
        until = time.monotonic() + WAIT_S
        while wrong := differences(expected, self.as_written(self.run(command))):
            again = not any(word in command.split() for word in WRITES) and time.monotonic() < until
            assert again, f"$ {command}\n{wrong}"
            pause.wait(POLL_S)

    def settle(self) -> None:
        """Return when no run executes, as after the pause of somebody who types."""
        wait_until(lambda: not self.client.runs.list(status=UNDER_WAY).items, "runs go on and on")

    def _localised(self, command: str) -> str:
        for written, here in self._replaced.items():
            command = command.replace(written, here)
        return command

    def as_written(self, output: str) -> str:
        for written, here in self._replaced.items():
            output = output.replace(here, written)
        return output


def _plainly_ours(command: str) -> list[str]:
    """The arguments, if it is our command line with nothing that a shell would have to do but quotes. What imports the
    user's code is left to a process of its own."""
    program = f"{Path(sys.executable).parent}/ironflow "
    if not command.startswith(program) or set(command) & set(SHELL):
        return []
    arguments = shlex.split(command.removeprefix(program))
    return [] if {"check", "export-test", "dap"} & set(arguments) else arguments


def blocks(readme: Path) -> list[Block]:
    return [Block(*found.groups()) for found in _BLOCK.finditer(readme.read_text("utf-8"))]


def commands(text: str) -> Iterator[tuple[str, str]]:
    """The commands of a `console` block, each with what it prints."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, printed = part.partition("\n")
        yield command, printed


def differences(expected: str, printed: str) -> str:
    """Nothing if it was printed as expected."""
    example = doctest.Example("", expected.replace("…", "..."))
    checker = doctest.OutputChecker()
    same = checker.check_output(example.want, printed, _OPTIONS)
    return "" if same else checker.output_difference(example, printed, _OPTIONS)


def wait_until(holds: Callable[[], bool], complaint: str) -> None:
    """Ask again and again until it is so; AssertionError after a minute."""
    pause = threading.Event()
    for _ in range(int(WAIT_S / POLL_S)):
        if holds():
            return
        pause.wait(POLL_S)
    raise AssertionError(complaint)


def listens(port: int) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0
