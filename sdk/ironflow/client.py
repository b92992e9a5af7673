"""The clients: emit events, read runs, events and functions over HTTP. `Client` blocks, `AsyncClient` is awaited."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self, TypeVar

import httpx

from ironflow import access, calls, discovery, events, failing, groups, http, nodes, nouns, operations, policies, tables
from ironflow.calls import TIMEOUT_S, Call, Json, Page, Plan
from ironflow.config import AsyncConfig, Config
from ironflow.errors import IronflowError
from ironflow.events import Emitted, chunks, event
from ironflow.kv import AsyncKv, Kv
from ironflow.live import AsyncWatch, Watch
from ironflow.parts import Awaited, Blocking, Done
from ironflow.platform import AsyncPlatform, Platform
from ironflow.secrets import AsyncSecrets, Secrets
from ironflow.subscriptions import AsyncSubscription, Policy, Subscription, asked
from ironflow.webhooks import AsyncWebhooks, Webhooks

if TYPE_CHECKING:
    from ironflow.consuming import AsyncConsumer, Consumer

__all__ = ["AsyncClient", "Client", "Emitted", "Page", "chunks", "event"]

T = TypeVar("T")


class Client:
    """Talks to one server in one environment; may be used by several threads. Objects come as the dicts of the REST
    reference.

    The server is `server`, else `IRONFLOW_SERVER_URL`, else that of the discovery file `.ironflow/engine.json`, else
    http://127.0.0.1:9123. Who may act for the platform in an `organization` names it by its id. `via` is what a person
    acts through, such as `tui`: the audit tells it of the runs that are changed. All methods raise IronflowError or one
    of its subclasses.
    """

    def __init__(
        self,
        server: str | None = None,
        *,
        api_key: str | None = None,
        environment: str | None = None,
        organization: str = "",
        via: str = "",
        timeout_s: float = TIMEOUT_S,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        found = discovery.find(server, api_key=api_key, environment=environment)
        self.url = found.url
        self.environment = found.environment
        self._found = found
        self._organization = organization
        self._http = httpx.Client(**http.options(found, timeout_s, organization, via), transport=transport)
        self.runs = nouns.Runs(self)
        self.events = nouns.Events(self)
        self.functions = nouns.Functions(self)
        self.kv = Kv(self)
        self.config = Config(self)
        self.secrets = Secrets(self)
        self.streams = nouns.Streams(self)
        self.history = nouns.History(self)
        self.schemas = nouns.Schemas(self)
        self.projections = nouns.Projections(self)
        self.breakers = nouns.Breakers(self)
        self.breakpoints = nouns.Breakpoints(self)
        self.bulk = nouns.BulkJobs(self)
        self.webhooks = Webhooks(self)
        self.topics = nouns.Topics(self)
        self.groups = nouns.Groups(self)
        self.dead_letters = nouns.DeadLetters(self)
        self.policies = nouns.Policies(self)
        self.audit = nouns.Audit(self)
        self.apikeys = access.ApiKeys(self)
        self.roles = access.Roles(self)
        self.users = access.Users(self)
        self.orgs = access.Orgs(self)
        self.projects = access.Projects(self)
        self.environments = access.Environments(self)
        self.tenants = access.Tenants(self)
        self.platform = Platform(self)
        self.failures = nouns.Failures(self)

    emit = Blocking(events.emit)
    emit_batch = Blocking(events.emit_batch)
    emit_sync = Blocking(events.emit_sync)
    health = Blocking(operations.health)
    ready = Blocking(operations.ready)
    capabilities = Blocking(operations.capabilities)
    workers = Blocking(operations.workers)
    drain_worker = Blocking(operations.drain_worker)
    disconnect_worker = Blocking(operations.disconnect_worker)
    request = Blocking(calls.request)
    sql = Blocking(tables.sql)
    views = Blocking(tables.views)
    outbox = Blocking(groups.outbox)
    nats_credentials = Blocking(groups.nats_credentials)
    system = Blocking(nodes.system)
    diagnostics = Blocking(nodes.diagnostics)
    nodes = Blocking(nodes.nodes)
    cel = Blocking(policies.cel)
    me = Blocking(access.me)
    search = Blocking(failing.search)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    @property
    def via(self) -> str:
        """What a person acts through, "" for nothing that is told."""
        return str(self._http.headers.get(http.VIA_HEADER, ""))

    @via.setter
    def via(self, through: str) -> None:
        self._http.headers[http.VIA_HEADER] = through

    def consume(self, group: str, *, window: int = 0) -> Consumer:
        """A member of a consumer group: iterate over it to get messages, and settle each. At most `window` are in its
        hands at a time, by default 100."""
        from ironflow.consuming import Consumer

        return Consumer(self._found, group, window=window)

    def follow(self, plan: Plan[T]) -> T:
        """The operation's result."""
        call: Call | Done[T] = http.go_on(plan, None, self.url)
        while not isinstance(call, Done):
            call = http.go_on(plan, self._send(call), self.url)
        return call.result

    def awaited(self) -> AsyncClient:
        """A client of the same server and environment, for the same caller, whose methods are awaited."""
        key, environment = self._found.api_key, self.environment
        how: dict[str, Any] = {"organization": self._organization, "via": self.via}
        return AsyncClient(self.url, api_key=key, environment=environment, **how)

    def watch(self, path: str, params: Mapping[str, Any], after: int | None) -> Iterator[Json]:
        """What a stream of events brings, connected again and resumed when it breaks off."""
        return iter(self._watch(path, params, after, {}))

    def subscribe(
        self,
        *patterns: str,
        after: int | None = None,
        since: str | datetime | None = None,
        replay: int | None = None,
        filter: str | None = None,
        policy: Policy = "buffer",
    ) -> Subscription:
        """Iterates over events as they happen, for ever, in order: from now on, or those after a position or a time, or
        with the last `replay` of them first. A broken connection is resumed, and nothing is missed.

        Patterns are such as `order.>` (events), `topic:orders.*`, `entity:order.42.>`, `system.run.*.failed`; `filter`
        is CEL over data, topic, name, timestamp and metadata. With the policy `drop`, what a slow reader cannot take
        is left out and counted in `dropped`; otherwise it comes later.
        """
        params, begin = asked(patterns, filter=filter, policy=policy, since=since, replay=replay)
        return Subscription(self._watch("/api/v1/subscribe", params, after, begin))

    def _watch(self, path: str, params: Mapping[str, Any], after: int | None, begin: Mapping[str, Any]) -> Watch:
        lost = functools.partial(http.no_answer, self.url)
        return Watch(self._http, path, params, after, begin=begin, refused=http.refused, lost=lost)

    def _send(self, call: Call) -> Any:
        request = http.request(self._http, call)
        attempt = 1
        while True:
            try:
                return http.answer(call, self._http.send(request), self.url)
            except httpx.HTTPError as broken:
                error = http.no_answer(self.url, broken)
            except IronflowError as refused:
                error = refused
            delay_s = http.delay_s(call, attempt, error)
            if delay_s is None:
                raise error
            time.sleep(delay_s)
            attempt += 1


