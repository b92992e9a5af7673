"""Projections in workers, against real servers on both stores."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from ironflow import AsyncClient, ProjectedEvent, Projection, Upcasters, Worker, errors, projection
from tests.support.server import ServerProcess

WAIT_S = 30.0

Working = Callable[..., contextlib.AbstractAsyncContextManager[Worker]]


@pytest.fixture
async def client(shared_server: ServerProcess, environment: str) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(shared_server.url, environment=environment) as made:
        yield made


@pytest.fixture
def working(shared_server: ServerProcess, environment: str) -> Working:
    @contextlib.asynccontextmanager
    async def work(*projections: Projection) -> AsyncIterator[Worker]:
        worker = Worker(
            projections=projections,
            server=shared_server.url,
            grpc_address=shared_server.grpc_address,
            environment=environment,
        )
        running = asyncio.create_task(worker.run())
        try:
            async with asyncio.timeout(WAIT_S):
                await worker.ready()
            yield worker
        finally:
            worker.stop()
            async with asyncio.timeout(WAIT_S):
                await running

    return work


def counting(version: int = 1, step: int = 1, **options: Any) -> Projection:
    @projection("counts", events=["n"], initial={"count": 0}, version=version, **options)
    def counts(state: dict[str, int], event: ProjectedEvent) -> dict[str, int]:
        if event.data.get("poison"):
            raise ValueError("poisoned")
        state["count"] += step
        return state

    return counts


async def emit(client: AsyncClient, *data: dict[str, Any]) -> str:
    """The last one's id."""
    answers = await client.emit_batch([{"name": "n", "data": one} for one in data])
    last = answers[-1]
    assert not isinstance(last, Exception)
    return last.event_id


async def test_a_worker_folds_each_partition(client: AsyncClient, working: Working) -> None:
    await emit(client, *({"p": f"p{n % 3}"} for n in range(10)))

    async with working(counting(partition_key="$.data.p")):
        last = await emit(client, *({"p": f"p{n % 3}"} for n in range(10)))
        await client.projections.wait_for_event("counts", last, timeout_s=WAIT_S)

        assert await client.projections.partitions("counts") == ["p0", "p1", "p2"]
        assert [(await client.projections.state("counts", partition=f"p{n}"))["count"] for n in range(3)] == [8, 6, 6]
        assert (await client.projections.status("counts"))["lag"] == 0


async def test_a_state_is_watched_while_a_worker_folds(client: AsyncClient, working: Working) -> None:
    async with working(counting()):
        watched = client.projections.watch("counts")
        async with asyncio.timeout(WAIT_S):
            before = await anext(watched)
            await emit(client, {}, {})
            counts = [0]
            async for told in watched:
                counts.append(told["state"]["count"])
                if counts[-1] == 2:
                    break

    assert before["state"] is None
    assert counts == sorted(counts)


async def test_what_a_worker_did_not_fold_the_next_one_does(client: AsyncClient, working: Working) -> None:
    async with working(counting()):
        await client.projections.wait_for_event("counts", await emit(client, {}), timeout_s=WAIT_S)
    last = await emit(client, {}, {})

    async with working(counting()):
        await client.projections.wait_for_event("counts", last, timeout_s=WAIT_S)

    assert await client.projections.state("counts") == {"count": 3}


async def test_one_of_two_workers_folds_and_the_other_stands_by(client: AsyncClient, working: Working) -> None:
    async with working(counting()) as first, working(counting()):
        await client.projections.wait_for_event("counts", await emit(client, {}), timeout_s=WAIT_S)
        first.stop()
        await client.projections.wait_for_event("counts", await emit(client, {}), timeout_s=WAIT_S)

        assert await client.projections.state("counts") == {"count": 2}


async def test_an_event_that_cannot_be_taken_stops_the_projection(client: AsyncClient, working: Working) -> None:
    async with working(counting()):
        last = await emit(client, {}, {"poison": True}, {})
        with pytest.raises(errors.Conflict, match="poisoned"):
            await client.projections.wait_for_event("counts", last, timeout_s=WAIT_S)

    assert await client.projections.state("counts") == {"count": 1}


async def test_or_it_is_skipped_and_recorded(client: AsyncClient, working: Working) -> None:
    async with working(counting(on_error="skip")):
        last = await emit(client, {}, {"poison": True}, {}, {"poison": True})
        await client.projections.wait_for_event("counts", last, timeout_s=WAIT_S)

    found = await client.projections.get("counts")
    assert (found["state"]["state"], found["skipped"]) == ({"count": 2}, 2)
    skipped = await client.history.list(kind="projection.event_skipped")
    assert ["poisoned" in entry["data"]["error"] for entry in skipped.items] == [True, True]


async def test_a_rebuild_under_load_serves_the_old_state_until_it_has_caught_up(
    client: AsyncClient, working: Working
) -> None:
    async with working(counting()):
        await client.projections.wait_for_event("counts", await emit(client, *({} for _ in range(1_000))))
        await client.projections.rebuild("counts")
        seen = [1_000]
        for _ in range(20):
            last = await emit(client, *({} for _ in range(50)))
            seen.append((await client.projections.state("counts"))["count"])
        await client.projections.wait_for_event("counts", last, timeout_s=WAIT_S)
        await until(lambda: finished(client))
        await client.projections.wait_for_event("counts", last, timeout_s=WAIT_S)

        assert seen == sorted(seen)
        assert await client.projections.state("counts") == {"count": 2_000}
        assert (await client.projections.get("counts"))["generation"] == 2


