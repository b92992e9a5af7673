"""The data of `ironflow demo`, for whoever asks for them in the dashboard of a server for development: the same
command, as a process of ours against ourselves, since functions run in workers and in no server.

    idle ─▶ running ─▶ done      its runs are there; its worker stays, as the command's does
               └──────▶ failed   it may be begun again

One at a time, whatever the environment. It ends when the server does, and when its worker is told to drain.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import msgspec

from app import supervisor
from app.cancelling import end, through
from app.errors import DemoRunning, DevelopmentOnly
from app.production import is_production

State = Literal["idle", "running", "done", "failed"]

STOP_TIMEOUT_S = 5.0
READ_BYTES = 4_096
TOLD_BYTES_MAX = 65_536
"""Of what the command prints when its runs are there."""
LINE_CHARS_MAX = 500
_PAINT = re.compile(r"\x1b\[[\d;]*m")


class DemoRun(msgspec.Struct, frozen=True):
    """A run, and what there is to see of it."""

    id: str
    function_id: str
    about: str


class _Printed(msgspec.Struct):
    items: list[DemoRun]


class _Error(msgspec.Struct):
    message: str
    hint: str = ""


class _Complaint(msgspec.Struct):
    error: _Error


class Told(NamedTuple):
    """How far it is; `line` is the last thing that it said. `barred` is why it cannot be begun, or ""."""

    state: State
    line: str = ""
    runs: Sequence[DemoRun] = ()
    works: bool = False
    barred: str = ""


class Demo:
    """`dev`: whether the server is one for development. `url` is where it is found; `named` the name of an
    environment."""

    def __init__(self, *, dev: bool, url: Callable[[], str], named: Callable[[str], str]) -> None:
        self._dev = dev
        self._url = url
        self._named = named
        self._environment = ""
        self._state: State = "idle"
        self._line = ""
        self._runs: Sequence[DemoRun] = ()
        self._running: asyncio.Task[None] | None = None
        self._settled = asyncio.Event()

    def told(self, environment: str) -> Told:
        """How far it is in that environment."""
        barred = self._barred(environment)
        if not barred and self._works and environment != self._environment:
            barred = f"it is at work in the environment {self._named(self._environment)!r}"
        if environment != self._environment:
            return Told("idle", barred=barred)
        return Told(self._state, self._line, self._runs, self._works, barred)

    async def until_settled(self, environment: str, timeout_s: float) -> Told:
        """The same, when it is no longer running or the time is over."""
        if self.told(environment).state == "running":
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._settled.wait(), timeout_s)
        return self.told(environment)

    def start(self, environment: str) -> None:
        """Begin, unless it is at work there already. Raises DevelopmentOnly, DemoRunning."""
        if barred := self._barred(environment):
            raise DevelopmentOnly(f"the demo is not loaded: {barred}", hint="ironflow demo, with a key for it")
        if self._works:
            if environment != self._environment:
                name = self._named(self._environment)
                raise DemoRunning(f"it is at work in the environment {name!r}", hint="drain the worker demo-worker")
            return
        self._environment, self._state, self._line, self._runs = environment, "running", "it starts", ()
        self._settled.clear()
        self._running = asyncio.create_task(self._run(environment), name="demo")
        self._running.add_done_callback(self._ended)

    async def stop(self) -> None:
        """End it, if it is there."""
        await end(self._running)

    @property
    def _works(self) -> bool:
        return self._running is not None and not self._running.done()

    def _barred(self, environment: str) -> str:
        if not self._dev:
            return "this server is not one for development (--dev)"
        if is_production(name := self._named(environment)):
            return f"{name!r} is a production environment"
        return ""

    def _ended(self, following: asyncio.Task[None]) -> None:
        """Whoever waits for it is told, however it ended."""
        error = None if following.cancelled() else following.exception()
        if error is not None:
            self._settle("failed", f"it cannot be run: {error}")
        elif self._state == "running":
            self._settle("failed", "it was stopped")

    async def _run(self, environment: str) -> None:
        """The command from its start to its end; it is stopped when this is cancelled."""
        variables = supervisor.variables()
        variables.pop("IRONFLOW_GRPC_ADDRESS", None)  # another server's, perhaps: it is asked for ours
        process = await asyncio.create_subprocess_exec(
            *supervisor.command(),
            supervisor.CHILD_ARGUMENT,
            str(os.getpid()),
            *("demo", "--json", "--server", self._url(), "--env", environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=variables,
            start_new_session=True,  # Ctrl-C is for the server, which stops it
        )
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            await asyncio.gather(self._read_runs(process.stdout), self._read_lines(process.stderr))
            code = await process.wait()
        finally:
            await through(_stop(process))
        if code != 0 or self._state == "running":
            self._settle("failed", self._line or f"it ended with code {code}")

    async def _read_runs(self, printed: asyncio.StreamReader) -> None:
        """What it prints is one document, when all is there."""
        text = b""
        while part := await printed.read(READ_BYTES):
            text = (text + part)[:TOLD_BYTES_MAX]
            if self._state == "running" and text.endswith(b"}\n"):
                with contextlib.suppress(msgspec.DecodeError):  # it goes on
                    self._runs = msgspec.json.decode(text, type=_Printed).items
                    self._settle("done", self._line)

    async def _read_lines(self, printed: asyncio.StreamReader) -> None:
        text = b""
        while part := await printed.read(READ_BYTES):
            text = (text + part)[-READ_BYTES:]
            self._line = last_line(text) or self._line

    def _settle(self, state: State, line: str) -> None:
        self._state, self._line = state, line
        self._settled.set()


def last_line(printed: bytes) -> str:
    """The last line that says something; of a command's error what it means."""
    lines = [line for line in printed.decode("utf-8", "replace").splitlines() if line.strip()]
    if not lines:
        return ""
    try:
        error = msgspec.json.decode(lines[-1], type=_Complaint).error
    except msgspec.DecodeError:
        return _PAINT.sub("", lines[-1]).strip()[:LINE_CHARS_MAX]
    return f"{error.message}: {error.hint}"[:LINE_CHARS_MAX] if error.hint else error.message[:LINE_CHARS_MAX]


async def _stop(process: asyncio.subprocess.Process) -> None:
    """SIGTERM, and SIGKILL if it takes too long; nothing to one that has ended."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
