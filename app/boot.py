"""`ironflow serve` from its first moment: what is light comes first, and answers while the rest is loaded.

    bind                 clients queue in the backlog; app/cli/early.py
    nats-server          a child of a process that has one thread yet
    HTTP                 /health answers, "starting"; the rest waits at the gate
    logs                 nothing before is worth a line
    store ∥ modules      opened and migrated on its own thread, while another one imports the server
    node, gRPC, gate     app/server.py

A signal to stop counts from the moment that the loop runs.
"""

from __future__ import annotations

import asyncio
import fcntl
import functools
import gc
import importlib
import os
import resource
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app import resources, supervisor
from app.bus.nats_server import Child
from app.bus.nats_server import spawn as spawn_nats
from app.cancelling import end
from app.durations import parse_duration
from app.loading import standing_in, without
from app.settings import Settings

if TYPE_CHECKING:
    from app.server import Ready, Server
    from storage.contract import Storage

STOP_TIMEOUT_S = 10.0
DATABASE_FILE = "ironflow.db"
CONNECTIONS_MAX = 10_000
"""Served at a time; Granian's own default of 128 would leave the next ones waiting without a word."""
FILES_MAX = 3 * CONNECTIONS_MAX
HEADERS_BYTES_MAX = 65_536
"""Of a request; Granian's own default is 400 KiB over HTTP/1, and 16 MiB over HTTP/2."""
GC_THRESHOLD = 50_000
"""Objects between two looks for cycles: what a batch makes is freed by its counts, and looking costs a tenth."""
SWITCH_INTERVAL_S = 0.002

Rsgi = Callable[[Any, Any], Awaitable[None]]
LetGo = Callable[[], Awaitable[None]]

_STOPPING = b'{"error":"the server stops","code":"STOPPING","hint":"try again when it is back","retryable":true}'


class AlreadyRunning(Exception):
    """Another server uses this data directory."""

    code = "DATA_DIR_IN_USE"
    hint = "stop the other server, or give this one a folder of its own with --data-dir"


def serve(settings: Settings, *, listening: socket.socket, ready: Ready) -> int:
    """Run until a signal says stop; the exit code. Raises AlreadyRunning, GrpcPortTaken, StorageError before
    anything but /health is answered."""
    _allow_files()
    data_dir = Path(settings.data_dir)
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _lock(data_dir):
        # First of all, while there is one thread: a child cannot be forked safely once gRPC is there.
        child = (
            None
            if settings.nats_url
            else spawn_nats(resources.nats_server(), data_dir / "nats", port=settings.nats_port)
        )
        import uvloop

        sys.setswitchinterval(SWITCH_INTERVAL_S)
        try:
            return uvloop.run(_Boot(settings, data_dir, listening, child).run(ready))
        except ExceptionGroup as group:
            raise _alone(group) from None


def _allow_files() -> None:
    """As many open files as the system lets us have, of those that the connections may need: a shell's own limit is
    often a thousand."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_MAX if hard == resource.RLIM_INFINITY else min(hard, FILES_MAX)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class _Boot:
    def __init__(self, settings: Settings, data_dir: Path, listening: socket.socket, child: Child | None) -> None:
        self._settings = settings
        self._data_dir = data_dir
        self._listening = listening
        self._child = child
        self._gate = Gate()
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()

    async def run(self, ready: Ready) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._told_to_stop)
        http = HttpServer(self._gate, self._listening, self._settings)
        serving = asyncio.create_task(http.serve(), name="http")
        serving.add_done_callback(self._serves_no_more)
        try:
            await self._live(ready)
        finally:
            self._gate.close()
            http.stop()
            letting_go = asyncio.create_task(self._gate.let_go(), name="let-go")
            await asyncio.wait([serving], timeout=STOP_TIMEOUT_S)
            await end(letting_go)
        if serving.done() and not serving.cancelled() and (error := serving.exception()) is not None:
            raise error
        return 0

    def _serves_no_more(self, serving: asyncio.Task[None]) -> None:
        self._hurry.set()
        self._stop.set()

    def _told_to_stop(self) -> None:
        """Whoever says it twice does not want to wait for load balancers."""
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()
        supervisor.tell(supervisor.STOPPING)

    async def _live(self, ready: Ready) -> None:
        """Load, open, and be a server until the stop, if that has not come yet."""
        logs = await _imported("app.logs")
        logs.configure(style=self._settings.log_format, level=self._settings.log_level)
        postgres = self._settings.database_url.startswith("postgres")
        await _imported("storage.postgres" if postgres else "storage.sqlite")
        opening = asyncio.create_task(self._open(), name="open")
        stopping = asyncio.create_task(self._stop.wait(), name="stop")
        make = await _server_class()
        await asyncio.wait({opening, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not opening.done():  # a migration, perhaps another node's: left alone, its database takes it back
            await end(opening)
            return
        storage = opening.result()
        try:
            server = make(
                self._settings,
                self._data_dir,
                self._listening,
                self._child,
                gate=self._gate,
                stop=self._stop,
                hurry=self._hurry,
            )
            await server.run(storage, functools.partial(_up, ready))
        finally:
            await storage.close()

    async def _open(self) -> Storage:
        """The store, up to date."""
        import structlog

        from storage import open_storage

        location = self._settings.database_url or str(self._data_dir / DATABASE_FILE)
        storage = await open_storage(location, resources.sql_folder())
        try:
            for name in await storage.migrate():
                structlog.get_logger(__name__).info("migrated", migration=name)
        except Exception:
            await storage.close()
            raise
        return storage


def settle() -> None:
    """Everything is loaded, and stays; from here on garbage is looked for."""
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, 20, 50)
    gc.enable()


def _up(ready: Ready, *told: str) -> None:
    settle()
    ready(*told)
    supervisor.tell(supervisor.READY)


async def _server_class() -> type[Server]:
    await _imported("app.faces")
    made: type[Server] = (await _imported("app.server")).Server
    return made


async def _imported(name: str) -> Any:
    """The module; its import leaves the loop free to answer."""
    return await asyncio.to_thread(importlib.import_module, name)


def _alone(error: Exception) -> Exception:
    """What a task group was ended by, out of its groups if it is one thing."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        [error] = error.exceptions
    return error


