"""The faces of a node: HTTP (REST, Connect) and gRPC, both translating to the same operations.

A server is ready when they listen. What answers, half of all modules, is loaded by the first request that needs it, or
after that a little at a time (`Faces.load`).
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc

from app import resources
from app.access.audit_reading import AuditReader
from app.access.limits import RateLimits
from app.api.browsers import Browsers
from app.api.connections import SILENT_TIMEOUTS, Connections
from app.api.door import Door
from app.api.proxies import Proxies
from app.api.rsgi import Front
from app.api.services import Services
from app.api.short import ShortWay
from app.api.table import Table
from app.bus.bus import Bus
from app.dispatch.pull import PullWorkers
from app.durations import parse_duration
from app.entities.reading import EntityReader
from app.entities.snapshots import Snapshots
from app.events.lineage import LineageReader
from app.events.reading import EventReader
from app.events.subscriptions import Subscriptions
from app.events.watching import EventWatching
from app.history.explore import Explorer
from app.history.live import Live
from app.history.sql import Sql
from app.loading import one_by_one, standing_in
from app.metrics import Metrics
from app.node import Node
from app.outbound import reach
from app.projections.redactions import Redactions
from app.projections.updates import Updates
from app.rpc.receiving import Receiving
from app.rpc.server import Handlers, options
from app.runs.bulk import Bulk
from app.runs.bundling import Bundling
from app.runs.comparing import Comparing
from app.runs.logs import Logs
from app.runs.timeline import Timelines
from app.runs.watching import Watching
from app.settings import Settings, shown
from app.values.views import Views

if TYPE_CHECKING:
    from app.api.connect_streams import ConnectStreams
    from app.api.rsgi import Asgi
    from app.api.sockets import Sockets
    from app.demo import Demo
    from app.rpc.conversations import Conversations
    from app.rpc.worker import Conversation

LIBRARIES = ("google.protobuf.json_format", "ironflow.v1.worker_pb2_grpc", "falcon.asgi", "prometheus_client")
"""What the faces are made with, too large for one step each. They know no msgspec, so they need not have the loop."""
LATER = (
    "app.rpc.worker",
    "app.rpc.worker_service",
    "ironflow.v1.ironflow_pb2_grpc",
    "ironflow.v1.projection_pb2_grpc",
    "ironflow.v1.pubsub_pb2_grpc",
    "app.rpc.convert",
    "app.api.runs",
    "app.rpc.methods",
    "app.rpc.projections",
    "app.rpc.groups",
    "app.rpc.tables",
    "app.rpc.ironflow_service",
    "app.api.connect_json",
    "app.api.connect",
    "app.api.connect_streams",
    "app.api.sockets",
    "app.api.http",
)
"""What each face begins with, in steps that are short."""


class GrpcPortTaken(Exception):
    """Somebody else listens where gRPC should."""

    code = "PORT_IN_USE"
    hint = "stop the other program, or take another port with --grpc-port"


class Faces:
    """`problems` says what keeps the server from being ready; it is shared and may change."""

    def __init__(self, *, node: Node, bus: Bus, settings: Settings, metrics: Metrics, problems: dict[str, str]) -> None:
        self._node = node
        self._bus = bus
        self._settings = settings
        self._metrics = metrics
        self._problems = problems
        self._grpc_address = ""
        self._grpc: grpc.aio.Server | None = None
        self._handlers: Handlers | None = None
        self._services: Services | None = None
        self._stopping = False
        self._patience_s = parse_duration(settings.receive_timeout) / 1_000_000
        self.connections = Connections(silent_s=SILENT_TIMEOUTS * self._patience_s)
        self.live = Live(tail=node.tail, storage=node.storage)
        self.updates = Updates(projections=node.projections, live=self.live, storage=node.storage, clock=node.clock)
        self._watch()

    async def start_grpc(self) -> str:
        """Listen for gRPC; the address. Raises GrpcPortTaken."""
        door, patience_s = self._door(), self._patience_s
        receiving = Receiving(door, self._metrics, receive_timeout_s=patience_s)
        server = grpc.aio.server(interceptors=(receiving,), options=options(receive_timeout_s=patience_s))
        wanted = f"{self._settings.host}:{self._settings.grpc_port}"
        try:
            if self._settings.tls_cert:
                port = server.add_secure_port(wanted, _credentials(self._settings))
            else:
                port = server.add_insecure_port(wanted)
        except RuntimeError:
            raise GrpcPortTaken(f"cannot listen for gRPC on {wanted}: the port is in use") from None
        host = "127.0.0.1" if self._settings.host == "0.0.0.0" else self._settings.host
        self._grpc_address = f"{host}:{port}"
        self._services = services_of(
            self._node,
            bus=self._bus,
            live=self.live,
            metrics=self._metrics,
            problems=self._problems,
            grpc_address=self._grpc_address,
            door=door,
            settings=self._settings,
            demo=lambda: self._demo,
        )
        self._handlers = Handlers(worker=self._add_workers, others=self._add_others)
        server.add_generic_rpc_handlers((self._handlers,))
        await server.start()
        self._grpc = server
        return self._grpc_address

    def http(self) -> Front:
        """The RSGI application. Call after start_grpc."""
        return Front(
            ShortWay(self._made),
            lambda: self._streams,
            lambda: self._sockets,
            lambda: self._asgi,
            self._made.door.proxies,
            self.connections,
            receive_timeout_s=self._patience_s,
        )

    async def load(self) -> None:
        """Load what answers, and leave the event loop to others in between. Call after http."""
        for name in LIBRARIES:
            await asyncio.to_thread(_import, name)
        await one_by_one(partial(_import, name) for name in LATER)
        assert self._handlers is not None
        await one_by_one((self._handlers.load, lambda: self._streams, lambda: self._sockets, lambda: self._asgi))
        await self._table.load()

    async def stop(self, timeout_s: float) -> None:
        """End the workers' and the subscribers' streams, then what else is open."""
        self._stopping = True
        if "_demo" in vars(self):
            await self._demo.stop()  # while there is somebody for its worker to take leave of
        self.live.stop()
        self._bus.groups.stop()
        if "_conversations" in vars(self):
            self._conversations.stop()
        await asyncio.sleep(0)  # subscribers and members are told
        if "_sockets" in vars(self):
            await self._sockets.stop()
        if self._grpc is not None:
            await asyncio.wait_for(self._grpc.stop(timeout_s / 2), timeout_s)

    @property
    def _made(self) -> Services:
        assert self._services is not None
        return self._services

    @cached_property
    def _conversations(self) -> Conversations:
        from app.rpc.conversations import Conversations

        conversations = Conversations(self._converse, self._node.tail.rush)
        if self._stopping:
            conversations.stop()
        return conversations

    @cached_property
    def _streams(self) -> ConnectStreams:
        from app.api.connect_streams import ConnectStreams

        return ConnectStreams(self._made, self._conversations, self._browsers, receive_timeout_s=self._patience_s)

    @cached_property
    def _sockets(self) -> Sockets:
        from app.api.sockets import Sockets

        return Sockets(self._made, self._browsers)

    @cached_property
    def _demo(self) -> Demo:
        from app.demo import Demo

        node = self._node
        return Demo(dev=self._settings.dev, url=lambda: node.nodes.address, named=node.access.tenancy.name)

    @cached_property
    def _table(self) -> Table:
        return Table(self._made)

    @cached_property
    def _asgi(self) -> Asgi:
        _import("falcon.asgi")
        from app.api import http

        asgi: Asgi = http.build(self._made, self._browsers, self._table)
        return asgi

    def _add_workers(self, server: Any) -> None:
        from app.rpc.worker_service import WorkerService
        from ironflow.v1 import worker_pb2_grpc

        workers = WorkerService(self._conversations, self._made)
        worker_pb2_grpc.add_WorkerServiceServicer_to_server(workers, server)

    def _add_others(self, server: Any) -> None:
        from app.rpc import ironflow_service

        ironflow_service.add(self._made, server, stops=self._stops)

    def _stops(self) -> bool:
        return self._stopping

    @cached_property
    def _browsers(self) -> Browsers:
        settings = self._settings
        return Browsers(allowed=settings.origins, dev=settings.dev, local_only=settings.is_private)

    def _door(self) -> Door:
        settings, node = self._settings, self._node
        limits = RateLimits(node.clock, per_key=settings.rate_limit_key, per_org=settings.rate_limit_org)
        proxies = Proxies(reach.networks(settings.trusted_proxies))
        return Door(node.access, limits, required=not settings.dev, proxies=proxies)

    def _converse(self, environment: str) -> Conversation:
        from app.rpc.worker import Conversation

        node = self._node
        return Conversation(
            dispatcher=node.dispatcher,
            engine=node.engine,
            emitter=node.emitter,
            topics=node.topics,
            ids=node.ids,
            clock=node.clock,
            environment=environment,
        )

    def _watch(self) -> None:
        node, watch = self._node, self._metrics.watch
        watch("ironflow_history_position", lambda: node.tail.head)
        watch("ironflow_store_statements_total", lambda: node.storage.statements.run)
        watch("ironflow_nodes", lambda: len(node.nodes.listed()))
        watch("ironflow_node_leads", lambda: node.nodes.leads)
        watch("ironflow_workers", lambda: len(node.dispatcher.sessions))
        watch("ironflow_jobs_active", lambda: node.dispatcher.jobs_active)
        watch("ironflow_runs_queued", lambda: node.dispatcher.queued)
        watch("ironflow_timers", lambda: len(node.timers))
        watch("ironflow_waits", lambda: len(node.waiting))
        watch("ironflow_triggers_faulty", lambda: node.functions.faults())
        watch("ironflow_subscriptions", lambda: len(self.live))


def _import(name: str) -> object:
    with standing_in("http.cookiejar", Cookie=object):  # Falcon has it in a type of its clients for tests
        return importlib.import_module(name)


def _credentials(settings: Settings) -> grpc.ServerCredentials:
    pair = (Path(settings.tls_key).read_bytes(), Path(settings.tls_cert).read_bytes())
    return grpc.ssl_server_credentials([pair])


def services_of(
    node: Node,
    *,
    bus: Bus,
    live: Live,
    metrics: Metrics,
    problems: Mapping[str, str],
    grpc_address: str,
    door: Door,
    settings: Settings,
    demo: Callable[[], Demo],
) -> Services:
    """What the resources of both faces are given."""
    return Services(
        storage=node.storage,
        tail=node.tail,
        committer=node.committer,
        emitter=node.emitter,
        invoker=node.invoker,
        topics=node.topics,
        events=EventReader(node.storage),
        schemas=node.schemas,
        projections=node.projections,
        streams=node.streams,
        entities=EntityReader(node.storage),
        snapshots=Snapshots(node.storage, node.clock, node.ids),
        explorer=Explorer(node.storage),
        sql=Sql(node.storage),
        lineage=LineageReader(node.storage),
        runs=node.runs,
        timelines=Timelines(node.storage),
        logs=Logs(node.storage),
        past=node.past,
        comparing=Comparing(node.storage, node.past),
        views=Views(storage=node.storage, clock=node.clock),
        watching=Watching(node.storage, node.past),
        event_watching=EventWatching(node.storage),
        bundling=Bundling(node.storage),
        engine=node.engine,
        bulk=Bulk(reader=node.runs, engine=node.engine, forks=node.forks),
        bulk_jobs=node.bulk_jobs,
        rewind=node.rewind,
        forks=node.forks,
        breakpoints=node.breakpoints,
        replaying=node.replaying,
        functions=node.functions,
        versions=node.versions,
        gatekeeper=node.gatekeeper,
        dispatcher=node.dispatcher,
        nodes=node.nodes,
        waits=node.waits,
        waiting=node.waiting,
        worker_steering=node.worker_steering,
        pull=PullWorkers(dispatcher=node.dispatcher, engine=node.engine, clock=node.clock),
        keyspace=node.keyspace,
        configs=node.configs,
        vault=node.vault,
        sources=node.sources,
        ingest=node.ingest,
        deliveries=node.deliveries,
        push=node.push,
        groups=node.groups,
        search=node.search,
        bus=bus,
        policies=node.policies,
        audit=node.audit,
        audit_reader=AuditReader(node.storage, node.audit),
        redactions=Redactions(
            storage=node.storage, committer=node.committer, projections=node.projections, ids=node.ids
        ),
        live=live,
        subscriptions=Subscriptions(live=live, storage=node.storage, clock=node.clock),
        clock=node.clock,
        ids=node.ids,
        metrics=metrics,
        version=resources.VERSION,
        grpc_address=grpc_address,
        access=node.access,
        door=door,
        problems=lambda: {**problems, **({"nodes": told} if (told := node.nodes.problem) else {})},
        settings=shown(settings),
        demo=demo,
    )
