"""A worker of ours is held before a step that it has not begun: at once, in mid-execution, and when it was parked."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from ironflow import Client, Context, SyncContext, function
from tests.sdk.test_worker import FAST, Start, client, start, taken

__all__ = ["client", "start"]

pytestmark = pytest.mark.usefixtures("server")


class Ledger:
    """What steps did; `gate` lets the first of them end."""

    def __init__(self) -> None:
        self.did: list[str] = []
        self.began = threading.Event()
        self.gate = threading.Event()

    def work(self, name: str) -> str:
        self.did.append(name)
        return name

    def first(self) -> str:
        self.began.set()
        assert self.gate.wait(20)
        return self.work("first")


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    made = Ledger()
    yield made
    made.gate.set()


def until_paused(client: Client, run_id: str) -> dict[str, Any]:
    run = client.runs.wait(run_id, timeout_s=20)
    assert run["status"] == "paused"
    return run


@pytest.mark.parametrize("kind", ["async", "plain"])
@pytest.mark.parametrize("when", ["before the run", "while it runs"])
def test_a_run_is_held_before_a_step_that_has_not_begun(
    client: Client, start: Start, ledger: Ledger, kind: str, when: str
) -> None:
    async def coroutine(ctx: Context) -> Any:
        await ctx.step.run("first", ledger.first)
        await ctx.step.run("charge", ledger.work, "charge")
        return await ctx.step.run("ship", ledger.work, "ship")

    def plain(ctx: SyncContext) -> Any:
        ctx.step.run("first", ledger.first)
        ctx.step.run("charge", ledger.work, "charge")
        return ctx.step.run("ship", ledger.work, "ship")

    handler: Any = coroutine if kind == "async" else plain
    start(function("f", triggers=["go"], retry=FAST)(handler))
    where: Any = {"function_id": "f", "step": "charge", "place": "before", "condition": "step.name == 'charge'"}
    if when == "before the run":
        made = client.breakpoints.create(**where)
    run_id = taken(client, "go")
    assert ledger.began.wait(20)
    if when == "while it runs":
        made = client.breakpoints.create(**where)
    ledger.gate.set()

    held = until_paused(client, run_id)

    assert ledger.did == ["first"]
    assert held["held"] == {"breakpoint_id": made["id"], "step_id": f"{run_id}:charge:0", "place": "before"}
    client.runs.resume(run_id, reason="go on")
    assert client.runs.wait(run_id, timeout_s=20)["output"] == "ship"
    assert ledger.did == ["first", "charge", "ship"]


def test_a_parked_run_is_held_before_its_next_step_and_given_its_output(client: Client, start: Start) -> None:
    ledger = Ledger()

    @function("f", triggers=["go"], retry=FAST)
    async def f(ctx: Context) -> Any:
        paid = await ctx.step.wait_for_event("paid", "payment.came", timeout="1h")
        return [paid.data, await ctx.step.run("charge", ledger.work, "charge")]

    start(f)
    run_id = taken(client, "go")
    while client.runs.get(run_id)["status"] != "waiting":
        threading.Event().wait(0.02)
    made = client.breakpoints.create(run_id=run_id, step="charge", place="before")

    client.emit("payment.came", 1)
    until_paused(client, run_id)
    client.runs.inject(run_id, "charge", "by hand", reason="it was charged already")
    client.breakpoints.delete(made["id"])

    assert client.runs.wait(run_id, timeout_s=20)["status"] in ("paused", "completed")
    while (run := client.runs.get(run_id))["status"] != "completed":
        threading.Event().wait(0.02)
    assert (run["output"], ledger.did) == ([1, "by hand"], [])
