"""Recordings of real runs, on both stores: the code that made them replays each as it went."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from ironflow import AsyncClient, Context, NonRetryableError, Retry, StepError, StepRetry, SyncContext, function
from ironflow.testing import Server, checks, recording
from tests.support.server import ServerProcess

TWICE = Retry(max_attempts=2, initial_delay=0.01, on_exhausted="fail")
_tries: dict[str, int] = {}


def flaky(key: str) -> str:
    _tries[key] = _tries.get(key, 0) + 1
    if _tries[key] % 2:
        raise ConnectionError("busy")
    return "done"


@function("every-kind", triggers=["go"], retry=TWICE)
async def every_kind(ctx: Context) -> Any:
    first = await ctx.step.run("flaky", flaky, ctx.run_id)
    await ctx.step.sleep("nap", 0.01)
    second = await ctx.step.run("own retry", flaky, f"{ctx.run_id}2", retry=StepRetry(initial_delay=0.01))
    side = await ctx.step.map("side", [3, 1, 2], lambda n: ctx.step.run(f"n{n}", lambda: n * n))
    child = await ctx.step.invoke(small, {"n": 1})
    await ctx.step.emit("gone", {"n": 1})
    waited = await ctx.step.wait_for_event("never", "no.such.event", timeout=0.01, default="none")
    return [first, second, side, child, waited, ctx.attempt]


@function("plain", triggers=["go"], retry=TWICE)
def plain(ctx: SyncContext) -> Any:
    first = ctx.step.run("flaky", flaky, f"{ctx.run_id}3")
    ctx.step.sleep("nap", 0.01)
    return [first, *ctx.step.parallel("side", [lambda: ctx.step.run("a", int), lambda: ctx.step.run("b", int)])]


@function("small")
async def small(ctx: Context) -> Any:
    return await ctx.step.run("add", lambda: ctx.event.data["n"] + 1)


@function("undoes", triggers=["go"])
async def undoes(ctx: Context) -> None:
    await ctx.step.run("charge", lambda: "ch_1")
    ctx.step.compensate("charge", lambda: None)
    try:
        await ctx.step.run("pack", lambda: 1 // 0)
    except StepError as error:
        raise NonRetryableError("sold out", code="SOLD_OUT") from error


@function("exhausts", triggers=["go"], retry=Retry(max_attempts=2, initial_delay=0.01))
async def exhausts(ctx: Context) -> None:
    await ctx.step.run("ok", lambda: 1)
    await ctx.step.run("never ok", lambda: 1 // 0)


@function("waits", triggers=["go"])
async def waits(ctx: Context) -> None:
    await ctx.step.run("before", lambda: 1)
    await ctx.step.wait_for_event("approval", "approved")


FUNCTIONS = [every_kind, plain, small, undoes, exhausts, waits]


async def runs_of(client: AsyncClient) -> dict[str, dict[str, Any]]:
    """Every run of one event, come as far as it can, by the id of its function."""
    emitted = await client.emit("go", {"n": 7, "password": "hunter2"})
    for run_id in emitted.run_ids:
        while (await client.runs.get(run_id))["status"] not in ("completed", "failed", "paused"):
            steps = await client.runs.steps(run_id)
            if any(step["name"] == "approval" and step["status"] == "waiting" for step in steps):
                break
            await asyncio.sleep(0.02)
    return {run["function_id"]: run for run in (await client.runs.list()).items}


async def test_recorded_runs_of_every_kind_are_replayed_as_they_went(
    shared_server: ServerProcess, environment: str
) -> None:
    server = Server(shared_server.url, shared_server.discovery["grpc_address"], shared_server.data_dir)
    async with server.working(FUNCTIONS, environment=environment) as client:
        runs = await runs_of(client)
        told = [await client.runs.recording(run["id"]) for run in runs.values()]

    assert {run["function_id"]: run["status"] for run in runs.values()} == {
        "every-kind": "completed",
        "plain": "completed",
        "small": "completed",
        "undoes": "failed",
        "exhausts": "paused",
        "waits": "waiting",
    }
    bundle = list(recording.read(json.dumps(one) for one in told))
    verdicts = [one async for one in checks(FUNCTIONS, bundle)]
    assert [str(one) for one in verdicts if one.outcome != "same"] == []

    [first] = [one for one in told if one["function_id"] == "every-kind"]
    first["steps"] = [step for step in first["steps"] if step["name"] != "nap"]
    [verdict] = [one async for one in checks([every_kind], [recording.of(first)])]
    assert (verdict.recorded, verdict.requested) == ("step 'own retry' (invoke)", "step 'nap' (sleep)")


def test_a_recording_is_of_one_environment(http: httpx.Client) -> None:
    answer = http.get("/api/v1/runs/run_0123456789abcdefghjkmnpqrs/recording")

    assert (answer.status_code, answer.json()["code"]) == (404, "RUN_NOT_FOUND")


@pytest.fixture(autouse=True)
def fresh() -> None:
    _tries.clear()
