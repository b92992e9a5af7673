"""`ironflow serve`: the faces around a node, started and stopped in order, in one process and one event loop.

The caller binds the listening socket before anything heavy is imported, so clients queue instead of being refused.
HTTP answers /health at once; every other request waits for the node. NATS starts beside it and never gates it.
On SIGTERM or SIGINT: take no new work, end the workers' streams, answer what is in flight, commit what is queued.
"""

from __future__ import annotations

import asyncio
import fcntl
import gc
import json
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Container, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from app import logs, resources
from app.access.bootstrap import FILE as KEY_FILE
from app.access.bootstrap import key_of, sign_in_link
from app.bus.nats_server import Child, NatsServer
from app.bus.nats_server import spawn as spawn_nats
from app.cancelling import end
from app.clock import SystemClock
from app.dispatch.nodes import Nodes
from app.dispatch.push import PushOptions
from app.durations import parse_duration
from app.ids import Ids
from app.metrics import Metrics
from app.node import Node
from app.outbound import reach
from app.settings import Settings
from app.values.keyring import master_keys
from storage import open_storage
from storage.contract import Storage

if TYPE_CHECKING:
    from app.bus.bus import Bus

log = structlog.get_logger(__name__)

STOP_TIMEOUT_S = 10.0
DISCOVERY_FILE = "engine.json"
DATABASE_FILE = "ironflow.db"
NODE_FILE = "node"
"""Holds the id of the node that has the data directory, or had it last."""
CONNECTIONS_MAX = 10_000
"""Served at a time; Granian's own default of 128 would leave the next ones waiting without a word."""
GC_THRESHOLD = 50_000
"""Objects between two looks for cycles: what a batch makes is freed by its counts, and looking costs a tenth."""
SWITCH_INTERVAL_S = 0.002

Ready = Callable[[str, str, str], None]
"""Told the URL, the gRPC address and a sign-in link, "" if there is none, when everything is up."""

Rsgi = Callable[[Any, Any], Awaitable[None]]


class AlreadyRunning(Exception):
    """Another server uses this data directory."""

    code = "DATA_DIR_IN_USE"
    hint = "stop the other server, or give this one a folder of its own with --data-dir"


def serve(settings: Settings, *, listening: socket.socket, ready: Ready) -> int:
    """Run until a signal says stop; the exit code. Raises AlreadyRunning, GrpcPortTaken, StorageError before
    anything is served."""
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
            return uvloop.run(_Server(settings, data_dir, listening, child).run(ready))
        except ExceptionGroup as group:
            raise _alone(group) from None


