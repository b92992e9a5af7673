"""A run that is given secrets tells them wherever it can; then everything that was stored, logged and answered is
searched for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from ironflow import AsyncClient, Context, Function, Retry, StepError, Worker, function
from tests.support.canary import forms, holding, until_published
from tests.support.postgres import Cluster
from tests.support.server import ServerProcess

ONE, TWO = "canary-one-c4n4ry", 'canary "two"\tc4n4ry'
CONTROL = "control-v1s1ble"


def blabbing(*, seen: list[str]) -> Function:
    @function("blab", triggers=["blab"], secrets=["ONE", "TWO"], retry=Retry(max_attempts=3, initial_delay=0.01))
    async def blab(ctx: Context) -> dict[str, object]:
        one, two = ctx.secrets["ONE"], ctx.secrets["TWO"]
        seen.append(f"{one}|{two}")
        await ctx.step.run("tell", lambda: {"token": one, "nested": [{"deep": f"x{two}x"}], "control": CONTROL})
        ctx.step.note("note", {"token": two})
        await ctx.step.emit("told", {"token": one})
        await ctx.step.publish("topic", [two])
        await ctx.step.sleep("nap", 0.01)
        await ctx.step.wait_for_event("wait", "never", timeout=0.01, default={"token": one}, payload=two)
        if ctx.attempt == 1:
            raise ValueError(f"cannot log in with {one} and {two!r}")
        try:
            await ctx.step.run("break", failing, two)
        except StepError as error:
            return {"error": str(error), "token": one}
        raise AssertionError("it broke")

    return blab


def failing(token: str) -> None:
    raise RuntimeError(f"refused {token}")


async def told(server: ServerProcess, seen: list[str]) -> dict[str, Any]:
    """The run of `blab`, once it has ended."""
    async with AsyncClient(server.url) as client:
        await client.secrets.set("ONE", ONE)
        await client.secrets.set("TWO", TWO)
        worker = Worker([blabbing(seen=seen)], server=server.url, grpc_address=server.grpc_address)
        working = asyncio.create_task(worker.run())
        try:
            run_id = ""
            while not run_id:
                run_id = next(iter((await client.emit("blab", {"control": CONTROL})).run_ids), "")
            return await client.runs.wait(run_id, timeout_s=30)
        finally:
            worker.stop()
            await working


@pytest.mark.parametrize("replay", [False, True], ids=["warm", "always-replay"])
@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_what_a_run_is_given_is_nowhere_in_clear(
    start_server: Callable[..., ServerProcess],
    tmp_path: Path,
    store: str,
    replay: bool,
    request: pytest.FixtureRequest,
) -> None:
    cluster: Cluster | None = request.getfixturevalue("postgres") if store == "postgres" else None
    server = start_server(
        data_dir=tmp_path / "data",
        database_url=cluster.create_database() if cluster else None,
        arguments=["--log-level", "debug", *(["--always-replay"] if replay else [])],
    )
    seen: list[str] = []

    run = asyncio.run(told(server, seen))

    answers: list[bytes] = []
    with httpx.Client(base_url=server.url, timeout=30) as http:
        for path in (
            f"/api/v1/runs/{run['id']}",
            f"/api/v1/runs/{run['id']}/steps",
            "/api/v1/history?limit=1000",
            "/api/v1/events",
            "/api/v1/functions",
            "/api/v1/workers",
            "/metrics",
        ):
            answer = http.get(path)
            assert answer.status_code == 200, (path, answer.text)
            answers.append(str(answer.headers).encode() + answer.content)
        until_published(http, http.get("/api/v1/history/head").json()["position"])

    assert set(seen) == {f"{ONE}|{TWO}"}
    assert run["status"] == "completed", run
    assert run["output"] == {"error": "RuntimeError: refused [secret:TWO]", "token": "[secret:ONE]"}
    folders = [tmp_path]
    if cluster is not None:
        assert server.database_url is not None
        with psycopg.connect(server.database_url, autocommit=True) as connection:
            connection.execute("checkpoint")
        folders.append(cluster.directory / "data")
    server.terminate()
    for canary in (ONE, TWO, TWO.replace('"', '\\"').replace("\t", "\\t")):
        assert not any(form in answer for answer in answers for form in forms(canary)), canary
        assert [path for folder in folders for path in holding(folder, canary)] == [], canary
    found = [str(path) for folder in folders for path in holding(folder, CONTROL)]
    assert any("/nats/" in path for path in found), "the search reads NATS' files"
    assert any(path.endswith((".db", ".db-wal")) or "/base/" in path or "/pg_wal/" in path for path in found), found
