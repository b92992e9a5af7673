"""Everything of one node that speaks with NATS: the child, the publisher, the groups, and what comes in."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from app.access.access import Access
from app.access.policies import Policies
from app.bus.desks import Desks
from app.bus.groups import GroupBus
from app.bus.guests import Guests
from app.bus.ingest import Ingest
from app.bus.nats_server import NatsServer
from app.bus.place import Place
from app.bus.publisher import Publisher, Turn
from app.clock import Clock
from app.events.emit import Emitter
from app.events.groups import Groups
from app.history.fold import Fold
from app.history.tail import Tail
from app.ids import Ids
from app.metrics import Metrics
from storage.contract import Storage


class Bus:
    """`server` is our own child, or None for those at `url`, which nodes may share: only the one whose `turn` it is
    publishes there. Nothing waits for any of it."""

    def __init__(
        self,
        *,
        server: NatsServer | None,
        url: str = "",
        storage: Storage,
        tail: Tail,
        fold: Fold,
        emitter: Emitter,
        groups: Groups,
        ids: Ids,
        access: Access,
        policies: Policies,
        clock: Clock,
        turn: Turn | None = None,
    ) -> None:
        place = Place(server=server, url=url)
        self.guests = Guests(server=server, access=access, policies=policies, clock=clock)
        self.server = server
        self.publisher = Publisher(tail, place=place, turn=turn if server is None else None)
        self.groups = GroupBus(place=place, groups=groups, storage=storage, tail=tail, fold=fold, ids=ids)
        self.ingest = Ingest(place=place, emitter=emitter, guests=self.guests)
        self.desks = Desks(place=place, guests=self.guests, groups=groups, bus=self.groups, ids=ids)

    def loops(self) -> list[tuple[str, Callable[[], Coroutine[Any, Any, None]]]]:
        """What has to run, by name."""
        loops = [("publisher", self.publisher.run), ("groups", self.groups.run), ("ingest", self.ingest.run)]
        if self.server is None:
            return loops
        return [("nats-server", self.server.run), ("guests", self.guests.run), ("desks", self.desks.run), *loops]

    def watch(self, metrics: Metrics) -> None:
        publisher, groups, ingest, server = self.publisher, self.groups, self.ingest, self.server
        if server is not None:
            metrics.watch("ironflow_nats_restarts", lambda: server.restarts)
        metrics.watch("ironflow_nats_up", lambda: publisher.up)
        metrics.watch("ironflow_nats_position", lambda: publisher.position)
        metrics.watch("ironflow_nats_lag", lambda: publisher.lag)
        metrics.watch("ironflow_nats_omitted", lambda: publisher.omitted_total)
        metrics.watch("ironflow_nats_ingested", lambda: ingest.taken_total)
        metrics.watch("ironflow_nats_refused", lambda: ingest.refused_total)
        metrics.watch("ironflow_group_members", lambda: groups.members)
        metrics.watch("ironflow_group_delivered", lambda: groups.delivered_total)
        metrics.watch("ironflow_group_settled", lambda: groups.settled_total)
