"""A server: the faces around a node, started and stopped in order, in one process and one event loop.

app/boot.py has bound the socket and answers /health meanwhile; this opens its gate for everything else. NATS starts
beside it all and is not waited for. When told to stop: take no new work, end the workers' streams, answer what is in
flight, commit what is queued.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import json
import os
import socket
from collections.abc import Awaitable, Callable, Container
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from app import logs, resources
from app.access.bootstrap import FILE as KEY_FILE
from app.access.bootstrap import key_of, sign_in_link
from app.access.seeding import seed
from app.bus.nats_server import Child, NatsServer
from app.cancelling import end
from app.clock import SystemClock
from app.dispatch.nodes import Nodes
from app.dispatch.push import PushOptions
from app.durations import parse_duration
from app.ids import Ids
from app.metrics import Metrics
from app.node import Node
from app.outbound import reach
from app.search.embedder import EmbedOptions
from app.settings import Settings
from app.values.keyring import master_keys
from storage.contract import Storage

if TYPE_CHECKING:
    from app.bus.bus import Bus
    from app.faces import Faces


class Gate(Protocol):
    """Lets requests through to the application that it is opened with. `let_go`, run as the server stops, ends
    connections on which nothing is asked any more."""

    def open(self, app: Callable[[Any, Any], Awaitable[None]], let_go: Callable[[], Awaitable[None]]) -> None: ...


log = structlog.get_logger(__name__)

STOP_TIMEOUT_S = 10.0
DISCOVERY_FILE = "engine.json"
NODE_FILE = "node"
"""Holds the id of the node that has the data directory, or had it last."""

Ready = Callable[[str, str, str], None]
"""Told the URL, the gRPC address and a sign-in link, "" if there is none, when everything is up."""


class _Stopped(Exception):
    """The stop came before the node was there."""


class Server:
    def __init__(
        self,
        settings: Settings,
        data_dir: Path,
        listening: socket.socket,
        child: Child | None,
        *,
        gate: Gate,
        stop: asyncio.Event,
        hurry: asyncio.Event,
    ) -> None:
        """Told to stop, it serves on for the delay that is set, unless told to `hurry`."""
        self._settings = settings
        self._data_dir = data_dir
        self._listening = listening
        self._child = child
        self._gate = gate
        self._stop = stop
        self._hurry = hurry
        self._metrics = Metrics()
        self._problems: dict[str, str] = {"server": "starting"}

    async def run(self, storage: Storage, ready: Ready) -> None:
        """Returns when it was told to stop and everything is ended in order."""
        try:
            await self._run_node(storage, ready)
        except* _Stopped:
            log.info("stopped before it was ready")

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
            embedding=EmbedOptions(
                url=self._settings.embedding_url,
                model=self._settings.embedding_model,
                api_key=self._settings.embedding_api_key,
            ),
        )
        logs.filter_with(node.vault.scrubber.text)
        async with asyncio.TaskGroup() as tasks:
            running = await self._started(node, tasks)
            try:
                await self._serve(node, tasks, running, own_ports=own_ports, ready=ready)
            finally:
                await end(*running)  # a task group cancels once, which is not always enough
                await node.nodes.leave()

    async def _serve(
        self,
        node: Node,
        tasks: asyncio.TaskGroup,
        running: list[asyncio.Task[Any]],
        *,
        own_ports: set[int],
        ready: Ready,
    ) -> None:
        """Put the faces around the node until the stop; the loops that they need are added to `running`. All that
        speaks with NATS begins later: nothing of it is waited for."""
        from app.bus.bus import Bus
        from app.faces import Faces

        bus = Bus(
            server=NatsServer(self._child) if self._child is not None else None,
            url=self._settings.nats_url,
            storage=node.storage,
            tail=node.tail,
            fold=node.fold,
            emitter=node.emitter,
            groups=node.groups,
            ids=node.ids,
            access=node.access,
            policies=node.policies,
            clock=node.clock,
            turn=node.nodes,
        )
        bus.watch(self._metrics)
        faces = Faces(node=node, bus=bus, settings=self._settings, metrics=self._metrics, problems=self._problems)
        running.append(tasks.create_task(faces.live.run(), name="live"))
        running.append(tasks.create_task(faces.updates.run(), name="projection-updates"))
        port = self._listening.getsockname()[1]
        running.append(tasks.create_task(faces.connections.run(port), name="connections"))
        key = await self._first_key(node)
        await seed(node.access.tenancy, self._settings.organizations)
        grpc_address = await faces.start_grpc()
        discovery: Path | None = None
        try:
            own_ports.add(int(grpc_address.rpartition(":")[2]))
            self._gate.open(faces.http(), faces.connections.let_go)
            scheme = "https" if self._settings.tls_cert else "http"
            url = f"{scheme}://{_host(self._listening)}"
            discovery = self._announce(url, grpc_address, key)
            node.nodes.move(url)
            self._problems.pop("server")
            ready(url, grpc_address, "" if self._settings.dev else sign_in_link(node.access, url))
            running.append(tasks.create_task(_load(faces, bus, tasks, running), name="load"))
            await self._stop.wait()
            self._problems["server"] = "stopping"
            await self._linger()
        finally:
            log.info("stopping")
            self._problems["server"] = "stopping"
            if discovery is not None:
                discovery.unlink(missing_ok=True)
            await node.push.drain(STOP_TIMEOUT_S / 2)
            await faces.stop(STOP_TIMEOUT_S)
            await _drain(node)
            await node.access.write_uses()

    async def _linger(self) -> None:
        """Serve on, and not be ready: a load balancer sees it, and sends its requests elsewhere."""
        delay_s = parse_duration(self._settings.stop_delay) / 1_000_000
        if delay_s:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay_s):
                    await self._hurry.wait()

    async def _started(self, node: Node, tasks: asyncio.TaskGroup) -> list[asyncio.Task[Any]]:
        """What the node runs, once it has taken up what the store holds. Raises _Stopped if the stop comes first."""
        starting = asyncio.create_task(node.start(tasks), name="start")
        stopping = asyncio.create_task(self._stop.wait(), name="stop")
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not starting.done():
            await end(starting)
            raise _Stopped
        return starting.result()

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


async def _load(faces: Faces, bus: Bus, tasks: asyncio.TaskGroup, running: list[asyncio.Task[Any]]) -> None:
    """Load what a server can be ready without: what answers, then NATS' client. All that speaks with NATS begins then,
    and is added to `running`."""
    await faces.load()
    await asyncio.to_thread(importlib.import_module, "nats")
    gc.freeze()  # as app/boot.py does with what is there at the start
    running += [tasks.create_task(loop(), name=name) for name, loop in bus.loops()]


async def _drain(node: Node) -> None:
    """Commit what is queued, if the store lets us: nobody who was not answered may rely on it."""
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await node.committer.drain()
    except TimeoutError:
        log.warning("commands were not recorded in time, and their callers not answered")


def push_options(settings: Settings, own_ports: Container[int]) -> PushOptions:
    """How push endpoints are called. Who can reach a server on loopback only is on this machine anyway, and may have
    endpoints there; the server's own ports stay out of bounds."""
    local = reach.LOOPBACK if settings.is_private else ()
    return PushOptions(
        reach=reach.Reach((*local, *reach.networks(settings.push_allow)), own_ports=own_ports),
        timeout_s=parse_duration(settings.push_timeout) / 1_000_000,
        concurrency=settings.push_concurrency,
        signing_key=settings.signing_key,
    )


def _host(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = "127.0.0.1"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