async def finished(client: AsyncClient) -> bool:
    return bool((await client.projections.rebuild_job("counts"))["status"] == "completed")


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not await holds():  # noqa: ASYNC110 - nothing tells of it but asking
            await asyncio.sleep(0.02)


async def test_a_new_version_takes_the_place_of_the_old_one(client: AsyncClient, working: Working) -> None:
    async with working(counting()):
        await client.projections.wait_for_event("counts", await emit(client, {}, {}), timeout_s=WAIT_S)
        async with working(counting(version=2, step=10)):
            await until(lambda: finished(client))
            await client.projections.wait_for_event("counts", await emit(client, {}), timeout_s=WAIT_S)

            assert await client.projections.state("counts") == {"count": 30}
            assert (await client.projections.get("counts"))["version"] == 2


async def test_a_worker_outlives_the_deletion_of_its_projection(client: AsyncClient, working: Working) -> None:
    @projection("other", events=["n"], initial=[])
    def other(state: list[str], event: ProjectedEvent) -> list[str]:
        return [*state, event.id]

    async with working(counting(), other):
        await client.projections.wait_for_event("counts", await emit(client, {}), timeout_s=WAIT_S)
        await client.projections.delete("counts")
        last = await emit(client, {})
        await client.projections.wait_for_event("other", last, timeout_s=WAIT_S)

        assert (await client.projections.state("other"))[-1] == last
        assert [one["name"] for one in await client.projections.list()] == ["other"]


async def test_an_external_projection_gets_each_event(client: AsyncClient, working: Working) -> None:
    taken: list[int] = []

    @projection("outside", events=["n"])
    async def outside(event: ProjectedEvent) -> None:
        taken.append(event.data["i"])
        if len(taken) == 2:
            raise RuntimeError("for once")

    async with working(outside):
        last = await emit(client, *({"i": i} for i in range(4)))
        await client.projections.wait_for_event("outside", last, timeout_s=WAIT_S)

    assert taken == [0, 1, 1, 2, 3]


async def test_the_state_as_of_a_position_is_told_where_it_is_kept(client: AsyncClient, working: Working) -> None:
    async with working(counting(snapshot_every=1)):
        positions = []
        for _ in range(3):
            event_id = await emit(client, {})
            positions.append(int((await client.projections.wait_for_event("counts", event_id))["targetSeq"]))

    states = [await client.projections.state("counts", at=position) for position in positions]
    assert states == [{"count": 1}, {"count": 2}, {"count": 3}]


async def test_a_worker_folds_the_past_that_is_not_kept(client: AsyncClient, working: Working) -> None:
    by_size = counting(partition_key="$.data.p", on_error="skip")
    async with working(by_size):
        positions = []
        for told in ({"p": "a"}, {"p": "b"}, {"p": "a", "poison": True}, {"p": "a"}, {"p": "b"}):
            event_id = await emit(client, told)
            positions.append(int((await client.projections.wait_for_event("counts", event_id))["targetSeq"]))

        seen = [await client.projections.state("counts", partition="a", at=position) for position in positions]
        none = await client.projections.state("counts", partition="b", at=positions[0])

    assert [one["count"] for one in seen] == [1, 1, 1, 2, 2]
    assert none is None


async def test_the_past_ends_at_an_event_that_stopped_the_worker(client: AsyncClient, working: Working) -> None:
    async with working(counting()):
        await client.projections.wait_for_event("counts", await emit(client, {}))
        poisoned = await emit(client, {"poison": True})
        with pytest.raises(errors.Conflict):
            await client.projections.wait_for_event("counts", poisoned)
        head = (await client.request("GET", "/api/v1/history/head"))["position"]

        assert await client.projections.state("counts", at=head) == {"count": 1}


async def test_and_refused_where_only_the_worker_could_fold_it(client: AsyncClient, working: Working) -> None:
    async with working(counting()):
        caught = await client.projections.wait_for_event("counts", await emit(client, {}))
        await client.projections.wait_for_event("counts", await emit(client, {}))

    with pytest.raises(errors.IronflowError) as refused:
        await client.projections.state("counts", at=int(caught["targetSeq"]))
    assert (refused.value.status, refused.value.code) == (412, "FAILED_PRECONDITION")


async def test_a_worker_upcasts_before_it_folds(client: AsyncClient, working: Working) -> None:
    upcasters = Upcasters()

    @upcasters.step("n", 1)
    def with_size(data: Any) -> Any:
        return {"size": data["amount"]}

    @projection("sizes", events=["n"], initial={"sum": 0}, upcasters=upcasters)
    def sizes(state: dict[str, int], event: ProjectedEvent) -> dict[str, int]:
        state["sum"] += event.data["size"]
        return state

    await client.emit("n", {"amount": 7})
    last = await client.emit("n", {"size": 1}, version=2)
    async with working(sizes):
        await client.projections.wait_for_event("sizes", last.event_id, timeout_s=WAIT_S)

    assert await client.projections.state("sizes") == {"sum": 8}