class AsyncClient:
    """As `Client`, with methods to be awaited: `await client.runs.get(id)`."""

    def __init__(
        self,
        server: str | None = None,
        *,
        api_key: str | None = None,
        environment: str | None = None,
        organization: str = "",
        via: str = "",
        timeout_s: float = TIMEOUT_S,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        found = discovery.find(server, api_key=api_key, environment=environment)
        self.url = found.url
        self.environment = found.environment
        self._found = found
        self._http = httpx.AsyncClient(**http.options(found, timeout_s, organization, via), transport=transport)
        self.runs = nouns.AsyncRuns(self)
        self.events = nouns.AsyncEvents(self)
        self.functions = nouns.AsyncFunctions(self)
        self.kv = AsyncKv(self)
        self.config = AsyncConfig(self)
        self.secrets = AsyncSecrets(self)
        self.streams = nouns.AsyncStreams(self)
        self.history = nouns.AsyncHistory(self)
        self.schemas = nouns.AsyncSchemas(self)
        self.projections = nouns.AsyncProjections(self)
        self.breakers = nouns.AsyncBreakers(self)
        self.breakpoints = nouns.AsyncBreakpoints(self)
        self.bulk = nouns.AsyncBulkJobs(self)
        self.webhooks = AsyncWebhooks(self)
        self.topics = nouns.AsyncTopics(self)
        self.groups = nouns.AsyncGroups(self)
        self.dead_letters = nouns.AsyncDeadLetters(self)
        self.policies = nouns.AsyncPolicies(self)
        self.audit = nouns.AsyncAudit(self)
        self.apikeys = access.AsyncApiKeys(self)
        self.roles = access.AsyncRoles(self)
        self.users = access.AsyncUsers(self)
        self.orgs = access.AsyncOrgs(self)
        self.projects = access.AsyncProjects(self)
        self.environments = access.AsyncEnvironments(self)
        self.tenants = access.AsyncTenants(self)
        self.platform = AsyncPlatform(self)
        self.failures = nouns.AsyncFailures(self)

    emit = Awaited(events.emit)
    emit_batch = Awaited(events.emit_batch)
    emit_sync = Awaited(events.emit_sync)
    health = Awaited(operations.health)
    ready = Awaited(operations.ready)
    capabilities = Awaited(operations.capabilities)
    workers = Awaited(operations.workers)
    drain_worker = Awaited(operations.drain_worker)
    disconnect_worker = Awaited(operations.disconnect_worker)
    request = Awaited(calls.request)
    sql = Awaited(tables.sql)
    views = Awaited(tables.views)
    outbox = Awaited(groups.outbox)
    nats_credentials = Awaited(groups.nats_credentials)
    system = Awaited(nodes.system)
    diagnostics = Awaited(nodes.diagnostics)
    nodes = Awaited(nodes.nodes)
    cel = Awaited(policies.cel)
    me = Awaited(access.me)
    search = Awaited(failing.search)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    def consume(self, group: str, *, window: int = 0) -> AsyncConsumer:
        """As `Client.consume`, to be iterated over with `async for`."""
        from ironflow.consuming import AsyncConsumer

        return AsyncConsumer(self._found, group, window=window)

    async def follow(self, plan: Plan[T]) -> T:
        """The operation's result."""
        call: Call | Done[T] = http.go_on(plan, None, self.url)
        while not isinstance(call, Done):
            call = http.go_on(plan, await self._send(call), self.url)
        return call.result

    def watch(self, path: str, params: Mapping[str, Any], after: int | None) -> AsyncIterator[Json]:
        """What a stream of events brings, connected again and resumed when it breaks off."""
        return aiter(self._watch(path, params, after, {}))

    def subscribe(
        self,
        *patterns: str,
        after: int | None = None,
        since: str | datetime | None = None,
        replay: int | None = None,
        filter: str | None = None,
        policy: Policy = "buffer",
    ) -> AsyncSubscription:
        """As `Client.subscribe`: `async for event in client.subscribe("order.>")`."""
        params, begin = asked(patterns, filter=filter, policy=policy, since=since, replay=replay)
        return AsyncSubscription(self._watch("/api/v1/subscribe", params, after, begin))

    def _watch(self, path: str, params: Mapping[str, Any], after: int | None, begin: Mapping[str, Any]) -> AsyncWatch:
        lost = functools.partial(http.no_answer, self.url)
        return AsyncWatch(self._http, path, params, after, begin=begin, refused=http.refused, lost=lost)

    async def _send(self, call: Call) -> Any:
        request = http.request(self._http, call)
        attempt = 1
        while True:
            try:
                return http.answer(call, await self._http.send(request), self.url)
            except httpx.HTTPError as broken:
                error = http.no_answer(self.url, broken)
            except IronflowError as refused:
                error = refused
            delay_s = http.delay_s(call, attempt, error)
            if delay_s is None:
                raise error
            await asyncio.sleep(delay_s)
            attempt += 1