class Gate:
    """The RSGI application from the first moment: answers /health, and lets the rest wait for the real one."""

    def __init__(self) -> None:
        self._app: Rsgi | None = None
        self._let_go: LetGo | None = None
        self._decided = asyncio.Event()

    def open(self, app: Rsgi, let_go: LetGo) -> None:
        self._app, self._let_go = app, let_go
        self._decided.set()

    def close(self) -> None:
        """Who still waits is told that the server stops."""
        self._decided.set()

    async def let_go(self) -> None:
        """End connections on which nothing is asked any more, until cancelled, if the gate was opened."""
        if self._let_go is not None:
            await self._let_go()

    def __rsgi__(self, scope: Any, protocol: Any) -> Awaitable[None]:
        return self._wait(scope, protocol) if self._app is None else self._app(scope, protocol)

    async def _wait(self, scope: Any, protocol: Any) -> None:
        if scope.proto == "http" and scope.path == "/health":
            protocol.response_bytes(200, [("content-type", "application/json")], b'{"status":"starting"}')
            return
        await self._decided.wait()
        if self._app is not None:
            await self._app(scope, protocol)
        elif scope.proto == "http":
            protocol.response_bytes(503, [("content-type", "application/json"), ("retry-after", "1")], _STOPPING)
        else:
            protocol.close(503)


class HttpServer:
    """Granian in our event loop, on a socket that we bound. It uses two private names of Granian, hence the pinned
    version; by itself Granian always shares its port, so that a second server would go unnoticed."""

    def __init__(self, app: Gate, listening: socket.socket, settings: Settings) -> None:
        with (
            without("anyio", "dotenv", "setproctitle", "watchfiles"),
            standing_in("granian.server.mp", MPServer=object),  # those that have processes and threads of their own
            standing_in("granian.server.mt", MTServer=object),
        ):
            from granian._granian import SocketHolder
            from granian.http import HTTP1Settings, HTTP2Settings
            from granian.server.embed import Server

        holder: Any = SocketHolder
        base: Any = Server

        class OnSocket(base):  # type: ignore[misc]
            def _init_shared_socket(self) -> None:
                self._ssp = None
                self._shd = holder(os.dup(listening.fileno()), False, 1024)  # it closes what it is given

        tls = {}
        if settings.tls_cert:
            tls = {"ssl_cert": Path(settings.tls_cert), "ssl_key": Path(settings.tls_key)}
        self._server: Any = OnSocket(
            app,
            interface="rsgi",
            log_enabled=False,
            backlog=1024,
            backpressure=CONNECTIONS_MAX,
            http1_settings=HTTP1Settings(
                header_read_timeout=max(1, parse_duration(settings.receive_timeout) // 1_000),
                max_buffer_size=HEADERS_BYTES_MAX,
            ),
            http2_settings=HTTP2Settings(max_headers_size=HEADERS_BYTES_MAX),
            **tls,
        )

    async def serve(self) -> None:
        await self._server.serve()

    def stop(self) -> None:
        self._server.interrupt_signal = True
        self._server.main_loop_interrupt.set()


@contextmanager
def _lock(data_dir: Path) -> Iterator[None]:
    """Hold the data directory for this process; the lock goes with it, however it ends."""
    with (data_dir / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(f"another ironflow server uses {data_dir}") from None
        yield
