"""Everything one node is made of below its faces, built by hand: who is given whom.

Tests and offline commands assemble a node without a network; `server.py` adds the faces.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Sequence
from typing import Any

from app.access.access import Access
from app.access.audit import Audit
from app.access.audit_noun import AuditNoun
from app.access.nouns import nouns as identity_nouns
from app.access.policies import Policies
from app.access.policy_noun import PolicyNoun
from app.clock import Clock
from app.dispatch.dispatcher import Dispatcher
from app.dispatch.nodes import Nodes
from app.dispatch.push import PushOptions, PushWorkers
from app.dispatch.steering import WorkerNoun, WorkerSteering
from app.entities.noun import EntityNoun
from app.entities.streams import Streams
from app.events.dead_letter import DeadLetterNoun
from app.events.emit import Emitter
from app.events.group import GroupNoun
from app.events.groups import Groups
from app.events.invoke import Invoker
from app.events.noun import EventNoun
from app.events.replaying import Replaying
from app.events.schema_noun import EnforcementNoun, SchemaNoun
from app.events.schemas import Schemas
from app.events.topics import MessageNoun, Topics
from app.history.committer import Committer, Observer
from app.history.fold import Fold, Noun
from app.history.insist import insist, unheeded
from app.history.redaction import RedactionNoun
from app.history.tail import Tail
from app.ids import Ids
from app.projections.declared import DeclaredRunner
from app.projections.filling import TableRunner
from app.projections.noun import ProjectionNoun
from app.projections.runners import Runners
from app.projections.service import Projections
from app.runs.breakpoints import Breakpoints
from app.runs.bulk_job import BulkJob, BulkNoun
from app.runs.bulk_jobs import BulkJobs
from app.runs.cancellations import Cancellations
from app.runs.engine import Engine
from app.runs.forks import Forks
from app.runs.function import FunctionNoun
from app.runs.functions import Functions
from app.runs.gates import GateNoun
from app.runs.noun import RunNoun
from app.runs.past import Past
from app.runs.reading import RunReader
from app.runs.rewind import Rewind
from app.runs.versions import VersionReader
from app.runs.waits import Waits
from app.scheduler.bulk import Ask, BulkWork
from app.scheduler.cron import Cron
from app.scheduler.expiry import Expiry
from app.scheduler.gatekeeper import Gatekeeper
from app.scheduler.timers import Timers
from app.scheduler.waiting import Waiting
from app.search.embedder import EmbedOptions
from app.search.mark_noun import MarkNoun
from app.search.service import Search
from app.values.buckets import BucketNoun
from app.values.config import ConfigNoun
from app.values.configs import Configs
from app.values.keyring import GivenKeys, MasterKeys
from app.values.keyspace import Keyspace
from app.values.kv import KvNoun
from app.values.secrets import SecretNoun
from app.values.vault import Vault
from app.webhooks.deliveries import Deliveries
from app.webhooks.ingest import Ingest
from app.webhooks.noun import DeliveryNoun, SourceNoun
from app.webhooks.sources import GRACE_S_DEFAULT, Sources
from storage.contract import Storage


def nouns() -> Sequence[Noun]:
    """Every noun that history derives, for the committer, the rebuild and offline commands alike."""
    return (
        EventNoun(),
        RunNoun(),
        FunctionNoun(),
        GateNoun(),
        MessageNoun(),
        BucketNoun(),
        KvNoun(),
        ConfigNoun(),
        SecretNoun(),
        EntityNoun(),
        SchemaNoun(),
        EnforcementNoun(),
        SourceNoun(),
        DeliveryNoun(),
        GroupNoun(),
        DeadLetterNoun(),
        ProjectionNoun(),
        RedactionNoun(),
        *identity_nouns(),
        PolicyNoun(),
        AuditNoun(),
        MarkNoun(),
        BulkNoun(),
        WorkerNoun(),
    )


class Node:
    def __init__(
        self,
        *,
        storage: Storage,
        clock: Clock,
        ids: Ids,
        observer: Observer | None = None,
        master_keys: MasterKeys | None = None,
        always_replay: bool = False,
        push: PushOptions | None = None,
        webhook_grace_s: int = GRACE_S_DEFAULT,
        nodes: Nodes | None = None,
        embedding: EmbedOptions | None = None,
    ) -> None:
        """Without `push`, endpoints may be called at public addresses only, and are not signed.
        Without `nodes`, it is the only one of its store."""
        push = push or PushOptions()
        self.storage = storage
        self.clock = clock
        self.ids = ids
        self.fold = Fold(nouns())
        self.tail = Tail(storage, clock)
        self.committer = Committer(storage=storage, fold=self.fold, tail=self.tail, clock=clock, observer=observer)
        self.functions = Functions(
            storage=storage, committer=self.committer, fold=self.fold, tail=self.tail, reach=push.reach
        )
        self.schemas = Schemas(storage=storage, committer=self.committer, tail=self.tail)
        self.versions = VersionReader(storage)
        self.cancellations = Cancellations(storage=storage, tail=self.tail, committer=self.committer)
        self.emitter = Emitter(
            committer=self.committer,
            functions=self.functions,
            schemas=self.schemas,
            cancellations=self.cancellations,
            ids=ids,
            clock=clock,
        )
        self.streams = Streams(committer=self.committer, emitter=self.emitter, ids=ids)
        self.topics = Topics(storage=storage, committer=self.committer, ids=ids)
        self.keyspace = Keyspace(storage=storage, committer=self.committer, fold=self.fold, clock=clock)
        self.nodes = nodes or Nodes(storage=storage, clock=clock, node_id=ids.node(), sole=True)
        self.tail.heard = self.nodes.heard
        self.breakpoints = Breakpoints(storage=storage, ids=ids, clock=clock, alone=lambda: self.nodes.alone)
        self.engine = Engine(
            storage=storage,
            committer=self.committer,
            breakpoints=self.breakpoints,
            functions=self.functions,
            keyspace=self.keyspace,
            ids=ids,
            clock=clock,
        )
        self.runs = RunReader(storage)
        self.past = Past(storage)
        self.rewind = Rewind(storage=storage, engine=self.engine, reader=self.runs)
        self.forks = Forks(storage=storage, committer=self.committer, functions=self.functions, ids=ids)
        self.waits = Waits(storage=storage, tail=self.tail)
        self.invoker = Invoker(
            emitter=self.emitter,
            functions=self.functions,
            reader=self.runs,
            waits=self.waits,
            engine=self.engine,
            clock=clock,
        )
        self.replaying = Replaying(storage=storage, committer=self.committer, functions=self.functions, ids=ids)
        self.vault = Vault(
            storage=storage, committer=self.committer, clock=clock, master_keys=master_keys or GivenKeys(())
        )
        self.dispatcher = Dispatcher(
            storage=storage,
            tail=self.tail,
            engine=self.engine,
            functions=self.functions,
            reader=self.runs,
            vault=self.vault,
            nodes=self.nodes,
            ids=ids,
            clock=clock,
            always_replay=always_replay,
        )
        self.worker_steering = WorkerSteering(
            committer=self.committer, dispatcher=self.dispatcher, nodes=self.nodes, tail=self.tail
        )
        self.push = PushWorkers(
            dispatcher=self.dispatcher,
            engine=self.engine,
            functions=self.functions,
            emitter=self.emitter,
            topics=self.topics,
            clock=clock,
            options=push,
        )
        self.timers = Timers(
            storage=storage, tail=self.tail, clock=clock, resume=self.dispatcher.ready, expire=self._expire
        )
        self.configs = Configs(storage=storage, committer=self.committer)
        self.sources = Sources(
            storage=storage, committer=self.committer, vault=self.vault, ids=ids, clock=clock, grace_s=webhook_grace_s
        )
        self.ingest = Ingest(
            storage=storage, committer=self.committer, emitter=self.emitter, vault=self.vault, ids=ids, clock=clock
        )
        self.deliveries = Deliveries(storage=storage, committer=self.committer, ingest=self.ingest, clock=clock)
        self.expiry = Expiry(keyspace=self.keyspace, tail=self.tail, clock=clock)
        self.groups = Groups(storage=storage, committer=self.committer, fold=self.fold, tail=self.tail)
        self.waiting = Waiting(
            storage=storage,
            fold=self.fold,
            tail=self.tail,
            committer=self.committer,
            engine=self.engine,
            clock=clock,
        )
        self.gatekeeper = Gatekeeper(
            storage=storage,
            tail=self.tail,
            committer=self.committer,
            fold=self.fold,
            functions=self.functions,
            emitter=self.emitter,
            reader=self.runs,
            ids=ids,
            clock=clock,
        )
        self.cron = Cron(
            tail=self.tail,
            fold=self.fold,
            functions=self.functions,
            emitter=self.emitter,
            clock=clock,
        )

        self.projections = Projections(storage=storage, committer=self.committer, tail=self.tail, clock=clock)
        self.runners = Runners(self.projections, {"declared": DeclaredRunner, "sql": TableRunner})
        self.access = Access(
            storage=storage, committer=self.committer, fold=self.fold, tail=self.tail, ids=ids, clock=clock
        )
        self.policies = Policies(storage=storage, committer=self.committer, tail=self.tail, clock=clock)
        self.audit = Audit(storage=storage, committer=self.committer, tail=self.tail, clock=clock)
        self.policies.watched = self.audit.watched
        self.policies.renewed = self.access.renewed
        self.audit.renewed = self.access.passes.forget
        self.access.authorizer.guards.append(self.policies)
        self.access.authorizer.listener = self.audit
        self.policies.decisions.seen = self.access.named
        self.access.register.watch(self.policies.decisions.forget)
        self.bulk_jobs = BulkJobs(storage=storage, committer=self.committer, tail=self.tail, ids=ids, clock=clock)
        self.bulk_work = BulkWork(
            tail=self.tail,
            committer=self.committer,
            jobs=self.bulk_jobs,
            forks=self.forks,
            asks=self._acting,
            turn=self.nodes,
            clock=clock,
        )
        self.search = Search(
            storage=storage,
            committer=self.committer,
            tail=self.tail,
            reader=self.runs,
            functions=self.functions,
            rewind=self.rewind,
            clock=clock,
            options=embedding,
        )

    async def start(self, tasks: asyncio.TaskGroup) -> list[asyncio.Task[Any]]:
        """Take up what the store holds and start every loop in `tasks`. Cancel what is returned to stop, in order."""
        await self.tail.start()
        await self.nodes.start()
        await self.functions.start()
        await self.schemas.start()
        await self.groups.start()
        await self.access.start()
        await self.policies.start()
        await self.audit.start()
        await self.projections.start()
        await self.timers.start()
        await self.expiry.start()
        await self.vault.start()
        await self.cancellations.start()
        await self.gatekeeper.start()
        await self.cron.start()
        await self.search.start()
        await self.bulk_work.start()
        committing = tasks.create_task(self.committer.run(), name="committer")
        await self.waiting.start()
        await self.dispatcher.start()
        await self.worker_steering.start()
        await self.breakpoints.start(self.engine.let_go)
        self.breakpoints.on_added(self.dispatcher.announce)
        following = [
            tasks.create_task(loop(), name=name)
            for name, loop in (
                ("tail", self.tail.run),
                ("nodes", self.nodes.run),
                ("functions", self.functions.run),
                ("schemas", self.schemas.run),
                ("groups", self.groups.run),
                ("access", self.access.run),
                ("policies", self.policies.run),
                ("audit", self.audit.run),
                ("projections", self.projections.registry.run),
                ("projection-feed", self.projections.feed.run),
                ("projection-runners", self.runners.run),
                ("projection-paces", self.projections.watch_paces),
                ("waits", self.waits.run),
                ("past", functools.partial(self.past.run, self.tail)),
                ("breakpoints", self.breakpoints.run),
                ("dispatcher", self.dispatcher.run),
                ("worker-steering", self.worker_steering.run),
                ("push", self.push.run),
                ("timers", self.timers.run),
                ("keyspace", self.keyspace.run),
                ("expiry", self.expiry.run),
                ("waiting", self.waiting.run),
                ("cancellations", self.cancellations.run),
                ("gates", self.gatekeeper.run),
                ("cron", self.cron.run),
                ("search", self.search.run),
                ("bulk", self.bulk_work.run),
            )
        ]
        return [*following, committing]

    def _expire(self, environment: str, run_id: str) -> None:
        insist(lambda done: self.engine.time_out(environment, run_id, done), unheeded)

    def _acting(self, job: BulkJob) -> Ask:
        """What asks whether whoever started the job may change a run so, now. Raises Unauthenticated if they are
        gone, PermissionDenied."""
        credentials, action = self.access.credentials, f"runs:{job.asked.verb}"
        actor = credentials.within(credentials.known(job.started_by), job.asked.org)

        def ask(run_id: str) -> None:
            self.access.authorizer.allow(actor, action, f"run/{run_id}", job.environment)

        return ask