class _Server:
    def __init__(self, settings: Settings, data_dir: Path, listening: socket.socket, child: Child | None) -> None:
        self._settings = settings
        self._data_dir = data_dir
        self._listening = listening
        self._child = child
        self._gate = Gate()
        self._stop = asyncio.Event()
        self._metrics = Metrics()
        self._problems: dict[str, str] = {"server": "starting"}

    async def run(self, ready: Ready) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        http = _HttpServer(self._gate, self._listening)
        serving = asyncio.create_task(http.serve(), name="http")
        serving.add_done_callback(lambda _: self._stop.set())
        storage = await open_storage(
            self._settings.database_url or str(self._data_dir / DATABASE_FILE), resources.sql_folder()
        )
        try:
            for name in await storage.migrate():
                log.info("migrated", migration=name)
            await self._run_node(storage, ready)
        finally:
            http.stop()
            await asyncio.wait([serving], timeout=STOP_TIMEOUT_S)
            await storage.close()
        if serving.done() and not serving.cancelled() and (error := serving.exception()) is not None:
            raise error
        return 0

    async def _run_node(self, storage: Storage, ready: Ready) -> None:
        clock = SystemClock()
        masters = master_keys(self._data_dir, self._settings.master_key_file, os.environ)
        own_ports = {self._listening.getsockname()[1]}
        ids = Ids(clock)
        node_id = ids.node()
        node = Node(
            storage=storage,
            clock=clock,
            ids=ids,
            observer=self._metrics,
            master_keys=masters,
            always_replay=self._settings.always_replay,
            push=push_options(self._settings, own_ports),
            webhook_grace_s=self._settings.webhook_secret_grace_hours_default * 3_600,
            nodes=Nodes(
                storage=storage,
                clock=clock,
                node_id=node_id,
                predecessor=self._succeed(node_id),
                shared_bus=bool(self._settings.nats_url),
                version=resources.VERSION,
            ),
        )
        logs.filter_with(node.vault.scrubber.text)
        async with asyncio.TaskGroup() as tasks:
            running = await node.start(tasks)
            bus, speaking = self._start_bus(tasks, node)
            running += speaking
            from app.faces import Faces

            faces = Faces(node=node, bus=bus, settings=self._settings, metrics=self._metrics, problems=self._problems)
            running.append(tasks.create_task(faces.live.run(), name="live"))
            key = await self._first_key(node)
            grpc_address = await faces.start_grpc()
            own_ports.add(int(grpc_address.rpartition(":")[2]))
            self._gate.open(faces.http())
            url = f"http://{_host(self._listening)}"
            discovery = self._announce(url, grpc_address, key)
            node.nodes.move(url)
            self._problems.pop("server")
            gc.collect()
            gc.freeze()
            gc.set_threshold(GC_THRESHOLD, 20, 50)
            ready(url, grpc_address, "" if self._settings.dev else sign_in_link(node.access, url))
            try:
                await self._stop.wait()
            finally:
                log.info("stopping")
                self._problems["server"] = "stopping"
                discovery.unlink(missing_ok=True)
                await node.push.drain(STOP_TIMEOUT_S / 2)
                await faces.stop(STOP_TIMEOUT_S)
                await _drain(node)
                await node.access.write_uses()
                await end(*running)
                await node.nodes.leave()

    def _start_bus(self, tasks: asyncio.TaskGroup, node: Node) -> tuple[Bus, list[asyncio.Task[Any]]]:
        """All that speaks with NATS; nothing of it is waited for."""
        from app.bus.bus import Bus

        bus = Bus(
            server=NatsServer(self._child) if self._child is not None else None,
            url=self._settings.nats_url,
            storage=node.storage,
            tail=node.tail,
            fold=node.fold,
            emitter=node.emitter,
            groups=node.groups,
            ids=node.ids,
            turn=node.nodes,
        )
        bus.watch(self._metrics)
        return bus, [tasks.create_task(loop(), name=name) for name, loop in bus.loops()]

    def _succeed(self, node_id: str) -> str:
        """The node that had the data directory last, or ""; this one has it now."""
        path = self._data_dir / NODE_FILE
        last = path.read_text("utf-8").strip() if path.exists() else ""
        path.write_text(f"{node_id}\n", "utf-8")
        return last

    async def _first_key(self, node: Node) -> str:
        """The key that local clients use; "" if nobody is asked for one. Raises KeyFileUnreadable."""
        if self._settings.dev:
            log.warning("nobody is asked who they are (--dev): for development on this machine only")
            return ""
        given = self._settings.bootstrap_key_file
        return await key_of(node.access, Path(given) if given else self._data_dir / KEY_FILE)

    def _announce(self, url: str, grpc_address: str, key: str) -> Path:
        """Write the file by which local clients find the server, and the key that lets them in."""
        path = self._data_dir / DISCOVERY_FILE
        told: dict[str, Any] = {
            "version": 1,
            "url": url,
            "grpc_address": grpc_address,
            "environment": "default",
            "pid": os.getpid(),
        }
        if key:
            told["api_key"] = key
        scratch = path.with_suffix(".tmp")
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(told, file)
        scratch.replace(path)
        return path


def _alone(error: Exception) -> Exception:
    """What a task group was ended by, out of its groups if it is one thing."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        [error] = error.exceptions
    return error


async def _drain(node: Node) -> None:
    """Commit what is queued, if the store lets us: nobody who was not answered may rely on it."""
    try:
        await asyncio.wait_for(node.committer.drain(), STOP_TIMEOUT_S)
    except TimeoutError:
        log.warning("commands were not recorded in time, and their callers not answered")


def push_options(settings: Settings, own_ports: Container[int]) -> PushOptions:
    """How push endpoints are called. Who can reach a server on loopback only is on this machine anyway, and may have
    endpoints there; the server's own ports stay out of bounds."""
    local = reach.LOOPBACK if settings.is_local else ()
    return PushOptions(
        reach=reach.Reach((*local, *reach.networks(settings.push_allow)), own_ports=own_ports),
        timeout_s=parse_duration(settings.push_timeout) / 1_000_000,
        concurrency=settings.push_concurrency,
        signing_key=settings.signing_key,
    )


class Gate:
    """The RSGI application from the first moment: answers /health, and lets the rest wait for the real one."""

    def __init__(self) -> None:
        self._app: Rsgi | None = None
        self._opened = asyncio.Event()

    def open(self, app: Rsgi) -> None:
        self._app = app
        self._opened.set()

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        if self._app is None:
            if scope.proto == "http" and scope.path == "/health":
                protocol.response_bytes(200, [("content-type", "application/json")], b'{"status":"starting"}')
                return
            await self._opened.wait()
        assert self._app is not None
        await self._app(scope, protocol)


class _HttpServer:
    """Granian in our event loop, on a socket that we bound. It uses two private names of Granian, hence the pinned
    version; by itself Granian always shares its port, so that a second server would go unnoticed."""

    def __init__(self, app: Gate, listening: socket.socket) -> None:
        from granian._granian import SocketHolder
        from granian.server.embed import Server

        holder: Any = SocketHolder
        base: Any = Server

        class OnSocket(base):  # type: ignore[misc]
            def _init_shared_socket(self) -> None:
                self._ssp = None
                self._shd = holder(os.dup(listening.fileno()), False, 1024)  # it closes what it is given

        self._server: Any = OnSocket(
            app, interface="rsgi", log_enabled=False, backlog=1024, backpressure=CONNECTIONS_MAX
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


def _host(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = "127.0.0.1"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
