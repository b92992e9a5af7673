"""Live updates of states between nodes: who follows on one is told of what another has saved."""

from __future__ import annotations

import asyncio

import pytest

from app import resources
from app.clock import ManualClock
from app.events.new_event import NewEvent
from app.events.subscriptions import Subscriptions, Wanted
from app.history.kinds import ProjectionDefinition
from app.history.kinds.projection import ProjectionUpdated
from app.history.live import Live
from app.ids import Ids
from app.node import Node
from app.projections.states import Saved
from app.projections.updates import Updates
from storage import open_storage
from storage.projections import Fence
from tests.support.bounds import within
from tests.support.nodes import alive

ENVIRONMENT = "default"


async def test_who_follows_on_another_node_is_told(
    postgres_url: str, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.projections.updates.RECHECK_S", 0.02)
    storages = [await open_storage(postgres_url, resources.sql_folder()) for _ in range(2)]
    await storages[0].migrate()
    folding, watching = (Node(storage=one, clock=clock, ids=Ids(clock)) for one in storages)
    live = Live(tail=watching.tail, storage=storages[1])
    updates = Updates(projections=watching.projections, live=live, storage=storages[1], clock=clock)
    subscriptions = Subscriptions(live=live, storage=storages[1], clock=clock)
    async with alive(folding), alive(watching), asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(live.run()), tasks.create_task(updates.run())]
        definition = ProjectionDefinition("managed", ("n",), partition_key="$.data.customer")
        projection, _ = await folding.projections.register(ENVIRONMENT, "totals", definition)
        subscription = await subscriptions.open(Wanted(ENVIRONMENT, ("system.projection.totals.*.updated",)))
        following = tasks.create_task(subscription.batch(20))
        async with asyncio.timeout(20):
            while (ENVIRONMENT, "totals") not in watching.projections.registry._known or not updates._told:  # noqa: ASYNC110 - the other node has no signal
                await asyncio.sleep(0.01)

        await folding.emitter.emit(NewEvent(environment=ENVIRONMENT, name="n", data=b'{"customer": "ann"}'))
        position = folding.tail.head
        saved = Saved("ann", b'{"total": 7}', "evt_1", position)
        await folding.projections.save(projection, Fence(), [saved], position=position, last_event_id="evt_1")

        async with within("the notice"):
            [notice] = await following
        for task in running:
            task.cancel()

    fact = notice.fact
    assert isinstance(fact, ProjectionUpdated)
    assert (fact.partition, bytes(fact.state), fact.last_event_name) == ("ann", b'{"total": 7}', "n")
    assert notice.position <= live.head
    for one in storages:
        await one.close()
