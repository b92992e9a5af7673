"""A broken order is patched, forked and replayed with a real worker: what runs is what the plan said, kills or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any

import pytest

from ironflow import Client, Context, NonRetryableError, Worker, function
from tests.sdk.test_worker import FAST, Running, taken
from tests.support.server import ServerProcess

WHY = "the gateway answered in the wrong currency"


pytestmark = pytest.mark.slow


@pytest.fixture
def server(database_url: str | None, start_server: Callable[..., ServerProcess]) -> ServerProcess:
    return start_server(database_url=database_url)


@pytest.fixture
def client(server: ServerProcess) -> Iterator[Client]:
    with Client(server.url) as made:
        yield made


class Shop:
    """A worker with one function, and the ledger of what its steps did."""

    def __init__(self, server: ServerProcess) -> None:
        self.ledger: list[str] = []

        async def ship(ctx: Context) -> Any:
            await self._step(ctx, "reserve", 1)
            ctx.step.compensate("reserve", lambda: self.ledger.append("release"))
            charge = await self._step(ctx, "charge", {"currency": "USD"})
            await self._step(ctx, "pack", 2)
            if charge["currency"] != ctx.event.data["currency"]:
                raise NonRetryableError(f"cannot ship for {charge['currency']}")
            return await self._step(ctx, "ship", f"shipped for {charge['currency']}")

        made = function("ship-order", triggers=["order.placed"], retry=FAST)(ship)
        self.running = Running(Worker([made], server=server.url, grpc_address=server.grpc_address))

    async def _step(self, ctx: Context, name: str, output: Any) -> Any:
        def work() -> Any:
            self.ledger.append(name)
            return output

        return await ctx.step.run(name, work)

    def did(self) -> list[str]:
        """What was done since it was last asked."""
        done, self.ledger = self.ledger, []
        return done


@pytest.fixture
def shop(server: ServerProcess) -> Iterator[Shop]:
    made = Shop(server)
    yield made
    made.running.stop()


def broken(client: Client, shop: Shop) -> str:
    run_id = taken(client, "order.placed", {"currency": "EUR"})
    assert client.runs.wait(run_id, timeout_s=20)["status"] == "failed"
    assert shop.did() == ["reserve", "charge", "pack", "release"]
    return run_id


def entries(client: Client, run_id: str) -> Any:
    return client.request("GET", "/api/v1/history", params={"stream": f"run/{run_id}"})["entries"]


def test_a_patched_run_does_what_the_plan_said(client: Client, shop: Shop) -> None:
    run_id = broken(client, shop)
    change = {"step": "charge", "output": {"currency": "EUR"}, "from_step": "charge"}

    plan = client.runs.plan(run_id, "patch", **change)
    client.runs.patch(run_id, **change, reason=WHY, key="once", version=plan["version"])
    client.runs.patch(run_id, **change, reason=WHY, key="once", version=plan["version"])
    run = client.runs.wait(run_id, timeout_s=20)

    assert (run["status"], run["output"]) == ("completed", "shipped for EUR")
    assert plan["kept"] == ["charge"]
    assert plan["may_repeat"] == plan["reruns"] == ["reserve", "pack"]  # what was undone, and what came after
    assert shop.did() == [*plan["reruns"], "ship"]


def test_a_fork_does_what_the_plan_said_and_its_origin_stays(client: Client, shop: Shop) -> None:
    run_id = broken(client, shop)
    before = entries(client, run_id)
    patches = {"charge": {"currency": "EUR"}, "reserve": 1}

    plan = client.runs.plan(run_id, "fork", patches=patches)
    fork = client.runs.fork(run_id, patches=patches, reason=WHY)

    assert client.runs.wait(fork["id"], timeout_s=20)["output"] == "shipped for EUR"
    assert (plan["kept"], plan["reruns"]) == (["reserve", "charge", "pack"], [])
    assert shop.did() == ["ship"]
    assert entries(client, run_id) == before
    replay = client.runs.replay(fork["id"], reason="does it fail again?")
    assert client.runs.wait(replay["id"], timeout_s=20)["status"] == "failed"
    assert shop.did() == ["reserve", "charge", "pack", "release"]


def test_a_kill_between_patch_and_resumption_loses_nothing(server: ServerProcess, client: Client, shop: Shop) -> None:
    run_id = broken(client, shop)

    client.runs.patch(run_id, "charge", {"currency": "EUR"}, reason=WHY)
    server.kill9()
    server.restart()
    [_, charge, _] = [step for step in client.runs.steps(run_id) if step["type"] != "compensate"]
    assert (charge["output"], charge["original_output"]) == ({"currency": "EUR"}, {"currency": "USD"})
    client.runs.resume(run_id, reason="go on", key="r1")
    server.kill9()
    server.restart()
    client.runs.resume(run_id, reason="go on", key="r1")

    assert client.runs.wait(run_id, timeout_s=60)["output"] == "shipped for EUR"
    done = shop.did()
    assert [name for name, _ in groupby(done)] == ["reserve", "ship"]
    assert len(done) <= 3, "a step that the last kill interrupted is done again, and no other"
    server.check_history()
