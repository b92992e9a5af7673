"""What the resources of the HTTP and gRPC faces are given, and how they name their routes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from app.access.access import Access
from app.access.audit import Audit
from app.access.audit_reading import AuditReader
from app.access.policies import Policies
from app.api.answers import JSON
from app.api.door import Door
from app.bus.bus import Bus
from app.clock import Clock
from app.dispatch.dispatcher import Dispatcher
from app.dispatch.nodes import Nodes
from app.dispatch.pull import PullWorkers
from app.dispatch.push import PushWorkers
from app.dispatch.steering import WorkerSteering
from app.entities.reading import EntityReader
from app.entities.snapshots import Snapshots
from app.entities.streams import Streams
from app.events.emit import Emitter
from app.events.groups import Groups
from app.events.invoke import Invoker
from app.events.lineage import LineageReader
from app.events.reading import EventReader
from app.events.replaying import Replaying
from app.events.schemas import Schemas
from app.events.subscriptions import Subscriptions
from app.events.topics import Topics
from app.events.watching import EventWatching
from app.history.committer import Committer
from app.history.explore import Explorer
from app.history.live import Live
from app.history.sql import Sql
from app.history.tail import Tail
from app.ids import Ids
from app.metrics import Metrics
from app.projections.redactions import Redactions
from app.projections.service import Projections
from app.runs.breakpoints import Breakpoints
from app.runs.bulk import Bulk
from app.runs.bulk_jobs import BulkJobs
from app.runs.bundling import Bundling
from app.runs.comparing import Comparing
from app.runs.engine import Engine
from app.runs.forks import Forks
from app.runs.functions import Functions
from app.runs.logs import Logs
from app.runs.past import Past
from app.runs.reading import RunReader
from app.runs.rewind import Rewind
from app.runs.timeline import Timelines
from app.runs.versions import VersionReader
from app.runs.waits import Waits
from app.runs.watching import Watching
from app.scheduler.gatekeeper import Gatekeeper
from app.scheduler.waiting import Waiting
from app.search.service import Search
from app.values.configs import Configs
from app.values.keyspace import Keyspace
from app.values.vault import Vault
from app.values.views import Views
from app.webhooks.deliveries import Deliveries
from app.webhooks.ingest import Ingest
from app.webhooks.sources import Sources
from storage.contract import Storage

if TYPE_CHECKING:
    from app.demo import Demo


class Services(msgspec.Struct, frozen=True):
    """`problems` says, by component, what keeps the server from being ready; `settings` are as they may be shown;
    `demo` makes the one that there is."""

    storage: Storage
    tail: Tail
    committer: Committer
    emitter: Emitter
    invoker: Invoker
    topics: Topics
    events: EventReader
    schemas: Schemas
    projections: Projections
    streams: Streams
    entities: EntityReader
    snapshots: Snapshots
    explorer: Explorer
    sql: Sql
    lineage: LineageReader
    runs: RunReader
    timelines: Timelines
    logs: Logs
    past: Past
    comparing: Comparing
    watching: Watching
    event_watching: EventWatching
    bundling: Bundling
    engine: Engine
    bulk: Bulk
    bulk_jobs: BulkJobs
    rewind: Rewind
    forks: Forks
    breakpoints: Breakpoints
    replaying: Replaying
    functions: Functions
    versions: VersionReader
    gatekeeper: Gatekeeper
    dispatcher: Dispatcher
    nodes: Nodes
    waits: Waits
    waiting: Waiting
    pull: PullWorkers
    worker_steering: WorkerSteering
    keyspace: Keyspace
    configs: Configs
    vault: Vault
    views: Views
    sources: Sources
    ingest: Ingest
    deliveries: Deliveries
    live: Live
    subscriptions: Subscriptions
    push: PushWorkers
    groups: Groups
    search: Search
    bus: Bus
    policies: Policies
    audit: Audit
    audit_reader: AuditReader
    redactions: Redactions
    clock: Clock
    ids: Ids
    metrics: Metrics
    version: str
    grpc_address: str
    access: Access
    door: Door
    problems: Callable[[], Mapping[str, str]]
    settings: Mapping[str, Any]
    demo: Callable[[], Demo]


class Answer(NamedTuple):
    """What an answer means, the struct it is, if it has a body; its media type, and headers that matter."""

    text: str
    kind: Any = None
    media: str = JSON
    headers: Mapping[str, str] = {}


class Body(NamedTuple):
    """The struct that a body is read into, or those that it may be one of, and an example that is accepted."""

    kind: Any
    example: Any
    required: bool = True
    media: str = JSON


class Operation(msgspec.Struct, frozen=True):
    """One method of a route, as the OpenAPI document shows it. An answer that is but a text has no body, or is an
    error; `query` is the struct that parameters are read into; `headers` are those of this operation only; `permission`
    is what the caller needs, such as "runs:read", or `open` says why nobody is asked: one of the two."""

    summary: str
    answers: Mapping[int, str | Answer]
    query: type[msgspec.Struct] | None = None
    body: Body | None = None
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    permission: str = ""
    open: str = ""


class Route(NamedTuple):
    """A path template, the object that answers it, and its methods."""

    path: str
    resource: Any
    operations: Mapping[str, Operation]
